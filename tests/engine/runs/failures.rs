//! Stages that fail, workers that die, and what is seen of it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use reflector_core::engine::Worked;
use reflector_core::pipeline::{
    Inputs, Made, Progress, RestartAt, RunState, StageError, StageStatus, TranscriptStatus, Unseen,
};
use reflector_core::recording::RecordingStatus;
use reflector_core::store::{RunCommit, TranscriptStore};
use reflector_core::testing::let_through;
use serde_json::json;

use super::studio::{JUST, LEASE, Studio, locked};

const SECOND: Duration = Duration::from_secs(1);

fn busy() -> Result<Made, StageError> {
    Err(StageError::again("the endpoint answers 503"))
}

#[tokio::test]
async fn what_may_go_better_is_tried_again_later_and_is_seen_until_then() {
    let mut studio = Studio::with_recording(1).await;
    studio.pipeline.tell("transcribe", [busy(), busy()]);
    let begun_at = studio.now;
    studio.work().await;
    let stage = studio.stage(1, "transcribe").await;
    assert_eq!((stage.status, stage.attempts), (StageStatus::Pending, 1));
    assert_eq!(stage.reason.as_deref(), Some("the endpoint answers 503"));
    let RunState::Waiting { ready_at: first } = studio.transcript(1).await.run.state else {
        panic!("it waits")
    };
    assert!((begun_at + 10 * SECOND..=begun_at + 13 * SECOND).contains(&first), "{first}");
    assert_eq!(studio.loaded(1).await.claimed_until, None, "nobody holds it meanwhile");
    assert_eq!(studio.store.next_run().await.expect("sound"), Some(first));
    assert_eq!(studio.transcript(1).await.run.status(), TranscriptStatus::Processing);
    assert_eq!(studio.recording(1).await.status, RecordingStatus::Processing);

    studio.now = first - JUST;
    studio.work().await;
    assert_eq!(studio.stage(1, "transcribe").await.attempts, 1, "it is not ready yet");
    studio.now = first;
    studio.work().await;
    assert_eq!(studio.stage(1, "transcribe").await.attempts, 2);
    let RunState::Waiting { ready_at: second } = studio.transcript(1).await.run.state else {
        panic!("it waits")
    };
    assert!(second.since(first) > first.since(begun_at), "it waits longer each time: {second}");

    studio.work_to_the_end().await;
    assert_eq!(studio.statuses(1).await, [StageStatus::Done; 4]);
    let stage = studio.stage(1, "transcribe").await;
    assert_eq!((stage.attempts, stage.reason), (3, None));
    assert_eq!(studio.recording(1).await.status, RecordingStatus::Completed);
}

#[tokio::test]
async fn a_failure_that_says_how_long_to_wait_is_waited_for_at_least_that_long() {
    let studio = Studio::with_recording(1).await;
    let reason = "too many requests".to_owned();
    studio.pipeline.tell("transcribe", [Err(StageError::Again { reason, after: Some(300 * SECOND) })]);
    studio.work().await;
    let ready_at = studio.now + 300 * SECOND;
    assert_eq!(studio.transcript(1).await.run.state, RunState::Waiting { ready_at });
}

#[tokio::test]
async fn what_never_goes_better_fails_at_once_and_its_recording_says_why() {
    let mut studio = Studio::with_recording(1).await;
    studio.pipeline.tell("transcribe", [Err(StageError::failed("there is no audio track"))]);
    studio.work_to_the_end().await;
    use StageStatus::{Done, Failed, Pending};
    assert_eq!(studio.statuses(1).await, [Done, Failed, Pending, Pending]);
    assert_eq!(studio.stage(1, "transcribe").await.reason.as_deref(), Some("there is no audio track"));
    assert_eq!(studio.transcript(1).await.run.status(), TranscriptStatus::Error);
    let recording = studio.recording(1).await;
    assert_eq!(recording.status, RecordingStatus::Failed);
    assert_eq!(recording.error.as_deref(), Some("transcribe: there is no audio track"));
    assert_eq!(studio.made(1).await.into_keys().collect::<Vec<_>>(), ["fetch"], "what was made is kept");
    assert_eq!(studio.pipeline.begun().values().sum::<usize>(), 2);
}

