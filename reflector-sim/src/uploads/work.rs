//! What the recordings workers do: they look at the queue, take in, match and reconcile, and die in between.

use std::sync::Arc;
use std::time::Duration;

use reflector_core::engine::{Ingested, Matched, ReconciledPage, Recordings};
use reflector_core::recording::{Message, RecordingSource, Wanted};
use reflector_core::{RecordingId, Timestamp};

use super::worker::Done;
use super::{Happening, Uploads, names};
use crate::faults::FaultyStore;
use crate::world::{HOUR, MINUTE, SECOND, World};

/// How long a worker leaves an empty queue alone at the most; what comes wakes it.
const IDLE: Duration = Duration::from_secs(30 * 60);

impl Uploads {
    pub(super) fn is_alive(&self, server: usize, life: u32) -> bool {
        self.workers[server].is_up() && self.workers[server].life == life
    }

    /// A worker starts, if its server is up and it is not.
    pub(super) fn starts(&mut self, world: &mut World, server: usize) {
        if self.workers[server].is_up() || !world.servers[server].up {
            return;
        }
        world.say(|| format!("the recordings worker of server {server} starts"));
        let store = FaultyStore::of_recordings(Arc::clone(&self.store), &self.switch);
        let engine = Arc::clone(&world.servers[server].engine);
        self.workers[server].starts(Recordings::new(engine, store, Wanted::default()));
        let life = self.workers[server].life;
        self.ring(world, server, SECOND);
        let matches = self.dice.between(MINUTE, 15 * MINUTE);
        self.after(world, matches, Happening::Matches(server, life, None));
        // Some are asked to look through the bucket as soon as they are up.
        let most = if self.dice.chance(0.3) { 5 * SECOND } else { 90 * MINUTE };
        let reconciles = self.dice.between(SECOND, most);
        self.after(world, reconciles, Happening::Reconciles(server, life, None));
    }

    pub(super) fn dies(&mut self, world: &mut World, server: usize) {
        let in_hand = self.workers[server].dies();
        world.say(|| format!("the recordings worker of server {server} dies with {in_hand} tasks in hand"));
        world.report.fault(names::DIED);
        world.report.faults_of(names::DIED_IN_THE_MIDDLE, u64::from(in_hand > 0));
        let span = self.dice.between(SECOND, 3 * MINUTE);
        self.after(world, span, Happening::Starts(server));
    }

    pub(crate) fn server_dies(&mut self, world: &mut World, server: usize) {
        let in_hand = self.workers[server].dies();
        world.report.faults_of(names::DIED_IN_THE_MIDDLE, u64::from(in_hand > 0));
    }

    pub(crate) fn server_starts(&mut self, world: &mut World, server: usize) {
        self.starts(world, server);
    }

    /// A message has come: whoever waits for one hears of it.
    pub(super) fn ring_all(&mut self, world: &World) {
        for server in 0..self.workers.len() {
            let span = self.dice.between(Duration::from_millis(10), 2 * SECOND);
            self.ring(world, server, span);
        }
    }

    fn ring(&mut self, world: &World, server: usize, span: Duration) {
        let worker = &mut self.workers[server];
        if !worker.is_up() || worker.is_busy {
            return;
        }
        let life = worker.life;
        if worker.looks.is_some_and(|looks| self.agenda.comes_by(world.now + span, looks)) {
            return;
        }
        self.workers[server].looks = Some(self.after(world, span, Happening::Rings(server, life)));
    }

    fn source(&self) -> Arc<dyn RecordingSource> {
        Arc::clone(&self.source) as _
    }

    // What it begins.

    pub(super) fn rings(&mut self, world: &mut World, server: usize, life: u32) {
        if self.is_alive(server, life) {
            let (number, source) = (self.agenda.number(), self.source());
            let worker = &mut self.workers[server];
            worker.looks = None;
            worker.is_busy = true;
            worker.receive(number, source);
            self.go_on(world, server, number);
        }
    }

    pub(super) fn takes_in(&mut self, world: &mut World, server: usize, life: u32, messages: Vec<Message>) {
        if self.is_alive(server, life) {
            world.report.recordings(names::TRIED_AGAIN, 1);
            self.take_in(world, server, messages, true);
        }
    }

    fn take_in(&mut self, world: &mut World, server: usize, messages: Vec<Message>, again: bool) {
        let (number, with) = (self.agenda.number(), (self.source(), Arc::clone(&self.ids)));
        self.workers[server].take_in(number, with, (messages, again), world.clock(server));
        self.go_on(world, server, number);
    }

    pub(super) fn matches(
        &mut self,
        world: &mut World,
        server: usize,
        life: u32,
        after: Option<(Timestamp, RecordingId)>,
    ) {
        if self.is_alive(server, life) {
            let number = self.agenda.number();
            self.workers[server].match_once(number, after, world.clock(server));
            self.go_on(world, server, number);
        }
    }

    pub(super) fn reconciles(&mut self, world: &mut World, server: usize, life: u32, page: Option<String>) {
        if self.is_alive(server, life) {
            let (number, with) = (self.agenda.number(), (self.source(), Arc::clone(&self.ids)));
            self.workers[server].reconcile(number, with, page, world.clock(server));
            self.go_on(world, server, number);
        }
    }

