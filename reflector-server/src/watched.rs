//! A store that says when there is something to do, so that workers wake at the next deadline instead of polling.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use async_trait::async_trait;
use reflector_core::provider::RoomAddress;
use reflector_core::store::{
    ClaimEffects, ClaimedEffect, Commit, Committed, Created, DeliveryKey, DeliveryStore, Dropped, DueClaim,
    DueRow, EffectStore, Entry, Heard, HearingStore, Kept, KeptDelivery, Loaded, MeetingStore, NewMeeting,
    OwedEffect, Page, Paging, RetentionStore, RoomCreated, RoomDeleted, RoomStore, Settled, Settlement,
    Store, StoreError, Viewer, WhichMeetings,
};
use reflector_core::{Meeting, MeetingId, ProviderName, Room, RoomId, RoomName, Timestamp};
use tokio::sync::Notify;

/// What the store says.
#[derive(Debug)]
pub(crate) struct Bell {
    /// A deadline has come to lie before the one that the sweeper waits for.
    pub(crate) due: Notify,
    /// Something has become owed.
    pub(crate) owed: Notify,
    /// A meeting has changed.
    pub(crate) changed: Notify,
    /// The store did not take something in.
    pub(crate) ill: Notify,
    takes_in: AtomicBool,
    awaited: AtomicI64,
}

impl Bell {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            due: Notify::new(),
            owed: Notify::new(),
            changed: Notify::new(),
            ill: Notify::new(),
            takes_in: AtomicBool::new(true),
            awaited: AtomicI64::new(i64::MAX),
        })
    }

    /// Whether the store takes things in, as far as is known: it may answer and only be read, or be full.
    pub(crate) fn takes_in(&self) -> bool {
        self.takes_in.load(Ordering::SeqCst)
    }

    /// A heartbeat says whether the store took it in.
    pub(crate) fn store_takes_in(&self, it_does: bool) {
        self.takes_in.store(it_does, Ordering::SeqCst);
    }

    /// The sweeper says what it waits for.
    pub(crate) fn await_due(&self, at: Timestamp) {
        self.awaited.store(at.as_micros(), Ordering::SeqCst);
    }

    fn ring(&self, due: Option<&DueRow>, effects: &[OwedEffect]) {
        if due.is_some_and(|due| due.at.as_micros() < self.awaited.load(Ordering::SeqCst)) {
            self.due.notify_one();
        }
        if !effects.is_empty() {
            self.owed.notify_one();
        }
        self.changed.notify_waiters();
    }
}

/// Any store, with a bell.
#[derive(Debug)]
pub(crate) struct Watched {
    store: Arc<dyn Store>,
    bell: Arc<Bell>,
}

impl Watched {
    pub(crate) fn new(store: Arc<dyn Store>, bell: Arc<Bell>) -> Self {
        Self { store, bell }
    }

    /// Notes a write that failed: the next heartbeat comes at once, and tells whether the store takes anything in.
    fn written<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if outcome.is_err() {
            self.bell.ill.notify_one();
        }
        outcome
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MeetingStore for Watched {
    async fn create(&self, new: NewMeeting) -> Result<Created, StoreError> {
        let (due, effects) = (new.due, new.effects.clone());
        let created = self.written(self.store.create(new).await)?;
        if created == Created::Stored {
            self.bell.ring(due.as_ref(), &effects);
        }
        Ok(created)
    }

    async fn load(&self, id: MeetingId) -> Result<Option<Loaded>, StoreError> {
        self.store.load(id).await
    }

    async fn find(&self, provider: &ProviderName, room: &RoomAddress) -> Result<Option<Loaded>, StoreError> {
        self.store.find(provider, room).await
    }

    async fn open_meetings(&self, room: RoomId) -> Result<Vec<Loaded>, StoreError> {
        self.store.open_meetings(room).await
    }

    async fn list_meetings(
        &self,
        which: &WhichMeetings,
        after: Option<(Timestamp, MeetingId)>,
        limit: usize,
    ) -> Result<Vec<Meeting>, StoreError> {
        self.store.list_meetings(which, after, limit).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        let (due, effects) = (commit.due, commit.effects.clone());
        let committed = self.written(self.store.commit(commit).await)?;
        if committed == Committed::Stored {
            self.bell.ring(due.as_ref(), &effects);
        }
        Ok(committed)
    }

    async fn due(&self, claim: DueClaim) -> Result<Vec<MeetingId>, StoreError> {
        self.store.due(claim).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_due().await
    }

    async fn outdated(&self, fingerprint: u64, limit: usize) -> Result<Vec<MeetingId>, StoreError> {
        self.store.outdated(fingerprint, limit).await
    }

    async fn history(&self, id: MeetingId, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.store.history(id, after, limit).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl EffectStore for Watched {
    async fn claim(&self, claim: ClaimEffects) -> Result<Vec<ClaimedEffect>, StoreError> {
        self.store.claim(claim).await
    }

    async fn settle(
        &self,
        claimed: &ClaimedEffect,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.store.settle(claimed, settlement, now).await
    }

    async fn owed(&self, meeting: MeetingId) -> Result<Vec<ClaimedEffect>, StoreError> {
        self.store.owed(meeting).await
    }

    async fn next_owed(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_owed().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl DeliveryStore for Watched {
    async fn keep(&self, delivery: KeptDelivery) -> Result<Kept, StoreError> {
        self.store.keep(delivery).await
    }

    async fn kept_for(
        &self,
        provider: &ProviderName,
        room: &RoomAddress,
    ) -> Result<Vec<KeptDelivery>, StoreError> {
        self.store.kept_for(provider, room).await
    }

    async fn forget(&self, key: &DeliveryKey) -> Result<(), StoreError> {
        self.store.forget(key).await
    }

    async fn drop_kept_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.store.drop_kept_before(before, limit).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl HearingStore for Watched {
    async fn beat(&self, now: Timestamp) -> Result<(), StoreError> {
        self.store.beat(now).await
    }

    async fn heard(&self, provider: &ProviderName, endpoint: u64, at: Timestamp) -> Result<(), StoreError> {
        self.store.heard(provider, endpoint, at).await
    }

    async fn hearing(&self, provider: &ProviderName, endpoint: u64) -> Result<Heard, StoreError> {
        self.store.hearing(provider, endpoint).await
    }

    async fn hold(&self, since: Option<Timestamp>) -> Result<(), StoreError> {
        self.store.hold(since).await
    }

    async fn held_since(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.held_since().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RoomStore for Watched {
    async fn create_room(&self, room: Room) -> Result<RoomCreated, StoreError> {
        self.store.create_room(room).await
    }

    async fn load_room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        self.store.load_room(id).await
    }

    async fn find_room(&self, name: &RoomName) -> Result<Option<Room>, StoreError> {
        self.store.find_room(name).await
    }

    async fn list_rooms(&self, viewer: &Viewer, paging: Paging) -> Result<Page<Room>, StoreError> {
        self.store.list_rooms(viewer, paging).await
    }

    async fn update_room(&self, room: Room) -> Result<bool, StoreError> {
        let updated = self.store.update_room(room).await?;
        // Its meetings' deadlines are to be computed anew.
        self.bell.due.notify_one();
        Ok(updated)
    }

    async fn delete_room(&self, id: RoomId, now: Timestamp) -> Result<RoomDeleted, StoreError> {
        self.store.delete_room(id, now).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RetentionStore for Watched {
    async fn drop_before(&self, before: Timestamp, limit: usize) -> Result<Dropped, StoreError> {
        self.store.drop_before(before, limit).await
    }
}
