//! Histories: what happens to a meeting, in an order and at instants in which it may really happen.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};

use super::events::{event, ignored, source, wake};
use super::script::{Beginning, Hears, Keeps, Manner, Move, Says, When, a_move, beginning};
use super::words::{policy, timestamp};
use crate::ids::ConnectionKey;
use crate::lifecycle::{
    Event, Hearing, Life, Outcome, Policy, Presence, Report, Schedule, Sighting, deadline, step,
};
use crate::participant::{Participant, Role};
use crate::store::Entry;
use crate::time::Timestamp;

/// A meeting's beginning and what happens to it, each at the `now` of its taking in.
///
/// A few people come and go on changing connections; some messages tell a count, some are late, doubled or out of
/// order; the clock may stand still or go back; deadlines come just before, at and after their instant.
#[derive(Clone, Debug)]
pub struct History {
    /// When it is to take place.
    pub schedule: Schedule,
    /// When it was made.
    pub begun_at: Timestamp,
    /// Under which policy it lives.
    pub policy: Policy,
    /// What happens, and when it is taken in.
    pub events: Vec<(Event, Timestamp)>,
}

/// One event of a history, played.
#[derive(Clone, Debug)]
pub struct Played {
    /// The life before.
    pub before: Life,
    /// What happened.
    pub event: Event,
    /// When it was taken in.
    pub now: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
}

impl Played {
    /// The life after.
    pub fn after(&self) -> &Life {
        match &self.outcome {
            Outcome::Changed(change) => &change.life,
            Outcome::Ignored(_) => &self.before,
        }
    }
}

impl History {
    /// Plays it from the beginning.
    pub fn play(&self) -> Vec<Played> {
        let mut life = self.first();
        self.events
            .iter()
            .map(|(event, now)| {
                let outcome = step(&life, event, *now, &self.policy);
                let played = Played { before: life.clone(), event: event.clone(), now: *now, outcome };
                life = played.after().clone();
                played
            })
            .collect()
    }

    /// The life it begins with.
    pub fn first(&self) -> Life {
        Life::begin(self.schedule, self.begun_at, &self.policy).life
    }

    /// The life it leads to.
    pub fn last(&self) -> Life {
        self.play().last().map_or_else(|| self.first(), |played| played.after().clone())
    }

    /// The instant of its last event.
    pub fn now(&self) -> Timestamp {
        self.events.last().map_or(self.begun_at, |(_, now)| *now)
    }
}

/// A history of up to 28 moves.
pub fn history() -> impl Strategy<Value = History> {
    (policy(), beginning(), vec(a_move(), 0..28))
        .prop_map(|(policy, beginning, moves)| tell(policy, &beginning, moves))
}

/// A life that events lead to.
pub fn life() -> impl Strategy<Value = Life> {
    history().prop_map(|history| history.last())
}

/// A line of a history.
pub fn entry() -> impl Strategy<Value = Entry> {
    let what = (timestamp(), timestamp(), source(), event(), option::of(any::<String>()));
    let came_of_it = (option::of(ignored()), option::of(wake()), life(), policy());
    (1_u64..1000, what, came_of_it).prop_map(|(seq, what, (ignored, wake, life, policy))| {
        let (at, recorded_at, source, event, delivery_id) = what;
        Entry { seq, at, recorded_at, source, event, delivery_id, ignored, wake, phase: life.phase, policy }
    })
}

fn tell(policy: Policy, beginning: &Beginning, moves: Vec<Move>) -> History {
    let schedule = beginning.schedule(&policy);
    let life = Life::begin(schedule, beginning.at, &policy).life;
    let mut story = Story {
        life,
        now: beginning.at,
        policy,
        people: Default::default(),
        machines: 0,
        events: Vec::new(),
    };
    if beginning.opened {
        story.go_on(Move::Opened { ours: true, keeps: Keeps::AsAsked });
    }
    for next in moves {
        story.go_on(next);
    }
    History { schedule, begun_at: beginning.at, policy, events: story.events }
}

/// A story being told, with who is really in.
struct Story {
    life: Life,
    now: Timestamp,
    policy: Policy,
    people: [Person; 3],
    machines: u64,
    events: Vec<(Event, Timestamp)>,
}

#[derive(Default)]
struct Person {
    is_in: bool,
    connections: u64,
}

impl Story {
    fn go_on(&mut self, next: Move) {
        let Some(event) = self.event_of(next) else { return };
        if let Outcome::Changed(change) = step(&self.life, &event, self.now, &self.policy) {
            self.life = change.life;
        }
        self.events.push((event, self.now));
    }

