//! The suite that every provider passes.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use reflector_core::provider::{HowToClose, VideoProvider};
use reflector_core::store::{
    Attach, Attached, Closing, ConnectionStore, Leaving, Left, Renewed, RoomSeen, Seat, StoreError,
};
use reflector_core::testing::provider_suite::{ProviderWorld, Skipped};
use reflector_core::{ProviderRoom, Role};

use super::*;

reflector_core::provider_suite!(rooms);

async fn rooms() -> Rooms {
    let clock = Moved::new();
    let connections = Arc::new(Breakable::default());
    let provider = Builtin::new(connections.clone(), &"https://meet.example".parse().unwrap(), clock.clock());
    // Those who were in before the start have had the time to come back.
    clock.pass(Duration::from_secs(30));
    Rooms { clock, connections, provider, seats: Mutex::default() }
}

struct Rooms {
    clock: Moved,
    connections: Arc<Breakable>,
    provider: Builtin,
    seats: Mutex<HashMap<String, Seat>>,
}

#[async_trait]
impl ProviderWorld for Rooms {
    fn provider(&self) -> &dyn VideoProvider {
        &self.provider
    }

    /// Machines have no way in: the rooms are for browsers.
    async fn enter(&self, room: &ProviderRoom, connection: &str, role: Role) {
        if !role.is_human() {
            return;
        }
        let now = self.clock.now();
        let token = crate::clock::new_secret();
        self.provider.admit(&room.name, &token, now).await.unwrap();
        let token = crate::builtin::token_hash(&token);
        let until = now + Duration::from_secs(20);
        let (before, fresh) = (None, Uuid::new_v4());
        let attach = Attach { room: room.name.clone(), token, before, fresh, until, limit: 200 };
        let Attached::Joined { seat, .. } = self.connections.attach(attach, now).await.unwrap() else {
            panic!("{connection} should have joined");
        };
        self.seats.lock().unwrap().insert(connection.to_owned(), seat);
    }

    async fn leave(&self, _: &ProviderRoom, connection: &str) {
        let seat = self.seats.lock().unwrap().remove(connection).unwrap();
        self.connections.leave(&seat, Leaving::Now, self.clock.now()).await.unwrap();
    }

    async fn outage(&self, on: bool) {
        self.connections.broken.store(on, Ordering::SeqCst);
    }

    fn expects_skipped(&self) -> &'static [Skipped] {
        &[]
    }
}

/// Connections that cannot be reached while they are broken.
#[derive(Debug, Default)]
struct Breakable {
    connections: MemoryStore,
    broken: AtomicBool,
}

impl Breakable {
    fn reach(&self) -> Result<&MemoryStore, StoreError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("broken".into()));
        }
        Ok(&self.connections)
    }
}

#[async_trait]
impl ConnectionStore for Breakable {
    async fn open(&self, room: &str, opened_at: Timestamp) -> Result<(), StoreError> {
        self.reach()?.open(room, opened_at).await
    }

    async fn close(&self, room: &str, how: HowToClose, now: Timestamp) -> Result<Closing, StoreError> {
        self.reach()?.close(room, how, now).await
    }

    async fn look(&self, room: &str, now: Timestamp) -> Result<RoomSeen, StoreError> {
        self.reach()?.look(room, now).await
    }

    async fn rooms(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        self.reach()?.rooms(prefix, after, limit).await
    }

    async fn admit(
        &self,
        room: &str,
        token: reflector_core::store::TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.reach()?.admit(room, token, until, now).await
    }

    async fn attach(&self, attach: Attach, now: Timestamp) -> Result<Attached, StoreError> {
        self.reach()?.attach(attach, now).await
    }

    async fn renew(&self, seat: &Seat, until: Timestamp, now: Timestamp) -> Result<Renewed, StoreError> {
        self.reach()?.renew(seat, until, now).await
    }

    async fn detach(&self, seat: &Seat) -> Result<(), StoreError> {
        self.reach()?.detach(seat).await
    }

    async fn leave(&self, seat: &Seat, leaving: Leaving, now: Timestamp) -> Result<Left, StoreError> {
        self.reach()?.leave(seat, leaving, now).await
    }
}

#[tokio::test]
async fn more_rooms_than_a_page_holds_are_listed_to_the_last() {
    let world = rooms().await;
    for number in 0..250 {
        world.connections.open(&format!("suite-{number:03}"), world.clock.now()).await.unwrap();
    }
    let mut listed = Vec::new();
    let mut page = None;
    loop {
        let rooms = world.provider.rooms("suite-", page.as_deref()).await.unwrap();
        listed.extend(rooms.rooms);
        page = rooms.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(listed.len(), 250);
}

#[tokio::test]
async fn a_token_is_kept_as_its_hash_and_told_to_nobody() {
    let world = rooms().await;
    let token = crate::clock::new_secret();
    world.provider.admit("suite-1", &token, world.clock.now()).await.unwrap();
    assert!(!format!("{:?} {:?}", world.connections, world.provider).contains(&token));
}
