//! What comes of an event.

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::life::Life;
use crate::time::Timestamp;

/// What came of an event.
#[expect(clippy::large_enum_variant, reason = "a change is the usual outcome, and is moved once")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The life goes on like this, and this is owed.
    Changed(Change),
    /// Nothing changes, and this is why.
    Ignored(Ignored),
}

/// A changed life and what it owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The life after the event.
    pub life: Life,
    /// What is owed to the world.
    pub effects: Vec<Effect>,
}

/// Why an event changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ignored {
    /// The meeting is over (rule L15).
    #[error("the meeting is closed")]
    Closed,
    /// The meeting is being closed, and that cannot be put off (rule L14).
    #[error("the meeting is being closed")]
    Closing,
    /// No deadline has been reached (rule L20).
    #[error("no deadline has been reached")]
    NotDue,
    /// The same observation was taken in before.
    #[error("this was seen before")]
    SeenBefore,
    /// Newer observations are settled (rule L11).
    #[error("newer observations have been applied")]
    TooOld,
    /// It says nothing about people (rule L13).
    #[error("it says nothing about who is in")]
    NoNews,
    /// It speaks of another of the meeting's rooms.
    #[error("it speaks of another of the meeting's rooms")]
    AnotherRoom,
    /// The phase is not one in which this means anything.
    #[error("it means nothing in this phase")]
    NotNow,
    /// Whoever asked is still expected (rule L6).
    #[error("the lease is still fresh")]
    LeaseFresh,
    /// It asks for what already is.
    #[error("it changes nothing")]
    NoChange,
    /// The end would not be after the start.
    #[error("the end must be after the start")]
    EndNotAfterStart,
    /// The provider's room does not live that long, and people are in it (rule L16).
    #[error("the provider keeps the room of this meeting for an end no later than {latest_end}")]
    BeyondProvider {
        /// The latest end that is possible.
        latest_end: Timestamp,
    },
    /// There is no schedule to give up, and people are in.
    #[error("people are in, and there is no schedule to cancel: end the meeting instead")]
    Occupied,
    /// The deployment closes nothing.
    #[error("this deployment only observes: it closes nothing")]
    Observing,
}
