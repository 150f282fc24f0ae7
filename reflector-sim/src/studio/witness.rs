//! Sees all that is done to transcripts, where it is done: behind whatever fails on the way there and back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use reflector_core::pipeline::Transcript;
use reflector_core::store::{
    ClaimRuns, Committed, LoadedRecording, LoadedTranscript, Page, Paging, RunBeat, RunCommit, StoreError,
    TranscriptStore, WhichTranscripts,
};
use reflector_core::{RecordingId, Timestamp, TranscriptId};

use crate::told::Keeps;

/// What was done to a transcript.
#[derive(Debug)]
pub(super) enum Seen {
    Begun(Box<LoadedTranscript>),
    Claimed(ClaimRuns, Box<LoadedTranscript>),
    /// A claim was prolonged.
    Beaten(RunBeat),
    /// A change was written.
    Committed(Box<RunCommit>),
}

/// The store, with somebody who writes down what happens to it.
#[derive(Debug)]
pub(super) struct Witness {
    store: Arc<dyn Keeps>,
    seen: Mutex<Vec<Seen>>,
}

impl Witness {
    pub(super) fn of(store: Arc<dyn Keeps>) -> Self {
        Self { store, seen: Mutex::default() }
    }

    /// What was done since it was last asked.
    pub(super) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn sees(&self, seen: impl IntoIterator<Item = Seen>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).extend(seen);
    }
}

#[async_trait]
impl TranscriptStore for Witness {
    async fn awaiting(&self, limit: usize) -> Result<Vec<LoadedRecording>, StoreError> {
        self.store.awaiting(limit).await
    }

    async fn begin(
        &self,
        recording: &LoadedRecording,
        transcript: &Transcript,
        over: Option<u64>,
    ) -> Result<Committed, StoreError> {
        let committed = self.store.begin(recording, transcript, over).await?;
        if committed == Committed::Stored {
            // As it is kept now: a moment later somebody may have claimed it.
            let begun = self.store.load_transcript(transcript.id).await?;
            self.sees(begun.map(|begun| Seen::Begun(Box::new(begun))));
        }
        Ok(committed)
    }

    async fn load_transcript(&self, id: TranscriptId) -> Result<Option<LoadedTranscript>, StoreError> {
        self.store.load_transcript(id).await
    }

    async fn transcript_of(&self, recording: RecordingId) -> Result<Option<LoadedTranscript>, StoreError> {
        self.store.transcript_of(recording).await
    }

    async fn made(&self, id: TranscriptId) -> Result<BTreeMap<String, String>, StoreError> {
        self.store.made(id).await
    }

    async fn claim_runs(&self, claim: ClaimRuns) -> Result<Vec<LoadedTranscript>, StoreError> {
        let claimed = self.store.claim_runs(claim).await?;
        self.sees(claimed.iter().map(|loaded| Seen::Claimed(claim, Box::new(loaded.clone()))));
        Ok(claimed)
    }

    async fn beat_run(&self, beat: RunBeat) -> Result<bool, StoreError> {
        let holds = self.store.beat_run(beat).await?;
        self.sees(holds.then_some(Seen::Beaten(beat)));
        Ok(holds)
    }

    async fn commit_run(&self, commit: RunCommit) -> Result<Committed, StoreError> {
        let committed = self.store.commit_run(commit.clone()).await?;
        self.sees((committed == Committed::Stored).then(|| Seen::Committed(Box::new(commit))));
        Ok(committed)
    }

    async fn next_run(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_run().await
    }

    async fn list_transcripts(
        &self,
        which: &WhichTranscripts,
        paging: Paging,
    ) -> Result<Page<LoadedTranscript>, StoreError> {
        self.store.list_transcripts(which, paging).await
    }

    async fn delete_transcript(&self, id: TranscriptId) -> Result<bool, StoreError> {
        self.store.delete_transcript(id).await
    }
}
