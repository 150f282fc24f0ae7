//! The world: an agenda of happenings, and time that jumps from one to the next.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use reflector_core::engine::Settings;
use reflector_core::lifecycle::hard_deadline;
use reflector_core::store::{Loaded, Store};
use reflector_core::testing::{Failure, FakeMessage, FakeProvider};
use reflector_core::{MeetingId, Room, RoomId, Timestamp, UserId, history};
use uuid::Uuid;

use crate::agenda::{Agenda, Place};
use crate::checks::Checks;
use crate::dice::Dice;
use crate::faults::{FaultyStore, Switch};
use crate::people::Person;
use crate::provider::{Distant, Line};
use crate::report::Report;
use crate::server::{Crier, Server};
use crate::setup::{Pace, Setup, Shape};
use crate::studio::Studio;
use crate::told::{Keeps, Told};
use crate::uploads::Uploads;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// How often a server looks at the provider's rooms.
pub(crate) const RECONCILE: Duration = Duration::from_secs(15 * 60);
/// How often every meeting is looked at, at least.
const LOOK: Duration = Duration::from_secs(10 * 60);
const HEARTBEAT: Duration = Duration::from_secs(30);

/// What happens next.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A person does the next thing.
    Person(usize, u64),
    /// A machine that is no person leaves a room.
    Machine {
        place: String,
        connection: String,
    },
    /// A message arrives.
    Message {
        message: FakeMessage,
        tries: u8,
    },
    /// A server's loops go round.
    Tick(usize, u32),
    /// A task goes on from where it halted.
    Task(usize, u32, u64),
    /// A server looks at the provider's rooms.
    Reconcile(usize, u32),
    /// The servers that are up note that they listen.
    Heartbeat,
    /// Something changes in a room's calendar, or its owner does something.
    Calendar(usize),
    /// A server dies: now and then, or between two awaits. Another one comes back.
    Crash(usize),
    Dies(usize),
    Start(usize),
    /// A server's clock steps.
    ClockStep(usize),
    /// The provider begins to fail, and is well again.
    Fail,
    Heal,
    /// The provider ends or forgets a room by itself.
    EndsRoom,
}

pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(crate) dice: Dice,
    pub(crate) now: Timestamp,
    pub(crate) began_at: Timestamp,
    /// From when on nothing goes wrong and nobody comes any more.
    pub(crate) quiet_from: Timestamp,
    /// From when on the provider is well for good.
    pub(crate) well_from: Timestamp,
    ends_at: Timestamp,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) truth: FakeProvider,
    pub(crate) servers: Vec<Server>,
    pub(crate) people: Vec<Person>,
    pub(crate) rooms: Vec<Room>,
    pub(crate) meetings: Vec<MeetingId>,
    pub(crate) checks: Checks,
    pub(crate) report: Report,
    pub(crate) switch: Arc<Switch>,
    pub(crate) crier: Arc<Crier>,
    pub(crate) line: Arc<Line>,
    /// What is recorded, and what becomes of it; nothing where nothing is recorded.
    pub(crate) uploads: Option<Box<Uploads>>,
    /// The pipeline that works on it; nothing where none does.
    pub(crate) studio: Option<Box<Studio>>,
    looked_at: Timestamp,
    pub(crate) provider_ahead: i64,
    pub(crate) agenda: Agenda<Happening>,
    pub(crate) ticks: Vec<Option<Place>>,
    pub(crate) trace: Option<Vec<String>>,
    pub(crate) recorded: Option<Vec<history::Line>>,
}

impl World {
    pub(crate) fn new(setup: &Setup, seed: u64, store: Arc<dyn Keeps>) -> Self {
        let mut dice = Dice::new(seed);
        // A Monday, an hour before the office opens.
        let now = Timestamp::from_micros(1_795_420_800_000_000);
        let truth = match setup.shape {
            Shape::Asked => FakeProvider::default(),
            Shape::Facts => FakeProvider::telling_facts(),
            Shape::Events => FakeProvider::telling_by_events(),
        };
        let rooms = (0..setup.rooms).map(|n| room(n, now)).collect();
        let people =
            (0..setup.rooms * setup.people).map(|n| Person::of((n / setup.people) as usize)).collect();
        let provider_ahead = dice.below(120_000_000) as i64 - 60_000_000;
        Self {
            switch: Arc::new(Switch::new(seed, setup.faults)),
            crier: Arc::default(),
            line: Arc::default(),
            studio: (setup.recordings && setup.runs).then(|| Box::new(Studio::new(setup, seed, &store))),
            uploads: setup.recordings.then(|| Box::new(Uploads::new(setup, seed, Arc::clone(&store), now))),
            looked_at: now,
            quiet_from: now + setup.span,
            well_from: now + setup.span,
            ends_at: Timestamp::MAX,
            began_at: now,
            provider_ahead: if setup.pace == Pace::Office { 0 } else { provider_ahead },
            agenda: Agenda::new(),
            ticks: vec![None; setup.servers as usize],
            servers: Vec::new(),
            meetings: Vec::new(),
            checks: Checks::default(),
            report: Report::default(),
            trace: None,
            recorded: None,
            setup: setup.clone(),
            dice,
            now,
            store,
            truth,
            people,
            rooms,
        }
    }

