//! A provider that knows the truth.
//!
//! A test scripts who comes and goes; the fake answers truly, does what it is asked in one piece, writes down every
//! call, fails on demand, and counts whom a close has put out. What it would send as a webhook is handed to the test,
//! which may deliver it, lose it, delay it or deliver it twice.

mod webhook;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

pub use webhook::FakeMessage;
pub use world::PutOut;

use crate::meeting::{ProviderRoom, SecretUrl};
use crate::participant::{Participant, Role};
use crate::provider::{
    Capabilities, CloseAnswer, HowToClose, Known, PresenceAnswer, PresenceSource, ProviderError, RoomOrder,
    RoomRef, RoomsPage, VideoProvider, WebhookReader,
};
use crate::recording::RecordingName;
use crate::time::Timestamp;
use webhook::FakeReader;
use world::World;

/// A provider in memory. Its clones are the same provider.
#[derive(Clone, Debug)]
pub struct FakeProvider {
    capabilities: Capabilities,
    world: Arc<Mutex<World>>,
    reader: Arc<FakeReader>,
}

/// One call that was made, whatever came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderCall {
    /// A room was ordered under this name.
    Open(String),
    /// A room was to be closed.
    Close(String, HowToClose),
    /// It was asked who is in this room.
    Presence(String),
    /// Rooms were listed by this prefix.
    Rooms(String),
}

/// How calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing is done.
    Before,
    /// It is done, and the answer is lost.
    AfterDoing,
    /// Nothing is done, and it never will be.
    Refuses,
}

impl Default for FakeProvider {
    fn default() -> Self {
        Self::new(Capabilities {
            presence: PresenceSource::Snapshot { staleness: Duration::ZERO },
            closes_if_empty_atomically: true,
        })
    }
}

impl FakeProvider {
    /// A provider that can do this.
    pub fn new(capabilities: Capabilities) -> Self {
        Self { capabilities, world: Arc::default(), reader: Arc::default() }
    }

    /// A provider that tells who is in by events, and cannot be asked.
    pub fn telling_by_events() -> Self {
        Self::new(Capabilities { presence: PresenceSource::Events, closes_if_empty_atomically: true })
    }