#[tokio::test]
async fn what_fails_as_often_as_it_may_be_tried_has_failed() {
    let mut studio = Studio::with_recording(1).await;
    studio.pipeline.tell("topics", (0..8).map(|_| busy()));
    studio.work_to_the_end().await;
    let stage = studio.stage(1, "topics").await;
    assert_eq!((stage.status, stage.attempts), (StageStatus::Failed, 8));
    assert_eq!(studio.recording(1).await.error.as_deref(), Some("topics: the endpoint answers 503"));
}

#[tokio::test]
async fn a_stage_that_kills_its_worker_each_time_has_failed_after_as_many_times_as_it_may_be_started() {
    let mut studio = Studio::with_recording(1).await;
    for attempt in 1..=8 {
        let started = studio.start().await;
        assert_eq!(started.transcript().run.stages[0].attempts, attempt);
        let died = let_through(0, studio.runs.work_stage(&started, &Unseen)).await.is_none();
        assert!(died, "it came to its end");
        studio.sleep(LEASE - JUST);
        studio.work().await;
        assert_eq!(studio.stage(1, "fetch").await.attempts, attempt, "it may be alive still");
        studio.sleep(JUST);
    }
    studio.work_to_the_end().await;
    let stage = studio.stage(1, "fetch").await;
    assert_eq!((stage.status, stage.attempts, stage.finished_at), (StageStatus::Failed, 8, Some(studio.now)));
    let why = "fetch: its worker ended without a word at attempt 8, the last one";
    assert_eq!(studio.recording(1).await.error.as_deref(), Some(why));
    assert_eq!(studio.store.next_run().await.expect("sound"), None);
    assert_eq!(studio.pipeline.begun().len(), 1, "no other stage was begun");
}

#[tokio::test]
async fn a_worker_that_gives_signs_of_life_keeps_its_run_and_one_that_was_taken_for_dead_keeps_nothing() {
    let mut studio = Studio::with_recording(1).await;
    let slow = studio.start().await;
    studio.sleep(LEASE - JUST);
    assert!(studio.runs.beat(&slow, None, studio.now).await.expect("sound"));
    studio.sleep(LEASE - JUST);
    assert!(studio.runs.claim(None, 10, studio.now).await.expect("sound").is_empty(), "it is alive");
    studio.sleep(JUST);
    let other = studio.start().await;
    assert_eq!((other.stage(), other.transcript().run.stages[0].attempts), (Some("fetch"), 2));
    assert!(!studio.runs.beat(&slow, None, studio.now).await.expect("sound"), "it is lost");
    assert!(studio.runs.beat(&other, None, studio.now).await.expect("sound"));

    let came_to = Ok(Made::Output(json!("by the slow one")));
    assert_eq!(studio.runs.finish_stage(slow, &came_to, studio.now).await.expect("sound"), Worked::Lost);
    assert_eq!(studio.made(1).await.len(), 0);
    let came_to = Ok(Made::Output(json!("by the other")));
    studio.runs.finish_stage(other, &came_to, studio.now).await.expect("sound");
    assert_eq!(studio.made(1).await["fetch"], "\"by the other\"");
}

#[tokio::test]
async fn a_worker_that_stops_gives_its_run_back_and_another_one_takes_it_at_once() {
    let studio = Studio::with_recording(1).await;
    let started = studio.start().await;
    let given_back = studio.runs.give_back(started.clone(), studio.now).await.expect("sound");
    assert!(matches!(given_back, Worked::LetGo(_)), "{given_back:?}");
    assert_eq!(studio.loaded(1).await.claimed_until, None);
    let other = studio.start().await;
    assert_eq!((other.stage(), other.transcript().run.stages[0].attempts), (Some("fetch"), 1));
    assert_eq!(studio.runs.give_back(started, studio.now).await.expect("sound"), Worked::Lost);
    assert_eq!(studio.loaded(1).await.claimed_until, Some(studio.now + LEASE), "it is the other one's");
}

#[tokio::test]
async fn a_worker_that_lost_its_run_starts_no_stage_of_it() {
    let mut studio = Studio::with_recording(1).await;
    let slow = studio.claim().await;
    studio.sleep(LEASE);
    let other = studio.claim().await;
    assert_eq!(studio.runs.start_stage(slow, studio.now).await.expect("sound"), Err(Worked::Lost));
    assert!(studio.runs.start_stage(other, studio.now).await.expect("sound").is_ok());
    assert_eq!(studio.stage(1, "fetch").await.attempts, 1);
}