    /// Goes on with a task until it halts, and lets time pass before it goes on again.
    pub(super) fn go_on(&mut self, world: &mut World, server: usize, task: u64) {
        if let Some(done) = self.workers[server].tasks.go_on(task) {
            return self.done(world, server, done);
        }
        if !self.workers[server].tasks.has(task) {
            return;
        }
        let faults = self.switch.now();
        let span = if !self.source.was_in_use() {
            self.dice.between(Duration::from_micros(100), Duration::from_millis(20))
        } else if self.dice.chance(faults.recordings.source_slow) {
            world.report.fault(names::SOURCE_SLOW);
            self.dice.between(5 * SECOND, 200 * SECOND)
        } else {
            self.dice.between(Duration::from_millis(5), Duration::from_millis(200))
        };
        let life = self.workers[server].life;
        self.after(world, span, Happening::Task(server, life, task));
        if self.dice.chance(faults.crashes / 100.0) {
            self.after(world, span / 2, Happening::Dies(server, life));
        }
    }

    // What came of it.

    fn done(&mut self, world: &mut World, server: usize, done: Done) {
        match done {
            Done::Received(None) => {
                let span = self.dice.between(SECOND, 10 * SECOND);
                self.rests(world, server, span);
            }
            Done::Received(Some(messages)) if messages.is_empty() => {
                let span = self.source.truth.next_ready().unwrap_or(IDLE).clamp(SECOND, IDLE);
                self.rests(world, server, span);
            }
            Done::Received(Some(messages)) => self.received(world, server, messages),
            Done::GivenBack => self.rests(world, server, 10 * SECOND),
            Done::TakenIn { messages, ingested: None } => {
                let life = self.workers[server].life;
                let span = self.dice.between(SECOND, 20 * SECOND);
                self.after(world, span, Happening::TakesIn(server, life, messages));
            }
            Done::TakenIn { ingested: Some(ingested), .. } => {
                count_ingested(world, &ingested);
                world.with_studio(|studio, world| studio.hears_of_recordings(world, server));
                self.rests(world, server, Duration::from_millis(1));
            }
            Done::Matched(matched) => self.matched(world, server, matched),
            Done::Reconciled { page, found } => self.reconciled(world, server, page, found),
        }
    }

    fn rests(&mut self, world: &World, server: usize, span: Duration) {
        self.workers[server].is_busy = false;
        self.ring(world, server, span);
    }

    fn received(&mut self, world: &mut World, server: usize, messages: Vec<Message>) {
        world.say(|| {
            let ids: Vec<_> = messages.iter().map(|message| message.id.as_str()).collect();
            format!("the recordings worker of server {server} has {ids:?} in hand")
        });
        if self.switch.is_on() && self.dice.chance(0.04) {
            world.report.recordings(names::GIVEN_BACK, 1);
            let (number, source) = (self.agenda.number(), self.source());
            self.workers[server].give_back(number, source, &messages);
            return self.go_on(world, server, number);
        }
        self.take_in(world, server, messages, false);
    }

    fn matched(&mut self, world: &mut World, server: usize, matched: Option<Matched>) {
        let matched = matched.unwrap_or_default();
        let life = self.workers[server].life;
        for (id, belongs) in &matched.matched {
            world.say(|| format!("{id} is found to be of {}", belongs.meeting));
        }
        world.report.recordings(names::MATCHED_LATER, matched.matched.len() as u64);
        if !matched.matched.is_empty() {
            world.with_studio(|studio, world| studio.hears_of_recordings(world, server));
        }
        let span = match matched.next {
            Some(_) => SECOND,
            None => self.dice.between(10 * MINUTE, 30 * MINUTE),
        };
        self.after(world, span, Happening::Matches(server, life, matched.next));
    }

    fn reconciled(
        &mut self,
        world: &mut World,
        server: usize,
        page: Option<String>,
        found: Option<ReconciledPage>,
    ) {
        let life = self.workers[server].life;
        let (next, span) = match found {
            None => (page, self.dice.between(5 * SECOND, MINUTE)),
            Some(found) => {
                world.report.recordings(names::FOUND, found.stored.len() as u64);
                let whole = found.next.is_none();
                (found.next, if whole { self.dice.between(HOUR, 2 * HOUR) } else { SECOND })
            }
        };
        self.after(world, span, Happening::Reconciles(server, life, next));
    }
}

fn count_ingested(world: &mut World, ingested: &Ingested) {
    let counts = [
        (names::TAKEN_IN, ingested.stored.len() as u64),
        (names::UNMATCHED, u64::from(ingested.unmatched)),
        (names::KNOWN, u64::from(ingested.known)),
        (names::UNWANTED, u64::from(ingested.others)),
        (names::SET_ASIDE, u64::from(ingested.set_aside)),
        (names::UNREADABLE, ingested.unreadable.len() as u64),
    ];
    for (name, count) in counts {
        world.report.recordings(name, count);
    }
}
