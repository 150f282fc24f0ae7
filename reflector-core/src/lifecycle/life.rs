//! The life of a meeting: all that the rules look at, and nothing else.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::deadline::expiry_to_ask;
use super::effect::Effect;
use super::outcome::Change;
use super::phase::{CloseReason, Phase};
use super::policy::Policy;
use super::presence::PresenceRecord;
use super::told::{Stretch, Told};
use crate::time::Timestamp;

/// All of a meeting that the rules look at. Names, addresses and metadata stay beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Where it is.
    pub phase: Phase,
    /// When it is to take place.
    pub schedule: Schedule,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the provider's present room was made.
    pub opened_at: Option<Timestamp>,
    /// Which of its provider rooms is in use: 0, and one more each time a calendar change asks for another.
    pub generation: u16,
    /// Until when the provider keeps the room, or was asked to; nothing if it has no end.
    pub expires_at: Option<Timestamp>,
    /// A grace of its own, instead of the room's.
    pub grace: Option<Duration>,
    /// Somebody is on the way in.
    pub lease: Option<Lease>,
    /// When its calendar event was cancelled while nobody was in.
    pub cancelled_at: Option<Timestamp>,
    /// Who is in.
    pub presence: PresenceRecord,
    /// What has been done about its silence, its end and its deadlines.
    pub watch: Watch,
}

/// When a meeting is to take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Whether it has an end of its own. Without one, `end` is information only (rule L10).
    pub scheduled: bool,
    /// Its start.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// When its end was last changed: overtime counts from there if that is later (rule L9).
    pub end_changed_at: Timestamp,
}

/// A short promise that somebody is on the way in (rule L6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Until when they are expected.
    pub until: Timestamp,
    /// When the asking brought the meeting back from closing, or came while its close was withheld: leases count anew
    /// from there.
    pub brought_back_at: Option<Timestamp>,
}

/// What has been done about a meeting's silence, its end and its deadlines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// How often the provider was asked since the newest observation.
    pub asks: u8,
    /// When it was last asked.
    pub asked_at: Option<Timestamp>,
    /// When the provider first did not know the room (rule L23).
    pub missing_since: Option<Timestamp>,
    /// Since when its silence is not taken for emptiness, because we had not been listening (rule L13).
    pub withheld_since: Option<Timestamp>,
    /// The forced close that was announced, and up to when its announcements are done (rule L25).
    pub announced: Option<Announced>,
    /// The closings that were only said, because the deployment observes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spared: Vec<CloseReason>,
}

/// Up to when the announcements of a forced close are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// The forced close that they are about.
    pub closes_at: Timestamp,
    /// Those that were due by then are made, or were past already when the close was set.
    pub up_to: Timestamp,
}

impl Schedule {
    /// A schedule with an end of its own.
    pub fn of(start: Timestamp, end: Timestamp, now: Timestamp) -> Self {
        Self { scheduled: true, start, end, end_changed_at: now }
    }

    /// The schedule of a meeting that somebody wanted now.
    pub fn from_now(now: Timestamp, policy: &Policy) -> Self {
        Self { scheduled: false, start: now, end: now + policy.unscheduled_length, end_changed_at: now }
    }
}

impl Life {
    /// A new life, and what it owes: the provider's room is to be made.
    pub fn begin(schedule: Schedule, now: Timestamp, policy: &Policy) -> Change {
        let mut life = Self {
            phase: Phase::Opening { since: now },
            schedule,
            created_at: now,
            opened_at: None,
            generation: 0,
            expires_at: None,
            grace: None,
            lease: None,
            cancelled_at: None,
            presence: PresenceRecord::default(),
            watch: Watch::default(),
        };
        let expires_at = expiry_to_ask(&life, policy, now);
        life.expires_at = Some(expires_at);
        Change { life, effects: vec![Effect::OpenRoom { generation: 0, expires_at }] }
    }

    /// The phase of an open meeting with these people in.
    pub(super) fn phase_told(&self, told: &Told) -> Phase {
        match told.stretch {
            Stretch::Never => Phase::Waiting { since: self.opened_at.unwrap_or(self.created_at) },
            Stretch::Occupied { since } => Phase::Live { humans: told.humans, since },
            Stretch::Empty { since } => Phase::Grace { since },
        }
    }

    /// Since when it has been silent: the newest observation, else the opening of its room.
    pub fn silent_since(&self) -> Timestamp {
        self.presence.heard_at().or(self.opened_at).unwrap_or(self.created_at)
    }

    /// How long it waits when it is empty.
    pub fn grace(&self, policy: &Policy) -> Duration {
        self.grace.unwrap_or(policy.grace)
    }
}
