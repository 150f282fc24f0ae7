//! A small world around runs: a store, a pipeline that does as it is told, and time that is moved by hand.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::engine::{Claimed, Engine, Recordings, Runs, Settings, Worked};
use reflector_core::lifecycle::Policy;
use reflector_core::pipeline::{
    Inputs, Made, Pipeline, Retry, Stage, StageError, StageStatus, Transcript, Unseen,
};
use reflector_core::recording::{Recording, Wanted};
use reflector_core::store::{LoadedTranscript, RecordingStore, StoreError, TranscriptStore};
use reflector_core::testing::sample::{at, pending_recording, recording_id};
use reflector_core::testing::{Flaky, halt};
use reflector_core::{Timestamp, TranscriptId};
use reflector_store_memory::MemoryStore;
use serde_json::json;

pub(crate) const STAGES: &[&str] = &["fetch", "transcribe", "topics", "publish"];
/// How long a worker is believed to be alive.
pub(crate) const LEASE: Duration = Duration::from_secs(60);
pub(crate) const JUST: Duration = Duration::from_micros(1);

/// A pipeline whose stages do as they are told, and that writes down who was worked on.
#[derive(Debug)]
pub(crate) struct Scripted {
    stages: &'static [&'static str],
    told: Mutex<BTreeMap<&'static str, VecDeque<Result<Made, StageError>>>>,
    begun: Mutex<Vec<(TranscriptId, String)>>,
    done: Mutex<Vec<(TranscriptId, String)>>,
}

impl Scripted {
    pub(crate) fn with(stages: &'static [&'static str]) -> Arc<Self> {
        let (told, begun, done) = Default::default();
        Arc::new(Self { stages, told, begun, done })
    }

    /// What a stage comes to the next times. After that it makes something of what earlier stages made.
    pub(crate) fn tell(
        &self,
        stage: &'static str,
        outcomes: impl IntoIterator<Item = Result<Made, StageError>>,
    ) {
        self.told.lock().unwrap().entry(stage).or_default().extend(outcomes);
    }

    /// How often each stage was begun, whatever came of it.
    pub(crate) fn begun(&self) -> BTreeMap<(TranscriptId, String), usize> {
        counted(&self.begun)
    }

    /// How often each stage came to its end.
    pub(crate) fn done(&self) -> BTreeMap<(TranscriptId, String), usize> {
        counted(&self.done)
    }
}

fn counted(all: &Mutex<Vec<(TranscriptId, String)>>) -> BTreeMap<(TranscriptId, String), usize> {
    let mut counts = BTreeMap::new();
    for one in all.lock().unwrap().iter() {
        *counts.entry(one.clone()).or_default() += 1;
    }
    counts
}

#[async_trait]
impl Pipeline for Scripted {
    fn stages(&self) -> &[&'static str] {
        self.stages
    }

    async fn work(&self, stage: &str, inputs: Inputs<'_>) -> Result<Made, StageError> {
        let this = (inputs.transcript.id, stage.to_owned());
        self.begun.lock().unwrap().push(this.clone());
        halt().await;
        let told = self.told.lock().unwrap().get_mut(stage).and_then(VecDeque::pop_front);
        inputs.progress.is_at(1, 2);
        halt().await;
        self.done.lock().unwrap().push(this);
        let key = &inputs.transcript.object.key;
        told.unwrap_or_else(|| Ok(Made::Output(json!({ "by": stage, "of": key, "from": inputs.made }))))
    }
}

pub(crate) struct Studio {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) pipeline: Arc<Scripted>,
    pub(crate) runs: Worker,
    pub(crate) now: Timestamp,
}

impl Studio {
    pub(crate) fn new() -> Self {
        Self::of(Scripted::with(STAGES))
    }

    pub(crate) fn of(pipeline: Arc<Scripted>) -> Self {
        let store = Arc::new(MemoryStore::new());
        let runs = Worker::on(Arc::clone(&store) as _, &pipeline);
        Self { store, pipeline, runs, now: at(1_000) }
    }

    /// With a recording that has this number and waits for a run.
    pub(crate) async fn with_recording(n: u32) -> Self {
        let studio = Self::new();
        studio.records(n).await;
        studio
    }

    pub(crate) async fn records(&self, n: u32) {
        self.store.take_in(vec![pending_recording(n, u64::from(n))]).await.expect("sound");
    }

    /// Another worker on the same store, who may halt at every call of it.
    pub(crate) fn halting(&self) -> Worker {
        let store = Flaky::sound(Arc::clone(&self.store)).halting();
        Worker::on(Arc::new(store), &self.pipeline)
    }

