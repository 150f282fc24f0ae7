//! The port to whatever announces recordings and holds them.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use super::ObjectVersion;
use crate::time::Timestamp;

/// Announces objects in messages, each of which comes again until it is acknowledged, and lists them.
///
/// # Contract
///
/// 1. `what_is_put_there_is_announced`
/// 2. `what_was_received_is_in_hand`: it is not received again at once.
/// 3. `what_is_given_back_comes_again`: and says how often it came.
/// 4. `what_is_acknowledged_comes_no_more`
/// 5. `one_that_cannot_be_acknowledged_holds_up_no_other`: it is named in the answer.
/// 6. `what_is_extended_stays_in_hand`
/// 7. `a_message_that_cannot_be_read_comes_with_its_body`: and holds up no other. Of a source without messages of
///    others there is none.
/// 8. `what_is_listed_is_what_was_announced`: the same version of the same object.
/// 9. `a_listing_goes_on_where_a_page_ended`
/// 10. `what_is_put_again_is_another_version`: and a listing shows that one alone.
/// 11. `what_is_erased_is_there_no_more`: all its versions. Erasing again is no error.
#[async_trait]
pub trait RecordingSource: Send + Sync + Debug + 'static {
    /// Waits for messages for a while, the source's own, and takes some in hand; none if none came.
    ///
    /// They come again unless they are acknowledged within [`in_hand`](Self::in_hand), or extended.
    async fn receive(&self) -> Result<Vec<Message>, SourceError>;

    /// Adds to what was received just now what else is there already, without waiting, so that more of it is kept in one
    /// write. Nothing, for a source that says nothing else.
    async fn receive_more(&self, _received: &mut Vec<Message>) {}

    /// How long a message is in hand.
    fn in_hand(&self) -> Duration;

    /// Takes messages out for good. Those that are left are in the answer; that they come again does no harm.
    async fn acknowledge(&self, receipts: &[Receipt]) -> Result<Vec<Unacknowledged>, SourceError>;

    /// Lets messages come again, at once. One that is in nobody's hand is no error.
    async fn give_back(&self, receipts: &[Receipt]) -> Result<(), SourceError>;

    /// Keeps messages in hand, for [`in_hand`](Self::in_hand) from now on. One that is in nobody's hand is no error.
    async fn extend(&self, receipts: &[Receipt]) -> Result<(), SourceError>;

    /// Whether messages that are never acknowledged are set aside by somebody else, such as a queue of dead letters.
    async fn sets_dead_letters_aside(&self) -> Result<bool, SourceError>;

    /// The objects that are there, the newest of each key, a page at a time.
    async fn list(&self, page: Option<&str>) -> Result<Listing, SourceError>;

    /// Erases all versions of an object.
    async fn erase(&self, object: &ObjectVersion) -> Result<(), SourceError>;
}

/// A message in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is acknowledged by.
    pub receipt: Receipt,
    /// Its id, the same whenever it comes.
    pub id: String,
    /// How often it was received, this time included.
    pub receives: u32,
    /// When it was sent, if that is known.
    pub sent_at: Option<Timestamp>,
    /// The objects that it announces.
    pub notices: Vec<Notice>,
    /// How much it says that announces nothing: test messages, and objects that went.
    pub others: u32,
    /// What in it cannot be read, if something cannot.
    pub unreadable: Option<Unreadable>,
}

/// What a message is acknowledged by, as long as it is in hand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receipt(pub String);

/// An object that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which.
    pub object: ObjectVersion,
    /// How many bytes it has.
    pub size: u64,
    /// What orders it among the objects of its key, if that is known; see [`is_newer`](super::is_newer).
    pub sequencer: Option<String>,
}

/// What in a message cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The whole message as it came.
    pub body: String,
    /// What reading it said.
    pub error: String,
}

/// A message that could not be acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unacknowledged {
    /// Which.
    pub receipt: Receipt,
    /// What was said.
    pub error: String,
}

/// A page of what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The objects.
    pub notices: Vec<Notice>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The source did not do what it was asked. The variants are what a caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Try again later.
    #[error("the recordings' source is not available: {detail}")]
    Unavailable {
        /// What it said, without secrets.
        detail: String,
        /// What went wrong beneath.
        #[source]
        source: Option<BoxError>,
    },
    /// Somebody has to change something first; it says what.
    #[error("the recordings' source refuses: {detail}")]
    Refused {
        /// What to change.
        detail: String,
    },
}

impl SourceError {
    /// An outage, described.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::Unavailable { detail: detail.into(), source: None }
    }

    /// Something that somebody has to change.
    pub fn refused(detail: impl Into<String>) -> Self {
        Self::Refused { detail: detail.into() }
    }
}
