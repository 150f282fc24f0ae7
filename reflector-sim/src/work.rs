//! What servers do: messages arrive, loops go round, and tasks go on from where they halted.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reflector_core::lifecycle::Ignored;
use reflector_core::testing::FakeMessage;

use crate::server::Done;
use crate::setup::Faults;
use crate::world::{Happening, MINUTE, RECONCILE, SECOND, World};

/// How long a server rests at the most between two rounds of its loops.
const IDLE: Duration = Duration::from_secs(45);
/// The same once nobody comes any more: what is due wakes it all the same.
const IDLE_AT_NIGHT: Duration = Duration::from_secs(15 * 60);
/// How often a message that was refused is sent again.
const TRIES: u8 = 2;

impl World {
    /// A message of the provider sets out: it may get lost, come twice, or late.
    pub(crate) fn send(&mut self, message: Option<FakeMessage>) {
        let Some(message) = message else { return };
        let faults = self.switch.now();
        if self.dice.chance(faults.lost) {
            self.say(|| format!("the message {} is lost", message.id));
            self.report.fault("message lost");
            return;
        }
        if self.dice.chance(faults.doubled) {
            self.report.fault("message doubled");
            let span = self.dice.between(Duration::ZERO, 2 * MINUTE);
            self.after(span, Happening::Message { message: message.clone(), tries: 0 });
        }
        let late = self.dice.chance(faults.late);
        if late {
            self.report.fault("message late");
        }
        let most = if late { 8 * MINUTE } else { 2 * SECOND };
        let span = self.dice.between(Duration::from_millis(30), most);
        self.after(span, Happening::Message { message, tries: 0 });
    }

    pub(crate) fn message_arrives(&mut self, message: FakeMessage, tries: u8) {
        let Some(server) = self.some_server() else { return self.again(message, tries) };
        self.say(|| format!("server {server} receives {}: {:?}", message.id, message.fact));
        let (number, now) = (self.agenda.number(), self.clock(server));
        self.servers[server].receive(number, message, tries, now);
        self.go_on(server, number);
    }

    /// The provider sends a message again that was refused, twice at the most.
    pub(crate) fn again(&mut self, message: FakeMessage, tries: u8) {
        if tries >= TRIES {
            self.say(|| format!("the provider gives up on {}", message.id));
            self.report.fault("message given up");
            return;
        }
        let span = self.dice.between(SECOND, (1 << tries) * 4 * SECOND);
        self.after(span, Happening::Message { message, tries: tries + 1 });
    }

    pub(crate) fn ticks(&mut self, server: usize, life: u32) {
        self.ticks[server] = None;
        if self.servers[server].up && self.servers[server].life == life {
            let (number, now) = (self.agenda.number(), self.clock(server));
            self.servers[server].tick(number, now);
            self.go_on(server, number);
        }
    }

    pub(crate) fn reconciles(&mut self, server: usize, life: u32) {
        if self.servers[server].up && self.servers[server].life == life {
            let number = self.agenda.number();
            self.servers[server].reconcile(number);
            self.go_on(server, number);
            self.after(RECONCILE, Happening::Reconcile(server, life));
        }
    }

    pub(crate) fn task_goes_on(&mut self, server: usize, life: u32, task: u64) {
        if self.servers[server].up && self.servers[server].life == life {
            self.go_on(server, task);
        }
    }

    /// Goes on with a task until it halts, and lets time pass before it goes on again.
    pub(crate) fn go_on(&mut self, server: usize, task: u64) {
        loop {
            if let Some(done) = self.servers[server].go_on(task) {
                return self.done(server, done);
            }
            if !self.servers[server].has(task) {
                return;
            }
            let on_the_line = self.line.in_use.swap(false, Ordering::Relaxed);
            let faults = self.switch.now();
            if self.switch.faults == Faults::NONE {
                // Where nothing can come in between, nothing need wait.
                continue;
            }
            let span = if on_the_line && self.dice.chance(faults.hangs) {
                self.report.fault("provider hangs");
                self.dice.between(5 * SECOND, 100 * SECOND)
            } else if on_the_line {
                self.dice.between(Duration::from_millis(20), Duration::from_millis(400))
            } else {
                self.dice.between(Duration::from_micros(100), Duration::from_millis(20))
            };
            let life = self.servers[server].life;
            self.after(span, Happening::Task(server, life, task));
            if self.dice.chance(faults.crashes / 500.0) {
                self.after(span / 2, Happening::Dies(server));
            }
            return;
        }
    }

    pub(crate) fn done(&mut self, server: usize, done: Done) {
        match done {
            Done::Ticked { next, claimed, violated, refitted } => {
                self.checks.violated(&violated, self.now);
                (0..refitted).for_each(|_| self.report.rule(17));
                for claimed in claimed {
                    self.say(|| {
                        format!("server {server} takes on {:?} of {}", claimed.effect, claimed.id.meeting)
                    });
                    let (number, now) = (self.agenda.number(), self.clock(server));
                    self.servers[server].carry(number, claimed, now);
                    self.go_on(server, number);
                }
                let idle = if self.switch.is_on() { IDLE } else { IDLE_AT_NIGHT };
                let until = next.map_or(idle, |next| next.since(self.clock(server)).min(idle));
                self.tick_after(server, until.max(Duration::from_millis(1)));
            }
            Done::Carried { retried, violated } => {
                self.checks.violated(&violated, self.now);
                if !retried {
                    self.ring(server);
                }
            }
            Done::Received { message, tries, taken } => match taken {
                None => self.again(message, tries),
                Some(taken) => {
                    self.note_taken(&taken, &message.fact);
                    self.ring(server);
                }
            },
            Done::Led { person, to } => {
                self.ring(server);
                self.is_led(person, to);
            }
            Done::Asked { violated, ignored } => {
                self.checks.violated(&violated, self.now);
                if matches!(ignored, Some(Ignored::BeyondProvider { .. })) {
                    self.report.rule(16);
                }
                self.ring(server);
            }
            Done::Removed { room, deleted } => {
                self.ring(server);
                if deleted {
                    self.report.rule(27);
                    self.makes_room_anew(room);
                }
            }
            Done::Reconciled => {}
        }
    }
}
