//! The meetings, their deadlines and their history.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use reflector_core::provider::RoomAddress;
use reflector_core::store::{
    Commit, Committed, Created, Dropped, DueClaim, DueRow, Entry, Loaded, NewMeeting, WhichMeetings,
};
use reflector_core::{Meeting, MeetingId, ProviderName, RoomId, Timestamp};

use crate::Everything;
use crate::index::{Index, Times, claim_key};

impl Everything {
    pub(crate) fn create(&mut self, new: NewMeeting) -> Created {
        let NewMeeting { meeting, due, effects, entries } = new;
        if self.meetings.rows.contains_key(&meeting.id) {
            return Created::Stored;
        }
        if self.rooms.load(meeting.room_id).is_none() {
            return Created::RoomMissing;
        }
        if let Some(holder) = self.meetings.holder(&meeting) {
            return Created::ClaimTaken(holder);
        }
        let mut row = Row {
            meeting,
            version: 1,
            due,
            claimed_until: None,
            outdated: false,
            forgotten: 0,
            history: Vec::new(),
        };
        let noted = row.note(entries);
        self.feed.add(row.meeting.id, noted);
        self.meetings.index.add(&row);
        self.meetings.rows.insert(row.meeting.id, row);
        self.effects.owe(effects);
        Created::Stored
    }

    pub(crate) fn commit(&mut self, commit: Commit) -> Committed {
        let Commit { expected, meeting, due, effects, superseded, delivery, notices, entries } = commit;
        if delivery.as_ref().is_some_and(|delivery| self.deliveries.was_taken(&delivery.key)) {
            return Committed::Duplicate;
        }
        // The engine never takes a claim in a commit; one that did and found it held has read an older world.
        let held_by_another = self.meetings.holder(&meeting).is_some_and(|holder| holder != meeting.id);
        let Meetings { rows, index, .. } = &mut self.meetings;
        let row = rows.get_mut(&meeting.id).filter(|row| row.version == expected && !held_by_another);
        let Some(row) = row else { return Committed::Conflict };

        self.effects.supersede(meeting.id, &superseded);
        self.effects.owe(effects);
        let times = row.times();
        let before = std::mem::replace(&mut row.meeting, meeting);
        row.version += 1;
        row.due = due;
        row.claimed_until = None;
        row.outdated = false;
        let noted = row.note(entries);
        self.feed.add(row.meeting.id, noted);
        index.follow(&before, times, row);
        self.owe_notices(notices);
        if let Some(delivery) = delivery {
            self.hearing.heard(&delivery.key.provider, delivery.endpoint, delivery.received_at);
            self.deliveries.take(delivery.key, delivery.received_at);
        }
        Committed::Stored
    }

    pub(crate) fn load(&self, id: MeetingId) -> Option<Loaded> {
        self.meetings.rows.get(&id).map(|row| self.loaded(row))
    }

    pub(crate) fn find(&self, provider: &ProviderName, room: &RoomAddress) -> Option<Loaded> {
        self.load(self.meetings.find(provider, room)?)
    }

    /// Drops what is older than it needs to be.
    pub(crate) fn drop_before(&mut self, before: Timestamp, limit: usize) -> Dropped {
        Dropped {
            entries: self.meetings.drop_history_before(before, limit),
            deliveries: self.deliveries.drop_taken_before(before, limit),
            settled: self.effects.drop_done_before(before, limit),
        }
    }

    pub(crate) fn open_meetings(&self, room: RoomId) -> Vec<Loaded> {
        let mut open: Vec<_> = self.meetings.open(room).collect();
        open.sort_by_key(|row| (row.meeting.life.schedule.start, row.meeting.id));
        open.into_iter().map(|row| self.loaded(row)).collect()
    }

    fn loaded(&self, row: &Row) -> Loaded {
        let room_policy = self.rooms.policy(row.meeting.room_id);
        Loaded { meeting: row.meeting.clone(), version: row.version, room_policy, entries: row.entries() }
    }
}

#[derive(Default)]
pub(crate) struct Meetings {
    rows: HashMap<MeetingId, Row>,
    index: Index,
    visited_by_due: u64,
}

/// What is kept of one meeting.
pub(crate) struct Row {
    pub(crate) meeting: Meeting,
    version: u64,
    due: Option<DueRow>,
    /// Until when `due` gives it to nobody else.
    claimed_until: Option<Timestamp>,
    /// Whether its room has changed since its deadline was computed.
    outdated: bool,
    /// How many of the first entries were dropped.
    forgotten: u64,
    history: Vec<Entry>,
}

impl Row {
    /// By what times `due` and `outdated` find it.
    pub(crate) fn times(&self) -> Times {
        let due = self.due.map(|due| self.claimed_until.unwrap_or(due.at).max(due.at));
        let open = self.due.filter(|_| !self.meeting.life.phase.is_closed());
        let fingerprint = open.map(|due| (!self.outdated).then_some(due.fingerprint));
        Times { due, fingerprint }
    }

    fn entries(&self) -> u64 {
        self.forgotten + self.history.len() as u64
    }

    /// Writes these down, and gives the numbers that they have got.
    fn note(&mut self, entries: Vec<Entry>) -> RangeInclusive<u64> {
        let first = self.entries() + 1;
        for entry in entries {
            self.history.push(Entry { seq: self.entries() + 1, ..entry });
        }
        first..=self.entries()
    }
}

