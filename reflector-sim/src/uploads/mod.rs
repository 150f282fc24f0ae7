//! Recordings: the provider puts them into a bucket, a queue announces them, and a worker beside each server takes them
//! in.
//!
//! All of it stands beside the world and looks at it: with dice, an agenda and numbers of its own, so that people,
//! servers and the provider do the same whether meetings are recorded or not.

mod bucket;
mod checks;
pub(crate) mod names;
mod source;
mod work;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reflector_core::engine::NewIds;
use reflector_core::recording::{Message, Notice, ObjectVersion};
use reflector_core::testing::FakeSource;
use reflector_core::{Meeting, RecordingId, Timestamp};
use uuid::Uuid;

use crate::agenda::{Agenda, Place};
use crate::dice::Dice;
use crate::faults::Switch;
use crate::setup::Setup;
use crate::told::Keeps;
use crate::world::World;
use bucket::{Origin, Running, Upload};
pub use names::{UPLOAD_FAULTS, UPLOAD_OUTCOMES};
use source::DistantSource;
use worker::Worker;

/// What happens next to recordings.
#[derive(Debug)]
enum Happening {
    /// An object is put into the bucket.
    Put(Upload),
    /// A message about an object reaches the queue.
    Announced(Notice),
    /// Somebody else puts an object there.
    Stranger,
    /// A meeting that was kept elsewhere is recorded, and moved in afterwards.
    Elsewhere,
    MovesIn(Box<Meeting>),
    /// A message that cannot be read reaches the queue.
    Garbage,
    /// A worker looks at the queue.
    Rings(usize, u32),
    /// It takes the same messages in again.
    TakesIn(usize, u32, Vec<Message>),
    /// It looks for the meetings of unmatched recordings, from this place on.
    Matches(usize, u32, Option<(Timestamp, RecordingId)>),
    /// It compares this page of the bucket with what is known.
    Reconciles(usize, u32, Option<String>),
    /// A task goes on from where it halted.
    Task(usize, u32, u64),
    /// A worker dies by itself, and comes back.
    Dies(usize, u32),
    Starts(usize),
}

/// The recordings' part of a world.
pub(crate) struct Uploads {
    dice: Dice,
    switch: Arc<Switch>,
    store: Arc<dyn Keeps>,
    source: Arc<DistantSource>,
    /// What time the source thinks it is.
    source_at: Timestamp,
    ids: Arc<NewIds>,
    workers: Vec<Worker>,
    running: Vec<Running>,
    /// The truth about every object that was ever there.
    origins: HashMap<ObjectVersion, Origin>,
    garbage: Vec<String>,
    /// How often recordings had been written when they were last looked at.
    looked_at_writes: u64,
    agenda: Agenda<Happening>,
}

impl Uploads {
    pub(crate) fn new(setup: &Setup, seed: u64, store: Arc<dyn Keeps>, now: Timestamp) -> Self {
        // Dice of their own: those of the world fall as they would without recordings.
        let seed = seed ^ 0x7265_636f_7264_0000;
        let mut dice = Dice::new(seed);
        let switch = Arc::new(Switch::new(seed, setup.faults));
        let truth = FakeSource::new();
        let truth = if dice.chance(0.5) { truth.keeping_versions() } else { truth };
        // Few receives, so that some that can be read go to the dead letters too; or more than those after which we set
        // aside ourselves.
        let most_receives = *dice.one_of(&[None, None, Some(2), Some(8)]);
        let source = DistantSource::new(truth, most_receives, &switch);
        let given = AtomicU64::new(0);
        let ids = move || {
            RecordingId(Uuid::from_u128(0x7000_0000 + u128::from(given.fetch_add(1, Ordering::Relaxed))))
        };
        Self {
            dice,
            switch,
            store,
            source: Arc::new(source),
            source_at: now,
            ids: Arc::new(ids),
            workers: (0..setup.servers).map(|_| Worker::default()).collect(),
            running: Vec::new(),
            origins: HashMap::new(),
            garbage: Vec::new(),
            looked_at_writes: 0,
            agenda: Agenda::new(),
        }
    }

    pub(crate) fn begin(&mut self, world: &mut World) {
        self.source.truth.send_test();
        self.makes_room_elsewhere(world);
        for server in 0..self.workers.len() {
            self.starts(world, server);
        }
        self.now_and_then(world, bucket::STRANGERS, Happening::Stranger);
        self.now_and_then(world, bucket::MOVES, Happening::Elsewhere);
        self.now_and_then(world, self.switch.faults.recordings.garbage, Happening::Garbage);
    }

    pub(crate) fn falls_quiet(&mut self, world: &mut World) {
        self.switch.off();
        for server in 0..self.workers.len() {
            self.starts(world, server);
        }
    }

    /// Everything that happens before this instant.
    fn go_on_until(&mut self, world: &mut World, until: Timestamp) {
        while let Some((at, happening)) = self.agenda.next_before(until) {
            world.studio_until(at);
            world.now = at;
            self.source.truth.pass(at.since(self.source_at));
            self.source_at = at;
            self.happen(world, happening);
            self.check(world);
            if self.agenda.happened() > world.most_beside(self.workers.len()) {
                world.checks.violation(at, "the recordings do not come to rest");
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
            Happening::Put(upload) => self.is_put(world, upload),
            Happening::Announced(notice) => self.is_announced(world, &notice),
            Happening::Stranger => self.stranger_puts(world),
            Happening::Elsewhere => self.is_recorded_elsewhere(world),
            Happening::MovesIn(meeting) => self.moves_in(world, *meeting),
            Happening::Garbage => self.garbage_comes(world),
            Happening::Rings(server, life) => self.rings(world, server, life),
            Happening::TakesIn(server, life, messages) => self.takes_in(world, server, life, messages),
            Happening::Matches(server, life, after) => self.matches(world, server, life, after),
            Happening::Reconciles(server, life, page) => self.reconciles(world, server, life, page),
            Happening::Task(server, life, task) => {
                if self.is_alive(server, life) {
                    self.go_on(world, server, task);
                }
            }
            Happening::Dies(server, life) => {
                if self.is_alive(server, life) && self.switch.is_on() {
                    self.dies(world, server);
                }
            }
            Happening::Starts(server) => self.starts(world, server),
        }
    }
}

impl World {
    /// What recordings do, where there are some.
    pub(crate) fn with_uploads(&mut self, act: impl FnOnce(&mut Uploads, &mut Self)) {
        if let Some(mut uploads) = self.uploads.take() {
            act(&mut uploads, self);
            self.uploads = Some(uploads);
        }
    }

    /// Everything that happens to recordings before this instant.
    pub(crate) fn uploads_until(&mut self, until: Timestamp) {
        let now = self.now;
        self.with_uploads(|uploads, world| uploads.go_on_until(world, until));
        self.now = now;
        self.studio_until(until);
    }
}
