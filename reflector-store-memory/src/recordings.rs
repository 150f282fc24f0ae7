//! The recordings.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use async_trait::async_trait;
use reflector_core::notice::of_arrival;
use reflector_core::recording::{
    Belongs, Candidate, ObjectVersion, Recording, RecordingStatus, SoughtRoom, is_newer,
};
use reflector_core::store::{
    Committed, DeadLetter, LoadedRecording, OwedNotice, Page, Paging, RecordingStore, StoreError, TakenIn,
    Viewer, WhichRecordings,
};
use reflector_core::{Meeting, MeetingId, RecordingId, Timestamp};

use crate::rooms::Rooms;
use crate::{Everything, MemoryStore, paged};

#[derive(Default)]
pub(crate) struct Recordings {
    rows: HashMap<RecordingId, Row>,
    /// Deleted ones too: their objects are not taken in again.
    known: HashMap<ObjectVersion, RecordingId>,
    /// The newest of each key of a bucket.
    newest: HashMap<(String, String), Newest>,
    by_age: BTreeSet<(Timestamp, RecordingId)>,
    unmatched: BTreeSet<(Timestamp, RecordingId)>,
    pending: BTreeSet<(Timestamp, RecordingId)>,
    letters: BTreeMap<String, DeadLetter>,
}

struct Row {
    recording: Recording,
    version: u64,
}

struct Newest {
    revision: u32,
    sequencer: Option<String>,
}

impl Recordings {
    fn take_in(&mut self, mut recording: Recording) -> TakenIn {
        if let Some(id) = self.known.get(&recording.object) {
            return TakenIn::Known { id: *id, status: self.rows.get(id).map(|row| row.recording.status) };
        }
        let place = (recording.object.bucket.clone(), recording.object.key.clone());
        let newest = self.newest.get(&place);
        if newest.is_some_and(|newest| !is_newer(recording.sequencer.as_deref(), newest.sequencer.as_deref()))
        {
            return TakenIn::Outdated;
        }
        recording.revision = newest.map_or(0, |newest| newest.revision) + 1;
        let revision = recording.revision;
        self.newest.insert(place, Newest { revision, sequencer: recording.sequencer.clone() });
        self.known.insert(recording.object.clone(), recording.id);
        self.put(Row { recording, version: 1 });
        TakenIn::Stored { revision }
    }

    fn put(&mut self, row: Row) {
        let place = (row.recording.received_at, row.recording.id);
        self.by_age.insert(place);
        match row.recording.status {
            RecordingStatus::Unmatched => self.unmatched.insert(place),
            RecordingStatus::Pending => self.pending.insert(place),
            _ => false,
        };
        self.rows.insert(row.recording.id, row);
    }

    fn remove(&mut self, id: RecordingId) -> Option<Row> {
        let row = self.rows.remove(&id)?;
        let place = (row.recording.received_at, id);
        self.by_age.remove(&place);
        self.unmatched.remove(&place);
        self.pending.remove(&place);
        Some(row)
    }

    pub(crate) fn commit(&mut self, expected: u64, recording: &Recording) -> Committed {
        if self.rows.get(&recording.id).is_none_or(|row| row.version != expected) {
            return Committed::Conflict;
        }
        let Some(before) = self.remove(recording.id) else { return Committed::Conflict };
        self.put(Row { recording: before.recording.changed_to(recording), version: expected + 1 });
        Committed::Stored
    }

    /// Says how a recording stands, if it is there and doesn't wait for another run.
    pub(crate) fn stands(&mut self, id: RecordingId, status: RecordingStatus, error: Option<String>) {
        let waits = |row: &&Row| row.recording.status == RecordingStatus::Pending;
        let Some(row) = self.rows.get(&id).filter(|row| !waits(row)) else { return };
        let (version, recording) = (row.version, Recording { status, error, ..row.recording.clone() });
        self.commit(version, &recording);
    }

    /// Those that wait for a run, oldest first.
    pub(crate) fn awaiting(&self, limit: usize) -> Vec<LoadedRecording> {
        let rows = self.pending.iter().take(limit).filter_map(|(_, id)| self.rows.get(id));
        rows.map(Row::loaded).collect()
    }

