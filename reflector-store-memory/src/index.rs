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
    pub(crate) external_ids: HashMap<(ProviderName, String), MeetingId>,
    pub(crate) names: HashMap<(ProviderName, String), MeetingId>,
}

impl Index {
    pub(crate) fn add(&mut self, row: &Row) {
        let meeting = &row.meeting;
        let id = meeting.id;
        self.due.extend(row.due_key());
        if let Some(fingerprint) = row.fingerprint_key() {
            self.fingerprints.entry(fingerprint).or_default().insert(id);
        }
        if let Some(key) = claim_key(meeting) {
            self.claims.insert(key, id);
        }
        if !meeting.life.phase.is_closed() {
            self.open.entry(meeting.room_id).or_default().insert(id);
        }
        if let Some([external_id, name]) = address_keys(meeting) {
            self.external_ids.insert(external_id, id);
            self.names.insert(name, id);
        }
    }

    pub(crate) fn take(&mut self, row: &Row) {
        let meeting = &row.meeting;
        let id = meeting.id;
        if let Some(key) = row.due_key() {
            self.due.remove(&key);
        }
        if let Some(fingerprint) = row.fingerprint_key()
            && let Some(ids) = self.fingerprints.get_mut(&fingerprint)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.fingerprints.remove(&fingerprint);
            }
        }
        if let Some(key) = claim_key(meeting) {
            take_own(&mut self.claims, &key, id);
        }
        if let Some(open) = self.open.get_mut(&meeting.room_id) {
            open.remove(&id);
            if open.is_empty() {
                self.open.remove(&meeting.room_id);
            }
        }
        if let Some([external_id, name]) = address_keys(meeting) {
            take_own(&mut self.external_ids, &external_id, id);
            take_own(&mut self.names, &name, id);
        }
    }
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
