//! Recordings, transcripts and notices in a store that fails when it is told to.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::Flaky;
use crate::ids::{RecordingId, TranscriptId};
use crate::pipeline::Transcript;
use crate::recording::{Candidate, Recording, SoughtRoom};
use crate::store::{
    ClaimRuns, ClaimedNotice, Committed, DeadLetter, LoadedRecording, LoadedTranscript, NoticeStore,
    OwedNotice, Page, Paging, RecordingStore, RunBeat, RunCommit, Settled, Settlement, StoreError, TakenIn,
    TranscriptStore, WhichRecordings, WhichTranscripts,
};
use crate::time::Timestamp;

#[async_trait]
impl<S: RecordingStore + ?Sized> RecordingStore for Flaky<S> {
    async fn take_in(&self, batch: Vec<Recording>) -> Result<Vec<TakenIn>, StoreError> {
        self.pass("take_in", self.store.take_in(batch)).await
    }

    async fn candidates(&self, rooms: &[SoughtRoom]) -> Result<Vec<Vec<Candidate>>, StoreError> {
        self.pass("candidates", self.store.candidates(rooms)).await
    }

    async fn load_recording(&self, id: RecordingId) -> Result<Option<LoadedRecording>, StoreError> {
        self.pass("load_recording", self.store.load_recording(id)).await
    }

    async fn commit_recording(
        &self,
        expected: u64,
        recording: &Recording,
        notice: Option<OwedNotice>,
    ) -> Result<Committed, StoreError> {
        let work = self.store.commit_recording(expected, recording, notice);
        self.refusable("commit_recording", work).await
    }

    async fn list_recordings(
        &self,
        which: &WhichRecordings,
        paging: Paging,
    ) -> Result<Page<Recording>, StoreError> {
        self.pass("list_recordings", self.store.list_recordings(which, paging)).await
    }

    async fn unmatched(
        &self,
        received_since: Timestamp,
        after: Option<(Timestamp, RecordingId)>,
        limit: usize,
    ) -> Result<Vec<LoadedRecording>, StoreError> {
        self.pass("unmatched", self.store.unmatched(received_since, after, limit)).await
    }

    async fn delete_recording(&self, id: RecordingId, now: Timestamp) -> Result<bool, StoreError> {
        self.pass("delete_recording", self.store.delete_recording(id, now)).await
    }

    async fn set_aside(&self, letter: DeadLetter) -> Result<bool, StoreError> {
        self.pass("set_aside", self.store.set_aside(letter)).await
    }

    async fn dead_letters(&self, paging: Paging) -> Result<Page<DeadLetter>, StoreError> {
        self.pass("dead_letters", self.store.dead_letters(paging)).await
    }
}

#[async_trait]
impl<S: TranscriptStore + ?Sized> TranscriptStore for Flaky<S> {
    async fn awaiting(&self, limit: usize) -> Result<Vec<LoadedRecording>, StoreError> {
        self.pass("awaiting", self.store.awaiting(limit)).await
    }

    async fn begin(
        &self,
        recording: &LoadedRecording,
        transcript: &Transcript,
        over: Option<u64>,
    ) -> Result<Committed, StoreError> {
        self.halted(self.refusable("begin", self.store.begin(recording, transcript, over))).await
    }

    async fn load_transcript(&self, id: TranscriptId) -> Result<Option<LoadedTranscript>, StoreError> {
        self.pass("load_transcript", self.store.load_transcript(id)).await
    }

    async fn transcript_of(&self, recording: RecordingId) -> Result<Option<LoadedTranscript>, StoreError> {
        self.pass("transcript_of", self.store.transcript_of(recording)).await
    }

    async fn made(&self, id: TranscriptId) -> Result<BTreeMap<String, String>, StoreError> {
        self.pass("made", self.store.made(id)).await
    }

    async fn claim_runs(&self, claim: ClaimRuns) -> Result<Vec<LoadedTranscript>, StoreError> {
        self.pass("claim_runs", self.store.claim_runs(claim)).await
    }

    async fn beat_run(&self, beat: RunBeat) -> Result<bool, StoreError> {
        self.pass("beat_run", self.store.beat_run(beat)).await
    }

    async fn commit_run(&self, commit: RunCommit) -> Result<Committed, StoreError> {
        self.halted(self.refusable("commit_run", self.store.commit_run(commit))).await
    }

    async fn next_run(&self) -> Result<Option<Timestamp>, StoreError> {
        self.pass("next_run", self.store.next_run()).await
    }

    async fn list_transcripts(
        &self,
        which: &WhichTranscripts,
        paging: Paging,
    ) -> Result<Page<LoadedTranscript>, StoreError> {
        self.pass("list_transcripts", self.store.list_transcripts(which, paging)).await
    }

    async fn delete_transcript(&self, id: TranscriptId) -> Result<bool, StoreError> {
        self.pass("delete_transcript", self.store.delete_transcript(id)).await
    }
}

#[async_trait]
impl<S: NoticeStore + ?Sized> NoticeStore for Flaky<S> {
    async fn claim_notices(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimedNotice>, StoreError> {
        self.pass("claim_notices", self.store.claim_notices(now, until, limit)).await
    }

    async fn settle_notice(
        &self,
        claimed: &ClaimedNotice,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.pass("settle_notice", self.store.settle_notice(claimed, settlement, now)).await
    }

    async fn next_notice(&self) -> Result<Option<Timestamp>, StoreError> {
        self.pass("next_notice", self.store.next_notice()).await
    }

    async fn drop_notices_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.pass("drop_notices_before", self.store.drop_notices_before(before, limit)).await
    }
}