impl Meetings {
    fn find(&self, provider: &ProviderName, room: &RoomAddress) -> Option<MeetingId> {
        let key = |text: &String| (provider.clone(), text.clone());
        let by_id = room.external_id.as_ref().and_then(|id| self.index.external_ids.get(&key(id)));
        by_id.or_else(|| self.index.names.get(&key(room.name.as_ref()?))?.last()).copied()
    }

    /// The meetings that have a room of this name at a provider.
    pub(crate) fn named(&self, provider: &ProviderName, name: &str) -> impl Iterator<Item = MeetingId> {
        self.index.names.get(&(provider.clone(), name.to_owned())).into_iter().flatten().copied()
    }

    pub(crate) fn meeting(&self, id: MeetingId) -> Option<&Meeting> {
        self.rows.get(&id).map(|row| &row.meeting)
    }

    pub(crate) fn due(&mut self, claim: DueClaim) -> Vec<MeetingId> {
        let mut visited = 0;
        let due = self.index.due.iter().inspect(|_| visited += 1).take_while(|(at, _)| *at <= claim.now);
        let ids: Vec<_> = due.take(claim.limit).map(|(_, id)| *id).collect();
        self.visited_by_due += visited;
        for id in &ids {
            if let Some(row) = self.rows.get_mut(id) {
                self.index.take_times(*id, row.times());
                row.claimed_until = Some(claim.until);
                self.index.add_times(*id, row.times());
            }
        }
        ids
    }

    /// All that are not closed.
    pub(crate) fn all_open(&self) -> impl Iterator<Item = &Meeting> {
        self.rows.values().map(|row| &row.meeting).filter(|meeting| !meeting.life.phase.is_closed())
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.index.due.first().map(|(at, _)| *at)
    }

    pub(crate) fn visited_by_due(&self) -> u64 {
        self.visited_by_due
    }

    pub(crate) fn outdated(&self, fingerprint: u64, limit: usize) -> Vec<MeetingId> {
        let others = self.index.fingerprints.iter().filter(|(other, _)| **other != Some(fingerprint));
        others.flat_map(|(_, ids)| ids).take(limit).copied().collect()
    }

    pub(crate) fn history(&self, id: MeetingId, after: u64, limit: usize) -> Vec<Entry> {
        let Some(row) = self.rows.get(&id) else { return Vec::new() };
        let skip = usize::try_from(after.saturating_sub(row.forgotten)).unwrap_or(usize::MAX);
        row.history.iter().skip(skip).take(limit).cloned().collect()
    }

    /// One entry, unless it was dropped.
    pub(crate) fn entry(&self, id: MeetingId, seq: u64) -> Option<Entry> {
        let row = self.rows.get(&id)?;
        let place = seq.checked_sub(row.forgotten + 1)?;
        row.history.get(usize::try_from(place).ok()?).cloned()
    }

    pub(crate) fn list(
        &self,
        which: &WhichMeetings,
        after: Option<(Timestamp, MeetingId)>,
        limit: usize,
    ) -> Vec<Meeting> {
        let place = |meeting: &Meeting| (meeting.life.created_at, meeting.id);
        let wanted = |meeting: &&Meeting| {
            which.room.is_none_or(|room| room == meeting.room_id)
                && (which.closed || !meeting.life.phase.is_closed())
                && which.made_since.is_none_or(|since| since <= meeting.life.created_at)
                && after.is_none_or(|after| after < place(meeting))
        };
        let mut listed: Vec<_> = self.rows.values().map(|row| &row.meeting).filter(wanted).collect();
        listed.sort_by_key(|meeting| place(meeting));
        listed.into_iter().take(limit).cloned().collect()
    }

    /// Drops entries of meetings that closed before this instant, of the one that closed first first.
    fn drop_history_before(&mut self, before: Timestamp, limit: usize) -> usize {
        let mut dropped = 0;
        while dropped < limit
            && let Some((at, id)) = self.index.closed.first().copied()
            && at < before
        {
            let Some(row) = self.rows.get_mut(&id) else { break };
            let some = row.history.len().min(limit - dropped);
            row.history.drain(..some);
            row.forgotten += some as u64;
            dropped += some;
            if row.history.is_empty() {
                self.index.closed.pop_first();
            }
        }
        dropped
    }

    /// Who has in its room what this meeting claims.
    fn holder(&self, meeting: &Meeting) -> Option<MeetingId> {
        self.index.claims.get(&claim_key(meeting)?).copied()
    }

    fn open(&self, room: RoomId) -> impl Iterator<Item = &Row> {
        self.index.open.get(&room).into_iter().flatten().filter_map(|id| self.rows.get(id))
    }

    /// The meetings that keep a room from being deleted.
    pub(crate) fn keeping(&self, room: RoomId) -> Vec<MeetingId> {
        self.open(room).filter(|row| !row.meeting.life.phase.is_forced()).map(|row| row.meeting.id).collect()
    }

    /// A room has changed: what was read of its open meetings is old, and their deadlines may be wrong.
    pub(crate) fn outdate(&mut self, room: RoomId) {
        let ids: Vec<_> = self.open(room).map(|row| row.meeting.id).collect();
        for id in ids {
            if let Some(row) = self.rows.get_mut(&id) {
                self.index.take_times(id, row.times());
                row.version += 1;
                row.outdated = true;
                self.index.add_times(id, row.times());
            }
        }
    }
}
