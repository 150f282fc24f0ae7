//! The meetings that are measured: as real ones are in the middle of their life.

use std::time::Duration;

use reflector_core::lifecycle::{Event, Hearing, Life, Outcome, Policy, Schedule, Sighting, step};
use reflector_core::{Participant, Timestamp};

/// A meeting, what happens to it, and when.
pub(crate) struct Scene {
    /// What it is called in the tables.
    pub(crate) name: String,
    /// The meeting before.
    pub(crate) life: Life,
    /// What happens.
    pub(crate) event: Event,
    /// The present instant.
    pub(crate) now: Timestamp,
    /// What happens after it, and when: of a join or a leave, fifteen more.
    pub(crate) then: Vec<(Event, Timestamp)>,
    /// The policy in force.
    pub(crate) policy: Policy,
}

impl Scene {
    /// What comes of it.
    pub(crate) fn play(&self) -> Outcome {
        step(&self.life, &self.event, self.now, &self.policy)
    }

    /// This scene and those that follow, each with the life that the one before it led to.
    pub(crate) fn run(mut self) -> Vec<Self> {
        let then = std::mem::take(&mut self.then);
        let mut run = vec![self];
        for (event, now) in then {
            let Some(last) = run.last() else { break };
            let Outcome::Changed(change) = last.play() else { panic!("{}: it was ignored", last.name) };
            let (name, policy) = (last.name.clone(), last.policy);
            run.push(Self { name, life: change.life, event, now, policy, then: Vec::new() });
        }
        run
    }
}

/// How a provider tells who is in.
#[derive(Clone, Copy)]
pub(crate) enum Told {
    /// With every coming and going it says how many are in, as Whereby does.
    ByCounts,
    /// It names connections only, as the built-in one does.
    ByConnections,
}

/// The instant so many seconds after the beginning of all scenes.
pub(crate) fn at(second: u64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000) + Duration::from_secs(second)
}

/// How many joins or leaves make a run: every eighth settles the oldest observations.
const RUN: usize = 16;

/// Every scene whose instructions are counted.
pub(crate) fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for (told, by) in [(Told::ByCounts, "counts"), (Told::ByConnections, "connections")] {
        // Three have joined; a dozen has come and gone; a hundred has, as in an open office hour.
        for (comings, size) in [(3, "fresh"), (14, "busy"), (200, "long")] {
            let live = Meeting::live(told, comings);
            let mut scene = |what: &str, meeting: &Meeting, events: Vec<(Event, Timestamp)>| {
                let name = format!("{what}, {size}, by {by}");
                let (life, policy) = (meeting.life.clone(), meeting.policy);
                let mut events = events.into_iter();
                if let Some((event, now)) = events.next() {
                    scenes.push(Scene { name, life, event, now, policy, then: events.collect() });
                }
            };
            let now = live.next();
            scene("join", &live, live.run(Meeting::joining));
            let mut full = live.clone();
            while full.people.len() <= RUN {
                full.tell(&full.joining());
            }
            scene("leave", &full, full.run(Meeting::leaving));
            scene("late leave", &live, vec![(live.late_leaving(), now)]);
            let wake = Event::DeadlineReached { hearing: Hearing::Answered };
            scene("deadline that is not due", &live, vec![(wake.clone(), now)]);
            let mut left = live;
            left.empty_out();
            scene("join after all left", &left, left.run(Meeting::joining));
            let grace_over = left.next() + left.policy.grace;
            scene("deadline of a grace", &left, vec![(wake, grace_over)]);
        }
    }
    scenes
}

/// A meeting that people come to and go from, one every ten seconds.
#[derive(Clone)]
pub(crate) struct Meeting {
    told: Told,
    /// Its life.
    pub(crate) life: Life,
    /// Its policy.
    pub(crate) policy: Policy,
    /// Who is in, by number.
    people: Vec<u64>,
    events: u64,
}

impl Meeting {
    /// A meeting that so many comings and goings have been told of, and in which somebody is.
    pub(crate) fn live(told: Told, comings: u64) -> Self {
        let policy = Policy { provider_answers: matches!(told, Told::ByConnections), ..Policy::default() };
        let life = Life::begin(Schedule::from_now(at(0), &policy), at(0), &policy).life;
        let mut meeting = Self { told, life, policy, people: Vec::new(), events: 0 };
        meeting.tell(&Event::RoomOpened { generation: 0, expires_at: None });
        for coming in 0..comings {
            // Two come, then as many go as come: two to four are in.
            let event = if coming < 3 || coming % 2 == 1 { meeting.joining() } else { meeting.leaving() };
            meeting.tell(&event);
        }
        meeting
    }

    /// When the next event happens.
    pub(crate) fn next(&self) -> Timestamp {
        at(10 * (self.events + 1))
    }

    /// Somebody new joins.
    pub(crate) fn joining(&self) -> Event {
        Event::ParticipantJoined(self.sighting(self.events, self.people.len() + 1))
    }

    /// The one who has been in for longest leaves.
    pub(crate) fn leaving(&self) -> Event {
        Event::ParticipantLeft(self.sighting(self.people[0], self.people.len() - 1))
    }

    /// A leaving before the last two events reaches us only now.
    fn late_leaving(&self) -> Event {
        let mut sighting = self.sighting(self.people[0], self.people.len() - 1);
        sighting.at = sighting.at - Duration::from_secs(25);
        Event::ParticipantLeft(sighting)
    }

    /// A run of the same happening to other people, one after another.
    fn run(&self, next: fn(&Self) -> Event) -> Vec<(Event, Timestamp)> {
        let mut meeting = self.clone();
        let happens = |_| {
            let (event, now) = (next(&meeting), meeting.next());
            meeting.tell(&event);
            (event, now)
        };
        (0..RUN).map(happens).collect()
    }

    /// Everybody leaves.
    pub(crate) fn empty_out(&mut self) {
        while !self.people.is_empty() {
            self.tell(&self.leaving());
        }
    }

    fn sighting(&self, person: u64, humans: usize) -> Sighting {
        let humans = match self.told {
            Told::ByCounts => u32::try_from(humans).ok(),
            Told::ByConnections => None,
        };
        let participant = Participant::human(&format!("person {person}"));
        Sighting {
            participant,
            at: self.next() - Duration::from_millis(300),
            received_at: self.next(),
            humans,
        }
    }

    /// Tells it what happened.
    pub(crate) fn tell(&mut self, event: &Event) {
        match event {
            Event::ParticipantJoined(_) => self.people.push(self.events),
            Event::ParticipantLeft(_) => drop(self.people.remove(0)),
            _ => {}
        }
        match step(&self.life, event, self.next(), &self.policy) {
            Outcome::Changed(change) => self.life = change.life,
            Outcome::Ignored(why) => panic!("{event:?} was ignored: {why}"),
        }
        self.events += 1;
    }
}
