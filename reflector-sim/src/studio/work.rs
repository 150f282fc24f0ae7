//! What the workers on runs do: they begin runs, bring them on stage by stage, tell what came of them, and die in between.

use std::time::Duration;

use reflector_core::engine::{Brought, Claimed, Worked};
use reflector_core::pipeline::StageStatus;

use super::worker::{CameTo, Done, Loop, Order, Round, Unkept};
use super::{Happening, Studio, names};
use crate::world::{MINUTE, SECOND, World};

/// How many runs a worker has in hand at the most.
const HANDS: usize = 2;
/// How long a worker rests at least, at the most, and once nobody comes any more; what comes wakes it.
const REST: Duration = Duration::from_secs(90);
const IDLE: Duration = Duration::from_secs(20 * 60);
const IDLE_AT_NIGHT: Duration = Duration::from_secs(3 * 60 * 60);
/// How often it is tried to keep what a stage came to.
const TRIES: u32 = 5;

impl Studio {
    pub(super) fn is_alive(&self, server: usize, life: u32) -> bool {
        self.workers[server].is_up() && self.workers[server].life == life
    }

    /// A worker starts, if its server is up and it is not.
    pub(super) fn starts(&mut self, world: &mut World, server: usize) {
        if self.workers[server].is_up() || !world.servers[server].up {
            return;
        }
        world.say(|| format!("the runs worker of server {server} starts"));
        let tools = self.tools(world, server);
        self.workers[server].starts(tools);
        self.ring(world, server, Loop::Runs, SECOND);
        self.ring(world, server, Loop::Post, SECOND);
    }

    pub(super) fn dies(&mut self, world: &mut World, server: usize) {
        world.say(|| format!("the runs worker of server {server} dies"));
        world.report.fault(names::DIED);
        let in_a_stage = self.workers[server].dies();
        world.report.faults_of(names::DIED_IN_A_STAGE, u64::from(in_a_stage));
        let span = self.dice.between(SECOND, 2 * MINUTE);
        self.after(world, span, Happening::Starts(server));
    }

    pub(crate) fn server_dies(&mut self, world: &mut World, server: usize) {
        let in_a_stage = self.workers[server].dies();
        world.report.faults_of(names::DIED_IN_A_STAGE, u64::from(in_a_stage));
    }

    pub(crate) fn server_starts(&mut self, world: &mut World, server: usize) {
        self.starts(world, server);
    }

    /// Recordings may wait for their runs: the worker beside whoever took them in hears of it.
    pub(crate) fn hears_of_recordings(&mut self, world: &mut World, server: usize) {
        self.ring_soon(world, server, Loop::Runs);
    }

    fn ring_soon(&mut self, world: &World, server: usize, which: Loop) {
        let span = self.dice.between(Duration::from_millis(10), 2 * SECOND);
        self.ring(world, server, which, span);
    }

    fn ring(&mut self, world: &World, server: usize, which: Loop, span: Duration) {
        let worker = &mut self.workers[server];
        if !worker.is_up() || worker.round(which).is_busy {
            return;
        }
        let life = worker.life;
        if worker.round(which).next.is_some_and(|next| self.agenda.comes_by(world.now + span, next)) {
            return;
        }
        let next = self.after(world, span, Happening::Rings(server, life, which));
        self.workers[server].round(which).next = Some(next);
    }

    // What it begins.

    pub(super) fn rings(&mut self, world: &mut World, server: usize, life: u32, which: Loop) {
        if !self.is_alive(server, life) {
            return;
        }
        let (number, now) = (self.agenda.number(), world.clock(server));
        let worker = &mut self.workers[server];
        *worker.round(which) = Round { is_busy: true, next: None };
        match which {
            Loop::Runs => worker.look(number, HANDS.saturating_sub(worker.in_hand), now),
            Loop::Post => worker.post(number, now),
        }
        self.go_on(world, server, number);
    }

    fn start(&mut self, world: &mut World, server: usize, claimed: Claimed) {
        let (number, now) = (self.agenda.number(), world.clock(server));
        self.workers[server].start(number, claimed, now);
        self.go_on(world, server, number);
    }