#[tokio::test]
async fn a_run_that_stands_still_is_stuck_since_it_could_have_gone_on() {
    let mut studio = Studio::with_recording(1).await;
    let stuck = async |studio: &Studio| {
        let loaded = studio.loaded(1).await;
        loaded.transcript.run.stuck_since(loaded.claimed_until, studio.now)
    };
    studio.runs.begin(studio.now).await.expect("sound");
    let begun_at = studio.now;
    assert_eq!(stuck(&studio).await, None, "it was begun just now");
    studio.sleep(SECOND);
    assert_eq!(stuck(&studio).await, Some(begun_at), "nobody takes it up");

    let started = studio.start().await;
    let lost_at = studio.now + LEASE;
    studio.sleep(LEASE);
    assert_eq!(stuck(&studio).await, None, "somebody has it in hand");
    studio.sleep(SECOND);
    assert_eq!(stuck(&studio).await, Some(lost_at), "its worker died");

    studio.runs.finish_stage(started, &busy(), studio.now).await.expect("sound");
    assert_eq!(stuck(&studio).await, None, "it waits for its time");
    studio.pipeline.tell("topics", [Err(StageError::failed("no"))]);
    studio.work_to_the_end().await;
    let failed_at = studio.now;
    assert_eq!(stuck(&studio).await, Some(failed_at));
    studio.sleep(SECOND);
    assert_eq!(stuck(&studio).await, Some(failed_at));

    let id = studio.transcript(1).await.id;
    studio.runs.restart(id, RestartAt::WhereItStands, studio.now).await.expect("sound");
    studio.work().await;
    studio.sleep(SECOND);
    assert_eq!(stuck(&studio).await, None, "it is done");
}

#[tokio::test]
async fn what_an_earlier_stage_made_and_nobody_can_read_is_said_and_not_tried_again() {
    let mut studio = Studio::with_recording(1).await;
    studio.pipeline.tell("transcribe", [busy()]);
    studio.work().await;
    let loaded = studio.loaded(1).await;
    let commit = RunCommit {
        expected: loaded.version,
        transcript: loaded.transcript,
        claimed_until: None,
        made: Some(("fetch".to_owned(), "{\"by\"".to_owned())),
        dropped: Vec::new(),
        recording: None,
        notices: Vec::new(),
    };
    studio.store.commit_run(commit).await.expect("sound");
    studio.work_to_the_end().await;
    let error = studio.recording(1).await.error.expect("it failed");
    assert!(error.starts_with("transcribe: what the stage fetch made cannot be read"), "{error}");
}

#[tokio::test]
async fn a_stage_that_finds_something_else_than_it_wants_says_so() {
    let studio = Studio::with_recording(1).await;
    studio.work().await;
    let transcript = studio.transcript(1).await;
    let made = BTreeMap::from([("fetch".to_owned(), json!({ "bytes": 7 }))]);
    let inputs = Inputs { transcript: &transcript, made: &made, progress: &Unseen };
    assert_eq!(inputs.made_by("fetch"), Ok(Some(json!({ "bytes": 7 }))));
    assert_eq!(inputs.made_by::<String>("topics"), Ok(None), "it made nothing");
    let Err(StageError::Failed(why)) = inputs.made_by::<String>("fetch") else { panic!("it is no text") };
    assert!(why.starts_with("what the stage fetch made cannot be used"), "{why}");
}

#[tokio::test]
async fn whoever_looks_is_told_how_far_a_stage_is() {
    #[derive(Debug, Default)]
    struct Seen(Mutex<Vec<(u64, u64)>>);
    impl Progress for Seen {
        fn is_at(&self, done: u64, of: u64) {
            locked(&self.0).push((done, of));
        }
    }
    let (studio, seen) = (Studio::with_recording(1).await, Seen::default());
    let claimed = studio.claim().await;
    studio.runs.work_once(claimed, &|| studio.now, &seen).await.expect("sound");
    assert_eq!(*locked(&seen.0), [(1, 2)]);
}
