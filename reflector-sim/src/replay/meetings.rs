//! A meeting as it was recorded, and as it is told again.

use std::collections::VecDeque;

use reflector_core::history::Line;
use reflector_core::lifecycle::{
    Event, Ignored, Outcome, Phase, Policy, PresenceRecord, Schedule, deadline, replay, step,
};
use reflector_core::store::{Entry, Source};
use reflector_core::{Claim, Life, Meeting, MeetingId, RoomSettings, Timestamp};

/// What the recording says of a meeting, up to the present.
pub(super) struct Recorded {
    /// The phase that was recorded.
    pub(super) phase: Phase,
    /// The life that its entries tell, and the policy that it was last judged by.
    life: Life,
    policy: Policy,
    /// Who was in, also where the rules had no use for it any more.
    pub(super) seen: PresenceRecord,
    /// When it was woken, and when its provider was asked, from now on.
    wakes: VecDeque<Timestamp>,
    polls: VecDeque<Timestamp>,
}

impl Recorded {
    /// A meeting whose first entry this is; nothing if it is none.
    pub(super) fn begin(entry: &Entry) -> Option<Self> {
        Some(Self {
            phase: entry.phase,
            life: replay([(&entry.event, entry.recorded_at, &entry.policy)])?,
            policy: entry.policy,
            seen: PresenceRecord::default(),
            wakes: VecDeque::new(),
            polls: VecDeque::new(),
        })
    }

    /// Something that will have been recorded then.
    pub(super) fn foresee(&mut self, entry: &Entry, at: Timestamp) {
        if matches!(entry.event, Event::DeadlineReached { .. }) {
            self.wakes.push_back(at);
        } else if entry.source == Source::Poll {
            self.polls.push_back(at);
        }
    }

    /// Whether it was due by then as well, and is yet to be woken: a sweep comes late, or a server was down.
    pub(super) fn was_to_be_woken(&self, due: Timestamp) -> bool {
        let own = deadline(&self.life, &self.policy);
        own.is_some_and(|own| own.at <= due) && self.wakes.front().is_some_and(|wake| *wake >= due)
    }

    pub(super) fn next_poll(&self) -> Option<Timestamp> {
        self.polls.front().copied()
    }

    /// Takes in an entry. Whether it is news of somebody who came or went.
    pub(super) fn take(&mut self, entry: &Entry) -> bool {
        self.phase = entry.phase;
        self.policy = entry.policy;
        if let Outcome::Changed(change) = step(&self.life, &entry.event, entry.recorded_at, &entry.policy) {
            self.life = change.life;
        }
        if matches!(entry.event, Event::DeadlineReached { .. }) {
            self.wakes.pop_front();
        } else if entry.source == Source::Poll {
            self.polls.pop_front();
        }
        let sighting = match &entry.event {
            Event::ParticipantJoined(sighting) => {
                self.seen.joined(sighting);
                sighting
            }
            Event::ParticipantLeft(sighting) => {
                self.seen.left(sighting);
                sighting
            }
            Event::PresenceReported(report) => {
                self.seen.reported(report);
                return false;
            }
            _ => return false,
        };
        let stale = matches!(entry.ignored, Some(Ignored::SeenBefore | Ignored::TooOld | Ignored::NoNews));
        sighting.participant.role.is_human() && !stale
    }
}

/// A meeting as it is told again.
pub(super) struct Retold {
    pub(super) meeting: Meeting,
    pub(super) policy: Policy,
    /// The recorded meeting that it still is one with: its provider answers when the recorded one did. None once other
    /// people are in it than in that one.
    pub(super) follows: Option<MeetingId>,
}

impl Retold {
    /// A meeting that begins now, in the room that a line speaks of.
    pub(super) fn begin(
        id: MeetingId,
        line: &Line,
        schedule: Schedule,
        policy: Policy,
        now: Timestamp,
    ) -> Self {
        let claim = match &line.occurrence {
            _ if !schedule.scheduled => Some(Claim::Unscheduled),
            Some(occurrence) => Some(Claim::Occurrence(occurrence.clone())),
            None => None,
        };
        let meeting = Meeting {
            id,
            room_id: line.room_id,
            provider: line.provider.clone(),
            calendar_event_id: None,
            claim,
            calendar_metadata: None,
            settings: RoomSettings::default(),
            room: None,
            life: Life::begin(schedule, now, &policy).life,
        };
        Self { meeting, policy, follows: None }
    }

    /// Whether somebody who comes can come in here.
    pub(super) fn takes_people(&self) -> bool {
        let phase = &self.meeting.life.phase;
        !phase.is_closed() && !phase.is_forced()
    }
}
