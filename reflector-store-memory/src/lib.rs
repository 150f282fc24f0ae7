#![doc = include_str!("../README.md")]

mod api_keys;
mod connections;
mod consents;
mod deliveries;
mod effects;
mod feed;
mod hearing;
mod index;
mod meetings;
mod notices;
mod recordings;
mod rooms;
mod tally;
mod transcripts;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use reflector_core::provider::RoomAddress;
use reflector_core::store::{
    ClaimEffects, ClaimedEffect, Commit, Committed, Created, DeliveryKey, DeliveryStore, Dropped, DueClaim,
    EffectStore, Entry, Heard, HearingStore, Kept, KeptDelivery, Loaded, MeetingStore, NewMeeting, Page,
    Paging, RetentionStore, RoomCreated, RoomDeleted, RoomStore, Settled, Settlement, StoreError, Viewer,
    WhichMeetings,
};
use reflector_core::{Meeting, MeetingId, ProviderName, Room, RoomId, RoomName, Timestamp};

/// A store in memory. It is shared behind an `Arc`.
#[derive(Default)]
pub struct MemoryStore {
    kept: Mutex<Everything>,
}

/// All that is kept, under one lock: what one call changes, no other call sees half.
#[derive(Default)]
struct Everything {
    rooms: rooms::Rooms,
    meetings: meetings::Meetings,
    feed: feed::Feed,
    effects: effects::Effects,
    deliveries: deliveries::Deliveries,
    hearing: hearing::Listening,
    places: connections::Places,
    recordings: recordings::Recordings,
    transcripts: transcripts::Transcripts,
    notices: notices::Notices,
    consents: consents::Consents,
    keys: api_keys::Keys,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many rows of the deadline index `due` has looked at in all its calls: in each, those that it gave out and
    /// the one after them.
    pub fn visited_by_due(&self) -> u64 {
        self.kept().meetings.visited_by_due()
    }

    fn kept(&self) -> MutexGuard<'_, Everything> {
        // A caller that panicked elsewhere does not spoil the store: nothing under the lock calls out.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a listing that is asked for, and how much there is in all.
fn paged<'a, T: Clone + 'a>(all: impl Iterator<Item = &'a T>, paging: Paging) -> Page<T> {
    let all: Vec<_> = all.collect();
    let clamped = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let (skip, take) = (clamped(paging.offset), clamped(paging.limit));
    let total = all.len() as u64;
    Page { items: all.into_iter().skip(skip).take(take).cloned().collect(), total }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl MeetingStore for MemoryStore {
    async fn create(&self, new: NewMeeting) -> Result<Created, StoreError> {
        Ok(self.kept().create(new))
    }

    async fn load(&self, id: MeetingId) -> Result<Option<Loaded>, StoreError> {
        Ok(self.kept().load(id))
    }

    async fn find(&self, provider: &ProviderName, room: &RoomAddress) -> Result<Option<Loaded>, StoreError> {
        Ok(self.kept().find(provider, room))
    }

    async fn open_meetings(&self, room: RoomId) -> Result<Vec<Loaded>, StoreError> {
        Ok(self.kept().open_meetings(room))
    }

    async fn list_meetings(
        &self,
        which: &WhichMeetings,
        after: Option<(Timestamp, MeetingId)>,
        limit: usize,
    ) -> Result<Vec<Meeting>, StoreError> {
        Ok(self.kept().meetings.list(which, after, limit))
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        Ok(self.kept().commit(commit))
    }

    async fn due(&self, claim: DueClaim) -> Result<Vec<MeetingId>, StoreError> {
        Ok(self.kept().meetings.due(claim))
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.kept().meetings.next_due())
    }

    async fn outdated(&self, fingerprint: u64, limit: usize) -> Result<Vec<MeetingId>, StoreError> {
        Ok(self.kept().meetings.outdated(fingerprint, limit))
    }

    async fn history(&self, id: MeetingId, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        Ok(self.kept().meetings.history(id, after, limit))
    }
}

#[async_trait]
impl EffectStore for MemoryStore {
    async fn claim(&self, claim: ClaimEffects) -> Result<Vec<ClaimedEffect>, StoreError> {
        Ok(self.kept().effects.claim(claim))
    }

    async fn settle(
        &self,
        claimed: &ClaimedEffect,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        Ok(self.kept().effects.settle(claimed, settlement, now))
    }

    async fn owed(&self, meeting: MeetingId) -> Result<Vec<ClaimedEffect>, StoreError> {
        Ok(self.kept().effects.owed(meeting))
    }

    async fn next_owed(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.kept().effects.next_owed())
    }
}

#[async_trait]
impl DeliveryStore for MemoryStore {
    async fn keep(&self, delivery: KeptDelivery) -> Result<Kept, StoreError> {
        Ok(self.kept().deliveries.keep(delivery))
    }

    async fn kept_for(
        &self,
        provider: &ProviderName,
        room: &RoomAddress,
    ) -> Result<Vec<KeptDelivery>, StoreError> {
        Ok(self.kept().deliveries.kept_for(provider, room))
    }

    async fn forget(&self, key: &DeliveryKey) -> Result<(), StoreError> {
        self.kept().deliveries.forget(key);
        Ok(())
    }

    async fn drop_kept_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        Ok(self.kept().deliveries.drop_kept_before(before, limit))
    }
}

#[async_trait]
impl HearingStore for MemoryStore {
    async fn beat(&self, now: Timestamp) -> Result<(), StoreError> {
        self.kept().hearing.beat(now);
        Ok(())
    }

    async fn heard(&self, provider: &ProviderName, endpoint: u64, at: Timestamp) -> Result<(), StoreError> {
        self.kept().hearing.heard(provider, endpoint, at);
        Ok(())
    }

    async fn hearing(&self, provider: &ProviderName, endpoint: u64) -> Result<Heard, StoreError> {
        Ok(self.kept().hearing.hearing(provider, endpoint))
    }

    async fn hold(&self, since: Option<Timestamp>) -> Result<(), StoreError> {
        let held = &mut self.kept().hearing.held_since;
        *held = since.map(|since| held.unwrap_or(since));
        Ok(())
    }

    async fn held_since(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.kept().hearing.held_since)
    }
}

#[async_trait]
impl RoomStore for MemoryStore {
    async fn create_room(&self, room: Room) -> Result<RoomCreated, StoreError> {
        Ok(self.kept().rooms.create(room))
    }

    async fn load_room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        Ok(self.kept().rooms.load(id).cloned())
    }

    async fn find_room(&self, name: &RoomName) -> Result<Option<Room>, StoreError> {
        Ok(self.kept().rooms.find(name).cloned())
    }

    async fn list_rooms(&self, viewer: &Viewer, paging: Paging) -> Result<Page<Room>, StoreError> {
        Ok(self.kept().rooms.list(viewer, paging))
    }

    async fn update_room(&self, room: Room) -> Result<bool, StoreError> {
        Ok(self.kept().update_room(room))
    }

    async fn delete_room(&self, id: RoomId, _now: Timestamp) -> Result<RoomDeleted, StoreError> {
        Ok(self.kept().delete_room(id))
    }
}

#[async_trait]
impl RetentionStore for MemoryStore {
    async fn drop_before(&self, before: Timestamp, limit: usize) -> Result<Dropped, StoreError> {
        Ok(self.kept().drop_before(before, limit))
    }
}
