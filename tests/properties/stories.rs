//! Words to tell a meeting's story in, and what all properties share.

use std::borrow::Borrow;
use std::time::Duration;

use proptest::test_runner::Config;
use reflector_core::lifecycle::{
    Deadline, Effect, Event, Hearing, Ignored, Life, Outcome, Phase, Policy, Presence, Report, Schedule,
    Sighting, deadline, step,
};
use reflector_core::testing::strategies::BASE;
use reflector_core::{Participant, Role, Timestamp};

/// At least 2,000 cases; more if `PROPTEST_CASES` says so. What fails becomes a named test in `regressions`, not a
/// file of seeds.
pub(crate) fn cases() -> Config {
    let config = Config::default();
    // Fewer than that only for whoever asks for them, as the scripts do that judge hundreds of changed trees.
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { config.cases } else { 2_000 };
    Config { cases, failure_persistence: None, ..config }
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const JUST: Duration = Duration::from_micros(1);

/// The instant so many minutes into the story.
pub(crate) fn minute(minutes: u32) -> Timestamp {
    BASE + MINUTE * minutes
}

/// Default patience at a provider that tells by events and cannot be asked, so that nothing wakes up but what a test is
/// about.
pub(crate) fn quiet() -> Policy {
    Policy { provider_answers: false, ..Policy::default() }
}

/// A person coming or going, seen and received at once, told without a count.
pub(crate) fn person(connection: &str, at: Timestamp) -> Sighting {
    Sighting { participant: Participant::human(connection), at, received_at: at, humans: None }
}

/// The same of a machine, told with a count of people.
pub(crate) fn machine(connection: &str, at: Timestamp, humans: u32) -> Sighting {
    let participant = Participant { role: Role::Recorder, ..Participant::human(connection) };
    Sighting { participant, at, received_at: at, humans: Some(humans) }
}

/// One meeting whose story is told. It begins, and its room opens, at minute 0.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) life: Life,
    pub(crate) policy: Policy,
}

pub(crate) type Told = Result<Vec<Effect>, Ignored>;

impl Story {
    /// Of a meeting that somebody wanted now.
    pub(crate) fn unscheduled(policy: Policy) -> Self {
        Self::opened(Schedule::from_now(minute(0), &policy), policy)
    }

    /// Of a meeting with a start and an end, in minutes of the story.
    pub(crate) fn scheduled(start: u32, end: u32, policy: Policy) -> Self {
        Self::opened(Schedule::of(minute(start), minute(end), minute(0)), policy)
    }

    /// Of a meeting whose room is not made yet.
    pub(crate) fn opening(schedule: Schedule, policy: Policy) -> Self {
        Self { life: Life::begin(schedule, minute(0), &policy).life, policy }
    }

    fn opened(schedule: Schedule, policy: Policy) -> Self {
        let mut story = Self::opening(schedule, policy);
        let expires_at = story.life.expires_at;
        story.tell(Event::RoomOpened { generation: 0, expires_at }, minute(0)).unwrap();
        story
    }

    /// Goes on, and gives what is owed or why nothing changed.
    pub(crate) fn tell(&mut self, event: impl Borrow<Event>, now: Timestamp) -> Told {
        match step(&self.life, event.borrow(), now, &self.policy) {
            Outcome::Changed(change) => {
                self.life = change.life;
                Ok(change.effects)
            }
            Outcome::Ignored(why) => Err(why),
        }
    }

    pub(crate) fn joins(&mut self, who: &str, at: Timestamp) -> Told {
        self.tell(Event::ParticipantJoined(person(who, at)), at)
    }

    pub(crate) fn leaves(&mut self, who: &str, at: Timestamp) -> Told {
        self.tell(Event::ParticipantLeft(person(who, at)), at)
    }

    pub(crate) fn says(&mut self, presence: Presence, asked_at: Timestamp) -> Told {
        self.tell(Event::PresenceReported(Report { presence, asked_at, staleness: Duration::ZERO }), asked_at)
    }

    pub(crate) fn wakes(&mut self, now: Timestamp) -> Told {
        self.wakes_hearing(Hearing::Answered, now)
    }

    pub(crate) fn wakes_hearing(&mut self, hearing: Hearing, now: Timestamp) -> Told {
        self.tell(Event::DeadlineReached { hearing }, now)
    }

    pub(crate) fn moved_to_end(&mut self, end: Timestamp, now: Timestamp) -> Told {
        self.tell(Event::Rescheduled { start: None, end: Some(end) }, now)
    }

    pub(crate) fn phase(&self) -> Phase {
        self.life.phase
    }

    pub(crate) fn due(&self) -> Deadline {
        deadline(&self.life, &self.policy).expect("it is not closed")
    }
}
