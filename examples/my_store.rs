//! A store of one's own: here one that keeps a journal of every change beside another store, and passes the suite.
//!
//! A store over a database implements the same five traits, with a transaction where this one calls the store inside.
//! `cargo test -p reflector-examples --example my_store` runs the suite.

#[cfg(test)]
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use reflector_core::provider::RoomAddress;
use reflector_core::store::*;
use reflector_core::{MeetingId, ProviderName, Room, RoomId, RoomName, Timestamp};
use reflector_store_memory::MemoryStore;

type Answer<T> = Result<T, StoreError>;

/// A store that writes down what changes.
#[derive(Debug, Default)]
struct Journaled {
    inside: MemoryStore,
    journal: Mutex<Vec<String>>,
}

impl Journaled {
    fn write(&self, line: String) {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

#[async_trait]
impl MeetingStore for Journaled {
    async fn create(&self, new: NewMeeting) -> Answer<Created> {
        let id = new.meeting.id;
        let created = self.inside.create(new).await?;
        self.write(format!("create {id}: {created:?}"));
        Ok(created)
    }

    async fn commit(&self, commit: Commit) -> Answer<Committed> {
        let line = format!("commit {} after version {}", commit.meeting.id, commit.expected);
        let committed = self.inside.commit(commit).await?;
        self.write(format!("{line}: {committed:?}"));
        Ok(committed)
    }

    async fn load(&self, id: MeetingId) -> Answer<Option<Loaded>> {
        self.inside.load(id).await
    }
    async fn find(&self, provider: &ProviderName, room: &RoomAddress) -> Answer<Option<MeetingId>> {
        self.inside.find(provider, room).await
    }
    async fn open_meetings(&self, room: RoomId) -> Answer<Vec<Loaded>> {
        self.inside.open_meetings(room).await
    }
    async fn due(&self, claim: DueClaim) -> Answer<Vec<MeetingId>> {
        self.inside.due(claim).await
    }
    async fn next_due(&self) -> Answer<Option<Timestamp>> {
        self.inside.next_due().await
    }
    async fn outdated(&self, fingerprint: u64, limit: usize) -> Answer<Vec<MeetingId>> {
        self.inside.outdated(fingerprint, limit).await
    }
    async fn history(&self, id: MeetingId, after: u64, limit: usize) -> Answer<Vec<Entry>> {
        self.inside.history(id, after, limit).await
    }
}

#[async_trait]
impl EffectStore for Journaled {
    async fn claim(&self, claim: ClaimEffects) -> Answer<Vec<ClaimedEffect>> {
        self.inside.claim(claim).await
    }
    async fn settle(&self, claimed: &ClaimedEffect, settlement: Settlement) -> Answer<Settled> {
        self.inside.settle(claimed, settlement).await
    }
    async fn owed(&self, meeting: MeetingId) -> Answer<Vec<ClaimedEffect>> {
        self.inside.owed(meeting).await
    }
    async fn next_owed(&self) -> Answer<Option<Timestamp>> {
        self.inside.next_owed().await
    }
}

#[async_trait]
impl DeliveryStore for Journaled {
    async fn keep(&self, delivery: KeptDelivery) -> Answer<Kept> {
        self.inside.keep(delivery).await
    }
    async fn kept_for(&self, provider: &ProviderName, room: &RoomAddress) -> Answer<Vec<KeptDelivery>> {
        self.inside.kept_for(provider, room).await
    }
    async fn forget(&self, key: &DeliveryKey) -> Answer<()> {
        self.inside.forget(key).await
    }
    async fn drop_kept_before(&self, before: Timestamp, limit: usize) -> Answer<usize> {
        self.inside.drop_kept_before(before, limit).await
    }
}

#[async_trait]
impl HearingStore for Journaled {
    async fn beat(&self, now: Timestamp) -> Answer<()> {
        self.inside.beat(now).await
    }
    async fn heard(&self, provider: &ProviderName, endpoint: u64, at: Timestamp) -> Answer<()> {
        self.inside.heard(provider, endpoint, at).await
    }
    async fn hearing(&self, provider: &ProviderName, endpoint: u64) -> Answer<Heard> {
        self.inside.hearing(provider, endpoint).await
    }
}

#[async_trait]
impl RoomStore for Journaled {
    async fn create_room(&self, room: Room) -> Answer<RoomCreated> {
        self.inside.create_room(room).await
    }
    async fn load_room(&self, id: RoomId) -> Answer<Option<Room>> {
        self.inside.load_room(id).await
    }
    async fn find_room(&self, name: &RoomName) -> Answer<Option<Room>> {
        self.inside.find_room(name).await
    }
    async fn list_rooms(&self, viewer: &Viewer, paging: Paging) -> Answer<Page<Room>> {
        self.inside.list_rooms(viewer, paging).await
    }
    async fn update_room(&self, room: Room) -> Answer<bool> {
        self.inside.update_room(room).await
    }
    async fn delete_room(&self, id: RoomId, now: Timestamp) -> Answer<RoomDeleted> {
        self.inside.delete_room(id, now).await
    }
}

fn main() {
    println!("{:?} is a store like any other: hand it to `Engine::new`", Journaled::default());
}

#[cfg(test)]
async fn empty() -> Arc<Journaled> {
    Arc::new(Journaled::default())
}

#[cfg(test)]
reflector_core::store_suite!(empty);
