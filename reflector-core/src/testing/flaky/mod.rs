//! A store that fails when it is told to.

mod recordings;

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use async_trait::async_trait;

use crate::ids::{MeetingId, ProviderName, RoomId};
use crate::meeting::Meeting;
use crate::provider::RoomAddress;
use crate::room::{Room, RoomName};
use crate::store::{
    ClaimEffects, ClaimedEffect, Commit, Committed, Created, DeliveryKey, DeliveryStore, Dropped, DueClaim,
    EffectStore, Entry, Heard, HearingStore, Kept, KeptDelivery, Loaded, MeetingStore, NewMeeting, Page,
    Paging, RetentionStore, RoomCreated, RoomDeleted, RoomStore, Settled, Settlement, Store, StoreError,
    Viewer, WhichMeetings,
};
use crate::time::Timestamp;

/// A store around another one that fails when its plan says so, and passes every call on otherwise.
///
/// The plan is asked before each call and draws no lots by itself: the same plan and the same calls fail in the same
/// way. Without faults it is a store like the one inside, and passes its suite.
///
/// Several of them around one store are several servers, each with a line of its own to the database.
pub struct Flaky<S: ?Sized> {
    store: Arc<S>,
    plan: Box<Plan>,
    calls: AtomicU64,
    halts: bool,
    carrier: Option<Box<Carrier>>,
}

type Plan = dyn Fn(&Call) -> Option<Fault> + Send + Sync;

type Carrier = dyn for<'a> Fn(Pin<Box<dyn Future<Output = ()> + Send + 'a>>) + Send + Sync;

/// One call of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The method, by its name in the port.
    pub method: &'static str,
    /// The number of the call, from 0, among all calls of this decorator.
    pub number: u64,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call errs, and nothing was done.
    Before,
    /// The call errs, and yet it was done: the answer was lost on the way.
    After,
    /// A commit answers [`Committed::Conflict`] and writes nothing, as if somebody else had been first. To other
    /// calls nothing happens.
    Conflict,
}

impl<S: Send + Sync + ?Sized> Flaky<S> {
    /// A store that fails as this plan says.
    pub fn new(store: Arc<S>, plan: impl Fn(&Call) -> Option<Fault> + Send + Sync + 'static) -> Self {
        Self { store, plan: Box::new(plan), calls: AtomicU64::new(0), halts: false, carrier: None }
    }

    /// A store that never fails.
    pub fn sound(store: Arc<S>) -> Self {
        Self::new(store, |_| None)
    }

    /// A store that fails once, at the call with this number: in turn for every number, every step fails once.
    pub fn failing_at(store: Arc<S>, number: u64, fault: Fault) -> Self {
        Self::new(store, move |call| (call.number == number).then_some(fault))
    }

    /// The same, and it halts before and after each call, as a store does that is asked over a wire: whoever polls
    /// can let something else happen in between, or never go on.
    #[must_use]
    pub fn halting(self) -> Self {
        Self { halts: true, ..self }
    }

    /// The same, with every call carried to its end on the spot: a store over a wire then answers whoever polls it at
    /// once, and a simulation tells the same story over it as over one in memory.
    #[must_use]
    pub fn carried_by(
        self,
        carrier: impl for<'a> Fn(Pin<Box<dyn Future<Output = ()> + Send + 'a>>) + Send + Sync + 'static,
    ) -> Self {
        Self { carrier: Some(Box::new(carrier)), ..self }
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// The store inside, which never fails.
    pub fn inner(&self) -> &Arc<S> {
        &self.store
    }

    fn fault(&self, method: &'static str) -> Option<Fault> {
        (self.plan)(&Call { method, number: self.calls.fetch_add(1, Ordering::SeqCst) })
    }

    async fn pass<T>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError>
    where
        T: Send,
    {
        self.halted(async { carry_out(self.fault(method), method, self.carry(work)).await }).await
    }

    /// A write that may be made to conflict.
    async fn refusable(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<Committed, StoreError>> + Send,
    ) -> Result<Committed, StoreError> {
        match self.fault(method) {
            Some(Fault::Conflict) => Ok(Committed::Conflict),
            fault => carry_out(fault, method, self.carry(work)).await,
        }
    }

    async fn carry<T: Send>(&self, work: impl Future<Output = T> + Send) -> T {
        let Some(carrier) = &self.carrier else { return work.await };
        let mut answer = None;
        carrier(Box::pin(async { answer = Some(work.await) }));
        answer.expect("a carrier carries a call to its end")
    }

    /// Halts before and after a call, if this store does.
    async fn halted<T>(&self, call: impl Future<Output = T>) -> T {
        if self.halts {
            halt().await;
        }
        let answer = call.await;
        if self.halts {
            halt().await;
        }
        answer
    }
}

/// Gives way once: to whoever polls by hand, or to the other tasks of a runtime.
pub async fn halt() {
    let mut halted = false;
    std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        let now = if halted { Poll::Ready(()) } else { Poll::Pending };
        halted = true;
        now
    })
    .await;
}