    /// Works on a stage that was started, unless it gives it back, or stands still first.
    fn work(&mut self, world: &mut World, server: usize, started: Box<Claimed>) {
        let (number, now, life) = (self.agenda.number(), world.clock(server), self.workers[server].life);
        let faults = self.switch.now().runs;
        if self.dice.chance(faults.given_back) {
            self.workers[server].give_back(number, *started, now);
            return self.go_on(world, server, number);
        }
        self.workers[server].work(number, started.clone());
        if self.dice.chance(faults.stalls) {
            let span = self.stands_still(world);
            self.after(world, span, Happening::Task(server, life, number));
        } else {
            let lease = self.workers[server].lease();
            self.after(world, lease / 3, Happening::Beats(server, life, number, started));
            self.go_on(world, server, number);
        }
    }

    /// For how long nothing is heard of a worker.
    fn stands_still(&mut self, world: &mut World) -> Duration {
        world.report.fault(names::STALLED);
        self.dice.between(MINUTE, 5 * MINUTE)
    }

    /// A sign of life, as long as the stage is at work.
    pub(super) fn beats(
        &mut self,
        world: &mut World,
        server: usize,
        life: u32,
        task: u64,
        started: Box<Claimed>,
    ) {
        if self.is_alive(server, life) && self.workers[server].working.contains(&task) {
            let (number, now) = (self.agenda.number(), world.clock(server));
            self.workers[server].beat(number, (task, started), now);
            self.go_on(world, server, number);
        }
    }

    pub(super) fn keeps(&mut self, world: &mut World, server: usize, unkept: Box<Unkept>) {
        let (number, now) = (self.agenda.number(), world.clock(server));
        self.workers[server].finish(number, unkept, now);
        self.go_on(world, server, number);
    }

    /// Goes on with a task until it halts, and lets time pass before it goes on again.
    pub(super) fn go_on(&mut self, world: &mut World, server: usize, task: u64) {
        if let Some(done) = self.workers[server].tasks.go_on(task) {
            self.workers[server].working.remove(&task);
            return self.done(world, server, done);
        }
        if !self.workers[server].tasks.has(task) {
            return;
        }
        let faults = self.switch.now();
        let span = if self.stages.was_in_use() {
            self.slowly(world, names::SLOW, faults.runs.slow, (SECOND, 10 * SECOND))
        } else if self.door.was_in_use() {
            let usual = (20 * Duration::from_millis(1), 400 * Duration::from_millis(1));
            self.slowly(world, names::RECEIVER_SLOW, faults.runs.receiver_slow, usual)
        } else {
            self.dice.between(Duration::from_micros(100), Duration::from_millis(20))
        };
        let life = self.workers[server].life;
        self.after(world, span, Happening::Task(server, life, task));
        if self.stages.kills() || self.dice.chance(faults.crashes / 300.0) {
            self.after(world, span / 2, Happening::Dies(server, life));
        }
    }

    /// How long something takes: as usual, or for longer than it is in hand.
    fn slowly(
        &mut self,
        world: &mut World,
        name: &'static str,
        chance: f64,
        (least, most): (Duration, Duration),
    ) -> Duration {
        if self.dice.chance(chance) {
            world.report.fault(name);
            return self.dice.between(MINUTE, 4 * MINUTE);
        }
        self.dice.between(least, most)
    }

    // What came of it.

