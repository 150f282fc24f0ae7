//! Workers that die at any await, and a store of which any one call fails: the end is as if nothing had happened.

use std::collections::BTreeSet;
use std::sync::Arc;

use reflector_core::TranscriptId;
use reflector_core::pipeline::{Made, RestartAt, StageError, StageStatus};
use reflector_core::store::TranscriptStore;
use reflector_core::testing::sample::recording_id;
use reflector_core::testing::{Fault, Flaky, let_through};

use super::studio::{End, JUST, LEASE, STAGES, Studio, Worker};

/// What is left of a run to which nothing happened.
async fn undisturbed() -> End {
    let studio = Studio::with_recording(1).await;
    studio.work().await;
    studio.end(1).await
}

#[tokio::test]
async fn a_worker_that_dies_anywhere_is_followed_by_one_that_goes_on_from_the_stage_that_was_running() {
    let undisturbed = undisturbed().await;
    let mut died_in = BTreeSet::new();
    for awaits in 0.. {
        let mut studio = Studio::with_recording(1).await;
        if let_through(awaits, studio.halting().work(studio.now)).await.is_some() {
            assert!(awaits > 40, "it ran through after {awaits} awaits");
            break;
        }
        let Some(left) = studio.store.transcript_of(recording_id(1)).await.expect("sound") else { continue };
        if left.claimed_until.is_some() {
            studio.sleep(LEASE - JUST);
            studio.work().await;
            assert_eq!(studio.loaded(1).await, left, "after {awaits} awaits: its worker may be alive");
            studio.sleep(JUST);
        }
        let begun = studio.pipeline.begun();
        studio.work().await;
        assert_eq!(studio.end(1).await, undisturbed, "after {awaits} awaits");
        for stage in left.transcript.run.stages {
            let of = (left.transcript.id, stage.name);
            let again = studio.pipeline.begun()[&of] - begun.get(&of).copied().unwrap_or(0);
            let expected = usize::from(!stage.status.is_past());
            assert_eq!(again, expected, "after {awaits} awaits: {of:?} was {}", stage.status);
            if stage.status == StageStatus::Running {
                died_in.insert(of.1);
            }
        }
    }
    assert_eq!(died_in, STAGES.iter().map(|stage| (*stage).to_owned()).collect());
}

/// The whole story of a run over a store that fails once: a stage fails and is tried again, all is done, and an
/// operator has two stages done again. What fails is left to the next turn. Answers how many calls it took.
async fn life_with(failing: u64, fault: Fault) -> (u64, Studio) {
    let mut studio = Studio::with_recording(1).await;
    studio.pipeline.tell("transcribe", [Err(StageError::again("busy"))]);
    studio.pipeline.tell("topics", [Ok(Made::Skipped("no endpoint".to_owned()))]);
    let flaky = Arc::new(Flaky::failing_at(Arc::clone(&studio.store), failing, fault));
    let worker = Worker::on(Arc::clone(&flaky) as _, &studio.pipeline);
    turns(&mut studio, &worker).await;
    let id: TranscriptId = studio.transcript(1).await.id;
    let from = RestartAt::Stage("topics");
    if worker.restart(id, from, studio.now).await.is_err() {
        worker.restart(id, from, studio.now).await.expect("it fails once");
    }
    turns(&mut studio, &worker).await;
    (flaky.calls(), studio)
}

/// Turns of a worker's loop, later each time than any claim lasts.
async fn turns(studio: &mut Studio, worker: &Worker) {
    for _ in 0..4 {
        let _ = worker.work(studio.now).await;
        studio.sleep(2 * LEASE);
    }
}

#[tokio::test]
async fn a_run_in_which_any_one_call_of_the_store_fails_ends_like_one_in_which_none_does() {
    let (calls, calm) = life_with(u64::MAX, Fault::Before).await;
    assert!(calls > 30, "the story is too short: {calls} calls");
    let (end, done) = (calm.end(1).await, calm.pipeline.done());
    for failing in 0..calls {
        for fault in [Fault::Before, Fault::After, Fault::Conflict] {
            let (_, studio) = life_with(failing, fault).await;
            assert_eq!(studio.end(1).await, end, "call {failing} failed {fault:?}");
            let again = studio.pipeline.done().values().sum::<usize>() - done.values().sum::<usize>();
            assert!(again <= 1, "call {failing} failed {fault:?}: {again} stages were done again");
        }
    }
}
