//! The transcripts: their runs, and what the stages made.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use reflector_core::pipeline::Transcript;
use reflector_core::store::{
    ClaimRuns, Committed, LoadedRecording, LoadedTranscript, Page, Paging, RunBeat, RunCommit, StoreError,
    TranscriptStore, Viewer, WhichTranscripts, first_version,
};
use reflector_core::{RecordingId, Timestamp, TranscriptId};

use crate::rooms::Rooms;
use crate::{Everything, MemoryStore, paged};

#[derive(Default)]
pub(crate) struct Transcripts {
    rows: HashMap<TranscriptId, Row>,
    of_recording: HashMap<RecordingId, TranscriptId>,
    by_age: BTreeSet<(Timestamp, TranscriptId)>,
    /// When each can be claimed next.
    ready: BTreeSet<(Timestamp, TranscriptId)>,
}

struct Row {
    loaded: LoadedTranscript,
    made: BTreeMap<String, String>,
}

fn ready_at(loaded: &LoadedTranscript) -> Option<Timestamp> {
    loaded.transcript.run.ready_at(loaded.claimed_until)
}

impl Transcripts {
    fn put(&mut self, row: Row) {
        let Transcript { id, recording, created_at, .. } = row.loaded.transcript;
        self.of_recording.insert(recording, id);
        self.by_age.insert((created_at, id));
        self.ready.extend(ready_at(&row.loaded).map(|at| (at, id)));
        self.rows.insert(id, row);
    }

    fn remove(&mut self, id: TranscriptId) -> Option<Row> {
        let row = self.rows.remove(&id)?;
        self.of_recording.remove(&row.loaded.transcript.recording);
        self.by_age.remove(&(row.loaded.transcript.created_at, id));
        if let Some(at) = ready_at(&row.loaded) {
            self.ready.remove(&(at, id));
        }
        Some(row)
    }

    fn loaded(&self, id: TranscriptId) -> Option<LoadedTranscript> {
        self.rows.get(&id).map(|row| row.loaded.clone())
    }

    fn claim(&mut self, claim: ClaimRuns) -> Vec<LoadedTranscript> {
        let ready = self.ready.iter().take_while(|(at, _)| *at <= claim.now);
        let wanted = ready.filter(|(_, id)| claim.only.is_none_or(|only| only == *id));
        let ids: Vec<_> = wanted.take(claim.limit).map(|(_, id)| *id).collect();
        let mut claimed = Vec::new();
        for id in ids {
            let Some(mut row) = self.remove(id) else { continue };
            row.loaded.version += 1;
            row.loaded.claimed_until = Some(claim.until);
            row.loaded.progress = None;
            claimed.push(row.loaded.clone());
            self.put(row);
        }
        claimed
    }

    fn beat(&mut self, beat: RunBeat) -> bool {
        let is_held = |row: &Row| row.loaded.version == beat.version && row.loaded.claimed_until.is_some();
        if !self.rows.get(&beat.id).is_some_and(is_held) {
            return false;
        }
        let Some(mut row) = self.remove(beat.id) else { return false };
        row.loaded.claimed_until = Some(beat.until);
        row.loaded.progress = beat.progress;
        self.put(row);
        true
    }

    fn list(&self, which: &WhichTranscripts, rooms: &Rooms, paging: Paging) -> Page<LoadedTranscript> {
        let newest_first = self.by_age.iter().rev().filter_map(|(_, id)| self.rows.get(id));
        let seen = newest_first.map(|row| &row.loaded).filter(|loaded| {
            let room = loaded.transcript.belongs_to.room;
            let sees = match &which.viewer {
                Viewer::Operator => true,
                Viewer::User(user) => rooms.load(room).is_some_and(|room| room.owner == *user),
            };
            sees && which.room.is_none_or(|wanted| wanted == room)
                && !(which.unfinished && loaded.transcript.run.is_over())
        });
        paged(seen, paging)
    }
}

