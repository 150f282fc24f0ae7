//! What must be true of every close: it had its reason, and nobody was shut out before their time.

use std::time::Duration;

use reflector_core::Timestamp;
use reflector_core::lifecycle::{CloseReason, Overtime, Phase};
use reflector_core::store::Loaded;

use crate::world::{MINUTE, World, ready};

/// How long a close may be in hand: what is heard then comes too late for it.
const IN_HAND: Duration = Duration::from_secs(3 * 60);

impl World {
    /// How much two clocks may differ.
    pub(crate) fn clock_slack(&self) -> Duration {
        MINUTE + self.checks.clock_error * 2
    }

    /// A meeting is found to be closed: its reason must have been there.
    pub(crate) fn check_close(&mut self, loaded: &Loaded, reason: CloseReason, at: Timestamp) {
        let id = loaded.meeting.id;
        if loaded.meeting.claim.is_some() {
            self.checks.violation(self.now, format!("{id} is closed and keeps its claim"));
        }
        let Some(room) = &loaded.meeting.room else { return };
        let (life, policy) = (&loaded.meeting.life, self.setup.policy);
        let last_in = self.checks.last_in.get(&room.name).copied();
        let slack = self.clock_slack();
        let early = match (reason, policy.overtime) {
            (CloseReason::GraceExpired, _) => self.is_impatient(&room.name, at),
            // Cancelling a meeting that is being closed gives it another schedule.
            (CloseReason::NeverJoined, _) if life.cancelled_at.is_some() => false,
            (CloseReason::NeverJoined, _) if life.schedule.scheduled => at + slack < life.schedule.end,
            (CloseReason::NeverJoined, _) => {
                last_in.is_none() && at + slack < life.created_at + policy.never_joined
            }
            (CloseReason::Overtime, Overtime::For(overtime)) => {
                at + slack < life.schedule.end.max(life.schedule.end_changed_at) + overtime
            }
            (CloseReason::MaxLifetime, _) => at + slack < life.schedule.start + policy.max_lifetime,
            _ => false,
        };
        if early {
            self.checks.violation(
                self.now,
                format!("{id} closed too early for {reason}, at {at}; somebody was in at {last_in:?}"),
            );
        }
        if reason == CloseReason::EndedAtProvider && self.is_our_own_doing(loaded, &room.name) {
            self.checks.violation(self.now, format!("{id} lost its room, and the provider did not end it"));
        }
        let gives_up = matches!(reason, CloseReason::Unconfirmed | CloseReason::ProviderUnavailable);
        if !gives_up && self.truth.is_there(&room.name) {
            self.checks.violation(self.now, format!("{id} is closed for {reason}, and its room is there"));
        }
    }

    /// Whether we ended the room ourselves, although its meeting had never been closing.
    fn is_our_own_doing(&self, loaded: &Loaded, place: &str) -> bool {
        let id = loaded.meeting.id;
        let history = ready(self.store.history(id, 0, usize::MAX)).unwrap_or_default();
        let was_closing = history.iter().any(|entry| matches!(entry.phase, Phase::Closing { .. }));
        !was_closing && !self.checks.ended.contains(place)
    }

    /// Whether a grace was cut short, or was of a meeting that nobody had been in (rules L5 and L8). Of somebody whose
    /// messages were lost nobody could know.
    fn is_impatient(&self, place: &str, at: Timestamp) -> bool {
        let slack = self.clock_slack() + MINUTE;
        let grace = self.setup.policy.grace.min(self.checks.least_grace);
        let told = self.checks.told_in.get(place).into_iter().flatten();
        let in_time = told.filter(|(told_at, _)| *told_at + IN_HAND < at).map(|(_, was_in_at)| *was_in_at);
        !self.checks.last_in.contains_key(place)
            || in_time.max().is_some_and(|last| at + slack < last + grace)
    }

    /// What went out since the last step: forced closes and announcements.
    pub(crate) fn check_what_was_told(&mut self) {
        for name in self.line.take_forced() {
            let meeting = self.servers[0].engine.settings().deployment.meeting_of(&name);
            let Some(loaded) = meeting.and_then(|(id, _)| self.load(id)) else { continue };
            let phase = loaded.meeting.life.phase;
            let patient = matches!(
                phase.close_reason(),
                Some(CloseReason::GraceExpired | CloseReason::NeverJoined | CloseReason::Cancelled)
            );
            // A patient closing whose hard deadline came is forced from then on, and keeps its reason (rule L14). It may be
            // over by the time that somebody looks.
            let was_forced = || {
                let history = ready(self.store.history(loaded.meeting.id, 0, usize::MAX)).unwrap_or_default();
                history.iter().any(|entry| entry.phase.is_forced())
            };
            if !phase.is_forced() && (patient || !phase.is_closed()) && !was_forced() {
                self.checks.violation(self.now, format!("{name} was closed by force in the phase {phase:?}"));
            }
        }
        for (closes_at, was_active) in self.crier.take_told() {
            if !was_active || closes_at + self.clock_slack() < self.now {
                self.checks.violation(
                    self.now,
                    format!("a close at {closes_at} was announced when there was nothing to announce"),
                );
            }
        }
    }

    /// What must be true of an open meeting, between any two steps.
    pub(crate) fn check_open(&mut self, loaded: &Loaded) {
        let (id, life) = (loaded.meeting.id, &loaded.meeting.life);
        let unforced = matches!(life.phase, Phase::Closing { .. }) && !life.phase.is_forced();
        if unforced && life.presence.told().humans > 0 {
            self.checks.violation(self.now, format!("{id} is to close if empty, and somebody is in"));
        }
    }
}
