//! A store of one's own: here one that keeps a journal of every change beside another store, and passes the suite.
//!
//! A store over a database implements the same six traits, with a transaction where this one calls the store inside.
//! `cargo test -p reflector-examples --example my_store` runs the suite.

#[cfg(test)]
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use reflector_core::provider::RoomAddress;
use reflector_core::store::*;
use reflector_core::{Meeting, MeetingId, ProviderName, Room, RoomId, RoomName, Timestamp};
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
    async fn list_meetings(
        &self,
        which: &WhichMeetings,
        after: Option<(Timestamp, MeetingId)>,
        limit: usize,
    ) -> Answer<Vec<Meeting>> {
        self.inside.list_meetings(which, after, limit).await
    }
    async fn find(&self, provider: &ProviderName, room: &RoomAddress) -> Answer<Option<Loaded>> {
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

/// The traits in which this store does nothing of its own.
macro_rules! passed_on {
    ($($port:ident { $($call:ident($($name:ident: $of:ty),*) -> $answer:ty;)* })*) => {
        $(
            #[async_trait]
            impl $port for Journaled {
                $(async fn $call(&self, $($name: $of),*) -> Answer<$answer> {
                    self.inside.$call($($name),*).await
                })*
            }
        )*
    };
}

passed_on! {
    EffectStore {
        claim(claim: ClaimEffects) -> Vec<ClaimedEffect>;
        settle(claimed: &ClaimedEffect, settlement: Settlement, now: Timestamp) -> Settled;
        owed(meeting: MeetingId) -> Vec<ClaimedEffect>;
        next_owed() -> Option<Timestamp>;
    }
    DeliveryStore {
        keep(delivery: KeptDelivery) -> Kept;
        kept_for(provider: &ProviderName, room: &RoomAddress) -> Vec<KeptDelivery>;
        forget(key: &DeliveryKey) -> ();
        drop_kept_before(before: Timestamp, limit: usize) -> usize;
    }
    HearingStore {
        beat(now: Timestamp) -> ();
        heard(provider: &ProviderName, endpoint: u64, at: Timestamp) -> ();
        hearing(provider: &ProviderName, endpoint: u64) -> Heard;
        hold(since: Option<Timestamp>) -> ();
        held_since() -> Option<Timestamp>;
    }
    RoomStore {
        create_room(room: Room) -> RoomCreated;
        load_room(id: RoomId) -> Option<Room>;
        find_room(name: &RoomName) -> Option<Room>;
        list_rooms(viewer: &Viewer, paging: Paging) -> Page<Room>;
        update_room(room: Room) -> bool;
        delete_room(id: RoomId, now: Timestamp) -> RoomDeleted;
    }
    RetentionStore {
        drop_before(before: Timestamp, limit: usize) -> Dropped;
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
