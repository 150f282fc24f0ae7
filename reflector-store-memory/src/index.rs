//! The ways by which meetings are found. Each is told from a meeting's row, so that it can be taken back again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use reflector_core::{Claim, Meeting, MeetingId, ProviderName, RoomId, Timestamp};

use crate::meetings::Row;

#[derive(Default)]
pub(crate) struct Index {
    /// When `due` may give each out next: at its deadline, or at the end of a claim.
    pub(crate) due: BTreeSet<(Timestamp, MeetingId)>,
    /// The open meetings by the fingerprint of their deadline row; without one, a changed room has outdated them.
    pub(crate) fingerprints: BTreeMap<Option<u64>, BTreeSet<MeetingId>>,
    pub(crate) claims: HashMap<(RoomId, Claim), MeetingId>,
    pub(crate) open: HashMap<RoomId, BTreeSet<MeetingId>>,
    /// The closed meetings whose history is still there, by when they closed.
    pub(crate) closed: BTreeSet<(Timestamp, MeetingId)>,
    pub(crate) external_ids: HashMap<(ProviderName, String), MeetingId>,
    /// Several meetings may have had a room of the same name: the newest of them stands last.
    pub(crate) names: HashMap<(ProviderName, String), Vec<MeetingId>>,
}

impl Index {
    pub(crate) fn add(&mut self, row: &Row) {
        let meeting = &row.meeting;
        self.add_times(meeting.id, row.times());
        self.add_claim(meeting);
        self.add_addresses(meeting);
        self.add_open(meeting);
    }

    /// Follows a row that was changed: only what has changed is found in another way. `before` and `times` are the
    /// meeting and the times that it had.
    pub(crate) fn follow(&mut self, before: &Meeting, times: Times, row: &Row) {
        let (id, meeting) = (row.meeting.id, &row.meeting);
        if times != row.times() {
            self.take_times(id, times);
            self.add_times(id, row.times());
        }
        if before.claim != meeting.claim {
            self.take_claim(before);
            self.add_claim(meeting);
        }
        if before.room != meeting.room || before.provider != meeting.provider {
            self.take_addresses(before);
            self.add_addresses(meeting);
        }
        if before.life.phase.is_closed() != meeting.life.phase.is_closed() {
            self.take_open(before);
        }
        self.add_open(meeting);
    }

    pub(crate) fn add_times(&mut self, id: MeetingId, times: Times) {
        self.due.extend(times.due.map(|at| (at, id)));
        if let Some(fingerprint) = times.fingerprint {
            self.fingerprints.entry(fingerprint).or_default().insert(id);
        }
    }

    pub(crate) fn take_times(&mut self, id: MeetingId, times: Times) {
        if let Some(at) = times.due {
            self.due.remove(&(at, id));
        }
        if let Some(fingerprint) = times.fingerprint
            && let Some(ids) = self.fingerprints.get_mut(&fingerprint)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.fingerprints.remove(&fingerprint);
            }
        }
    }

    fn add_claim(&mut self, meeting: &Meeting) {
        if let Some(key) = claim_key(meeting) {
            self.claims.insert(key, meeting.id);
        }
    }

    fn take_claim(&mut self, meeting: &Meeting) {
        if let Some(key) = claim_key(meeting) {
            take_own(&mut self.claims, &key, meeting.id);
        }
    }

    fn add_addresses(&mut self, meeting: &Meeting) {
        if let Some([external_id, name]) = address_keys(meeting) {
            self.external_ids.insert(external_id, meeting.id);
            self.names.entry(name).or_default().push(meeting.id);
        }
    }

    fn take_addresses(&mut self, meeting: &Meeting) {
        if let Some([external_id, name]) = address_keys(meeting) {
            take_own(&mut self.external_ids, &external_id, meeting.id);
            if let Some(ids) = self.names.get_mut(&name) {
                ids.retain(|id| *id != meeting.id);
                if ids.is_empty() {
                    self.names.remove(&name);
                }
            }
        }
    }

    fn add_open(&mut self, meeting: &Meeting) {
        if let Some(at) = meeting.life.phase.closed_at() {
            self.closed.insert((at, meeting.id));
        } else {
            self.open.entry(meeting.room_id).or_default().insert(meeting.id);
        }
    }

    fn take_open(&mut self, meeting: &Meeting) {
        if let Some(at) = meeting.life.phase.closed_at() {
            self.closed.remove(&(at, meeting.id));
        } else if let Some(open) = self.open.get_mut(&meeting.room_id) {
            open.remove(&meeting.id);
            if open.is_empty() {
                self.open.remove(&meeting.room_id);
            }
        }
    }
}

/// By what times a row is found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// When it is given out next.
    pub(crate) due: Option<Timestamp>,
    /// The fingerprint of its deadline, if it is open and has one.
    pub(crate) fingerprint: Option<Option<u64>>,
}

/// Takes a key away unless it leads to another meeting by now.
fn take_own<K: Hash + Eq>(map: &mut HashMap<K, MeetingId>, key: &K, id: MeetingId) {
    if map.get(key) == Some(&id) {
        map.remove(key);
    }
}

pub(crate) fn claim_key(meeting: &Meeting) -> Option<(RoomId, Claim)> {
    Some((meeting.room_id, meeting.claim.clone()?))
}

fn address_keys(meeting: &Meeting) -> Option<[(ProviderName, String); 2]> {
    let room = meeting.room.as_ref()?;
    Some([&room.external_id, &room.name].map(|text| (meeting.provider.clone(), text.clone())))
}