    pub(crate) fn run(mut self) -> Told {
        self.begin();
        while let Some((at, happening)) = self.agenda.next() {
            if at >= self.quiet_from && self.switch.is_on() {
                self.fall_quiet();
            }
            self.uploads_until(at.min(self.ends_at));
            if at > self.ends_at {
                break;
            }
            self.now = at;
            self.happen(happening);
            let happened = self.agenda.happened();
            let all = happened.is_multiple_of(512) || self.now > self.looked_at + LOOK;
            self.looked_at = if all { self.now } else { self.looked_at };
            self.check(all);
            if happened > self.most_happenings() {
                self.checks.violations.push(format!("{}  the world does not come to rest", self.now));
                break;
            }
        }
        self.finish();
        let (violations, recorded) = (self.checks.violations, self.recorded.unwrap_or_default());
        Told { report: self.report, violations, trace: self.trace.unwrap_or_default(), recorded }
    }

    /// Long enough for every meeting to reach its end: where emptiness is only heard of, that is its hard deadline.
    fn night_is_over_at(&self) -> Timestamp {
        let open = self.meetings.iter().filter_map(|id| self.load(*id));
        let hard = open.map(|loaded| hard_deadline(&loaded.meeting.life, &self.setup.policy).0);
        hard.max().unwrap_or(self.now).max(self.well_from + self.setup.policy.max_lifetime) + 3 * HOUR
    }

    /// More than this cannot have a good reason: something is done over and over.
    fn most_happenings(&self) -> u64 {
        self.most_of(u64::from(self.setup.rooms * self.setup.people + self.setup.servers) * 20_000)
    }

    /// The same for what so many workers do beside the world.
    pub(crate) fn most_beside(&self, workers: usize) -> u64 {
        self.most_of(workers as u64 * 5_000)
    }

    fn most_of(&self, an_hour: u64) -> u64 {
        an_hour * (2 + self.now.since(self.began_at).as_secs() / 3600)
    }

    fn begin(&mut self) {
        for room in &self.rooms {
            let _ = ready(self.store.create_room(room.clone()));
        }
        let _ = ready(self.store.beat(self.now));
        for server in 0..self.setup.servers as usize {
            self.servers.push(self.server());
            self.start_loops(server);
            self.soon_or_never(self.setup.faults.crashes, Happening::Crash(server));
            self.soon_or_never(self.setup.faults.clock_steps, Happening::ClockStep(server));
        }
        self.after(HEARTBEAT, Happening::Heartbeat);
        for person in 0..self.people.len() {
            let first = self.first_visit(person);
            self.person_after(person, first);
        }
        for room in 0..self.rooms.len() {
            let first = self.next_calendar(room);
            self.after(first, Happening::Calendar(room));
        }
        let faults = self.setup.faults;
        self.soon_or_never(faults.outage + faults.answers_lost + faults.refuses, Happening::Fail);
        self.soon_or_never(faults.ends_rooms, Happening::EndsRoom);
        self.with_uploads(Uploads::begin);
        self.with_studio(Studio::begin);
    }

    pub(crate) fn server(&self) -> Server {
        let settings = Settings {
            deployment: "sim".parse().unwrap_or_else(|_| unreachable!("this is a name")),
            policy: self.setup.policy,
        };
        let distant = Distant {
            truth: self.truth.clone(),
            line: Arc::clone(&self.line),
            switch: Arc::clone(&self.switch),
            counts: self.setup.counts,
        };
        let store: Arc<dyn Store> = if self.switch.faults == crate::Faults::NONE {
            Arc::clone(&self.store) as _
        } else {
            FaultyStore::around(Arc::clone(&self.store), &self.switch)
        };
        Server::new(store, distant, settings, Arc::clone(&self.crier))
    }

    pub(crate) fn start_loops(&mut self, server: usize) {
        let life = self.servers[server].life;
        self.ring(server);
        self.after(RECONCILE, Happening::Reconcile(server, life));
    }

