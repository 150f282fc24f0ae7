//! A world for each test: a bucket, a store, a working folder, a pipeline, and a clock that the test moves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use reflector_core::engine::{Runs, Worked};
use reflector_core::pipeline::{
    Inputs, Made, Pipeline, Retry, Stage, StageError, StageStatus, Transcript, Unseen,
};
use reflector_core::recording::Recording;
use reflector_core::store::{RecordingStore, TranscriptStore};
use reflector_core::testing::sample;
use reflector_core::{Timestamp, TranscriptId};
use reflector_pipeline::{Consents, Endpoint, PipelineSettings, ReferencePipeline};
use reflector_store_memory::MemoryStore;
use serde_json::Value;
use tempfile::TempDir;
use wiremock::MockServer;

use crate::bucket::Bucket;

pub(crate) const KEY: &str = "key-that-is-secret";

pub(crate) struct World {
    folder: TempDir,
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) store: Arc<MemoryStore>,
    now: Mutex<Timestamp>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            bucket: Arc::default(),
            store: Arc::default(),
            now: Mutex::new(sample::at(0)),
        }
    }

    /// The same with one recording that waits for a run.
    pub(crate) async fn with_recording(bytes: Vec<u8>) -> Self {
        let world = Self::new();
        let recording = Recording { size: bytes.len() as u64, ..sample::pending_recording(1, 0) };
        world.bucket.put(&recording.object, bytes);
        world.store.take_in(vec![recording]).await.unwrap();
        world
    }

    /// The same with a recording from a file.
    pub(crate) async fn with_file(file: &Path) -> Self {
        Self::with_recording(std::fs::read(file).unwrap()).await
    }

    /// The working folder of a machine.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn settings(&self) -> PipelineSettings {
        PipelineSettings::new(self.data_dir())
    }

    /// Settings with both endpoints at a server.
    pub(crate) fn settings_at(&self, server: &MockServer) -> PipelineSettings {
        PipelineSettings { stt: Some(endpoint(server)), llm: Some(endpoint(server)), ..self.settings() }
    }

    pub(crate) fn pipeline(&self, settings: PipelineSettings) -> ReferencePipeline {
        ReferencePipeline::new(settings, Arc::clone(&self.bucket) as _).unwrap()
    }

    /// Runs of a pipeline with these settings.
    pub(crate) fn runs(&self, settings: PipelineSettings) -> Runs {
        self.runs_of(self.pipeline(settings))
    }

    pub(crate) fn runs_with(&self, settings: PipelineSettings, consents: Arc<dyn Consents>) -> Runs {
        self.runs_of(self.pipeline(settings).with_consents(consents))
    }

    fn runs_of(&self, pipeline: ReferencePipeline) -> Runs {
        Runs::new(Arc::clone(&self.store) as _, Arc::new(pipeline), Retry::default())
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    /// Lets runs begin, and works on them until all are over, moving time where they wait: the one there is.
    pub(crate) async fn to_the_end(&self, runs: &Runs) -> Transcript {
        self.begin(runs).await;
        loop {
            if let Some(transcript) = self.until(runs, |_| false).await
                && transcript.run.is_over()
            {
                return transcript;
            }
            let next = self.store.next_run().await.unwrap().expect("a run that is not over waits");
            *self.now.lock().unwrap() = next;
        }
    }

    pub(crate) async fn begin(&self, runs: &Runs) {
        runs.begin_once(self.now()).await.unwrap();
    }

    /// Works on the run there is, as long as it can be now: up to a stage, if it gets there.
    pub(crate) async fn until(&self, runs: &Runs, stop: impl Fn(&str) -> bool) -> Option<Transcript> {
        let mut claimed = runs.claim(None, 1, self.now()).await.unwrap().pop()?;
        loop {
            if claimed.stage().is_some_and(&stop) {
                return Some(claimed.transcript().clone());
            }
            match runs.work_once(claimed, &|| self.now(), &Unseen).await.unwrap() {
                Worked::Next(next) => claimed = *next,
                Worked::LetGo(transcript) => return Some(*transcript),
                Worked::Lost => panic!("nobody else works on it"),
            }
        }
    }

    /// Moves time on until claims of workers that are gone have run out.
    pub(crate) fn claims_run_out(&self, runs: &Runs) {
        let mut now = self.now.lock().unwrap();
        *now = *now + runs.lease() + sample::TICK;
    }

    /// What a stage made.
    pub(crate) async fn made(&self, stage: &str) -> Option<Value> {
        let made = self.store.made(id()).await.unwrap();
        made.get(stage).map(|text| serde_json::from_str(text).unwrap())
    }

    /// Whether nothing is left in the working folder.
    pub(crate) fn has_no_working_files(&self) -> bool {
        std::fs::read_dir(self.data_dir()).map_or(true, |entries| entries.count() == 0)
    }
}

pub(crate) fn endpoint(server: &MockServer) -> Endpoint {
    Endpoint { url: format!("{}/v1", server.uri()), key: Some(KEY.into()), model: "model".to_owned() }
}

/// How the stages of a run stand, in order, with the reason of each.
pub(crate) fn stages(transcript: &Transcript) -> Vec<(&str, StageStatus, &str)> {
    transcript.run.stages.iter().map(|stage| (stage.name.as_str(), stage.status, reason(stage))).collect()
}

/// The reason of a stage.
pub(crate) fn reason_of<'a>(transcript: &'a Transcript, name: &str) -> &'a str {
    reason(transcript.run.stages.iter().find(|stage| stage.name == name).expect("there is such a stage"))
}

fn reason(stage: &Stage) -> &str {
    stage.reason.as_deref().unwrap_or("")
}

/// The id of every transcript here: that of its recording.
pub(crate) fn id() -> TranscriptId {
    TranscriptId(sample::recording_id(1).0)
}

/// A transcript of an object with so many bytes.
pub(crate) fn transcript(size: u64) -> Transcript {
    Transcript { id: id(), size, ..sample::transcript(1, 0) }
}

/// Does one stage, without a run around it.
pub(crate) async fn work(
    pipeline: &ReferencePipeline,
    stage: &str,
    transcript: &Transcript,
    made: &BTreeMap<String, Value>,
) -> Result<Made, StageError> {
    pipeline.work(stage, Inputs { transcript, made, progress: &Unseen }).await
}

/// What a stage that is done made.
pub(crate) fn output(came_to: Result<Made, StageError>) -> Value {
    match came_to {
        Ok(Made::Output(value)) => value,
        other => panic!("it is not done: {other:?}"),
    }
}

/// Why a stage failed for good.
pub(crate) fn failed(came_to: Result<Made, StageError>) -> String {
    match came_to {
        Err(StageError::Failed(reason)) => reason,
        other => panic!("it has not failed for good: {other:?}"),
    }
}

/// Why a stage is tried again.
pub(crate) fn again(came_to: Result<Made, StageError>) -> String {
    match came_to {
        Err(StageError::Again { reason, .. }) => reason,
        other => panic!("it is not tried again: {other:?}"),
    }
}