    fn event_of(&mut self, next: Move) -> Option<Event> {
        Some(match next {
            Move::Passes(span) => {
                self.now = self.now + span;
                return None;
            }
            Move::ClockGoesBack(span) => {
                self.now = self.now - span;
                return None;
            }
            Move::Comes { who, how } => Event::ParticipantJoined(self.comes(who, &how)),
            Move::Goes { who, how } => Event::ParticipantLeft(self.goes(who, &how)),
            Move::ToldAgain(_) if self.events.is_empty() => return None,
            Move::ToldAgain(which) => which.get(&self.events).0.clone(),
            Move::Asked { says, ago, staleness } => Event::PresenceReported(Report {
                presence: self.says(&says),
                asked_at: self.now - ago,
                staleness,
            }),
            Move::Wakes { when, hears } => self.wakes(&when, &hears),
            Move::Opened { ours, keeps } => {
                Event::RoomOpened { generation: self.generation(ours), expires_at: self.kept_until(&keeps) }
            }
            Move::Refused { ours } => Event::RoomRefused { generation: self.generation(ours) },
            Move::Closed { ours } => Event::RoomClosed { generation: self.generation(ours) },
            Move::Missing { ago } => Event::RoomMissing { asked_at: self.now - ago },
            Move::Rescheduled { start, end } => {
                let on = |minutes: i64| Timestamp::from_micros(self.now.as_micros() + minutes * 60_000_000);
                Event::Rescheduled { start: start.map(on), end: end.map(on) }
            }
            Move::Plain(event) => event,
        })
    }

    fn comes(&mut self, who: u8, how: &Manner) -> Sighting {
        if how.machine {
            self.machines += 1;
        } else {
            let person = &mut self.people[usize::from(who)];
            person.connections += u64::from(!how.same_connection || person.connections == 0);
            person.is_in = true;
        }
        self.seen(who, how)
    }

    fn goes(&mut self, who: u8, how: &Manner) -> Sighting {
        if !how.machine {
            self.people[usize::from(who)].is_in = false;
        }
        self.seen(who, how)
    }

    fn seen(&self, who: u8, how: &Manner) -> Sighting {
        let participant = if how.machine {
            Participant { connection: ConnectionKey(1000 + self.machines), role: Role::Recorder }
        } else {
            let connection = 100 * u64::from(who) + self.people[usize::from(who)].connections;
            Participant { connection: ConnectionKey(connection), role: Role::Human }
        };
        let received_at = self.now - how.kept;
        let at = received_at - how.late + how.ahead;
        Sighting { participant, at, received_at, humans: how.counted.then(|| self.people_in()) }
    }

    fn people_in(&self) -> u32 {
        self.people.iter().map(|person| u32::from(person.is_in)).sum()
    }

    fn says(&self, says: &Says) -> Presence {
        match says {
            Says::Truth if self.people_in() == 0 => Presence::Empty,
            Says::Truth => Presence::Occupied(self.people_in()),
            Says::Occupied(humans) => Presence::Occupied(*humans),
            Says::Empty => Presence::Empty,
            Says::Unknown => Presence::Unknown,
        }
    }

    fn wakes(&mut self, when: &When, hears: &Hears) -> Event {
        let due = deadline(&self.life, &self.policy).map_or(self.now, |due| due.at);
        let at = match when {
            When::JustBefore => due - Duration::from_micros(1),
            When::AtIt => due,
            When::After(span) => due + *span,
            When::Now => self.now,
        };
        // A sweep that comes too late does not turn the clock back.
        self.now = self.now.max(at);
        let last_word = self.life.silent_since();
        let hearing = match hears {
            Hears::TheProviderItself => Hearing::Answered,
            Hears::AllOfIt => Hearing::Since(Timestamp::MIN),
            Hears::FromTheLastWord => Hearing::Since(last_word),
            Hears::JustNotTheLastWord => Hearing::Since(last_word + Duration::from_micros(1)),
            Hears::Nothing => Hearing::Deaf,
        };
        Event::DeadlineReached { hearing }
    }

    fn generation(&self, ours: bool) -> u16 {
        if ours { self.life.generation } else { self.life.generation.wrapping_add(1) }
    }

    fn kept_until(&self, keeps: &Keeps) -> Option<Timestamp> {
        match keeps {
            Keeps::AsAsked => self.life.expires_at,
            Keeps::ForEver => None,
            Keeps::For(span) => Some(self.now + *span),
        }
    }
}
