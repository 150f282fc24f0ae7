//! What happened to a meeting. Every input becomes one of these, and each is kept in its history.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::life::Schedule;
use crate::participant::Participant;
use crate::time::Timestamp;

/// What happened, in the past tense. This is also its stored form: a field may be added, never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The meeting was made: the first line of every history.
    Created {
        /// When it is to take place.
        schedule: Schedule,
        /// A grace of its own.
        grace: Option<Duration>,
    },
    /// The provider made the room.
    RoomOpened {
        /// Which of the meeting's rooms: the first is 0, and a calendar change may ask for another (rule L16).
        generation: u16,
        /// Until when the provider keeps it; nothing if it has no end.
        expires_at: Option<Timestamp>,
    },
    /// The provider will not make the room, however often it is asked.
    RoomRefused {
        /// Which room.
        generation: u16,
    },
    /// A participant joined.
    ParticipantJoined(Sighting),
    /// A participant left.
    ParticipantLeft(Sighting),
    /// The provider was asked who is in, or said so when it was asked to close.
    PresenceReported(Report),
    /// Somebody asked to join, or asked for the room's meeting.
    JoinRequested,
    /// Somebody knocks at a locked room.
    Knocked,
    /// A deadline may have been reached; whether it has is for the rules to say.
    DeadlineReached {
        /// What silence is worth.
        hearing: Hearing,
    },
    /// A calendar or the owner moved the meeting.
    Rescheduled {
        /// Its start, if it changed.
        start: Option<Timestamp>,
        /// Its end, if it changed.
        end: Option<Timestamp>,
    },
    /// The calendar event was cancelled, or the owner gave up the schedule.
    Cancelled,
    /// The owner set a grace for this meeting alone, or took it back.
    GraceChanged {
        /// How long an empty meeting waits; the room's if not set.
        grace: Option<Duration>,
    },
    /// The owner ended the meeting.
    EndRequested,
    /// The provider's positive word that its room has ended.
    RoomEnded,
    /// The provider does not know the room.
    RoomMissing {
        /// When it was asked.
        asked_at: Timestamp,
    },
    /// The provider confirmed that the room it was asked to close is gone, or never was.
    RoomClosed {
        /// Which room.
        generation: u16,
    },
    /// An unforced close was owed when we found that we had not been listening (rule L13).
    HearingLost,
    /// A message of the provider that says nothing about who is in.
    ProviderNoticed {
        /// The provider's name for it.
        kind: String,
    },
}

impl Event {
    /// Its name in the history.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::RoomOpened { .. } => "room_opened",
            Self::RoomRefused { .. } => "room_refused",
            Self::ParticipantJoined(_) => "participant_joined",
            Self::ParticipantLeft(_) => "participant_left",
            Self::PresenceReported(_) => "presence_reported",
            Self::JoinRequested => "join_requested",
            Self::Knocked => "knocked",
            Self::DeadlineReached { .. } => "deadline_reached",
            Self::Rescheduled { .. } => "rescheduled",
            Self::Cancelled => "cancelled",
            Self::GraceChanged { .. } => "grace_changed",
            Self::EndRequested => "end_requested",
            Self::RoomEnded => "room_ended",
            Self::RoomMissing { .. } => "room_missing",
            Self::RoomClosed { .. } => "room_closed",
            Self::HearingLost => "hearing_lost",
            Self::ProviderNoticed { .. } => "provider_noticed",
        }
    }

    /// Whether it tells of who is in.
    pub(super) fn is_observation(&self) -> bool {
        matches!(self, Self::ParticipantJoined(_) | Self::ParticipantLeft(_) | Self::PresenceReported(_))
    }

    /// When it happened by the clock of whoever saw it; `now` for what has no time of its own.
    pub fn happened_at(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::ParticipantJoined(sighting) | Self::ParticipantLeft(sighting) => sighting.at,
            Self::PresenceReported(report) => report.asked_at,
            Self::RoomMissing { asked_at } => *asked_at,
            _ => now,
        }
    }
}

/// One participant seen coming or going, in the provider's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Who.
    pub participant: Participant,
    /// When, by the provider's clock: it orders the provider's events, and only those (rule L11).
    pub at: Timestamp,
    /// When it first reached us, by our clock.
    pub received_at: Timestamp,
    /// How many people are in after it, if the provider says so; without it they are told from the connections.
    pub humans: Option<u32>,
}

/// What a provider said when it was asked who is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The answer.
    pub presence: Presence,
    /// When it was asked, by our clock.
    pub asked_at: Timestamp,
    /// How old the answer may be, as its adapter declares.
    pub staleness: Duration,
}

/// What is known of who is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// So many people, at least one.
    Occupied(u32),
    /// Nobody.
    Empty,
    /// Nothing. An outage looks like this, and never like everybody leaving (rule L13).
    Unknown,
}

/// What silence is worth when a deadline is reached (rule L13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hearing {
    /// The provider answers for itself: it is asked to close *if empty*, so silence need not be judged.
    Answered,
    /// We have listened without a gap since then, and the endpoint has proven itself.
    Since(Timestamp),
    /// We do not hear it: silence says nothing.
    Deaf,
}

impl Hearing {
    /// Whether silence since `instant` means that nothing has happened.
    pub fn covers(self, instant: Timestamp) -> bool {
        match self {
            Self::Answered => true,
            Self::Since(since) => since <= instant,
            Self::Deaf => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_or_asked_happened_when_it_was_and_not_when_it_was_taken_in() {
        let (asked_at, now) = (Timestamp::from_micros(1), Timestamp::from_micros(2));
        let report = Report { presence: Presence::Empty, asked_at, staleness: Duration::ZERO };
        assert_eq!(Event::PresenceReported(report).happened_at(now), asked_at);
        assert_eq!(Event::RoomMissing { asked_at }.happened_at(now), asked_at);
        assert_eq!(Event::Knocked.happened_at(now), now);
        let (participant, received_at) = (Participant::human("ada"), now);
        let sighting = Sighting { participant, at: asked_at, received_at, humans: None };
        for seen in [Event::ParticipantJoined(sighting), Event::ParticipantLeft(sighting)] {
            assert_eq!(seen.happened_at(now), sighting.at);
        }
    }
}
