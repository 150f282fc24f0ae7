//! Runs of a pipeline: pending recordings get one, workers claim them, and each stage is done once.
//!
//! ```text
//! pending recording ─► begin_once ─► claim ─► work_once: start ─► commit ─► the stage ─► advance ─► commit ─┐
//!                                      ▲                                                                    │
//!                                      └──────────── the next stage, or later, or by another worker ◄───────┘
//! ```
//!
//! No transaction is open while a stage works. Whoever embeds it calls [`Runs::beat`] beside a long stage, and drops
//! the stage when its claim is lost.

mod operate;
mod work;

use std::sync::Arc;
use std::time::Duration;

pub use operate::RunError;
pub use work::{Claimed, Worked};

use crate::ids::TranscriptId;
use crate::pipeline::{Pipeline, RestartAt, Retry, Transcript, begin, restart};
use crate::recording::Recording;
use crate::store::{Committed, LoadedRecording, LoadedTranscript, StoreError, TranscriptStore};
use crate::time::Timestamp;

/// How many pending recordings are looked at at once.
const BATCH: usize = 100;
/// How long a run is in a worker's hands without a sign of life.
const LEASE: Duration = Duration::from_secs(60);

/// Runs a pipeline over what is kept in a store.
#[derive(Clone, Debug)]
pub struct Runs {
    store: Arc<dyn TranscriptStore>,
    pipeline: Arc<dyn Pipeline>,
    retry: Retry,
}

/// What became of recordings that waited for a run.
#[derive(Debug, Default)]
pub struct Begun {
    /// The transcripts whose run began.
    pub transcripts: Vec<TranscriptId>,
    /// Whether there may be more that wait.
    pub more: bool,
}

impl Runs {
    /// Runs of this pipeline, kept in this store.
    pub fn new(store: Arc<dyn TranscriptStore>, pipeline: Arc<dyn Pipeline>, retry: Retry) -> Self {
        Self { store, pipeline, retry }
    }

    /// The store it works on.
    pub fn store(&self) -> &dyn TranscriptStore {
        &*self.store
    }

    /// The pipeline.
    pub fn pipeline(&self) -> &dyn Pipeline {
        &*self.pipeline
    }

    /// How long a claim lasts without a [`beat`](Self::beat): beat at a third of it.
    pub fn lease(&self) -> Duration {
        LEASE
    }

    /// Begins the runs of recordings that wait for one, some at a time.
    ///
    /// # Errors
    ///
    /// When the store is ill.
    pub async fn begin_once(&self, now: Timestamp) -> Result<Begun, StoreError> {
        let awaiting = self.store.awaiting(BATCH).await?;
        let mut begun = Begun { more: awaiting.len() == BATCH, ..Begun::default() };
        for loaded in awaiting {
            let Some((transcript, over)) = self.transcript(&loaded.recording, now).await? else { continue };
            let status = transcript.run.recording_status();
            let recording = Recording { status, error: None, ..loaded.recording };
            let loaded = LoadedRecording { recording, version: loaded.version };
            // Whoever was faster has begun it, or has changed the recording: the next look sees.
            if self.store.begin(&loaded, &transcript, over).await? == Committed::Stored {
                begun.transcripts.push(transcript.id);
            }
        }
        Ok(begun)
    }

    /// The transcript of a recording with a run that begins now, and the version of the one that it takes the place of.
    /// Nothing if nobody knows whose it is.
    async fn transcript(
        &self,
        recording: &Recording,
        now: Timestamp,
    ) -> Result<Option<(Transcript, Option<u64>)>, StoreError> {
        let Some(belongs_to) = recording.belongs_to else { return Ok(None) };
        let stages = self.pipeline.stages();
        let known = self.store.transcript_of(recording.id).await?;
        let over = known.as_ref().map(|known| known.version);
        let (id, created_at, run) = match known {
            Some(LoadedTranscript { transcript, .. }) => {
                let run = restart(&transcript.run, RestartAt::Beginning, stages, now);
                // The beginning is a place in every pipeline.
                (transcript.id, transcript.created_at, run.unwrap_or_else(|_| begin(stages, now)))
            }
            // A recording has one transcript, and its id is that of the recording: begun by two, it is the same.
            None => (TranscriptId(recording.id.0), now, begin(stages, now)),
        };
        let (object, size) = (recording.object.clone(), recording.size);
        let recording = recording.id;
        Ok(Some((Transcript { id, recording, object, size, belongs_to, created_at, run }, over)))
    }
}
