//! What must be true of the work: nothing due lies about, nothing is owed that is not wanted, no room stands empty.

use std::collections::BTreeMap;
use std::time::Duration;

use reflector_core::lifecycle::{EffectKind, LONGEST_SILENCE, Phase, deadline};
use reflector_core::store::Loaded;

use crate::setup::Shape;
use crate::world::{HOUR, World, ready};

/// How long something due may wait while servers die and come back.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

impl World {
    pub(crate) fn check_upkeep(&mut self, watched: &[Loaded]) {
        let owed = ready(self.store.next_owed()).ok().flatten();
        if let Some(since) = owed.filter(|since| *since + PATIENCE + self.checks.clock_error * 2 < self.now) {
            self.checks.violation(self.now, format!("what is owed since {since} is not taken on"));
        }
        let mut active = BTreeMap::<_, u32>::new();
        for loaded in watched {
            self.check_due(loaded);
            if loaded.meeting.life.phase.is_active() {
                *active.entry(loaded.meeting.room_id).or_default() += 1;
                self.check_owed(loaded);
                self.check_room_is_not_empty_for_ever(loaded);
            }
        }
        (active.values().filter(|count| **count > 1)).for_each(|_| self.report.rule(1));
        self.check_rooms();
    }

    /// What is due is done (rule L20).
    fn check_due(&mut self, loaded: &Loaded) {
        let policy = self.servers[0].engine.policy_of(loaded);
        let slack = PATIENCE + self.checks.clock_error * 2;
        let overdue = deadline(&loaded.meeting.life, &policy).filter(|due| due.at + slack < self.now);
        let Some(due) = overdue else { return };
        let id = loaded.meeting.id;
        // What is heard late can move a deadline into the past.
        let newest = ready(self.store.history(id, loaded.entries.saturating_sub(1), 1)).unwrap_or_default();
        if newest.iter().all(|entry| entry.recorded_at + slack < self.now) {
            self.checks.violation(self.now, format!("{id} was due at {} for {:?}", due.at, due.why));
        }
    }

    /// Whoever left closing owes no close (rule L14).
    fn check_owed(&mut self, loaded: &Loaded) {
        let id = loaded.meeting.id;
        let owed = ready(self.store.owed(id)).unwrap_or_default();
        if owed.iter().any(|work| work.effect.kind() == EffectKind::CloseRoom) {
            self.checks.violation(self.now, format!("{id} is active and owes its close"));
        }
    }

    /// Once nothing goes wrong any more, a provider that can be asked is asked, and its empty room is ended.
    fn check_room_is_not_empty_for_ever(&mut self, loaded: &Loaded) {
        let life = &loaded.meeting.life;
        let Some(room) = &loaded.meeting.room else { return };
        if self.setup.shape != Shape::Asked || self.truth.humans(&room.name) > 0 || self.switch.is_on() {
            return;
        }
        let policy = self.servers[0].engine.policy_of(loaded);
        let last_in = self.checks.last_in.get(&room.name).copied().unwrap_or(life.created_at);
        let ended = if life.schedule.scheduled { life.schedule.end } else { life.created_at };
        let since = last_in.max(ended).max(self.well_from);
        let patience = life.grace(&policy).max(policy.never_joined) + LONGEST_SILENCE + HOUR;
        if since + patience < self.now {
            let phase: Phase = life.phase;
            self.checks.violation(
                self.now,
                format!("the room of {} is empty since {since}, and {phase:?}", loaded.meeting.id),
            );
        }
    }

    /// A meeting has one room at a time (rule L24).
    fn check_rooms(&mut self) {
        let deployment = self.servers[0].engine.settings().deployment.clone();
        let mut rooms = BTreeMap::new();
        for name in self.truth.room_names() {
            if let Some(place) = deployment.meeting_of(&name)
                && let Some(other) = rooms.insert(place, name.clone())
            {
                self.checks.violation(self.now, format!("{name} and {other} are of one meeting"));
            }
        }
    }
}
