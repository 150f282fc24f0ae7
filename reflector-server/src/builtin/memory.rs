//! Connections in the memory of one process: enough for one server.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::Timestamp;
use reflector_core::provider::HowToClose;
use uuid::Uuid;

use super::connections::{
    Attach, Attached, Closing, Connections, ConnectionsError, Latest, Leaving, Left, Renewed, RoomSeen, Seat,
    TokenHash,
};

/// For how long a closed room is remembered: longer than a page that was open meanwhile tries to come back.
const CLOSED_KEPT: Duration = Duration::from_secs(60 * 60);

/// Keeps connections in memory. They end with the process; rooms come back when somebody asks to join.
#[derive(Debug, Default)]
pub struct MemoryConnections {
    rooms: Mutex<BTreeMap<String, Room>>,
}

#[derive(Debug)]
enum Room {
    Open(Open),
    Closed { at: Timestamp },
}

#[derive(Debug)]
struct Open {
    opened_at: Timestamp,
    moved_at: Timestamp,
    connections: HashMap<Uuid, Connection>,
    tokens: HashMap<TokenHash, Timestamp>,
}

#[derive(Debug)]
struct Connection {
    socket: u64,
    attached: bool,
    until: Timestamp,
}

impl MemoryConnections {
    fn rooms(&self) -> MutexGuard<'_, BTreeMap<String, Room>> {
        // No operation below leaves a room half changed.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Connections for MemoryConnections {
    async fn open(&self, room: &str, opened_at: Timestamp) -> Result<(), ConnectionsError> {
        let mut rooms = self.rooms();
        if !matches!(rooms.get(room), Some(Room::Open(_))) {
            rooms.insert(room.to_owned(), Room::Open(Open::new(opened_at)));
        }
        Ok(())
    }

    async fn close(&self, room: &str, how: HowToClose, now: Timestamp) -> Result<Closing, ConnectionsError> {
        let mut rooms = self.rooms();
        rooms.retain(|_, room| !matches!(room, Room::Closed { at } if now.since(*at) > CLOSED_KEPT));
        let Some(Room::Open(open)) = rooms.get(room) else { return Ok(Closing::NotOpen) };
        let humans = open.humans(now);
        if humans > 0 && how == HowToClose::IfEmpty {
            return Ok(Closing::Occupied(humans));
        }
        rooms.insert(room.to_owned(), Room::Closed { at: now });
        Ok(Closing::Closed)
    }

    async fn look(&self, room: &str, now: Timestamp) -> Result<RoomSeen, ConnectionsError> {
        Ok(match self.rooms().get(room) {
            Some(Room::Open(open)) => RoomSeen::Open { opened_at: open.opened_at, humans: open.humans(now) },
            Some(Room::Closed { .. }) => RoomSeen::Closed,
            None => RoomSeen::Unknown,
        })
    }

    async fn rooms(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ConnectionsError> {
        let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
        Ok(self
            .rooms()
            .range::<str, _>((from, Bound::Unbounded))
            .filter(|(name, room)| name.starts_with(prefix) && matches!(room, Room::Open(_)))
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
    ) -> Result<bool, ConnectionsError> {
        let mut rooms = self.rooms();
        let Some(Room::Open(open)) = rooms.get_mut(room) else { return Ok(false) };
        open.tokens.retain(|_, until| now < *until);
        open.tokens.insert(token, until);
        Ok(true)
    }

    async fn attach(&self, attach: Attach, now: Timestamp) -> Result<Attached, ConnectionsError> {
        Ok(match self.rooms().get_mut(&attach.room) {
            Some(Room::Open(open)) => open.attach(attach, now),
            _ => Attached::Closed,
        })
    }

    async fn renew(
        &self,
        seat: &Seat,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Renewed, ConnectionsError> {
        let mut rooms = self.rooms();
        let Some(Room::Open(open)) = rooms.get_mut(&seat.room) else { return Ok(Renewed::Closed) };
        let Some(connection) = open.held_by(seat) else { return Ok(Renewed::Gone) };
        connection.until = connection.until.max(until);
        Ok(Renewed::In(open.latest(now)))
    }

    async fn detach(&self, seat: &Seat) -> Result<(), ConnectionsError> {
        if let Some(Room::Open(open)) = self.rooms().get_mut(&seat.room)
            && let Some(connection) = open.held_by(seat)
        {
            connection.attached = false;
        }
        Ok(())
    }

    async fn leave(&self, seat: &Seat, leaving: Leaving, now: Timestamp) -> Result<Left, ConnectionsError> {
        let mut rooms = self.rooms();
        let Some(Room::Open(open)) = rooms.get_mut(&seat.room) else { return Ok(Left::Gone) };
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
        if self.connections.len() >= limit {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::suite::connections_suite;

    connections_suite!(MemoryConnections::default());

    #[tokio::test]
    async fn closed_rooms_are_forgotten_after_a_while() {
        let connections = MemoryConnections::default();
        let at = |hours: u64| Timestamp::from_micros(0) + Duration::from_secs(hours * 60 * 60);
        for (hour, room) in [(0, "a"), (2, "b")] {
            connections.open(room, at(hour)).await.unwrap();
            connections.close(room, HowToClose::Force, at(hour)).await.unwrap();
        }
        assert_eq!(connections.look("a", at(2)).await.unwrap(), RoomSeen::Unknown);
        assert_eq!(connections.look("b", at(2)).await.unwrap(), RoomSeen::Closed);
    }
}
