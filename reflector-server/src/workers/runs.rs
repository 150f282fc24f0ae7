//! The loops of the pipeline: pending recordings get a run, hands that are free work on those that are ready, and what
//! nobody needs any more is cleared away.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reflector_core::TranscriptId;
use reflector_core::engine::{Claimed, Worked};
use reflector_core::pipeline::{Made, Progress, RunState, StageError, Transcript};
use reflector_core::store::{Paging, StageProgress, StoreError, Viewer, WhichTranscripts};
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::hands::Hands;
use super::{Chain, REST, Worker};
use crate::metrics::Metrics;
use crate::pipeline::Line;

/// How many runs one process works on at once: most of their time they wait for an endpoint or the network.
const SIDE_BY_SIDE: usize = 4;
/// How often new runs are looked for, by recordings that came in elsewhere too.
const LOOK: Duration = Duration::from_secs(1);
/// How often a worker says how far it is.
const SAY: Duration = Duration::from_secs(2);
/// How often it is measured how many runs wait.
const MEASURE: Duration = Duration::from_secs(15);
/// How often it is looked for what was left behind.
const CLEAR: Duration = Duration::from_secs(60 * 60);
/// For how long what a run that failed left behind is kept: going on from there, it need not be made again.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Works on runs.
#[derive(Clone)]
pub(crate) struct Pipelines {
    worker: Worker,
    line: Line,
    metrics: Arc<Metrics>,
}

impl Pipelines {
    pub(crate) fn new(worker: Worker, line: Line, metrics: Arc<Metrics>) -> Self {
        Self { worker, line, metrics }
    }

    /// Starts its loops.
    pub(crate) fn start(self) {
        let tasks = &self.worker.tasks;
        tasks.spawn(self.clone().look());
        tasks.spawn(self.clone().measure_loop());
        tasks.spawn(self.clone().clear_loop());
    }

    async fn look(self) {
        let hands = Hands::new(SIDE_BY_SIDE);
        loop {
            let rest = match self.begin_and_claim(&hands).await {
                Ok(()) => LOOK,
                Err(error) => {
                    error!(error = %Chain(&error), "runs cannot be looked at; trying again");
                    REST
                }
            };
            if !self.worker.rest(&hands.bell, None, rest).await {
                return;
            }
        }
    }

    async fn begin_and_claim(&self, hands: &Hands) -> Result<(), StoreError> {
        loop {
            let begun = self.line.runs.begin_once(self.worker.now()).await?;
            for transcript_id in &begun.transcripts {
                info!(%transcript_id, "a recording is being worked on");
            }
            if !begun.more {
                break;
            }
        }
        while let Some(hand) = hands.free() {
            let Some(claimed) = self.line.runs.claim(None, 1, self.worker.now()).await?.pop() else { break };
            let pipelines = self.clone();
            let work = async move { pipelines.work(claimed, &Told::default()).await };
            hands.work(&self.worker.tasks, hand, work);
        }
        Ok(())
    }

    /// Works on a run until it waits, is over or is lost, or until it is time to stop: then it is given back.
    pub(crate) async fn work(&self, claimed: Claimed, told: &Told) {
        let in_hand = &self.metrics.pipeline.in_hand;
        in_hand.inc();
        let mut claimed = Some(claimed);
        while let Some(next) = claimed.take() {
            match self.stage(next, told).await {
                Ok(next) => claimed = next,
                Err(error) => {
                    error!(error = %Chain(&error), "what came of a stage could not be noted: it is done again");
                }
            }
        }
        in_hand.dec();
    }

    /// One stage, and the run if there is a next one.
    async fn stage(&self, claimed: Claimed, told: &Told) -> Result<Option<Claimed>, StoreError> {
        let runs = &self.line.runs;
        let started = match runs.start_stage(claimed, self.worker.now()).await? {
            Ok(started) => started,
            Err(worked) => return Ok(self.after(worked)),
        };
        let transcript_id = started.transcript().id;
        let stage = started.stage().unwrap_or_default().to_owned();
        told.begins(&stage);
        let began = Instant::now();
        let came_to = tokio::select! {
            came_to = runs.work_stage(&started, told) => came_to?,
            () = self.hold(&started, told) => {
                warn!(%transcript_id, stage, "the run is in other hands by now: this work is dropped");
                return Ok(None);
            }
            () = self.worker.stop.cancelled() => {
                info!(%transcript_id, stage, "the run is given back: this process stops");
                runs.give_back(started, self.worker.now()).await?;
                return Ok(None);
            }
        };
        self.metrics.pipeline.stage(&stage, &came_to, began.elapsed());
        tell(transcript_id, &stage, &came_to);
        let worked = runs.finish_stage(started, &came_to, self.worker.now()).await?;
        Ok(self.after(worked))
    }

    /// The run, if it goes on at once.
    fn after(&self, worked: Worked) -> Option<Claimed> {
        match worked {
            Worked::Next(next) => return Some(*next),
            Worked::LetGo(transcript) => self.ended(&transcript),
            Worked::Lost => {}
        }
        None
    }