/// Lets work through so many awaits, and drops it at the next one. Nothing if it was dropped.
///
/// It is polled with the waker of whoever awaits this, so it may wait for what their runtime gives.
pub async fn let_through<T>(awaits: u32, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = awaits;
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

async fn carry_out<T>(
    fault: Option<Fault>,
    method: &'static str,
    work: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    match fault {
        Some(Fault::Before) => {
            Err(StoreError::Unavailable(format!("{method} was made to fail before it").into()))
        }
        Some(Fault::After) => {
            work.await?;
            Err(StoreError::Unavailable(format!("{method} was made to fail after it").into()))
        }
        Some(Fault::Conflict) | None => work.await,
    }
}

impl<S: fmt::Debug + ?Sized> fmt::Debug for Flaky<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flaky")
            .field("store", &self.store)
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: Store + ?Sized> MeetingStore for Flaky<S> {
    async fn create(&self, new: NewMeeting) -> Result<Created, StoreError> {
        self.pass("create", self.store.create(new)).await
    }

    async fn load(&self, id: MeetingId) -> Result<Option<Loaded>, StoreError> {
        self.pass("load", self.store.load(id)).await
    }

    async fn find(&self, provider: &ProviderName, room: &RoomAddress) -> Result<Option<Loaded>, StoreError> {
        self.pass("find", self.store.find(provider, room)).await
    }

    async fn open_meetings(&self, room: RoomId) -> Result<Vec<Loaded>, StoreError> {
        self.pass("open_meetings", self.store.open_meetings(room)).await
    }

    async fn list_meetings(
        &self,
        which: &WhichMeetings,
        after: Option<(Timestamp, MeetingId)>,
        limit: usize,
    ) -> Result<Vec<Meeting>, StoreError> {
        self.pass("list_meetings", self.store.list_meetings(which, after, limit)).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.refusable("commit", self.store.commit(commit)).await
    }

    async fn due(&self, claim: DueClaim) -> Result<Vec<MeetingId>, StoreError> {
        self.pass("due", self.store.due(claim)).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.pass("next_due", self.store.next_due()).await
    }

    async fn outdated(&self, fingerprint: u64, limit: usize) -> Result<Vec<MeetingId>, StoreError> {
        self.pass("outdated", self.store.outdated(fingerprint, limit)).await
    }

    async fn history(&self, id: MeetingId, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.pass("history", self.store.history(id, after, limit)).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> EffectStore for Flaky<S> {
    async fn claim(&self, claim: ClaimEffects) -> Result<Vec<ClaimedEffect>, StoreError> {
        self.pass("claim", self.store.claim(claim)).await
    }

    async fn settle(
        &self,
        claimed: &ClaimedEffect,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.pass("settle", self.store.settle(claimed, settlement, now)).await
    }

    async fn owed(&self, meeting: MeetingId) -> Result<Vec<ClaimedEffect>, StoreError> {
        self.pass("owed", self.store.owed(meeting)).await
    }

    async fn next_owed(&self) -> Result<Option<Timestamp>, StoreError> {
        self.pass("next_owed", self.store.next_owed()).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> DeliveryStore for Flaky<S> {
    async fn keep(&self, delivery: KeptDelivery) -> Result<Kept, StoreError> {
        self.pass("keep", self.store.keep(delivery)).await
    }

    async fn kept_for(
        &self,
        provider: &ProviderName,
        room: &RoomAddress,
    ) -> Result<Vec<KeptDelivery>, StoreError> {
        self.pass("kept_for", self.store.kept_for(provider, room)).await
    }

    async fn forget(&self, key: &DeliveryKey) -> Result<(), StoreError> {
        self.pass("forget", self.store.forget(key)).await
    }

    async fn drop_kept_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.pass("drop_kept_before", self.store.drop_kept_before(before, limit)).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> HearingStore for Flaky<S> {
    async fn beat(&self, now: Timestamp) -> Result<(), StoreError> {
        self.pass("beat", self.store.beat(now)).await
    }

    async fn heard(&self, provider: &ProviderName, endpoint: u64, at: Timestamp) -> Result<(), StoreError> {
        self.pass("heard", self.store.heard(provider, endpoint, at)).await
    }

    async fn hearing(&self, provider: &ProviderName, endpoint: u64) -> Result<Heard, StoreError> {
        self.pass("hearing", self.store.hearing(provider, endpoint)).await
    }

    async fn hold(&self, since: Option<Timestamp>) -> Result<(), StoreError> {
        self.pass("hold", self.store.hold(since)).await
    }

    async fn held_since(&self) -> Result<Option<Timestamp>, StoreError> {
        self.pass("held_since", self.store.held_since()).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> RoomStore for Flaky<S> {
    async fn create_room(&self, room: Room) -> Result<RoomCreated, StoreError> {
        self.pass("create_room", self.store.create_room(room)).await
    }

    async fn load_room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        self.pass("load_room", self.store.load_room(id)).await
    }

    async fn find_room(&self, name: &RoomName) -> Result<Option<Room>, StoreError> {
        self.pass("find_room", self.store.find_room(name)).await
    }

    async fn list_rooms(&self, viewer: &Viewer, paging: Paging) -> Result<Page<Room>, StoreError> {
        self.pass("list_rooms", self.store.list_rooms(viewer, paging)).await
    }

    async fn update_room(&self, room: Room) -> Result<bool, StoreError> {
        self.pass("update_room", self.store.update_room(room)).await
    }

    async fn delete_room(&self, id: RoomId, now: Timestamp) -> Result<RoomDeleted, StoreError> {
        self.pass("delete_room", self.store.delete_room(id, now)).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> RetentionStore for Flaky<S> {
    async fn drop_before(&self, before: Timestamp, limit: usize) -> Result<Dropped, StoreError> {
        self.pass("drop_before", self.store.drop_before(before, limit)).await
    }
}