    fn done(&mut self, world: &mut World, server: usize, done: Done) {
        match done {
            Done::Looked(None) | Done::Posted(None) => {
                let which = if matches!(done, Done::Looked(_)) { Loop::Runs } else { Loop::Post };
                self.rests(world, server, which, Duration::ZERO);
            }
            Done::Looked(Some((claimed, next))) => {
                let worker = &mut self.workers[server];
                worker.in_hand += claimed.len();
                let is_full = worker.in_hand >= HANDS;
                let next = next.map(|next| next.since(world.clock(server)));
                // Whoever has no hand free looks when one is.
                let span = next.filter(|_| !is_full).unwrap_or(Duration::MAX);
                self.rests(world, server, Loop::Runs, span);
                claimed.into_iter().for_each(|claimed| self.start(world, server, claimed));
            }
            Done::Started(Some(Ok(started))) => self.work(world, server, started),
            Done::Started(Some(Err(worked))) => self.worked(world, server, worked),
            Done::Worked(started, Some(came_to)) => self.came_to(world, server, *started, came_to),
            Done::Finished(mut unkept, None) if unkept.tries < TRIES => {
                unkept.tries += 1;
                let (life, span) = (self.workers[server].life, self.dice.between(SECOND, 5 * SECOND));
                self.after(world, span, Happening::Keeps(server, life, unkept));
            }
            Done::Finished(unkept, Some(worked)) => {
                world.report.runs(names::KEPT_AGAIN, u64::from(unkept.tries > 1 && worked != Worked::Lost));
                self.worked(world, server, worked);
            }
            // The claim runs out.
            Done::Started(None) | Done::Worked(_, None) | Done::Finished(_, None) | Done::GivenBack => {
                self.lets_go(world, server);
            }
            Done::Beaten(task, started, holds) => self.beaten(world, server, task, started, holds),
            Done::Posted(Some((brought, next))) => {
                brought.iter().for_each(|brought| count_brought(world, brought));
                let next = next.map(|next| next.since(world.clock(server)));
                self.rests(world, server, Loop::Post, next.unwrap_or(Duration::MAX));
            }
            Done::Operated(order, done) => {
                let requeued = done && matches!(order, Order::Requeue(_));
                world.report.runs(names::REQUEUED, u64::from(requeued));
                self.ring_soon(world, server, Loop::Runs);
            }
        }
    }

    fn rests(&mut self, world: &World, server: usize, which: Loop, span: Duration) {
        self.workers[server].round(which).is_busy = false;
        let idle = if self.switch.is_on() { IDLE } else { IDLE_AT_NIGHT };
        self.ring(world, server, which, span.clamp(REST, idle));
    }

    fn came_to(&mut self, world: &mut World, server: usize, started: Claimed, came_to: CameTo) {
        let unkept = Box::new(Unkept { started, came_to, tries: 1 });
        if self.dice.chance(self.switch.now().runs.stalls) {
            let (life, span) = (self.workers[server].life, self.stands_still(world));
            self.after(world, span, Happening::Keeps(server, life, unkept));
        } else {
            self.keeps(world, server, unkept);
        }
    }

    fn worked(&mut self, world: &mut World, server: usize, worked: Worked) {
        match worked {
            Worked::Next(claimed) => return self.start(world, server, *claimed),
            Worked::LetGo(transcript) if transcript.run.is_over() => {
                let failed = transcript.run.stages.iter().find(|stage| stage.status == StageStatus::Failed);
                world.say(|| format!("the run of {} is over: {failed:?}", transcript.id));
                self.ring_soon(world, server, Loop::Post);
            }
            Worked::LetGo(_) => {}
            Worked::Lost => world.report.runs(names::LOST, 1),
        }
        self.lets_go(world, server);
    }

    /// A hand is free.
    fn lets_go(&mut self, world: &mut World, server: usize) {
        self.workers[server].in_hand -= 1;
        self.ring(world, server, Loop::Runs, Duration::from_millis(1));
    }

    fn beaten(
        &mut self,
        world: &mut World,
        server: usize,
        task: u64,
        started: Box<Claimed>,
        holds: Option<bool>,
    ) {
        // It may have come to its end meanwhile.
        if !self.workers[server].working.contains(&task) {
            return;
        }
        if holds == Some(false) {
            world.say(|| format!("server {server} drops its stage of {}", started.transcript().id));
            world.report.runs(names::LOST_AT_A_BEAT, 1);
            self.workers[server].working.remove(&task);
            self.workers[server].tasks.drop_one(task);
            return self.lets_go(world, server);
        }
        let worker = &self.workers[server];
        let span = if holds.is_none() { SECOND } else { worker.lease() / 3 };
        let life = worker.life;
        self.after(world, span, Happening::Beats(server, life, task, started));
    }
}

fn count_brought(world: &mut World, brought: &Brought) {
    let name = match brought {
        Brought::Taken => names::BROUGHT,
        Brought::Unwanted => names::UNWANTED,
        Brought::Later { .. } => names::PUT_OFF,
        Brought::GivenUp { .. } | Brought::Lost => return,
    };
    world.report.runs(name, 1);
}