    fn ended(&self, Transcript { id: transcript_id, run, .. }: &Transcript) {
        match run.state {
            RunState::Done { .. } => {
                self.metrics.pipeline.ended("done");
                info!(%transcript_id, "a transcript is done");
            }
            RunState::Failed { .. } => self.metrics.pipeline.ended("failed"),
            RunState::Waiting { .. } | RunState::Working { .. } => {}
        }
    }

    /// Says that the worker lives and how far it is, until the claim is lost.
    async fn hold(&self, started: &Claimed, told: &Told) {
        let runs = &self.line.runs;
        let mut said = None;
        let mut last = self.worker.now();
        loop {
            tokio::time::sleep(SAY).await;
            let (now, progress) = (self.worker.now(), told.progress());
            if progress == said && now.since(last) < runs.lease() / 3 {
                continue;
            }
            match runs.beat(started, progress, now).await {
                Ok(true) => (said, last) = (progress, now),
                Ok(false) => return,
                // The claim may outlast the outage.
                Err(error) => {
                    warn!(error = %Chain(&error), "the store does not hear that a run is worked on")
                }
            }
        }
    }

    async fn measure_loop(self) {
        loop {
            if let Err(error) = self.measure().await {
                warn!(error = %Chain(&error), "it cannot be measured how many runs wait");
            }
            if !self.worker.pause(MEASURE).await {
                return;
            }
        }
    }

    async fn measure(&self) -> Result<(), StoreError> {
        let (store, metrics) = (self.line.runs.store(), &self.metrics.pipeline);
        let which = WhichTranscripts { viewer: Viewer::Operator, room: None, unfinished: true };
        let unfinished = store.list_transcripts(&which, Paging { offset: 0, limit: 1 }).await?.total;
        metrics.unfinished.set(i64::try_from(unfinished).unwrap_or(i64::MAX));
        let next = store.next_run().await?;
        let waits = next.map(|next| self.worker.now().since(next)).unwrap_or_default();
        metrics.oldest_waiting.set(waits.as_secs_f64());
        Ok(())
    }

    async fn clear_loop(self) {
        loop {
            self.obey_denials().await;
            self.clear_away().await;
            if !self.worker.pause(CLEAR).await {
                return;
            }
        }
    }

    async fn obey_denials(&self) {
        let Line { answers, runs, .. } = &self.line;
        match answers.obey_all(runs, self.worker.now()).await {
            Ok(obeyed) => {
                for transcript_id in obeyed {
                    info!(%transcript_id, "a denial that nobody obeyed is obeyed now");
                }
            }
            Err(error) => warn!(error = %Chain(&error), "denials cannot be looked for; trying again later"),
        }
    }

    /// Removes working files of transcripts that are over or gone. A run that goes on all the same makes what it needs
    /// again.
    async fn clear_away(&self) {
        let Line { pipeline, runs, .. } = &self.line;
        let ids = match pipeline.working_on().await {
            Ok(ids) => ids,
            Err(error) => return warn!(%error, "the working folder cannot be read: check REFLECTOR_DATA_DIR"),
        };
        for transcript_id in ids {
            let loaded = match runs.store().load_transcript(transcript_id).await {
                Ok(loaded) => loaded,
                Err(error) => {
                    return warn!(error = %Chain(&error), "working files cannot be cleared away now");
                }
            };
            let is_needless = loaded.is_none_or(|loaded| match loaded.transcript.run.state {
                RunState::Done { .. } => true,
                RunState::Failed { at } => self.worker.now().since(at) >= KEPT,
                RunState::Waiting { .. } | RunState::Working { .. } => false,
            });
            if is_needless {
                match pipeline.discard(transcript_id).await {
                    Ok(()) => debug!(%transcript_id, "working files were cleared away"),
                    Err(error) => warn!(%transcript_id, %error, "working files cannot be cleared away"),
                }
            }
        }
    }
}

/// How far a stage says it is.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<(String, Option<StageProgress>)>);

impl Told {
    fn begins(&self, stage: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (stage.to_owned(), None);
    }

    fn progress(&self) -> Option<StageProgress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Which stage it is, and how far.
    pub(crate) fn stage(&self) -> (String, Option<StageProgress>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Progress for Told {
    fn is_at(&self, done: u64, of: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(StageProgress { done, of });
    }
}

fn tell(transcript_id: TranscriptId, stage: &str, came_to: &Result<Made, StageError>) {
    match came_to {
        Ok(Made::Output(_)) => info!(%transcript_id, stage, "a stage is done"),
        Ok(Made::Erasing { erased, .. }) => {
            info!(%transcript_id, stage, ?erased, "a stage is done, and what earlier ones made is gone");
        }
        Ok(Made::Skipped(why)) => info!(%transcript_id, stage, why, "a stage was skipped"),
        Err(StageError::Again { reason, .. }) => {
            warn!(%transcript_id, stage, reason, "a stage is to be tried again")
        }
        Err(error) => warn!(%transcript_id, stage, reason = %error, "a stage failed for good"),
    }
}
