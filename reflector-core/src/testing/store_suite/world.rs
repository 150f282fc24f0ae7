//! What a case runs in.

use std::fmt;
use std::future::Future;
use std::hint;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{RemoteHandle, try_join_all};

use crate::ids::{MeetingId, ProviderName};
use crate::meeting::Meeting;
use crate::provider::RoomAddress;
use crate::room::Room;
use crate::store::{Commit, Committed, Created, Loaded, NewMeeting, RoomCreated, Store, StoreError};
use crate::testing::sample;

/// Holds on to a store and to whatever it needs, such as a folder that goes when the case is over.
pub trait Harness {
    /// The store: always the same, and empty at first.
    fn store(&self) -> Arc<dyn Store>;
}

impl<S: Store> Harness for Arc<S> {
    fn store(&self) -> Arc<dyn Store> {
        Self::clone(self)
    }
}

/// Holds on to a store that outlives its process.
#[async_trait]
pub trait Durable: Harness {
    /// The same data through a new handle, as the next process would open it.
    async fn reopen(&self) -> Arc<dyn Store>;
}

/// Starts a task beside others: the suite has no runtime of its own.
pub type Spawn = fn(Pin<Box<dyn Future<Output = ()> + Send>>);

/// What a case runs in: a store that was empty, and a way to do many things at once.
pub struct World {
    store: Arc<dyn Store>,
    spawn: Spawn,
}

/// How many race for one thing.
pub(in crate::testing) const RACERS: u32 = 16;

/// How often they race for one more such thing: a store that is wrong may be lucky, but not so often.
pub(in crate::testing) const RACES: u32 = 16;

impl World {
    /// A world around the store of a harness.
    pub fn new(harness: &impl Harness, spawn: Spawn) -> Self {
        Self::of(harness.store(), spawn)
    }

    /// A world around a store.
    pub(in crate::testing) fn of(store: Arc<dyn Store>, spawn: Spawn) -> Self {
        Self { store, spawn }
    }

    /// A world around a store, for a case in which nobody races.
    pub(super) fn around(store: Arc<dyn Store>) -> Self {
        Self { store, spawn: |_| panic!("nobody races in this case") }
    }

    /// Lets several tasks loose on the store at the same instant, and waits for what each comes back with.
    pub async fn race<T, F>(&self, task: impl Fn(u32, Arc<dyn Store>) -> F) -> Result<Vec<T>, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let (open, gate) = oneshot::channel::<()>();
        let gate = gate.shared();
        let line = Arc::new(StartLine::default());
        let mut racers: Vec<RemoteHandle<_>> = Vec::new();
        for n in 0..RACERS {
            let (gate, line, run) = (gate.clone(), Arc::clone(&line), task(n, Arc::clone(&self.store)));
            let started = gate.then(move |_| {
                line.wait_for_another();
                run
            });
            let (racer, handle) = started.remote_handle();
            (self.spawn)(Box::pin(racer));
            racers.push(handle);
        }
        open.send(()).expect("the racers wait at the gate");
        try_join_all(racers).await
    }

    /// The store with a room of this number in it.
    pub(in crate::testing) async fn room(&self, n: u32) -> Result<Room, StoreError> {
        let room = sample::room(n);
        assert_eq!(self.create_room(room.clone()).await?, RoomCreated::Stored);
        Ok(room)
    }

    /// Keeps a new meeting, and gives it back as it was read.
    pub(in crate::testing) async fn keep_meeting(&self, meeting: Meeting) -> Result<Loaded, StoreError> {
        self.keep_new(sample::new_meeting(meeting)).await
    }

    /// Keeps a new meeting with what it owes and its deadline, and gives it back as it was read.
    pub(super) async fn keep_new(&self, new: NewMeeting) -> Result<Loaded, StoreError> {
        let id = new.meeting.id;
        assert_eq!(self.create(new).await?, Created::Stored);
        self.loaded(id).await
    }

    /// A meeting that must be there.
    pub(super) async fn loaded(&self, id: MeetingId) -> Result<Loaded, StoreError> {
        Ok(self.load(id).await?.expect("the meeting is there"))
    }

    /// Which meeting has this room at the provider. What is found is what is loaded.
    pub(super) async fn found(
        &self,
        provider: &ProviderName,
        room: &RoomAddress,
    ) -> Result<Option<MeetingId>, StoreError> {
        let Some(found) = self.find(provider, room).await? else { return Ok(None) };
        assert_eq!(self.loaded(found.meeting.id).await?, found);
        Ok(Some(found.meeting.id))
    }

    /// Writes what must not be refused, and gives the meeting back as it was read.
    pub(in crate::testing) async fn stored(&self, commit: Commit) -> Result<Loaded, StoreError> {
        let id = commit.meeting.id;
        assert_eq!(self.commit(commit).await?, Committed::Stored);
        self.loaded(id).await
    }
}

/// Lets racers run off in pairs: they are woken one after the other, and the first would be home before the second
/// wakes.
#[derive(Default)]
struct StartLine(AtomicU32);

impl StartLine {
    /// How long one waits for another: not for ever, because a runtime with one thread wakes no other meanwhile.
    const PATIENCE: u32 = 20_000;

    fn wait_for_another(&self) {
        let pair = self.0.fetch_add(1, Ordering::SeqCst) / 2;
        let mut patience = Self::PATIENCE;
        while self.0.load(Ordering::SeqCst) < (pair + 1) * 2 && patience > 0 {
            patience -= 1;
            hint::spin_loop();
        }
    }
}

impl Deref for World {
    type Target = dyn Store;
    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("store", &self.store).finish_non_exhaustive()
    }
}
