//! What operators do with runs: they go on from a stage, or are done from the beginning.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reflector_core::engine::{Attachment, Requeued, RunError, Worked};
use reflector_core::pipeline::{Made, NoSuchStage, RestartAt, RunState, StageError, StageStatus};
use reflector_core::recording::{Belongs, RecordingStatus};
use reflector_core::store::{MeetingStore, RoomStore, TranscriptStore};
use reflector_core::testing::sample::{meeting, meeting_id, new_meeting, recording_id, room, transcript_id};
use reflector_core::testing::{Fault, Flaky};
use serde_json::json;

use super::studio::{STAGES, Scripted, Studio, Worker};

/// With a run that is done, of which one stage made what a careless store would not give back as it was.
async fn done() -> Studio {
    let studio = Studio::with_recording(1).await;
    let made = json!({ "b": [1.0, 1e-7, 9_007_199_254_740_993_i64], "a": "Größe 🦀 \u{0}'" });
    studio.pipeline.tell("fetch", [Ok(Made::Output(made))]);
    studio.work().await;
    studio
}

/// How often each stage of the one transcript was done, in order.
async fn done_times(studio: &Studio) -> Vec<usize> {
    let (id, done) = (studio.transcript(1).await.id, studio.pipeline.done());
    STAGES.iter().map(|stage| done.get(&(id, (*stage).to_owned())).copied().unwrap_or(0)).collect()
}

#[tokio::test]
async fn a_run_goes_on_from_a_named_stage_and_keeps_what_came_before_to_the_byte() {
    let mut studio = done().await;
    let (before, made) = (studio.transcript(1).await, studio.made(1).await);
    studio.now = studio.now + std::time::Duration::from_secs(5);
    let from = RestartAt::Stage("topics");
    let restarted = studio.runs.restart(before.id, from, studio.now).await.expect("there is such a stage");
    assert_eq!(studio.transcript(1).await, restarted);
    assert_eq!(restarted.run.stages[..2], before.run.stages[..2], "to the letter");
    assert_eq!(restarted.run.state, RunState::Waiting { ready_at: studio.now });
    assert_eq!((restarted.run.number, restarted.created_at), (2, before.created_at));
    assert_eq!(studio.recording(1).await.status, RecordingStatus::Processing);
    let kept = studio.made(1).await;
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["fetch", "transcribe"]);
    assert!(kept.iter().all(|(stage, text)| made[stage] == *text), "{kept:?}");

    studio.pipeline.tell("topics", [Ok(Made::Output(json!("other topics")))]);
    studio.work().await;
    assert_eq!(done_times(&studio).await, [1, 1, 2, 2]);
    let after = studio.made(1).await;
    assert!(kept.iter().all(|(stage, text)| after[stage] == *text), "{after:?}");
    assert_eq!(after["topics"], "\"other topics\"");
    assert!(after["publish"].contains("other topics"), "{after:?}");
    assert_eq!(studio.recording(1).await.status, RecordingStatus::Completed);
}

#[tokio::test]
async fn a_run_that_failed_goes_on_from_the_stage_that_failed() {
    let studio = Studio::with_recording(1).await;
    studio.pipeline.tell("topics", [Err(StageError::failed("the key is wrong"))]);
    studio.work().await;
    let failed = studio.transcript(1).await;
    assert_eq!(studio.recording(1).await.status, RecordingStatus::Failed);
    studio.runs.restart(failed.id, RestartAt::WhereItStands, studio.now).await.expect("sound");
    let recording = studio.recording(1).await;
    assert_eq!((recording.status, recording.error), (RecordingStatus::Processing, None));
    studio.work().await;
    assert_eq!(done_times(&studio).await, [1, 1, 2, 1]);
    assert_eq!(studio.statuses(1).await, [StageStatus::Done; 4]);
    assert_eq!(studio.stage(1, "topics").await.attempts, 1, "attempts count anew");
    assert_eq!(studio.recording(1).await.status, RecordingStatus::Completed);
}

#[tokio::test]
async fn a_run_that_waits_for_its_next_attempt_goes_on_at_once_when_it_is_told_to() {
    let studio = Studio::with_recording(1).await;
    studio.pipeline.tell("fetch", [Err(StageError::again("busy"))]);
    studio.work().await;
    let id = studio.transcript(1).await.id;
    studio.runs.restart(id, RestartAt::WhereItStands, studio.now).await.expect("sound");
    studio.work().await;
    assert_eq!(studio.statuses(1).await, [StageStatus::Done; 4]);
}

