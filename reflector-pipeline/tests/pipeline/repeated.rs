//! The contract of the port, with the sound decoded in-process and by ffmpeg; and stages that are dropped on a machine
//! that has nothing yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use reflector_core::pipeline::{Pipeline, StageError, Transcript};
use reflector_core::testing::let_through;
use reflector_core::testing::pipeline_suite::PipelineHarness;
use reflector_pipeline::STAGES;
use serde_json::Value;
use wiremock::MockServer;

use crate::endpoints::both;
use crate::media;
use crate::world::{World, output, transcript, work};

/// A recording with this codec, and endpoints.
struct Machine {
    server: MockServer,
    world: World,
    transcript: Transcript,
}

impl Machine {
    async fn with(codec: &str) -> Self {
        let film = media::film("repeated.mkv", &["-c:v", "libx264", "-c:a", codec]);
        let (server, world) = (both().await, World::new());
        let bytes = std::fs::read(film).unwrap();
        let transcript = transcript(bytes.len() as u64);
        world.bucket.put(&transcript.object, bytes);
        Self { server, world, transcript }
    }
}

impl PipelineHarness for Machine {
    fn pipeline(&self) -> Arc<dyn Pipeline> {
        Arc::new(self.world.pipeline(self.world.settings_at(&self.server)))
    }

    fn transcript(&self) -> Transcript {
        self.transcript.clone()
    }
}

mod decoded_here {
    reflector_core::pipeline_suite!(async || super::Machine::with("aac").await);
}

mod decoded_by_ffmpeg {
    reflector_core::pipeline_suite!(async || super::Machine::with("libopus").await);
}

#[tokio::test]
async fn a_stage_that_is_not_there_fails_by_its_name() {
    let Machine { server, world, transcript } = Machine::with("aac").await;
    let pipeline = world.pipeline(world.settings_at(&server));
    let came_to = work(&pipeline, "sing", &transcript, &BTreeMap::new()).await;
    assert!(matches!(came_to, Err(StageError::Failed(reason)) if reason.contains("sing")));
}

/// What each stage makes when nothing goes wrong.
async fn undisturbed(machine: &Machine) -> BTreeMap<String, Value> {
    let pipeline = machine.world.pipeline(machine.world.settings_at(&machine.server));
    let mut made = BTreeMap::new();
    for stage in STAGES {
        made.insert(stage.to_owned(), output(work(&pipeline, stage, &machine.transcript, &made).await));
    }
    made
}

/// What stages before this one made.
fn before(stage: &str, made: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let earlier: BTreeSet<_> = STAGES.iter().take_while(|earlier| **earlier != stage).copied().collect();
    made.iter()
        .filter(|(name, _)| earlier.contains(name.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

#[tokio::test]
async fn what_needs_the_audio_and_is_dropped_anywhere_on_an_empty_machine_can_be_done_again() {
    let machine = Machine::with("aac").await;
    let once = undisturbed(&machine).await;
    for stage in ["probe", "waveform", "transcribe"] {
        let made = before(stage, &once);
        for awaits in 0.. {
            let Machine { world, transcript, .. } = Machine::with("aac").await;
            let pipeline = world.pipeline(world.settings_at(&machine.server));
            let came_to = let_through(awaits, work(&pipeline, stage, &transcript, &made)).await;
            let at_its_end = came_to.is_some();
            let again = match came_to {
                Some(came_to) => came_to,
                None => work(&pipeline, stage, &transcript, &made).await,
            };
            assert_eq!(output(again), once[stage], "{stage}, dropped at {awaits}");
            if at_its_end {
                break;
            }
        }
    }
}
