//! The way of a recording to its transcript, by one worker and by two.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use reflector_core::engine::Worked;
use reflector_core::pipeline::{Made, RunState, StageStatus, TranscriptStatus};
use reflector_core::recording::RecordingStatus;
use reflector_core::store::{RecordingStore, TranscriptStore};
use reflector_core::testing::halt;
use reflector_core::testing::sample::recording_id;
use serde_json::{Value, json};

use super::studio::{STAGES, Scripted, Studio};

#[tokio::test]
async fn a_pending_recording_gets_a_run_that_comes_to_its_end_and_is_completed() {
    let studio = Studio::with_recording(1).await;
    studio.runs.begin(studio.now).await.expect("sound");
    assert_eq!(studio.recording(1).await.status, RecordingStatus::Processing);
    assert_eq!(studio.transcript(1).await.run.status(), TranscriptStatus::Uploaded);

    let why = "no endpoint for topics is set".to_owned();
    studio.pipeline.tell("topics", [Ok(Made::Skipped(why.clone()))]);
    studio.work().await;
    let transcript = studio.transcript(1).await;
    assert_eq!(transcript.run.state, RunState::Done { at: studio.now });
    assert_eq!(transcript.run.status(), TranscriptStatus::Ended);
    let recording = studio.recording(1).await;
    assert_eq!((recording.status, recording.error), (RecordingStatus::Completed, None));
    assert_eq!((transcript.object, transcript.size), (recording.object, recording.size));
    assert_eq!(Some(transcript.belongs_to), recording.belongs_to);

    use StageStatus::{Done, Skipped};
    assert_eq!(studio.statuses(1).await, [Done, Done, Skipped, Done]);
    assert_eq!(studio.stage(1, "topics").await.reason, Some(why));
    assert_eq!(studio.made(1).await.into_keys().collect::<Vec<_>>(), ["fetch", "publish", "transcribe"]);
    assert_eq!(studio.loaded(1).await.claimed_until, None, "it is in nobody's hands");
    assert_eq!(studio.store.next_run().await.expect("sound"), None);
}

#[tokio::test]
async fn a_stage_works_with_what_earlier_stages_made_and_not_with_what_was_skipped() {
    let studio = Studio::with_recording(1).await;
    studio.pipeline.tell("fetch", [Ok(Made::Output(json!({ "seconds": 12.5 })))]);
    studio.pipeline.tell("topics", [Ok(Made::Skipped("no endpoint".to_owned()))]);
    studio.work().await;
    let published: Value = serde_json::from_str(&studio.made(1).await["publish"]).expect("it is JSON");
    assert_eq!(published["from"]["fetch"], json!({ "seconds": 12.5 }));
    assert_eq!(published["from"]["transcribe"]["from"], json!({ "fetch": { "seconds": 12.5 } }));
    assert_eq!(published["from"].get("topics"), None);
}

#[tokio::test]
async fn what_a_stage_erases_is_gone_with_its_own_write_and_no_later_stage_sees_it() {
    let studio = Studio::with_recording(1).await;
    let erased = vec!["fetch".to_owned()];
    studio.pipeline.tell("topics", [Ok(Made::Erasing { output: json!("denied"), erased })]);
    studio.work().await;
    assert_eq!(studio.statuses(1).await, [StageStatus::Done; 4], "it was done all the same");
    let made = studio.made(1).await;
    assert_eq!(made.keys().collect::<Vec<_>>(), ["publish", "topics", "transcribe"]);
    let published: Value = serde_json::from_str(&made["publish"]).expect("it is JSON");
    assert_eq!((&published["from"]["topics"], published["from"].get("fetch")), (&json!("denied"), None));
}

#[tokio::test]
async fn nothing_is_begun_twice_and_nothing_that_is_over_is_claimed() {
    let studio = Studio::with_recording(1).await;
    studio.work().await;
    let end = studio.transcript(1).await;
    let begun = studio.runs.begin_once(studio.now).await.expect("sound");
    assert!(begun.transcripts.is_empty() && !begun.more, "{begun:?}");
    studio.work().await;
    assert_eq!(studio.transcript(1).await, end);
}

#[tokio::test]
async fn more_recordings_than_are_looked_at_at_once_are_begun_oldest_first() {
    let studio = Studio::new();
    for n in 1..=101 {
        studio.records(n).await;
    }
    let first = studio.runs.begin_once(studio.now).await.expect("sound");
    assert_eq!((first.transcripts.len(), first.more), (100, true));
    assert_eq!(studio.store.transcript_of(recording_id(101)).await.expect("sound"), None);
    let second = studio.runs.begin_once(studio.now).await.expect("sound");
    assert_eq!((second.transcripts.len(), second.more), (1, false));
}

