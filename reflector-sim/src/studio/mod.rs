//! Runs: recordings that wait get one, workers beside each server bring it to its end, and rooms' owners are told.
//!
//! All of it stands beside the world and its recordings and looks at them: with dice, an agenda and numbers of its own,
//! so that everything else is the same whether recordings are worked on or not.

mod checks;
mod door;
mod ends;
pub(crate) mod names;
mod stages;
mod witness;
mod work;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reflector_core::engine::{Claimed, Notices, Recordings, Runs};
use reflector_core::pipeline::{RestartAt, Retry};
use reflector_core::recording::Wanted;
use reflector_core::store::OwedNotice;
use reflector_core::{Room, RoomWebhook, Timestamp, TranscriptId, WebhookSecret};

use crate::agenda::{Agenda, Place};
use crate::dice::Dice;
use crate::faults::{FaultyStore, Switch};
use crate::setup::Setup;
use crate::told::Keeps;
use crate::world::{MINUTE, SECOND, World, ready};
use checks::Known;
use door::Door;
pub use names::{RUN_FAULTS, RUN_OUTCOMES};
use stages::{STAGES, Stages};
use witness::Witness;
use worker::{Loop, Order, Tools, Unkept, Worker};

/// What happens next to runs.
#[derive(Debug)]
enum Happening {
    /// A loop of a worker goes round.
    Rings(usize, u32, Loop),
    /// A task goes on from where it halted.
    Task(usize, u32, u64),
    /// A worker gives a sign of life beside the task in which a stage is at work.
    Beats(usize, u32, u64, Box<Claimed>),
    /// What a stage came to is kept.
    Keeps(usize, u32, Box<Unkept>),
    /// An operator wants a run to be done again.
    Operates,
    /// A worker dies by itself, and comes back.
    Dies(usize, u32),
    Starts(usize),
    /// Nobody opens who is to be told, and somebody does again.
    GoesOut,
    IsBack,
}

/// The runs' part of a world.
pub(crate) struct Studio {
    dice: Dice,
    switch: Arc<Switch>,
    store: Arc<dyn Keeps>,
    witness: Arc<Witness>,
    stages: Arc<Stages>,
    retry: Retry,
    door: Arc<Door>,
    workers: Vec<Worker>,
    /// What must be kept of every transcript, by all that was done to it.
    known: BTreeMap<TranscriptId, Known>,
    /// What must have been told by the end.
    owed: BTreeMap<String, OwedNotice>,
    agenda: Agenda<Happening>,
}

impl Studio {
    pub(crate) fn new(setup: &Setup, seed: u64, store: &Arc<dyn Keeps>) -> Self {
        // Dice of their own: those of the world and of its recordings fall as they would without runs.
        let seed = seed ^ 0x7374_7564_696f_0000;
        let mut dice = Dice::new(seed);
        let switch = Arc::new(Switch::new(seed, setup.faults));
        let impatient = Retry { attempts: 3, first: 30 * SECOND, longest: 10 * MINUTE };
        Self {
            retry: *dice.one_of(&[Retry::default(), impatient]),
            dice,
            witness: Arc::new(Witness::of(Arc::clone(store))),
            stages: Arc::new(Stages::new(seed, &switch)),
            door: Arc::new(Door::new(&switch)),
            switch,
            store: Arc::clone(store),
            workers: (0..setup.servers).map(|_| Worker::default()).collect(),
            known: BTreeMap::new(),
            owed: BTreeMap::new(),
            agenda: Agenda::new(),
        }
    }

    pub(crate) fn begin(&mut self, world: &mut World) {
        for room in &mut world.rooms {
            has_an_owner_to_tell(room);
            let _ = ready(self.store.update_room(room.clone()));
        }
        for server in 0..self.workers.len() {
            self.starts(world, server);
        }
        self.now_and_then(world, self.switch.faults.runs.operators, Happening::Operates);
        self.now_and_then(world, self.switch.faults.runs.receiver_out, Happening::GoesOut);
    }

    pub(crate) fn falls_quiet(&mut self, world: &mut World) {
        self.switch.off();
        self.door.is_out.store(false, Ordering::Relaxed);
        for server in 0..self.workers.len() {
            self.starts(world, server);
        }
    }

    /// What a worker beside a server works with: lines of its own to all of it.
    fn tools(&self, world: &World, server: usize) -> Tools {
        let store = FaultyStore::of_runs(Arc::clone(&self.witness), &self.switch);
        let (notices, rooms) = FaultyStore::of_notices(Arc::clone(&self.store), &self.switch);
        let recordings = FaultyStore::of_recordings(Arc::clone(&self.store), &self.switch);
        Tools {
            runs: Runs::new(store, Arc::clone(&self.stages) as _, self.retry),
            notices: Notices::new(notices, rooms, Arc::clone(&self.door) as _),
            recordings: Recordings::new(
                Arc::clone(&world.servers[server].engine),
                recordings,
                Wanted::default(),
            ),
        }
    }