#[tokio::test]
async fn a_completed_recording_that_is_queued_again_runs_anew_as_the_same_transcript() {
    let studio = done().await;
    let (before, end) = (studio.transcript(1).await, studio.end(1).await);
    let requeued = studio.recordings().requeue(recording_id(1)).await.expect("sound");
    assert!(matches!(requeued, Requeued::Queued(_)), "{requeued:?}");
    studio.runs.begin(studio.now).await.expect("sound");
    let again = studio.transcript(1).await;
    assert_eq!((again.id, again.created_at, again.run.number), (before.id, before.created_at, 2));
    assert_eq!(studio.made(1).await.len(), 0, "nothing that was made counts");
    assert_eq!(studio.statuses(1).await, [StageStatus::Pending; 4]);
    studio
        .pipeline
        .tell("fetch", [Ok(serde_json::from_str(&end.made["fetch"]).map(Made::Output).expect("it is JSON"))]);
    studio.work().await;
    assert_eq!(done_times(&studio).await, [2; 4]);
    assert_eq!(studio.end(1).await, end);
}

#[tokio::test]
async fn whoever_works_on_a_run_that_is_begun_anew_loses_it() {
    for at in [RestartAt::Beginning, RestartAt::WhereItStands, RestartAt::Stage("transcribe")] {
        let studio = Studio::with_recording(1).await;
        let started = studio.start().await;
        let id = started.transcript().id;
        studio.runs.restart(id, at, studio.now).await.expect("sound");
        let restarted = studio.loaded(1).await;
        assert!(!studio.runs.beat(&started, None, studio.now).await.expect("sound"), "{at:?}");
        let came_to = Ok(Made::Output(json!("too late")));
        let worked = studio.runs.finish_stage(started, &came_to, studio.now).await.expect("sound");
        assert_eq!(worked, Worked::Lost, "{at:?}");
        assert_eq!((studio.loaded(1).await, studio.made(1).await.len()), (restarted, 0), "{at:?}");
        studio.work().await;
        assert_eq!(studio.recording(1).await.status, RecordingStatus::Completed, "{at:?}");
        assert!(!studio.made(1).await["fetch"].contains("too late"), "{at:?}");
    }
}

#[tokio::test]
async fn a_run_that_is_done_and_is_told_to_go_on_is_done_and_its_recording_completed() {
    let studio = done().await;
    let (id, end) = (studio.transcript(1).await.id, studio.end(1).await);
    studio.runs.restart(id, RestartAt::WhereItStands, studio.now).await.expect("sound");
    studio.work().await;
    assert_eq!(studio.end(1).await, end);
    assert_eq!(done_times(&studio).await, [1; 4]);
}

#[tokio::test]
async fn a_recording_that_is_queued_again_while_it_is_worked_on_is_worked_on_again() {
    for fails in [false, true] {
        let studio = Studio::with_recording(1).await;
        let started = studio.start().await;
        studio.recordings().requeue(recording_id(1)).await.expect("sound");
        // Nobody has begun it anew yet when the run of before comes to its end.
        let came_to = if fails { Err(StageError::failed("no")) } else { Ok(Made::Output(json!(1))) };
        match studio.runs.finish_stage(started, &came_to, studio.now).await.expect("sound") {
            Worked::Next(next) => drop(studio.runs.carry_on(*next, studio.now).await.expect("sound")),
            over => assert!(matches!(over, Worked::LetGo(_)), "{over:?}"),
        }
        assert!(studio.transcript(1).await.run.is_over());
        assert_eq!(studio.recording(1).await.status, RecordingStatus::Pending, "fails: {fails}");
        studio.work().await;
        assert_eq!(studio.transcript(1).await.run.number, 2);
        assert_eq!(studio.recording(1).await.status, RecordingStatus::Completed);
    }
}