impl Everything {
    fn begin(
        &mut self,
        recording: &LoadedRecording,
        transcript: &Transcript,
        over: Option<u64>,
    ) -> Committed {
        let known = self.transcripts.of_recording.get(&transcript.recording);
        let known = known.and_then(|id| self.transcripts.loaded(*id));
        if known.map(|known| (known.transcript.id, known.version)) != over.map(|over| (transcript.id, over)) {
            return Committed::Conflict;
        }
        let committed = self.recordings.commit(recording.version, &recording.recording);
        if committed == Committed::Stored {
            let before = self.transcripts.remove(transcript.id);
            let version = before.map_or_else(|| first_version(recording), |row| row.loaded.version + 1);
            let transcript = transcript.clone();
            let loaded = LoadedTranscript { transcript, version, claimed_until: None, progress: None };
            self.transcripts.put(Row { loaded, made: BTreeMap::new() });
        }
        committed
    }

    fn commit_run(&mut self, commit: RunCommit) -> Committed {
        let RunCommit { expected, transcript, claimed_until, made, dropped, recording, notices } = commit;
        let id = transcript.id;
        if self.transcripts.rows.get(&id).is_none_or(|row| row.loaded.version != expected) {
            return Committed::Conflict;
        }
        let Some(mut row) = self.transcripts.remove(id) else { return Committed::Conflict };
        for stage in dropped {
            row.made.remove(&stage);
        }
        row.made.extend(made);
        self.owe_notices(notices);
        if let Some((status, error)) = recording {
            self.recordings.stands(transcript.recording, status, error);
        }
        row.loaded = LoadedTranscript { transcript, version: expected + 1, claimed_until, progress: None };
        self.transcripts.put(row);
        Committed::Stored
    }
}

#[async_trait]
impl TranscriptStore for MemoryStore {
    async fn awaiting(&self, limit: usize) -> Result<Vec<LoadedRecording>, StoreError> {
        Ok(self.kept().recordings.awaiting(limit))
    }

    async fn begin(
        &self,
        recording: &LoadedRecording,
        transcript: &Transcript,
        over: Option<u64>,
    ) -> Result<Committed, StoreError> {
        Ok(self.kept().begin(recording, transcript, over))
    }

    async fn load_transcript(&self, id: TranscriptId) -> Result<Option<LoadedTranscript>, StoreError> {
        Ok(self.kept().transcripts.loaded(id))
    }

    async fn transcript_of(&self, recording: RecordingId) -> Result<Option<LoadedTranscript>, StoreError> {
        let transcripts = &self.kept().transcripts;
        Ok(transcripts.of_recording.get(&recording).and_then(|id| transcripts.loaded(*id)))
    }

    async fn made(&self, id: TranscriptId) -> Result<BTreeMap<String, String>, StoreError> {
        Ok(self.kept().transcripts.rows.get(&id).map(|row| row.made.clone()).unwrap_or_default())
    }

    async fn claim_runs(&self, claim: ClaimRuns) -> Result<Vec<LoadedTranscript>, StoreError> {
        Ok(self.kept().transcripts.claim(claim))
    }

    async fn beat_run(&self, beat: RunBeat) -> Result<bool, StoreError> {
        Ok(self.kept().transcripts.beat(beat))
    }

    async fn commit_run(&self, commit: RunCommit) -> Result<Committed, StoreError> {
        Ok(self.kept().commit_run(commit))
    }

    async fn next_run(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.kept().transcripts.ready.first().map(|(at, _)| *at))
    }

    async fn list_transcripts(
        &self,
        which: &WhichTranscripts,
        paging: Paging,
    ) -> Result<Page<LoadedTranscript>, StoreError> {
        let kept = self.kept();
        Ok(kept.transcripts.list(which, &kept.rooms, paging))
    }

    async fn delete_transcript(&self, id: TranscriptId) -> Result<bool, StoreError> {
        Ok(self.kept().transcripts.remove(id).is_some())
    }
}