#[tokio::test]
async fn a_run_can_be_asked_for_by_its_transcript() {
    let studio = Studio::new();
    for n in 1..=3 {
        studio.records(n).await;
    }
    studio.runs.begin(studio.now).await.expect("sound");
    let id = studio.transcript(2).await.id;
    let claimed = studio.runs.claim(Some(id), 10, studio.now).await.expect("sound");
    assert_eq!(claimed.iter().map(|claimed| claimed.transcript().id).collect::<Vec<_>>(), [id]);
    assert_eq!(claimed[0].stage(), Some("fetch"));
    for claimed in claimed {
        assert!(matches!(studio.runs.carry_on(claimed, studio.now).await, Ok(Worked::LetGo(_))));
    }
    assert_eq!(studio.recording(1).await.status, RecordingStatus::Processing);
    assert_eq!(studio.recording(2).await.status, RecordingStatus::Completed);
}

#[tokio::test]
async fn each_stage_is_done_once_though_two_workers_share_two_hundred_runs() {
    for seed in 1..=3 {
        let studio = Studio::new();
        for n in 1..=200 {
            studio.records(n).await;
        }
        let shares = in_turn(seed, works_until_all_is_done(&studio), works_until_all_is_done(&studio));
        assert!(shares.0 > 20 && shares.1 > 20, "seed {seed}: {shares:?} is no sharing");
        assert_eq!(shares.0 + shares.1, 200, "seed {seed}");
        let done = studio.pipeline.done();
        assert_eq!(done.len(), 200 * STAGES.len(), "seed {seed}");
        assert!(done.values().all(|times| *times == 1), "seed {seed}: {done:?}");
        assert_eq!(studio.pipeline.begun(), done, "seed {seed}");
        for n in 1..=200 {
            assert_eq!(studio.recording(n).await.status, RecordingStatus::Completed, "seed {seed}");
        }
    }
}

/// A worker who halts at every call of the store. Answers how many runs were let go of.
async fn works_until_all_is_done(studio: &Studio) -> usize {
    let worker = studio.halting();
    let mut runs = 0;
    loop {
        runs += worker.work(studio.now).await.expect("sound");
        if worker.store().next_run().await.expect("sound").is_none() {
            return runs;
        }
        // Somebody else has what is left.
        halt().await;
    }
}

/// Polls two, now this one and now the other, as a seed says.
fn in_turn<T>(seed: u64, one: impl Future<Output = T>, other: impl Future<Output = T>) -> (T, T) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    let mut context = Context::from_waker(Waker::noop());
    let mut dice = seed;
    for _ in 0..100_000 {
        if first.is_some() && second.is_some() {
            break;
        }
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        if dice.is_multiple_of(2) && first.is_none() {
            first = ready(one.as_mut().poll(&mut context));
        } else if second.is_none() {
            second = ready(other.as_mut().poll(&mut context));
        }
    }
    first.zip(second).expect("both are done")
}

fn ready<T>(polled: Poll<T>) -> Option<T> {
    match polled {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

#[tokio::test]
async fn a_pipeline_without_stages_is_done_when_it_begins() {
    let studio = Studio::of(Scripted::with(&[]));
    studio.records(1).await;
    studio.work().await;
    assert_eq!(studio.transcript(1).await.run.status(), TranscriptStatus::Ended);
    assert_eq!(studio.recording(1).await.status, RecordingStatus::Completed);
}

#[tokio::test]
async fn a_recording_that_is_deleted_meanwhile_stays_deleted() {
    let studio = Studio::with_recording(1).await;
    let started = studio.start().await;
    studio.store.delete_recording(recording_id(1), studio.now).await.expect("sound");
    let came_to = Ok(Made::Output(json!(1)));
    let next = studio.runs.finish_stage(started, &came_to, studio.now).await.expect("sound");
    let Worked::Next(next) = next else { panic!("{next:?}") };
    studio.runs.carry_on(*next, studio.now).await.expect("sound");
    assert_eq!(studio.transcript(1).await.run.status(), TranscriptStatus::Ended);
    assert_eq!(studio.store.load_recording(recording_id(1)).await.expect("sound"), None);
}
