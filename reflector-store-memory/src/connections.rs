//! The connections of a provider that lives in the same process: enough for one server.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::Timestamp;
use reflector_core::provider::HowToClose;
use reflector_core::store::{
    Attach, Attached, CLOSED_ROOM_KEPT, Closing, ConnectionStore, Latest, Leaving, Left, Renewed, RoomSeen,
    Seat, StoreError, TokenHash,
};
use uuid::Uuid;

use crate::MemoryStore;

/// The rooms of the provider that lives in this process. They end with it, and come back when somebody asks to join.
pub(crate) type Places = BTreeMap<String, Place>;

pub(crate) enum Place {
    Open(Open),
    Closed { at: Timestamp },
}

pub(crate) struct Open {
    opened_at: Timestamp,
    moved_at: Timestamp,
    connections: HashMap<Uuid, Connection>,
    tokens: HashMap<TokenHash, Timestamp>,
}

struct Connection {
    socket: u64,
    attached: bool,
    until: Timestamp,
}

#[async_trait]
impl ConnectionStore for MemoryStore {
    async fn open(&self, room: &str, opened_at: Timestamp) -> Result<(), StoreError> {
        let places = &mut self.kept().places;
        if !matches!(places.get(room), Some(Place::Open(_))) {
            places.insert(room.to_owned(), Place::Open(Open::new(opened_at)));
        }
        Ok(())
    }

    async fn close(&self, room: &str, how: HowToClose, now: Timestamp) -> Result<Closing, StoreError> {
        let places = &mut self.kept().places;
        places.retain(|_, room| !matches!(room, Place::Closed { at } if now.since(*at) > CLOSED_ROOM_KEPT));
        let Some(Place::Open(open)) = places.get(room) else { return Ok(Closing::NotOpen) };
        let humans = open.humans(now);
        if humans > 0 && how == HowToClose::IfEmpty {
            return Ok(Closing::Occupied(humans));
        }
        places.insert(room.to_owned(), Place::Closed { at: now });
        Ok(Closing::Closed)
    }

    async fn look(&self, room: &str, now: Timestamp) -> Result<RoomSeen, StoreError> {
        Ok(match self.kept().places.get(room) {
            Some(Place::Open(open)) => RoomSeen::Open { opened_at: open.opened_at, humans: open.humans(now) },
            Some(Place::Closed { .. }) => RoomSeen::Closed,
            None => RoomSeen::Unknown,
        })
    }

    async fn rooms(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
        Ok(self
            .kept()
            .places
            .range::<str, _>((from, Bound::Unbounded))
            .filter(|(name, room)| name.starts_with(prefix) && matches!(room, Place::Open(_)))
            .map(|(name, _)| name.clone())
            .take(limit)
            .collect())
    }

    async fn admit(
        &self,
        room: &str,
        token: TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let places = &mut self.kept().places;
        let Some(Place::Open(open)) = places.get_mut(room) else { return Ok(false) };
        open.tokens.retain(|_, until| now < *until);
        open.tokens.insert(token, until);
        Ok(true)
    }

    async fn attach(&self, attach: Attach, now: Timestamp) -> Result<Attached, StoreError> {
        Ok(match self.kept().places.get_mut(&attach.room) {
            Some(Place::Open(open)) => open.attach(attach, now),
            _ => Attached::Closed,
        })
    }

    async fn renew(&self, seat: &Seat, until: Timestamp, now: Timestamp) -> Result<Renewed, StoreError> {
        let places = &mut self.kept().places;
        let Some(Place::Open(open)) = places.get_mut(&seat.room) else { return Ok(Renewed::Closed) };
        let Some(connection) = open.held_by(seat) else { return Ok(Renewed::Gone) };
        connection.until = connection.until.max(until);
        Ok(Renewed::In(open.latest(now)))
    }

    async fn detach(&self, seat: &Seat) -> Result<(), StoreError> {
        if let Some(Place::Open(open)) = self.kept().places.get_mut(&seat.room)
            && let Some(connection) = open.held_by(seat)
        {
            connection.attached = false;
        }
        Ok(())
    }

    async fn leave(&self, seat: &Seat, leaving: Leaving, now: Timestamp) -> Result<Left, StoreError> {
        let places = &mut self.kept().places;
        let Some(Place::Open(open)) = places.get_mut(&seat.room) else { return Ok(Left::Gone) };
        let Some(connection) = open.held_by(seat) else { return Ok(Left::Gone) };
        if leaving == Leaving::IfLapsed && connection.is_in(now) {
            return Ok(Left::NotYet { until: connection.until });
        }
        open.connections.remove(&seat.connection);
        Ok(Left::Left(open.moved(now)))
    }
}

impl Open {
    fn new(opened_at: Timestamp) -> Self {
        Self { opened_at, moved_at: Timestamp::MIN, connections: HashMap::new(), tokens: HashMap::new() }
    }

    fn attach(&mut self, attach: Attach, now: Timestamp) -> Attached {
        if self.tokens.remove(&attach.token).is_none_or(|until| until <= now) {
            return Attached::BadToken;
        }
        let Attach { room, before, fresh, until, limit, .. } = attach;
        if let Some(id) = before
            && let Some(connection) = self.connections.get_mut(&id)
            && !(connection.attached && connection.is_in(now))
        {
            let socket = connection.socket + 1;
            *connection = Connection { socket, attached: true, until };
            let seat = Seat { room, connection: id, socket };
            return Attached::Resumed { seat, latest: self.latest(now) };
        }
        if self.humans(now) as usize >= limit {
            return Attached::Full;
        }
        self.connections.insert(fresh, Connection { socket: 0, attached: true, until });
        Attached::Joined { seat: Seat { room, connection: fresh, socket: 0 }, latest: self.moved(now) }
    }

    fn held_by(&mut self, seat: &Seat) -> Option<&mut Connection> {
        self.connections.get_mut(&seat.connection).filter(|connection| connection.socket == seat.socket)
    }

    fn humans(&self, now: Timestamp) -> u32 {
        let humans = self.connections.values().filter(|connection| connection.is_in(now)).count();
        u32::try_from(humans).unwrap_or(u32::MAX)
    }

    /// Notes a coming or going. A clock that stood still or went back does not mix up their order.
    fn moved(&mut self, now: Timestamp) -> Latest {
        self.moved_at = now.max(self.moved_at + Duration::from_micros(1));
        self.latest(now)
    }

    fn latest(&self, now: Timestamp) -> Latest {
        Latest { at: self.moved_at, humans: self.humans(now) }
    }
}

impl Connection {
    fn is_in(&self, now: Timestamp) -> bool {
        now < self.until
    }
}
