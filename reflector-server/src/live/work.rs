//! What is owed, and how far recordings and runs are: figures for whoever operates the deployment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reflector_core::recording::RecordingStatus;
use reflector_core::store::{
    Paging, RecordingStore, StoreError, TallyStore, TranscriptStore, Viewer, WhichRecordings,
    WhichTranscripts,
};
use reflector_core::{RecordingId, Timestamp, TranscriptId};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How often it is counted, at the most, whoever listens.
const LEAST: Duration = Duration::from_secs(2);
/// Which part of its time the store is busy with that, at the most.
const PART: u32 = 100;
/// The recordings that are on their way, or wait for somebody: of those that are done there may be millions.
const COUNTED: [RecordingStatus; 4] = [
    RecordingStatus::Unmatched,
    RecordingStatus::Pending,
    RecordingStatus::Processing,
    RecordingStatus::Failed,
];

/// Counts the work.
#[derive(Debug)]
pub(crate) struct Works {
    tallies: Arc<dyn TallyStore>,
    recordings: Arc<dyn RecordingStore>,
    transcripts: Arc<dyn TranscriptStore>,
    counted: Mutex<Option<(Instant, Arc<WorkBody>)>>,
}

/// What there is to do. It is told of when anything in it changes.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct WorkBody {
    owed: OwedBody,
    /// How many recordings stand like this.
    recordings: BTreeMap<&'static str, u64>,
    /// How many runs are not over.
    runs: BTreeMap<&'static str, u64>,
    newest: NewestBody,
}

/// What is owed to providers.
#[derive(Debug, PartialEq, Serialize)]
struct OwedBody {
    effects: u64,
    /// For how long the oldest has been owed: in whole minutes, so that waiting alone is no news.
    oldest_seconds: Option<u64>,
}

/// The newest recording and transcript: another one is a reason to list them again.
#[derive(Debug, PartialEq, Serialize)]
struct NewestBody {
    recording: Option<RecordingId>,
    transcript: Option<TranscriptId>,
    /// Which change of that transcript this is.
    change: Option<u64>,
}

impl Works {
    pub(crate) fn new(
        tallies: Arc<dyn TallyStore>,
        recordings: Arc<dyn RecordingStore>,
        transcripts: Arc<dyn TranscriptStore>,
    ) -> Self {
        Self { tallies, recordings, transcripts, counted: Mutex::default() }
    }

    /// What there is to do, as it was counted lately for whoever asked first.
    pub(crate) async fn now(&self, now: Timestamp) -> Result<Arc<WorkBody>, StoreError> {
        let mut counted = self.counted.lock().await;
        if let Some((until, work)) = &*counted
            && Instant::now() < *until
        {
            return Ok(Arc::clone(work));
        }
        let begun = Instant::now();
        let work = Arc::new(self.count(now).await?);
        *counted = Some((Instant::now() + LEAST.max(begun.elapsed() * PART), Arc::clone(&work)));
        Ok(work)
    }

    async fn count(&self, now: Timestamp) -> Result<WorkBody, StoreError> {
        let owed = self.tallies.tally_work().await?;
        let oldest = owed.iter().map(|owed| owed.oldest).min();
        let waited = oldest.map(|oldest| now.since(oldest).as_secs() / 60 * 60);
        let effects = owed.iter().map(|owed| owed.pieces).sum();
        let mut recordings = BTreeMap::new();
        for status in COUNTED {
            let which = WhichRecordings { viewer: Viewer::Operator, status: Some(status), room: None };
            recordings.insert(status.as_str(), self.recordings.list_recordings(&which, NONE).await?.total);
        }
        let unfinished = WhichTranscripts { viewer: Viewer::Operator, room: None, unfinished: true };
        let runs = self.transcripts.list_transcripts(&unfinished, NONE).await?.total;
        Ok(WorkBody {
            owed: OwedBody { effects, oldest_seconds: waited },
            recordings,
            runs: [("unfinished", runs)].into(),
            newest: self.newest().await?,
        })
    }

    async fn newest(&self) -> Result<NewestBody, StoreError> {
        let recordings = WhichRecordings { viewer: Viewer::Operator, status: None, room: None };
        let transcripts = WhichTranscripts { viewer: Viewer::Operator, room: None, unfinished: false };
        let recording = self.recordings.list_recordings(&recordings, ONE).await?.items.pop();
        let transcript = self.transcripts.list_transcripts(&transcripts, ONE).await?.items.pop();
        Ok(NewestBody {
            recording: recording.map(|recording| recording.id),
            transcript: transcript.as_ref().map(|loaded| loaded.transcript.id),
            change: transcript.map(|loaded| loaded.version),
        })
    }
}

/// How many there are, and none of them.
const NONE: Paging = Paging { offset: 0, limit: 0 };
const ONE: Paging = Paging { offset: 0, limit: 1 };