    /// A provider that tells who is in by events and, asked, tells those that are news.
    pub fn telling_facts() -> Self {
        Self::new(Capabilities { presence: PresenceSource::EventsAndFacts, closes_if_empty_atomically: true })
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // What a test does to the world. A room is named by what its name begins with, as its order does.

    /// Somebody comes in, or is in already. What the provider would send; nothing if there is no such room.
    pub fn join(&self, room: &str, connection: &str, role: Role, now: Timestamp) -> Option<FakeMessage> {
        self.world().moves(room, connection, Some(role), now)
    }

    /// Somebody leaves. What the provider would send; nothing if they were not in.
    pub fn leave(&self, room: &str, connection: &str, now: Timestamp) -> Option<FakeMessage> {
        self.world().moves(room, connection, None, now)
    }

    /// Somebody knocks. What the provider would send.
    pub fn knock(&self, room: &str) -> Option<FakeMessage> {
        self.world().knocks(room)
    }

    /// The room ends by itself, or by its host. What the provider would send.
    pub fn end(&self, room: &str) -> Option<FakeMessage> {
        self.world().ends(room)
    }

    /// The provider forgets a room, as if it never had been.
    pub fn forget(&self, room: &str) {
        self.world().forget(room);
    }

    /// Somebody comes in between the asking and the closing of the next unforced close, where that is two steps; where
    /// it is one, they find the door closed.
    pub fn slip_in(&self, room: &str, connection: &str) {
        self.world().slips_in(room, Participant::human(connection));
    }

    /// From now on nobody is put out of this room, not by force either.
    pub fn resist_force(&self, room: &str) {
        self.world().resisting.insert(room.to_owned());
    }

    /// From now on every call fails like this; with nothing, they succeed again.
    pub fn fail(&self, failure: Option<Failure>) {
        self.world().failure = failure;
    }

    /// From now on every call about this room fails like this; with nothing, they succeed again.
    pub fn fail_room(&self, room: &str, failure: Option<Failure>) {
        self.world().fail_room(room, failure);
    }

    /// The webhook endpoint is configured anew.
    pub fn configure_endpoint(&self, endpoint: u64) {
        self.reader.configure(endpoint);
    }

    // What a test may know.

    /// Whether the room is there.
    pub fn is_there(&self, room: &str) -> bool {
        self.world().find(room).is_some()
    }

    /// How many people are really in.
    pub fn humans(&self, room: &str) -> u32 {
        self.world().find(room).map_or(0, world::FakeRoom::humans)
    }

    /// The names of all rooms that are there.
    pub fn room_names(&self) -> Vec<String> {
        self.world().names()
    }

    /// Every call so far, in order.
    pub fn calls(&self) -> Vec<ProviderCall> {
        self.world().calls.clone()
    }

    /// How many calls there were of a kind.
    pub fn count(&self, is_one: impl Fn(&ProviderCall) -> bool) -> usize {
        self.world().calls.iter().filter(|call| is_one(call)).count()
    }

    /// How many people were put out by closes. Where a close *if empty* is one piece, `unforced` stays 0 for ever.
    pub fn put_out(&self) -> PutOut {
        self.world().put_out
    }

    /// Notes a call, and does it unless it is to fail.
    fn call<T>(
        &self,
        room: &str,
        call: ProviderCall,
        act: impl FnOnce(&mut World) -> T,
    ) -> Result<T, ProviderError> {
        let mut world = self.world();
        world.calls.push(call);
        match world.failure_of(room) {
            None => Ok(act(&mut world)),
            Some(Failure::Before) => Err(ProviderError::unavailable("it is out")),
            Some(Failure::AfterDoing) => {
                act(&mut world);
                Err(ProviderError::unavailable("its answer was lost"))
            }
            Some(Failure::Refuses) => Err(ProviderError::Refused { detail: "it will not".to_owned() }),
        }
    }
}

#[async_trait]
impl VideoProvider for FakeProvider {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn open_room(&self, order: &RoomOrder) -> Result<ProviderRoom, ProviderError> {
        let (name, external_id) =
            self.call(&order.name, ProviderCall::Open(order.name.clone()), |world| world.open(&order.name))?;
        let url = format!("https://fake.example/{name}");
        let host_url = Some(SecretUrl::new(format!("{url}?host")));
        Ok(ProviderRoom { name, external_id, url, host_url, expires_at: Some(order.expires_at) })
    }

    async fn close_room(
        &self,
        room: &RoomRef,
        how: HowToClose,
        known: &Known,
    ) -> Result<CloseAnswer, ProviderError> {
        let in_one_piece = self.capabilities.closes_if_empty_atomically;
        self.call(&room.name, ProviderCall::Close(room.name.clone(), how), |world| {
            world.close(&room.name, how, known, in_one_piece)
        })
    }

    async fn presence(&self, room: &RoomRef, known: &Known) -> Result<PresenceAnswer, ProviderError> {
        let source = self.capabilities.presence;
        self.call(&room.name, ProviderCall::Presence(room.name.clone()), |world| {
            world.presence(&room.name, source, known)
        })
    }

    async fn rooms(&self, name_prefix: &str, page: Option<&str>) -> Result<RoomsPage, ProviderError> {
        self.call(name_prefix, ProviderCall::Rooms(name_prefix.to_owned()), |world| {
            world.page(name_prefix, page)
        })
    }

    fn webhook(&self) -> Option<&dyn WebhookReader> {
        Some(&*self.reader)
    }

    fn recording_name(&self, key: &str) -> Option<RecordingName> {
        RecordingName::read(key)
    }
}
