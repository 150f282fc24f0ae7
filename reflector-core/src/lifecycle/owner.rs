//! What the owner and the calendar change (rules L9 and L16).

use std::time::Duration;

use super::deadline::{hard_deadline, latest_end};
use super::life::Schedule;
use super::outcome::Ignored;
use super::phase::{Close, CloseReason, Phase};
use super::policy::CloseMode;
use super::step::{Next, Step};
use crate::time::Timestamp;

impl Next<'_> {
    pub(super) fn rescheduled(&mut self, start: Option<Timestamp>, end: Option<Timestamp>) -> Step {
        self.open()?;
        let old = self.life.schedule;
        let end = end.unwrap_or(old.end);
        let schedule = Schedule {
            scheduled: true,
            start: start.unwrap_or(old.start),
            end,
            end_changed_at: if end == old.end && old.scheduled { old.end_changed_at } else { self.now },
        };
        if schedule.end <= schedule.start {
            return Err(Ignored::EndNotAfterStart);
        }
        if schedule == old && self.life.cancelled_at.is_none() {
            return Err(Ignored::NoChange);
        }
        let latest_end = latest_end(self.life, self.policy).unwrap_or(old.end);
        self.life.schedule = schedule;
        self.life.cancelled_at = None;
        self.life.watch.spared.clear();
        let needs_another_room = self.outlives_room();
        if needs_another_room && self.life.phase.is_live() {
            return Err(Ignored::BeyondProvider { latest_end });
        }
        if needs_another_room {
            self.open_another_room();
        } else {
            self.reopen_if_put_off();
        }
        Ok(())
    }

    pub(super) fn grace_changed(&mut self, grace: Option<Duration>) -> Step {
        self.open()?;
        self.life.grace = grace;
        self.reopen_if_put_off();
        Ok(())
    }

    /// A closing whose deadline the owner or the calendar has moved goes back to what it was.
    fn reopen_if_put_off(&mut self) {
        if let Phase::Closing { close: Close::IfEmpty { was }, .. } = self.life.phase {
            self.reopen_unless_due(was.phase());
        }
    }

    /// Whether the forced close lies beyond what the provider's room can live.
    fn outlives_room(&self) -> bool {
        let (hard, _) = hard_deadline(self.life, self.policy);
        self.life.expires_at.is_some_and(|expires_at| hard > expires_at)
    }

    pub(super) fn cancelled(&mut self) -> Step {
        self.open()?;
        let life = &mut self.life;
        let occupied = life.phase.is_live();
        if !life.schedule.scheduled && (occupied || life.cancelled_at.is_some()) {
            return Err(if occupied { Ignored::Occupied } else { Ignored::NoChange });
        }
        life.cancelled_at = (!occupied).then_some(self.now);
        if life.schedule.scheduled {
            // It starts now: an earlier start could put out those who are in when its lifetime is over.
            life.schedule = Schedule::from_now(self.now, self.policy);
        }
        Ok(())
    }

    pub(super) fn end_requested(&mut self) -> Step {
        self.open()?;
        if self.policy.close == CloseMode::Observe {
            return Err(Ignored::Observing);
        }
        self.start_closing(CloseReason::EndedByOwner, Close::Force);
        Ok(())
    }
}
