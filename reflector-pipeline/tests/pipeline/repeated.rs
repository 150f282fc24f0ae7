//! The contract of the port: stages that are dropped anywhere, repeated, or fail come to the same end.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use reflector_core::pipeline::{Made, Pipeline, RunState, StageError, Transcript};
use reflector_pipeline::{PipelineSettings, ReferencePipeline, STAGES};
use serde_json::Value;
use wiremock::MockServer;

use crate::bucket::Fault;
use crate::endpoints::both;
use crate::media;
use crate::world::{World, output, transcript, work};

/// A world with a film, whose sound ffmpeg decodes, or with one whose sound is decoded in-process.
fn with(codec: &str) -> (World, Transcript) {
    let film = media::film("repeated.mkv", &["-c:v", "libx264", "-c:a", codec]);
    let world = World::new();
    let bytes = std::fs::read(film).unwrap();
    let transcript = transcript(bytes.len() as u64);
    world.bucket.put(&transcript.object, bytes);
    (world, transcript)
}

/// What each stage makes when nothing goes wrong.
async fn undisturbed(server: &MockServer, codec: &str) -> BTreeMap<String, Value> {
    let (world, transcript) = with(codec);
    let pipeline = world.pipeline(world.settings_at(server));
    let mut made = BTreeMap::new();
    for stage in STAGES {
        made.insert(stage.to_owned(), output(work(&pipeline, stage, &transcript, &made).await));
    }
    made
}

/// What stages before this one made.
fn before(stage: &str, made: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let earlier: BTreeSet<_> = STAGES.iter().take_while(|earlier| **earlier != stage).collect();
    made.iter()
        .filter(|(name, _)| earlier.contains(&name.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

#[test]
fn every_stage_has_a_name_of_its_own() {
    let (world, _) = with("aac");
    let pipeline = world.pipeline(world.settings());
    assert_eq!(pipeline.stages().iter().collect::<BTreeSet<_>>().len(), STAGES.len());
}

#[tokio::test]
async fn a_stage_that_is_not_there_fails_by_its_name() {
    let (world, transcript) = with("aac");
    let came_to = work(&world.pipeline(world.settings()), "sing", &transcript, &BTreeMap::new()).await;
    assert!(matches!(came_to, Err(StageError::Failed(reason)) if reason.contains("sing")));
}

#[tokio::test]
async fn a_stage_that_is_repeated_makes_the_same() {
    let server = both().await;
    for codec in ["aac", "libopus"] {
        let once = undisturbed(&server, codec).await;
        let (world, transcript) = with(codec);
        let pipeline = world.pipeline(world.settings_at(&server));
        for stage in STAGES {
            for time in 1..=2 {
                let again = output(work(&pipeline, stage, &transcript, &before(stage, &once)).await);
                assert_eq!(again, once[stage], "{codec}: {stage}, for the time {time}");
            }
        }
        assert!(world.has_no_working_files());
    }
}

/// Does a stage up to its await with this number, and drops it there. Its outcome, if it came to it before.
async fn dropped_at(
    pipeline: &ReferencePipeline,
    stage: &str,
    transcript: &Transcript,
    made: &BTreeMap<String, Value>,
    number: usize,
) -> Option<Result<Made, StageError>> {
    let mut work = pin!(work(pipeline, stage, transcript, made));
    let mut polls = 0;
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(came_to) => Poll::Ready(Some(came_to)),
        Poll::Pending if polls == number => Poll::Ready(None),
        Poll::Pending => {
            polls += 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn a_stage_that_is_dropped_anywhere_can_be_done_again() {
    let server = both().await;
    // What ffmpeg decodes is other only where something is decoded.
    for (codec, stages) in [("aac", &STAGES[..]), ("libopus", &STAGES[1..3])] {
        let once = undisturbed(&server, codec).await;
        for stage in stages.iter().copied() {
            let made = before(stage, &once);
            for number in 0.. {
                // A machine with nothing on it, so that each await of the stage is come to.
                let (world, transcript) = with(codec);
                let pipeline = world.pipeline(world.settings_at(&server));
                let came_to = dropped_at(&pipeline, stage, &transcript, &made, number).await;
                let came_to_its_end = came_to.is_some();
                let again = match came_to {
                    Some(came_to) => came_to,
                    None => work(&pipeline, stage, &transcript, &made).await,
                };
                assert_eq!(output(again), once[stage], "{codec}: {stage}, dropped at {number}");
                if came_to_its_end {
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn failing_before_any_stage_leads_to_the_same_end() {
    let server = both().await;
    let whole = World::with_file(&media::mp4()).await;
    whole.to_the_end(&whole.runs(whole.settings_at(&server))).await;
    for stage in STAGES {
        let world = World::with_file(&media::mp4()).await;
        let runs = world.runs(world.settings_at(&server));
        world.begin(&runs).await;
        world.until(&runs, |next| next == stage).await.unwrap();
        // What was there is gone, and at first the object cannot be had.
        world.bucket.next(&[Fault::Unavailable, Fault::BreaksAfter(20_000)]);
        world.claims_run_out(&runs);
        let data_dir = world.data_dir().join("another");
        let others = world.runs(PipelineSettings { data_dir, ..world.settings_at(&server) });
        let transcript = world.to_the_end(&others).await;
        assert!(matches!(transcript.run.state, RunState::Done { .. }), "{stage}");
        assert_eq!(world.made("publish").await, whole.made("publish").await, "{stage}");
    }
}