    /// The same store, for those who queue recordings again.
    pub(crate) fn recordings(&self) -> Recordings {
        let settings =
            Settings { deployment: "studio".parse().expect("this is a name"), policy: Policy::default() };
        let engine = Engine::new(Arc::clone(&self.store) as _, settings);
        Recordings::new(Arc::new(engine), Arc::clone(&self.store) as _, Wanted::default())
    }

    /// All that is ready now is done.
    pub(crate) async fn work(&self) {
        self.runs.work(self.now).await.expect("sound");
    }

    /// Time passes; whatever becomes ready on the way is done at its instant, until nothing more will.
    pub(crate) async fn work_to_the_end(&mut self) {
        for _ in 0..100 {
            self.work().await;
            let Some(next) = self.store.next_run().await.expect("sound") else { return };
            self.now = self.now.max(next);
        }
        panic!("the runs come to no end");
    }

    pub(crate) fn sleep(&mut self, span: Duration) {
        self.now = self.now + span;
    }

    /// Begins what waits, and claims the one run that there is.
    pub(crate) async fn claim(&self) -> Claimed {
        self.runs.begin(self.now).await.expect("sound");
        let mut claimed = self.runs.claim(None, 10, self.now).await.expect("sound");
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed.remove(0)
    }

    /// The same, with its next stage started.
    pub(crate) async fn start(&self) -> Claimed {
        let claimed = self.claim().await;
        self.runs.start_stage(claimed, self.now).await.expect("sound").expect("it can be started")
    }

    pub(crate) async fn loaded(&self, n: u32) -> LoadedTranscript {
        self.store.transcript_of(recording_id(n)).await.expect("sound").expect("it was begun")
    }

    pub(crate) async fn transcript(&self, n: u32) -> Transcript {
        self.loaded(n).await.transcript
    }

    pub(crate) async fn stage(&self, n: u32, name: &str) -> Stage {
        let stages = self.transcript(n).await.run.stages;
        stages.into_iter().find(|stage| stage.name == name).expect("there is such a stage")
    }

    pub(crate) async fn statuses(&self, n: u32) -> Vec<StageStatus> {
        self.transcript(n).await.run.stages.iter().map(|stage| stage.status).collect()
    }

    pub(crate) async fn made(&self, n: u32) -> BTreeMap<String, String> {
        self.store.made(self.transcript(n).await.id).await.expect("sound")
    }

    pub(crate) async fn recording(&self, n: u32) -> Recording {
        self.store.load_recording(recording_id(n)).await.expect("sound").expect("it was kept").recording
    }

    /// All that is left of a run when it is over, apart from when and how often.
    pub(crate) async fn end(&self, n: u32) -> End {
        let stages = self.transcript(n).await.run.stages.into_iter();
        let stages = stages.map(|stage| (stage.name, stage.status, stage.reason)).collect();
        End { stages, made: self.made(n).await, recording: self.recording(n).await }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) stages: Vec<(String, StageStatus, Option<String>)>,
    pub(crate) made: BTreeMap<String, String>,
    pub(crate) recording: Recording,
}

/// Somebody who runs the pipeline over a store.
pub(crate) struct Worker {
    runs: Runs,
}

impl Worker {
    pub(crate) fn on(store: Arc<dyn TranscriptStore>, pipeline: &Arc<Scripted>) -> Self {
        Self { runs: Runs::new(store, Arc::clone(pipeline) as _, Retry::default()) }
    }

    /// Begins the runs of recordings that wait for one.
    pub(crate) async fn begin(&self, now: Timestamp) -> Result<(), StoreError> {
        while self.begin_once(now).await?.more {}
        Ok(())
    }

    /// Begins what waits, and does what is ready until nothing is. Answers how many runs it let go of.
    pub(crate) async fn work(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.begin(now).await?;
        let mut let_go = 0;
        loop {
            let claimed = self.claim(None, 3, now).await?;
            if claimed.is_empty() {
                return Ok(let_go);
            }
            for claimed in claimed {
                let worked = self.carry_on(claimed, now).await?;
                let_go += usize::from(matches!(worked, Worked::LetGo(_)));
            }
        }
    }

    /// Does one stage after the other for as long as the run is in hand.
    pub(crate) async fn carry_on(&self, mut claimed: Claimed, now: Timestamp) -> Result<Worked, StoreError> {
        loop {
            match self.work_once(claimed, &|| now, &Unseen).await? {
                Worked::Next(next) => claimed = *next,
                over => return Ok(over),
            }
        }
    }
}

impl Deref for Worker {
    type Target = Runs;
    fn deref(&self) -> &Runs {
        &self.runs
    }
}
