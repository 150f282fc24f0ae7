//! Where a meeting is in its life. Data lives in the phase, so that what cannot be cannot be said.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Where a meeting is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// It is reserved, and the provider's room is being made.
    Opening {
        /// Since when.
        since: Timestamp,
    },
    /// Nobody has been in yet.
    Waiting {
        /// Since when.
        since: Timestamp,
    },
    /// Somebody is in.
    Live {
        /// How many people.
        humans: u32,
        /// Since when.
        since: Timestamp,
    },
    /// Everybody has left, and it waits for somebody to come back.
    Grace {
        /// When the last of them left.
        since: Timestamp,
    },
    /// The provider is being asked to end its room.
    Closing {
        /// Why.
        reason: CloseReason,
        /// Whether it may be put off.
        close: Close,
        /// Since when.
        since: Timestamp,
    },
    /// It is over.
    Closed {
        /// Why.
        reason: CloseReason,
        /// Since when.
        at: Timestamp,
    },
}

/// How a room is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Close {
    /// Only if nobody is in; the meeting goes on if somebody turns out to be.
    IfEmpty {
        /// What the meeting was before, and since when: it goes back there when somebody asks to join.
        was: Empty,
    },
    /// Whoever is in.
    Force,
}

/// The two ways of being empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "empty", rename_all = "snake_case")]
pub enum Empty {
    /// Nobody has ever been in.
    NeverJoined {
        /// Since when the room is open.
        since: Timestamp,
    },
    /// Everybody has left.
    Left {
        /// When the last of them did.
        since: Timestamp,
    },
}

impl Empty {
    /// The phase of an open meeting that is empty in this way.
    pub fn phase(self) -> Phase {
        match self {
            Self::NeverJoined { since } => Phase::Waiting { since },
            Self::Left { since } => Phase::Grace { since },
        }
    }
}

/// Why a meeting closed, or is being closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// Everybody had left, and nobody came back in time (rule L5).
    GraceExpired,
    /// Nobody ever came (rule L8).
    NeverJoined,
    /// It ran over its end for as long as it may (rule L9).
    Overtime,
    /// It lived for as long as a meeting may (rule L10).
    MaxLifetime,
    /// Its calendar event was cancelled, and nobody was in (rule L16).
    Cancelled,
    /// Its owner ended it.
    EndedByOwner,
    /// The provider says that its room has ended (rule L23).
    EndedAtProvider,
    /// The provider refused to make a room (rule L24).
    ProviderRefused,
    /// The provider made no room within two minutes (rule L24).
    ProviderUnavailable,
    /// The provider never confirmed that the room is gone (rule L14).
    Unconfirmed,
}

impl CloseReason {
    /// Every reason there is.
    pub const ALL: [Self; 10] = [
        Self::GraceExpired,
        Self::NeverJoined,
        Self::Overtime,
        Self::MaxLifetime,
        Self::Cancelled,
        Self::EndedByOwner,
        Self::EndedAtProvider,
        Self::ProviderRefused,
        Self::ProviderUnavailable,
        Self::Unconfirmed,
    ];

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GraceExpired => "grace_expired",
            Self::NeverJoined => "never_joined",
            Self::Overtime => "overtime",
            Self::MaxLifetime => "max_lifetime",
            Self::Cancelled => "cancelled",
            Self::EndedByOwner => "ended_by_owner",
            Self::EndedAtProvider => "ended_at_provider",
            Self::ProviderRefused => "provider_refused",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Phase {
    /// Its name on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Opening { .. } => "opening",
            Self::Waiting { .. } => "waiting",
            Self::Live { .. } => "live",
            Self::Grace { .. } => "grace",
            Self::Closing { .. } => "closing",
            Self::Closed { .. } => "closed",
        }
    }

    /// `is_active` on the wire: people may be in, or may come.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Live { .. } | Self::Grace { .. })
    }

    /// Whether the provider's room is being made.
    pub fn is_opening(&self) -> bool {
        matches!(self, Self::Opening { .. })
    }

    /// Whether people are known to be in.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live { .. })
    }

    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// Whether it is being closed and nothing can put that off.
    pub fn is_forced(&self) -> bool {
        matches!(self, Self::Closing { close: Close::Force, .. })
    }

    /// `num_clients` on the wire: how many people are in.
    pub fn humans(&self) -> u32 {
        match self {
            Self::Live { humans, .. } => *humans,
            _ => 0,
        }
    }

    /// `last_participant_left_at` on the wire: the start of the grace, and nothing in every other open phase.
    pub fn last_left_at(&self) -> Option<Timestamp> {
        match self {
            Self::Grace { since } => Some(*since),
            _ => None,
        }
    }

    /// `closed_at` on the wire: since when it is over, if it is.
    pub fn closed_at(&self) -> Option<Timestamp> {
        match self {
            Self::Closed { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// Why it closed or is being closed, if so.
    pub fn close_reason(&self) -> Option<CloseReason> {
        match self {
            Self::Closing { reason, .. } | Self::Closed { reason, .. } => Some(*reason),
            _ => None,
        }
    }

    /// How it is empty, if it is and may still be put to use.
    pub fn empty(&self) -> Option<Empty> {
        match *self {
            Self::Waiting { since } => Some(Empty::NeverJoined { since }),
            Self::Grace { since } => Some(Empty::Left { since }),
            Self::Closing { close: Close::IfEmpty { was }, .. } => Some(was),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meeting_that_is_asked_to_close_is_still_empty_in_the_way_it_was() {
        let since = Timestamp::from_micros(7);
        for was in [Empty::NeverJoined { since }, Empty::Left { since }] {
            let closing =
                |close| Phase::Closing { reason: CloseReason::GraceExpired, close, since: Timestamp::MAX };
            assert_eq!(closing(Close::IfEmpty { was }).empty(), Some(was));
            assert_eq!(closing(Close::Force).empty(), None);
            assert_eq!(was.phase().empty(), Some(was));
        }
    }

    #[test]
    fn a_reason_has_one_name_wherever_it_is_written() {
        for reason in CloseReason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
            assert_eq!(reason.to_string(), reason.as_str());
        }
    }
}
