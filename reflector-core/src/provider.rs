//! The port to a video provider, and to its messages.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionKey, MeetingId};
use crate::lifecycle::Presence;
use crate::meeting::ProviderRoom;
use crate::participant::Participant;
use crate::recording::RecordingName;
use crate::room::{RoomName, RoomSettings};
use crate::store::StoreError;
use crate::time::Timestamp;

/// Runs rooms in which people meet.
///
/// # Contract
///
/// 1. `a_room_is_opened_and_listed_under_its_name`
/// 2. `opening_again_adopts_the_room_that_is_there`: an order that was given before makes no second room.
/// 3. `an_empty_room_closes_if_empty`
/// 4. `an_occupied_room_does_not_close_if_empty`: it answers `StillOccupied`, and nobody is put out. An adapter that
///    cannot ask and close in one piece declares so in its capabilities.
/// 5. `an_occupied_room_closes_by_force`
/// 6. `a_room_that_is_gone_is_gone`: closing it again, or one that never was, answers `Gone`.
/// 7. `presence_tells_people_and_not_machines`: recorders and other bots are not counted.
/// 8. `a_room_that_is_not_known_is_missing`: asked who is in, it answers `Missing`, never `Empty`.
/// 9. `an_outage_is_an_error_and_never_an_empty_room`
/// 10. `only_rooms_with_the_prefix_are_listed`: to the last page.
#[async_trait]
pub trait VideoProvider: Send + Sync + Debug + 'static {
    /// What this provider can do.
    fn capabilities(&self) -> Capabilities;

    /// Makes the room, or adopts the one that an earlier asking made.
    async fn open_room(&self, order: &RoomOrder) -> Result<ProviderRoom, ProviderError>;

    /// Ends the room.
    async fn close_room(
        &self,
        room: &RoomRef,
        how: HowToClose,
        known: &Known,
    ) -> Result<CloseAnswer, ProviderError>;

    /// Says who is in.
    async fn presence(&self, room: &RoomRef, known: &Known) -> Result<PresenceAnswer, ProviderError>;

    /// The rooms whose name begins like this, a page at a time.
    async fn rooms(&self, name_prefix: &str, page: Option<&str>) -> Result<RoomsPage, ProviderError>;

    /// What reads this provider's messages, if it sends any.
    fn webhook(&self) -> Option<&dyn WebhookReader>;

    /// What the key of a recording says, if this provider names its recordings like that (rule R5).
    fn recording_name(&self, key: &str) -> Option<RecordingName>;
}

/// Reads a provider's messages: bytes in, facts out, nothing else.
pub trait WebhookReader: Send + Sync + Debug {
    /// Verifies a message over its raw bytes and reads it.
    fn read(&self, headers: &dyn Headers, body: &[u8], now: Timestamp) -> Result<Delivery, DeliveryError>;

    /// Whether the headers alone show that a message proves nothing, whatever its body is: then nobody need read that.
    /// Unless an adapter says otherwise, every body is read.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    fn may_prove(&self, _headers: &dyn Headers) -> Result<(), Unverified> {
        Ok(())
    }

    /// A number that changes when the endpoint is configured anew: it must prove itself again then.
    fn endpoint(&self) -> u64;
}

/// The headers of a message, whatever the server keeps them in.
pub trait Headers {
    /// The value of a header, by its name in lower case.
    fn header(&self, name: &str) -> Option<&str>;
}

impl Headers for [(&str, &str)] {
    fn header(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

impl<const N: usize> Headers for [(&str, &str); N] {
    fn header(&self, name: &str) -> Option<&str> {
        self.as_slice().header(name)
    }
}

/// What a provider can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// How it tells who is in.
    pub presence: PresenceSource,
    /// Whether it asks and closes in one piece, so that nobody can slip in between.
    pub closes_if_empty_atomically: bool,
}

/// How a provider tells who is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceSource {
    /// It can be asked, and its answer is no older than this.
    Snapshot {
        /// How old an answer may be.
        staleness: Duration,
    },
    /// It tells by events; asked, it gives single facts that are newer, if there are any.
    EventsAndFacts,
    /// It tells by events, and cannot be asked.
    Events,
}

