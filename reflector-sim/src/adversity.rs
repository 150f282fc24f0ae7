//! What goes wrong: servers die, clocks step, and the provider fails in its ways.

use std::time::Duration;

use reflector_core::testing::Failure;
use reflector_core::{Room, RoomId, RoomPolicy};
use uuid::Uuid;

use crate::studio::has_an_owner_to_tell;
use crate::world::{Happening, MINUTE, SECOND, World, ready};

impl World {
    pub(crate) fn dies(&mut self, server: usize) {
        if self.switch.is_on() && self.servers[server].up {
            let in_hand = self.servers[server].dies();
            self.with_uploads(|uploads, world| uploads.server_dies(world, server));
            self.with_studio(|studio, world| studio.server_dies(world, server));
            self.say(|| format!("server {server} dies with {in_hand} tasks in hand"));
            self.report.crashes += 1;
            self.report.fault("server died");
            if in_hand > 0 {
                self.report.fault("server died in the middle");
            }
            let span = self.dice.between(SECOND, 4 * MINUTE);
            self.after(span, Happening::Start(server));
        }
    }

    pub(crate) fn starts(&mut self, server: usize) {
        if self.servers[server].up {
            return;
        }
        let (life, ahead) = (self.servers[server].life + 1, self.servers[server].ahead);
        self.say(|| format!("server {server} starts"));
        let mut fresh = self.server();
        (fresh.life, fresh.ahead) = (life, ahead);
        self.servers[server] = fresh;
        let _ = ready(self.store.beat(self.clock(server)));
        self.start_loops(server);
        self.with_uploads(|uploads, world| uploads.server_starts(world, server));
        self.with_studio(|studio, world| studio.server_starts(world, server));
    }

    pub(crate) fn clock_steps(&mut self, server: usize) {
        if !self.switch.is_on() {
            return;
        }
        let most: u64 = if self.dice.chance(0.2) { 90_000_000 } else { 3_000_000 };
        let ahead = self.dice.below(2 * most) as i64 - most as i64;
        if ahead < self.servers[server].ahead {
            self.report.rule(18);
        }
        self.servers[server].ahead = ahead;
        self.checks.clock_error = self.checks.clock_error.max(Duration::from_micros(ahead.unsigned_abs()));
        self.say(|| format!("the clock of server {server} is {ahead} µs ahead now"));
        self.report.fault("clock stepped");
        self.soon_or_never(self.setup.faults.clock_steps, Happening::ClockStep(server));
    }

    pub(crate) fn provider_fails(&mut self) {
        if !self.switch.is_on() {
            return;
        }
        let faults = self.setup.faults;
        let kinds = [
            (faults.outage, Failure::Before, "provider out", 12 * MINUTE),
            (faults.answers_lost, Failure::AfterDoing, "provider's answers lost", 3 * MINUTE),
            (faults.refuses, Failure::Refuses, "provider refuses", MINUTE),
        ];
        let mut lot = self.dice.below(1_000_000) as f64 / 1e6 * kinds.iter().map(|kind| kind.0).sum::<f64>();
        for (weight, failure, name, most) in kinds {
            if lot < weight {
                self.say(|| name.to_owned());
                self.report.fault(name);
                self.truth.fail(Some(failure));
                let span = self.dice.between(5 * SECOND, most);
                self.after(span, Happening::Heal);
                break;
            }
            lot -= weight;
        }
        self.soon_or_never(faults.outage + faults.answers_lost + faults.refuses, Happening::Fail);
    }

    pub(crate) fn provider_ends_a_room(&mut self) {
        if !self.switch.is_on() {
            return;
        }
        let names = self.truth.room_names();
        if !names.is_empty() {
            let name = self.dice.one_of(&names).clone();
            self.report.fault("provider ended a room");
            self.checks.ended.insert(name.clone());
            self.say(|| format!("the provider ends {name} by itself"));
            if self.dice.chance(0.5) {
                let message = self.truth.end(&name);
                self.send(message);
            } else {
                self.truth.forget(&name);
            }
        }
        self.soon_or_never(self.setup.faults.ends_rooms, Happening::EndsRoom);
    }

    pub(crate) fn makes_room_anew(&mut self, room: usize) {
        let number = self.agenda.number();
        let id = RoomId(Uuid::from_u128(0x9000_0000 + u128::from(number)));
        self.rooms[room] = Room { id, policy: RoomPolicy::default(), ..self.rooms[room].clone() };
        self.with_studio(|_, world| has_an_owner_to_tell(&mut world.rooms[room]));
        let _ = ready(self.store.create_room(self.rooms[room].clone()));
    }
}