    /// Everything that happens before this instant.
    fn go_on_until(&mut self, world: &mut World, until: Timestamp) {
        while let Some((at, happening)) = self.agenda.next_before(until) {
            world.now = at;
            self.happen(world, happening);
            self.check(world);
            if self.agenda.happened() > world.most_beside(self.workers.len()) {
                world.checks.violation(at, "the runs do not come to rest");
                self.agenda.clear();
            }
        }
    }

    fn after(&mut self, world: &World, span: Duration, happening: Happening) -> Place {
        self.agenda.put(world.now + span, happening)
    }

    /// Something that happens so often an hour, as long as things go wrong.
    fn now_and_then(&mut self, world: &World, an_hour: f64, happening: Happening) {
        if an_hour > 0.0 && self.switch.is_on() {
            let span = self.dice.between(Duration::ZERO, Duration::from_secs_f64(7_200.0 / an_hour));
            self.after(world, span, happening);
        }
    }

    fn happen(&mut self, world: &mut World, happening: Happening) {
        match happening {
            Happening::Rings(server, life, which) => self.rings(world, server, life, which),
            Happening::Task(server, life, task) => {
                if self.is_alive(server, life) {
                    self.go_on(world, server, task);
                }
            }
            Happening::Beats(server, life, task, started) => self.beats(world, server, life, task, started),
            Happening::Keeps(server, life, unkept) => {
                if self.is_alive(server, life) {
                    self.keeps(world, server, unkept);
                }
            }
            Happening::Operates => self.operates(world),
            Happening::Dies(server, life) => {
                if self.is_alive(server, life) && self.switch.is_on() {
                    self.dies(world, server);
                }
            }
            Happening::Starts(server) => self.starts(world, server),
            Happening::GoesOut => self.receiver_goes_out(world),
            Happening::IsBack => self.door.is_out.store(false, Ordering::Relaxed),
        }
    }

    fn receiver_goes_out(&mut self, world: &mut World) {
        if self.switch.is_on() {
            world.say(|| "nobody opens to whoever brings notices".to_owned());
            world.report.fault(names::RECEIVER_OUT);
            self.door.is_out.store(true, Ordering::Relaxed);
            let span = self.dice.between(MINUTE, 25 * MINUTE);
            self.after(world, span, Happening::IsBack);
            self.now_and_then(world, self.switch.faults.runs.receiver_out, Happening::GoesOut);
        }
    }

    /// An operator has something done again, through some server that is up.
    fn operates(&mut self, world: &mut World) {
        let up: Vec<_> = (0..self.workers.len()).filter(|server| self.workers[*server].is_up()).collect();
        let known: Vec<_> = self.known.iter().map(|(id, known)| (*id, known.recording)).collect();
        if self.switch.is_on() && !up.is_empty() && !known.is_empty() {
            let (id, recording) = *self.dice.one_of(&known);
            let order = match self.dice.below(8) {
                0..3 => Order::Requeue(recording),
                3 => Order::Restart(id, RestartAt::Beginning),
                4 | 5 => Order::Restart(id, RestartAt::WhereItStands),
                _ => Order::Restart(id, RestartAt::Stage(self.dice.one_of::<&str>(STAGES))),
            };
            let server = *self.dice.one_of(&up);
            world.say(|| format!("an operator asks server {server} for {order:?}"));
            let (number, now) = (self.agenda.number(), world.clock(server));
            self.workers[server].operate(number, order, now);
            self.go_on(world, server, number);
        }
        self.now_and_then(world, self.switch.faults.runs.operators, Happening::Operates);
    }
}

/// The owner of a room wants to be told.
pub(crate) fn has_an_owner_to_tell(room: &mut Room) {
    let secret = WebhookSecret::new("the secret of a room".to_owned());
    room.webhook = Some(RoomWebhook { url: Door::url_of(room.id), secret });
}

impl World {
    /// What runs do, where there are some.
    pub(crate) fn with_studio(&mut self, act: impl FnOnce(&mut Studio, &mut Self)) {
        if let Some(mut studio) = self.studio.take() {
            act(&mut studio, self);
            self.studio = Some(studio);
        }
    }

    /// Everything that happens to runs before this instant.
    pub(crate) fn studio_until(&mut self, until: Timestamp) {
        let now = self.now;
        self.with_studio(|studio, world| studio.go_on_until(world, until));
        self.now = now;
    }
}
