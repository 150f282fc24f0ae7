//! The real rules: every life that comes up is kept once, and each step is taken once.

use std::collections::HashMap;
use std::time::Duration;

use reflector_core::lifecycle::invariants::{Transition, violated};
use reflector_core::lifecycle::{
    Effect, Event, Hearing, Ignored, Life, Outcome, Overtime, Phase, Policy, Presence, Report, Schedule,
    Sighting, deadline, step,
};
use reflector_core::{Participant, Timestamp};

use crate::state::{Minute, WORK, Work, World};

/// Which of the lives that have come up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LifeId(u32);

/// What a meeting can be told here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Happening {
    RoomOpened,
    RoomClosed,
    RoomMissing { asked_at: Minute },
    Joined { connection: u8, at: Minute, received_at: Minute, humans: Option<u8> },
    Left { connection: u8, at: Minute, received_at: Minute, humans: Option<u8> },
    Counted { humans: u8, asked_at: Minute },
    NoAnswer { asked_at: Minute },
    JoinRequested,
    EndRequested,
    Deadline,
}

/// What comes of telling it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) life: LifeId,
    /// Whether there is anything to write.
    pub(crate) commits: bool,
    pub(crate) due: Option<Minute>,
    pub(crate) owed: [bool; WORK.len()],
    pub(crate) superseded: [bool; WORK.len()],
    /// The invariants that it violates.
    pub(crate) violated: Vec<&'static str>,
}

pub(crate) struct Lives {
    policy: Policy,
    all: Vec<Life>,
    ids: HashMap<String, LifeId>,
    told: HashMap<(LifeId, Happening, Minute), Told>,
}

const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn minute(minutes: Minute) -> Timestamp {
    Timestamp::from_micros(1_790_000_040_000_000) + MINUTE * u32::from(minutes)
}

/// The first whole minute at or after an instant.
fn minutes(at: Timestamp) -> Minute {
    let seconds = at.since(minute(0)).as_micros().div_ceil(MINUTE.as_micros());
    Minute::try_from(seconds).unwrap_or(Minute::MAX)
}

impl Lives {
    /// The first life of a world, and what it owes.
    pub(crate) fn begin(world: &World) -> (Self, LifeId) {
        let policy = Policy {
            grace: MINUTE,
            overtime: Overtime::For(MINUTE),
            never_joined: MINUTE,
            lease: MINUTE,
            reconcile_after: MINUTE * 2,
            ..Policy::default()
        };
        let schedule = match world.scheduled_until {
            Some(end) => Schedule::of(minute(0), minute(end), minute(0)),
            None => Schedule::from_now(minute(0), &policy),
        };
        let mut lives = Self { policy, all: Vec::new(), ids: HashMap::new(), told: HashMap::new() };
        let life = lives.id_of(Life::begin(schedule, minute(0), &policy).life);
        let life = if world.is_open { lives.tell(life, Happening::RoomOpened, 0).life } else { life };
        (lives, life)
    }

    pub(crate) fn phase(&self, id: LifeId) -> Phase {
        self.all[id.0 as usize].phase
    }

    pub(crate) fn due(&self, id: LifeId) -> Option<Minute> {
        deadline(&self.all[id.0 as usize], &self.policy).map(|due| minutes(due.at))
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    fn id_of(&mut self, life: Life) -> LifeId {
        let text = serde_json::to_string(&life).expect("a life can be written");
        *self.ids.entry(text).or_insert_with(|| {
            self.all.push(life);
            LifeId(u32::try_from(self.all.len() - 1).expect("there are fewer"))
        })
    }

    /// Tells a life as the engine does before it commits.
    pub(crate) fn tell(&mut self, id: LifeId, happening: Happening, at: Minute) -> Told {
        if let Some(told) = self.told.get(&(id, happening, at)) {
            return told.clone();
        }
        let told = self.tell_anew(id, happening, at);
        self.told.insert((id, happening, at), told.clone());
        told
    }

    fn tell_anew(&mut self, id: LifeId, happening: Happening, at: Minute) -> Told {
        let life = self.all[id.0 as usize].clone();
        let (event, now) = (happening.event(&life), minute(at));
        let (after, effects, commits, violated) = match step(&life, &event, now, &self.policy) {
            Outcome::Ignored(why) => (life.clone(), Vec::new(), why != Ignored::LeaseFresh, Vec::new()),
            Outcome::Changed(change) => {
                let transition = Transition {
                    before: &life,
                    event: &event,
                    now,
                    policy: &self.policy,
                    after: &change.life,
                    effects: &change.effects,
                };
                let violated = violated(&transition);
                (change.life, change.effects, true, violated)
            }
        };
        let owed = WORK.map(|work| effects.iter().any(|effect| work_of(effect) == Some(work)));
        let superseded = WORK.map(|work| supersedes(work, &life.phase, &after.phase, owed[work as usize]));
        let life = self.id_of(after);
        Told { life, commits, due: self.due(life), owed, superseded, violated }
    }
}

/// Announcements are left out: nothing hangs on them.
fn work_of(effect: &Effect) -> Option<Work> {
    match effect {
        Effect::OpenRoom { .. } => Some(Work::Open),
        Effect::CloseRoom { .. } => Some(Work::Close),
        Effect::RetireRoom { .. } => Some(Work::Retire),
        Effect::AskPresence => Some(Work::Ask),
        _ => None,
    }
}

/// What the engine takes back in the same commit, of work that was owed before.
fn supersedes(work: Work, before: &Phase, after: &Phase, anew: bool) -> bool {
    let closing = |phase: &Phase| matches!(phase, Phase::Closing { .. });
    match work {
        Work::Open => before.is_opening() && !(after.is_opening() || after.is_active()),
        Work::Close => closing(before) && (!closing(after) || anew),
        Work::Ask => anew || (before.is_active() && !after.is_active()),
        Work::Retire => false,
    }
}

impl Happening {
    fn event(self, life: &Life) -> Event {
        let report = |presence, asked_at| {
            Event::PresenceReported(Report {
                presence,
                asked_at: minute(asked_at),
                staleness: Duration::ZERO,
            })
        };
        let sighting = |connection: u8, at, received_at, humans: Option<u8>| Sighting {
            participant: Participant::human(&connection.to_string()),
            at: minute(at),
            received_at: minute(received_at),
            humans: humans.map(u32::from),
        };
        match self {
            Self::RoomOpened => Event::RoomOpened { generation: 0, expires_at: life.expires_at },
            Self::RoomClosed => Event::RoomClosed { generation: 0 },
            Self::RoomMissing { asked_at } => Event::RoomMissing { asked_at: minute(asked_at) },
            Self::Joined { connection, at, received_at, humans } => {
                Event::ParticipantJoined(sighting(connection, at, received_at, humans))
            }
            Self::Left { connection, at, received_at, humans } => {
                Event::ParticipantLeft(sighting(connection, at, received_at, humans))
            }
            Self::Counted { humans: 0, asked_at } => report(Presence::Empty, asked_at),
            Self::Counted { humans, asked_at } => report(Presence::Occupied(u32::from(humans)), asked_at),
            Self::NoAnswer { asked_at } => report(Presence::Unknown, asked_at),
            Self::JoinRequested => Event::JoinRequested,
            Self::EndRequested => Event::EndRequested,
            Self::Deadline => Event::DeadlineReached { hearing: Hearing::Answered },
        }
    }
}