#[tokio::test]
async fn a_recording_that_is_given_to_another_meeting_while_it_is_worked_on_becomes_that_meetings_transcript()
{
    let studio = Studio::with_recording(1).await;
    let other = Belongs { meeting: meeting_id(2), room: room(2).id };
    studio.store.create_room(room(2)).await.expect("sound");
    studio.store.create(new_meeting(meeting(2, &room(2)))).await.expect("sound");
    let started = studio.start().await;
    let attached =
        studio.recordings().attach(recording_id(1), other.meeting, studio.now).await.expect("sound");
    assert!(matches!(attached, Attachment::Attached(_)), "{attached:?}");
    let came_to = Ok(Made::Output(json!(1)));
    let Worked::Next(next) = studio.runs.finish_stage(started, &came_to, studio.now).await.expect("sound")
    else {
        panic!("there are more stages")
    };
    studio.runs.carry_on(*next, studio.now).await.expect("sound");
    studio.work().await;
    assert_eq!(studio.recording(1).await.status, RecordingStatus::Completed);
    assert_eq!(studio.transcript(1).await.belongs_to, other);
}

#[tokio::test]
async fn what_a_pipeline_that_has_changed_still_has_in_the_same_order_counts_as_done() {
    let studio = done().await;
    let (id, made) = (studio.transcript(1).await.id, studio.made(1).await);
    let changed = Scripted::with(&["fetch", "transcribe", "title", "topics"]);
    let worker = Worker::on(Arc::clone(&studio.store) as _, &changed);
    worker.restart(id, RestartAt::WhereItStands, studio.now).await.expect("sound");
    assert_eq!(studio.made(1).await.into_keys().collect::<Vec<_>>(), ["fetch", "transcribe"]);
    worker.work(studio.now).await.expect("sound");
    let begun: Vec<_> = changed.begun().into_keys().map(|(_, stage)| stage).collect();
    assert_eq!(begun, ["title", "topics"]);
    let after = studio.made(1).await;
    assert_eq!(after.keys().collect::<Vec<_>>(), ["fetch", "title", "topics", "transcribe"]);
    assert_eq!((&after["fetch"], &after["transcribe"]), (&made["fetch"], &made["transcribe"]));
}

#[tokio::test]
async fn a_stage_that_this_program_does_not_have_waits_for_one_that_has_it() {
    let mut studio = Studio::with_recording(1).await;
    studio.runs.begin(studio.now).await.expect("sound");
    let older = Scripted::with(&["fetch", "publish"]);
    let worker = Worker::on(Arc::clone(&studio.store) as _, &older);
    worker.work(studio.now).await.expect("sound");
    assert_eq!(older.begun().into_keys().map(|(_, stage)| stage).collect::<Vec<_>>(), ["fetch"]);
    let stage = studio.stage(1, "transcribe").await;
    assert_eq!((stage.status, stage.attempts), (StageStatus::Pending, 1));
    assert!(stage.reason.expect("it says why").starts_with("this program has no stage transcribe"));
    studio.work_to_the_end().await;
    assert_eq!(studio.statuses(1).await, [StageStatus::Done; 4]);
}

#[tokio::test]
async fn what_is_not_there_is_named_with_what_is() {
    let studio = done().await;
    let before = studio.loaded(1).await;
    let unknown = studio.runs.restart(transcript_id(99), RestartAt::Beginning, studio.now).await;
    assert!(
        matches!(&unknown, Err(RunError::NoSuchTranscript(id)) if *id == transcript_id(99)),
        "{unknown:?}"
    );
    let id = before.transcript.id;
    let misspelt = studio.runs.restart(id, RestartAt::Stage("topic"), studio.now).await;
    let Err(RunError::NoSuchStage(NoSuchStage { .. })) = &misspelt else { panic!("{misspelt:?}") };
    let says = misspelt.expect_err("as seen above").to_string();
    assert_eq!(says, "there is no stage topic: use one of fetch, transcribe, topics, publish");
    assert_eq!(studio.loaded(1).await, before, "nothing has changed");
}

#[tokio::test]
async fn an_operator_whose_write_meets_another_one_looks_again() {
    let studio = done().await;
    let first = AtomicBool::new(true);
    let flaky = Flaky::new(Arc::clone(&studio.store), move |call| {
        (call.method == "commit_run" && first.swap(false, Ordering::SeqCst)).then_some(Fault::Conflict)
    });
    let worker = Worker::on(Arc::new(flaky), &studio.pipeline);
    let id = studio.transcript(1).await.id;
    let restarted = worker.restart(id, RestartAt::Beginning, studio.now).await.expect("sound");
    assert_eq!(studio.transcript(1).await, restarted);
    assert_eq!(studio.store.made(id).await.expect("sound").len(), 0);
}
