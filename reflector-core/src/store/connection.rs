//! The port to the rooms, tokens and connections of a provider that lives in the same process as the engine, such as
//! the server's built-in one.

use std::fmt;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreError;
use crate::provider::HowToClose;
use crate::time::Timestamp;

/// For how long a closed room is remembered: longer than a page that was open meanwhile tries to come back.
pub const CLOSED_ROOM_KEPT: Duration = Duration::from_secs(60 * 60);

/// Keeps rooms, single-use tokens and connections, so that any server of several can answer for all of them.
///
/// A connection is in until it leaves, or until its lease has run out. A lease that ran out can still be renewed
/// until somebody takes it for a leaving: whoever is there is not put out by a pause of ours.
///
/// # Contract
///
/// 1. `a_room_is_opened_once`: opening it again keeps when it was opened and who is in; after its close it is new.
/// 2. `a_token_lets_one_connection_in_once`: only into its room, and only until its end.
/// 3. `who_is_in_is_counted_until_they_leave`: each coming and going of a room is later than the one before, whatever
///    `now` says, and tells how many are in after it.
/// 4. `a_lease_that_ran_out_counts_as_left`: it is counted no more, and `leave` with [`Leaving::IfLapsed`] ends it.
/// 5. `a_renewed_lease_is_not_lapsed`: also one that had run out, as long as nobody took it for a leaving.
/// 6. `a_connection_whose_socket_dropped_goes_on_in_another`: nobody joins or leaves; the old socket's word counts
///    no more.
/// 7. `a_connection_that_is_in_is_not_taken_over`: whoever names it gets one of their own.
/// 8. `a_connection_that_left_does_not_come_back`: whoever names it gets one of their own.
/// 9. `a_full_room_lets_nobody_in`: but those that are in go on, and who is in no more takes no place.
/// 10. `an_occupied_room_is_not_closed_if_empty`: in one piece with the question; by force it is closed.
/// 11. `a_closed_room_lets_nobody_in`: no token is taken for it, and who was in is told so when they renew.
/// 12. `open_rooms_are_listed_by_name`: those with the prefix, after the one named, up to a number, in the order of
///     their bytes.
/// 13. `a_closed_room_is_forgotten_after_a_while`: after [`CLOSED_ROOM_KEPT`], when another one is closed.
#[async_trait]
pub trait ConnectionStore: Send + Sync + Debug + 'static {
    /// Opens a room; `opened_at` is when it was made, as far as is known.
    async fn open(&self, room: &str, opened_at: Timestamp) -> Result<(), StoreError>;

    /// Closes a room, if that can be.
    async fn close(&self, room: &str, how: HowToClose, now: Timestamp) -> Result<Closing, StoreError>;

    /// A room as it stands.
    async fn look(&self, room: &str, now: Timestamp) -> Result<RoomSeen, StoreError>;

    /// The names of open rooms that begin with this and come after that, in order.
    async fn rooms(&self, prefix: &str, after: Option<&str>, limit: usize)
    -> Result<Vec<String>, StoreError>;

    /// Takes a token that lets one connection into a room until then. `false` if the room is not open.
    async fn admit(
        &self,
        room: &str,
        token: TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Spends a token and lets its bearer in.
    async fn attach(&self, attach: Attach, now: Timestamp) -> Result<Attached, StoreError>;

    /// Prolongs the lease of a connection.
    async fn renew(&self, seat: &Seat, until: Timestamp, now: Timestamp) -> Result<Renewed, StoreError>;

    /// Notes that the socket is gone; the connection stays in until its lease runs out, and may go on in another.
    async fn detach(&self, seat: &Seat) -> Result<(), StoreError>;

    /// Ends a connection.
    async fn leave(&self, seat: &Seat, leaving: Leaving, now: Timestamp) -> Result<Left, StoreError>;
}

/// What a token is known by. The token itself is kept nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The SHA-256 of a token.
    pub const fn new(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Its bytes, for a store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[token]")
    }
}

/// Somebody at the door.
#[derive(Clone, Debug)]
pub struct Attach {
    /// The room they want into.
    pub room: String,
    /// The token they have.
    pub token: TokenHash,
    /// The connection that they say they were.
    pub before: Option<Uuid>,
    /// The connection that they become if they are not that one any more.
    pub fresh: Uuid,
    /// Until when they are in without a sign of life.
    pub until: Timestamp,
    /// How many may be in.
    pub limit: usize,
}

/// What came of somebody at the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attached {
    /// They joined.
    Joined {
        /// Their seat.
        seat: Seat,
        /// The joining.
        latest: Latest,
    },
    /// They had not left, and go on.
    Resumed {
        /// Their seat.
        seat: Seat,
        /// The room's newest coming or going.
        latest: Latest,
    },
    /// The token was never given for this room, was spent, or has run out.
    BadToken,
    /// As many are in as may be.
    Full,
    /// The room is not open.
    Closed,
}

/// A connection in a room, held by one socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The room.
    pub room: String,
    /// The connection.
    pub connection: Uuid,
    /// Which of its sockets: a later one has a higher number.
    pub socket: u64,
}

/// The newest coming or going of a room. No two of a room have the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latest {
    /// When.
    pub at: Timestamp,
    /// How many people are in.
    pub humans: u32,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// It said so.
    Now,
    /// It is ended if its lease has run out.
    IfLapsed,
}

/// What came of ending a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It has left now.
    Left(Latest),
    /// Its lease has not run out.
    NotYet {
        /// When it will.
        until: Timestamp,
    },
    /// There is nothing to end: it left before, goes on in another socket, or its room is closed.
    Gone,
}

/// What came of prolonging a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It is in.
    In(Latest),
    /// It has left, or goes on in another socket.
    Gone,
    /// Its room is closed.
    Closed,
}

/// What came of closing a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It is closed now.
    Closed,
    /// It was closed before, or is not known.
    NotOpen,
    /// People are in: so many.
    Occupied(u32),
}

/// A room as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomSeen {
    /// It is open.
    Open {
        /// When it was made.
        opened_at: Timestamp,
        /// How many people are in.
        humans: u32,
    },
    /// It was closed a while ago.
    Closed,
    /// Nothing is known of it.
    Unknown,
}