    /// Nothing goes wrong from here on, and nobody comes any more.
    fn fall_quiet(&mut self) {
        self.say(|| "from here on nothing goes wrong, and nobody comes any more".to_owned());
        self.switch.off();
        self.with_uploads(Uploads::falls_quiet);
        self.with_studio(Studio::falls_quiet);
        self.truth.fail(None);
        let blackout = self.setup.faults.blackout;
        if !blackout.is_zero() {
            self.say(|| "but the provider is out for longer than a close is tried for".to_owned());
            self.report.fault("provider out for days");
            self.truth.fail(Some(Failure::Before));
            self.well_from = self.now + blackout;
            self.after(blackout, Happening::Heal);
        }
        self.ends_at = self.night_is_over_at();
        for server in 0..self.servers.len() {
            self.servers[server].ahead = 0;
            if !self.servers[server].up {
                self.starts(server);
            }
        }
    }

    // The agenda.

    pub(crate) fn after(&mut self, span: Duration, happening: Happening) -> Place {
        self.agenda.put(self.now + span, happening)
    }

    /// Something that happens so often an hour, as long as things go wrong.
    pub(crate) fn soon_or_never(&mut self, an_hour: f64, happening: Happening) {
        if an_hour > 0.0 && self.switch.is_on() {
            let span = self.dice.between(SECOND, HOUR.mul_f64(2.0 / an_hour));
            self.after(span, happening);
        }
    }

    /// A server's loops go round at once.
    pub(crate) fn ring(&mut self, server: usize) {
        self.tick_after(server, Duration::from_millis(1));
    }

    pub(crate) fn tick_after(&mut self, server: usize, span: Duration) {
        let life = self.servers[server].life;
        if self.ticks[server].is_some_and(|tick| self.agenda.comes_by(self.now + span, tick)) {
            return;
        }
        self.ticks[server] = Some(self.after(span, Happening::Tick(server, life)));
    }

    pub(crate) fn new_meeting(&mut self) -> MeetingId {
        let id = MeetingId(Uuid::from_u128(0x5000_0000 + self.meetings.len() as u128));
        self.meetings.push(id);
        self.checks.watched.push((id, self.now));
        id
    }

    /// A server that is up, if any is.
    pub(crate) fn some_server(&mut self) -> Option<usize> {
        let up: Vec<_> = (0..self.servers.len()).filter(|server| self.servers[*server].up).collect();
        if up.is_empty() { None } else { Some(*self.dice.one_of(&up)) }
    }

    pub(crate) fn clock(&self, server: usize) -> Timestamp {
        self.servers[server].clock(self.now)
    }

    pub(crate) fn provider_clock(&self) -> Timestamp {
        Timestamp::from_micros(self.now.as_micros() + self.provider_ahead)
    }

    pub(crate) fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{}  {}", self.now, line()));
        }
    }

    pub(crate) fn load(&self, id: MeetingId) -> Option<Loaded> {
        ready(self.store.load(id)).ok().flatten()
    }

    // What happens.

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Person(person, turn) => self.person_acts(person, turn),
            Happening::Machine { place, connection } => {
                let message = self.truth.leave(&place, &connection, self.provider_clock());
                self.send(message);
            }
            Happening::Message { message, tries } => self.message_arrives(message, tries),
            Happening::Tick(server, life) => self.ticks(server, life),
            Happening::Task(server, life, task) => self.task_goes_on(server, life, task),
            Happening::Reconcile(server, life) => self.reconciles(server, life),
            Happening::Heartbeat => {
                if let Some(up) = (0..self.servers.len()).find(|server| self.servers[*server].up) {
                    let _ = ready(self.store.beat(self.clock(up)));
                }
                self.with_uploads(Uploads::looks_in);
                self.after(HEARTBEAT, Happening::Heartbeat);
            }
            Happening::Calendar(room) => self.calendar_changes(room),
            Happening::Crash(server) => {
                self.dies(server);
                self.soon_or_never(self.setup.faults.crashes, Happening::Crash(server));
            }
            Happening::Dies(server) => self.dies(server),
            Happening::Start(server) => self.starts(server),
            Happening::ClockStep(server) => self.clock_steps(server),
            Happening::Fail => self.provider_fails(),
            Happening::Heal if !self.switch.is_on() && self.now < self.well_from => {}
            Happening::Heal => {
                self.say(|| "the provider is well again".to_owned());
                self.truth.fail(None);
            }
            Happening::EndsRoom => self.provider_ends_a_room(),
        }
    }
}

fn room(n: u32, now: Timestamp) -> Room {
    let id = RoomId(Uuid::from_u128(u128::from(n) + 1));
    let name = format!("room-{n}").parse().unwrap_or_else(|_| unreachable!("this is a name"));
    Room { is_shared: true, guests: true, ..Room::new(id, name, UserId::from("owner"), now) }
}

/// What a future gives that never waits, as those of a store in memory.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}