    fn list(&self, which: &WhichRecordings, rooms: &Rooms, paging: Paging) -> Page<Recording> {
        let newest_first = self.by_age.iter().rev().filter_map(|(_, id)| self.rows.get(id));
        let seen = newest_first.map(|row| &row.recording).filter(|recording| {
            let room = recording.belongs_to.map(|belongs| belongs.room);
            let sees = match &which.viewer {
                Viewer::Operator => true,
                Viewer::User(user) => {
                    room.and_then(|room| rooms.load(room)).is_some_and(|room| room.owner == *user)
                }
            };
            sees && which.status.is_none_or(|status| recording.status == status)
                && which.room.is_none_or(|wanted| room == Some(wanted))
        });
        paged(seen, paging)
    }

    fn unmatched(
        &self,
        since: Timestamp,
        after: Option<(Timestamp, RecordingId)>,
        limit: usize,
    ) -> Vec<LoadedRecording> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.unmatched.range((from, Bound::Unbounded));
        let rows = rest.filter(|(at, _)| *at >= since).take(limit).filter_map(|(_, id)| self.rows.get(id));
        rows.map(Row::loaded).collect()
    }
}

impl Row {
    fn loaded(&self) -> LoadedRecording {
        LoadedRecording { recording: self.recording.clone(), version: self.version }
    }
}

impl Everything {
    fn candidates(&self, room: &SoughtRoom) -> Vec<Candidate> {
        let named = self.meetings.named(&room.provider, &room.name);
        let mut ids: Vec<MeetingId> = named.chain(room.meeting).collect();
        ids.sort_unstable();
        ids.dedup();
        let meetings = ids.into_iter().filter_map(|id| self.meetings.meeting(id));
        meetings.filter(|meeting| meeting.provider == room.provider).map(candidate).collect()
    }
}

fn candidate(meeting: &Meeting) -> Candidate {
    Candidate {
        belongs: Belongs { meeting: meeting.id, room: meeting.room_id },
        began_at: meeting.life.created_at,
        ended_at: meeting.life.phase.closed_at(),
    }
}

#[async_trait]
impl RecordingStore for MemoryStore {
    async fn take_in(&self, batch: Vec<Recording>) -> Result<Vec<TakenIn>, StoreError> {
        let mut kept = self.kept();
        let mut take_in = |recording: Recording| {
            let notice = of_arrival(&recording);
            let taken_in = kept.recordings.take_in(recording);
            if matches!(taken_in, TakenIn::Stored { .. }) {
                kept.owe_notices(notice);
            }
            taken_in
        };
        Ok(batch.into_iter().map(&mut take_in).collect())
    }

    async fn candidates(&self, rooms: &[SoughtRoom]) -> Result<Vec<Vec<Candidate>>, StoreError> {
        let kept = self.kept();
        Ok(rooms.iter().map(|room| kept.candidates(room)).collect())
    }

    async fn load_recording(&self, id: RecordingId) -> Result<Option<LoadedRecording>, StoreError> {
        Ok(self.kept().recordings.rows.get(&id).map(Row::loaded))
    }

    async fn commit_recording(
        &self,
        expected: u64,
        recording: &Recording,
        notice: Option<OwedNotice>,
    ) -> Result<Committed, StoreError> {
        let mut kept = self.kept();
        let committed = kept.recordings.commit(expected, recording);
        if committed == Committed::Stored {
            kept.owe_notices(notice);
        }
        Ok(committed)
    }

    async fn list_recordings(
        &self,
        which: &WhichRecordings,
        paging: Paging,
    ) -> Result<Page<Recording>, StoreError> {
        let kept = self.kept();
        Ok(kept.recordings.list(which, &kept.rooms, paging))
    }

    async fn unmatched(
        &self,
        received_since: Timestamp,
        after: Option<(Timestamp, RecordingId)>,
        limit: usize,
    ) -> Result<Vec<LoadedRecording>, StoreError> {
        Ok(self.kept().recordings.unmatched(received_since, after, limit))
    }

    async fn delete_recording(&self, id: RecordingId, _now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.kept().recordings.remove(id).is_some())
    }

    async fn set_aside(&self, letter: DeadLetter) -> Result<bool, StoreError> {
        let letters = &mut self.kept().recordings.letters;
        let is_new = !letters.contains_key(&letter.id);
        letters.entry(letter.id.clone()).or_insert(letter);
        Ok(is_new)
    }

    async fn dead_letters(&self, paging: Paging) -> Result<Page<DeadLetter>, StoreError> {
        let kept = self.kept();
        let mut letters: Vec<_> = kept.recordings.letters.values().collect();
        letters.sort_by(|one, other| (other.at, &other.id).cmp(&(one.at, &one.id)));
        Ok(paged(letters.into_iter(), paging))
    }
}