/// A room to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomOrder {
    /// For which meeting.
    pub meeting_id: MeetingId,
    /// What its name must begin with: no other room's does.
    pub name: String,
    /// The name of the room that people know.
    pub room_name: RoomName,
    /// Until when it is needed.
    pub expires_at: Timestamp,
    /// How it is to be made.
    pub settings: RoomSettings,
    /// Whether it was asked for before, so that it may be there already.
    pub asked_before: bool,
}

/// A provider's room that is spoken of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRef {
    /// What its name begins with.
    pub name: String,
    /// The provider's id of it, once known.
    pub external_id: Option<String>,
}

/// How to close a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowToClose {
    /// Only if nobody is in.
    IfEmpty,
    /// Whoever is in.
    Force,
}

/// What is known of a room already, so that an adapter can tell news from what we know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The newest event that was applied, by the provider's clock.
    pub newest_event_at: Option<Timestamp>,
    /// The connections that are thought to be in.
    pub connections: Vec<ConnectionKey>,
}

/// What a provider says when it is asked to close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseAnswer {
    /// The room is gone, or never was.
    Gone,
    /// Somebody is in.
    StillOccupied {
        /// How many people, as far as it says.
        humans: u32,
        /// What shows it, for a provider that tells by events.
        facts: Vec<Fact>,
    },
    /// It cannot say whether anybody is in, and has closed nothing.
    Unknown,
}

/// What a provider says when it is asked who is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresenceAnswer {
    /// A snapshot.
    Snapshot(Presence),
    /// Single facts; none is no news.
    Facts(Vec<Fact>),
    /// It does not know the room.
    Missing,
    /// The room has ended: its positive word.
    Ended,
}

/// A page of a provider's rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomsPage {
    /// The rooms: their names and ids.
    pub rooms: Vec<RoomRef>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// A message of a provider, verified and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The provider's id of it.
    pub id: String,
    /// The provider's name for what happened.
    pub kind: String,
    /// The room it speaks of, if it speaks of one.
    pub room: Option<RoomAddress>,
    /// Whether it is for somebody else: another organisation of the same provider.
    pub foreign: bool,
    /// What it says.
    pub facts: Vec<Fact>,
}

/// How a message names a room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RoomAddress {
    /// By the provider's id.
    pub external_id: Option<String>,
    /// By its name, without a leading slash.
    pub name: Option<String>,
}

/// One thing that a provider says has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fact {
    /// Somebody joined.
    Joined(Movement),
    /// Somebody left.
    Left(Movement),
    /// Somebody knocks.
    Knocked,
    /// The room has ended.
    RoomEnded,
    /// Something that says nothing about who is in.
    Noticed {
        /// The provider's name for it.
        kind: String,
    },
}

/// Somebody coming or going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// Who.
    pub participant: Participant,
    /// When, by the provider's clock.
    pub at: Timestamp,
    /// How many people are in after it, if the provider says so.
    pub humans: Option<u32>,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The provider did not do what it was asked. The variants are what a caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// Try again, not before `retry_after` if it says so. Whether it was done is not known.
    #[error("the provider is not available: {detail}")]
    Unavailable {
        /// What it said, without secrets.
        detail: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
        /// What went wrong beneath.
        #[source]
        source: Option<BoxError>,
    },
    /// Do not try again: it will never do this.
    #[error("the provider refuses: {detail}")]
    Refused {
        /// What it said, without secrets.
        detail: String,
    },
}

impl ProviderError {
    /// An outage, described.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::Unavailable { detail: detail.into(), retry_after: None, source: None }
    }
}

/// For a provider whose rooms are kept in a store of ours.
impl From<StoreError> for ProviderError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable { detail: error.to_string(), retry_after: None, source: Some(Box::new(error)) }
    }
}

/// A message cannot be taken in. The variants are what its sender is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// It does not prove where it comes from.
    #[error("the signature is {0}")]
    Unverified(Unverified),
    /// It is verified, but cannot be read.
    #[error("the message cannot be read: {0}")]
    Unreadable(String),
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// There is none.
    #[error("missing")]
    Missing,
    /// It is not written as one.
    #[error("malformed")]
    Malformed,
    /// It is older, or newer, than the tolerance.
    #[error("stale: check the clock of this machine")]
    Stale,
    /// It was made with another secret or over another body.
    #[error("wrong: check the webhook secret")]
    Wrong,
}
