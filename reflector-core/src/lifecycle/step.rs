//! The one function that moves a life. It awaits nothing, reads no clock and draws no random number.

use super::deadline::{Deadline, Wake, deadline, expiry_to_ask, hard_deadline, unforced_deadline};
use super::effect::{Announcement, Effect};
use super::event::{Event, Hearing};
use super::life::{Announced, Lease, Life};
use super::outcome::{Change, Ignored, Outcome};
use super::phase::{Close, CloseReason, Phase};
use super::policy::{CloseMode, Policy, SECOND_PROBE};
use super::presence::Taken;
use crate::time::Timestamp;

/// Moves a life: what it is after `event`, taken in at `now` under `policy`.
///
/// Safe to call too often, too early and too late. Every rule is in `docs/lifecycle.md` by its number.
pub fn step(life: &Life, event: &Event, now: Timestamp, policy: &Policy) -> Outcome {
    let due = match event {
        Event::DeadlineReached { .. } => deadline(life, policy).filter(|due| due.at <= now),
        _ => None,
    };
    if let (Event::DeadlineReached { .. }, None) = (event, due) {
        return Outcome::Ignored(if life.phase.is_closed() { Ignored::Closed } else { Ignored::NotDue });
    }
    // What may ask the allocator for something is copied first, so that the rest is copied at one stroke.
    let next = Life { watch: life.watch.clone(), presence: life.presence.clone(), ..*life };
    let mut change = Change { life: next, effects: Vec::new() };
    let Change { life: next, effects } = &mut change;
    match (Next { life: next, effects, now, policy }).take(event, due, life) {
        Ok(()) => Outcome::Changed(change),
        Err(ignored) => Outcome::Ignored(ignored),
    }
}

/// A life on its way to the next.
pub(super) struct Next<'a> {
    pub(super) life: &'a mut Life,
    pub(super) effects: &'a mut Vec<Effect>,
    pub(super) now: Timestamp,
    pub(super) policy: &'a Policy,
}

pub(super) type Step = Result<(), Ignored>;

impl Next<'_> {
    /// Apart from [`step`]: together, much of the life would be held in registers that are saved and restored.
    #[inline(never)]
    fn take(&mut self, event: &Event, due: Option<Deadline>, before: &Life) -> Step {
        match event {
            Event::Created { .. } => Err(Ignored::NoChange),
            Event::RoomOpened { generation, expires_at } => self.room_opened(*generation, *expires_at),
            Event::RoomRefused { generation } => self.room_refused(*generation),
            Event::ParticipantJoined(sighting) => self.observed(|life| life.presence.joined(sighting)),
            Event::ParticipantLeft(sighting) => self.observed(|life| life.presence.left(sighting)),
            Event::PresenceReported(report) => self.observed(|life| life.presence.reported(report)),
            Event::JoinRequested | Event::Knocked => self.join_requested(),
            Event::DeadlineReached { hearing } => self.deadline_reached(due, *hearing),
            Event::Rescheduled { start, end } => self.rescheduled(*start, *end),
            Event::Cancelled => self.cancelled(),
            Event::GraceChanged { grace } => self.grace_changed(*grace),
            Event::EndRequested => self.end_requested(),
            Event::RoomEnded => self.room_ended(),
            Event::RoomMissing { asked_at } => self.room_missing(*asked_at),
            Event::RoomClosed { generation } => self.room_closed(*generation),
            Event::HearingLost => self.hearing_lost(),
            Event::ProviderNoticed { .. } => Err(Ignored::NoNews),
        }?;
        // An observation that was taken in is a change: it need not be looked for.
        if !event.is_observation() && self.effects.is_empty() && *self.life == *before {
            return Err(Ignored::NoChange);
        }
        self.note_forced_close();
        Ok(())
    }

    /// Only open meetings, and those whose closing can be put off, go on.
    pub(super) fn open(&self) -> Step {
        match self.life.phase {
            Phase::Closed { .. } => Err(Ignored::Closed),
            Phase::Closing { close: Close::Force, .. } => Err(Ignored::Closing),
            _ => Ok(()),
        }
    }

    /// Announcements whose instant is past when a forced close is set are skipped (rule L25).
    fn note_forced_close(&mut self) {
        let (closes_at, _) = hard_deadline(self.life, self.policy);
        if self.life.watch.announced.is_none_or(|announced| announced.closes_at != closes_at) {
            let just_past = Timestamp::from_micros(self.now.as_micros() - 1);
            self.life.watch.announced = Some(Announced { closes_at, up_to: just_past });
        }
    }

    // The provider's room (rules L14, L16, L23 and L24).

    fn room_opened(&mut self, generation: u16, expires_at: Option<Timestamp>) -> Step {
        if generation != self.life.generation || self.life.phase.is_closed() {
            // Nobody needs it any more: it came after the meeting went another way.
            self.effects.push(Effect::RetireRoom { generation });
            return Ok(());
        }
        if !self.life.phase.is_opening() {
            return Err(Ignored::NoChange);
        }
        self.life.opened_at = Some(self.now);
        self.life.expires_at = expires_at;
        self.life.phase = self.life.phase_told(self.life.presence.told());
        self.held_by_people();
        Ok(())
    }

    fn room_refused(&mut self, generation: u16) -> Step {
        if generation != self.life.generation {
            return Err(Ignored::AnotherRoom);
        }
        if !self.life.phase.is_opening() {
            return Err(Ignored::NotNow);
        }
        self.close(CloseReason::ProviderRefused);
        Ok(())
    }

    fn room_ended(&mut self) -> Step {
        match self.life.phase {
            Phase::Closed { .. } => return Err(Ignored::Closed),
            Phase::Opening { .. } => return Err(Ignored::NotNow),
            Phase::Closing { reason, .. } => self.close(reason),
            _ => self.close(CloseReason::EndedAtProvider),
        }
        Ok(())
    }

    fn room_missing(&mut self, asked_at: Timestamp) -> Step {
        self.open()?;
        if !self.life.phase.is_active() {
            return Err(Ignored::NotNow);
        }
        match self.life.watch.missing_since {
            None => {
                self.life.watch.missing_since = Some(asked_at);
                self.life.watch.asked_at = self.life.watch.asked_at.max(Some(asked_at));
            }
            Some(first) if asked_at >= first + SECOND_PROBE => self.close(CloseReason::EndedAtProvider),
            Some(_) => return Err(Ignored::NoChange),
        }
        Ok(())
    }

    fn room_closed(&mut self, generation: u16) -> Step {
        if generation != self.life.generation {
            return Err(Ignored::AnotherRoom);
        }
        self.room_ended()
    }

    fn close(&mut self, reason: CloseReason) {
        self.life.phase = Phase::Closed { reason, at: self.now };
        self.life.lease = None;
    }

    /// Another room is needed; the old one is ended once nobody is in it.
    pub(super) fn open_another_room(&mut self) {
        let life = &mut self.life;
        self.effects.push(Effect::RetireRoom { generation: life.generation });
        life.generation = life.generation.wrapping_add(1);
        life.phase = Phase::Opening { since: self.now };
        life.opened_at = None;
        life.presence = super::presence::PresenceRecord::default();
        life.watch = super::life::Watch::default();
        let expires_at = expiry_to_ask(life, self.policy, self.now);
        life.expires_at = Some(expires_at);
        self.effects.push(Effect::OpenRoom { generation: life.generation, expires_at });
    }

    // Who is in (rules L2, L3, L4, L11 and L13).

    fn observed(&mut self, take: impl FnOnce(&mut Life) -> Taken) -> Step {
        self.open()?;
        match take(self.life) {
            Taken::InOrder => {}
            Taken::SeenBefore => return Err(Ignored::SeenBefore),
            Taken::TooOld => return Err(Ignored::TooOld),
            Taken::NoNews => return Err(Ignored::NoNews),
        }
        let watch = &mut self.life.watch;
        (watch.asks, watch.asked_at, watch.missing_since, watch.withheld_since) = (0, None, None, None);
        let seen_as = self.life.phase_told(self.life.presence.told());
        match self.life.phase {
            Phase::Waiting { .. } | Phase::Live { .. } | Phase::Grace { .. } => self.life.phase = seen_as,
            Phase::Closing { close: Close::IfEmpty { was }, .. } => {
                let left_anew = matches!(seen_as, Phase::Grace { .. }) && seen_as.empty() != Some(was);
                if seen_as.is_live() || left_anew {
                    self.reopen_unless_due(seen_as);
                }
            }
            Phase::Opening { .. } | Phase::Closing { .. } | Phase::Closed { .. } => {}
        }
        self.held_by_people();
        Ok(())
    }

    /// A meeting that people are in is no cancelled one any more, and what was said of its emptiness is over.
    fn held_by_people(&mut self) {
        if !self.life.phase.is_live() {
            return;
        }
        self.life.cancelled_at = None;
        // Usually there are none, and this is asked at every joining.
        if !self.life.watch.spared.is_empty() {
            self.life.watch.spared.retain(|reason| {
                !matches!(
                    reason,
                    CloseReason::GraceExpired | CloseReason::NeverJoined | CloseReason::Cancelled
                )
            });
        }
    }

    /// Goes back from closing, if the close is not due in that phase as well.
    pub(super) fn reopen_unless_due(&mut self, phase: Phase) {
        let closing = std::mem::replace(&mut self.life.phase, phase);
        if unforced_deadline(self.life, self.policy).is_some_and(|(at, _)| at <= self.now) {
            // It goes on closing, but what it goes back to when somebody asks to join is what is known now.
            self.life.phase = match (closing, phase.empty()) {
                (Phase::Closing { reason, since, .. }, Some(was)) => {
                    Phase::Closing { reason, close: Close::IfEmpty { was }, since }
                }
                _ => closing,
            };
        }
    }

    // Who is on the way in (rule L6).

    fn join_requested(&mut self) -> Step {
        self.open()?;
        let until = self.now + self.policy.lease;
        let held = self.life.lease;
        let mut brought_back_at = held.and_then(|lease| lease.brought_back_at);
        if let Phase::Closing { close: Close::IfEmpty { was }, .. } = self.life.phase {
            self.life.phase = was.phase();
            brought_back_at = Some(self.now);
        } else if held.is_some_and(|lease| lease.until > self.now + self.policy.lease / 2) {
            return Err(Ignored::LeaseFresh);
        } else if self.life.watch.withheld_since.is_some() {
            // Its deadline may be long past: whoever asks now is protected all the same once we hear again.
            brought_back_at = Some(self.now);
        }
        let until = held.map_or(until, |lease| lease.until.max(until));
        self.life.lease = Some(Lease { until, brought_back_at });
        Ok(())
    }

    // Time (rules L5, L8, L9, L10, L13, L19, L20 and L25).

    /// Does all that is due, so that a second wake-up at the same instant finds nothing.
    fn deadline_reached(&mut self, mut due: Option<Deadline>, hearing: Hearing) -> Step {
        // More than a handful cannot be due at once: closing, forcing and giving up end a life.
        for _ in 0..8 {
            let Some(Deadline { why, .. }) = due else { break };
            self.wake(why, hearing);
            due = deadline(self.life, self.policy).filter(|due| due.at <= self.now);
        }
        Ok(())
    }

    fn wake(&mut self, why: Wake, hearing: Hearing) {
        match why {
            Wake::OpeningGivenUp => {
                self.effects.push(Effect::RetireRoom { generation: self.life.generation });
                self.close(CloseReason::ProviderUnavailable);
            }
            Wake::Force(reason) | Wake::Close(reason) if self.only_observes() => {
                self.life.watch.spared.push(reason)
            }
            Wake::Force(reason) => self.start_closing(reason, Close::Force),
            Wake::Close(reason) => self.close_if_empty(reason, hearing),
            Wake::Unconfirmed => {
                self.close(CloseReason::Unconfirmed);
                self.effects.push(Effect::Announce(Announcement::CloseUnconfirmed));
            }
            Wake::Announce => self.announce(),
            Wake::Ask => self.ask(hearing),
        }
    }

    /// A deployment that observes starts no closing; one that was started before goes on to its end.
    fn only_observes(&self) -> bool {
        self.policy.close == CloseMode::Observe && self.life.phase.is_active()
    }

    pub(super) fn start_closing(&mut self, reason: CloseReason, close: Close) {
        self.life.phase = Phase::Closing { reason, close, since: self.now };
        self.life.watch.withheld_since = None;
        self.effects.retain(|effect| !matches!(effect, Effect::CloseRoom { .. } | Effect::AskPresence));
        self.effects.push(Effect::CloseRoom { generation: self.life.generation });
    }

    fn close_if_empty(&mut self, reason: CloseReason, hearing: Hearing) {
        let Some(was) = self.life.phase.empty() else { return };
        if hearing.covers(self.life.silent_since()) {
            self.start_closing(reason, Close::IfEmpty { was });
        } else {
            self.withhold();
        }
    }

    /// Silence is not emptiness while we do not hear the provider (rule L13).
    fn withhold(&mut self) {
        self.life.watch.withheld_since = Some(self.now);
        self.life.watch.asks = 0;
        self.ask_provider();
    }

    fn ask(&mut self, hearing: Hearing) {
        let due = unforced_deadline(self.life, self.policy).filter(|(at, _)| *at <= self.now);
        match due {
            Some((_, reason))
                if self.life.watch.withheld_since.is_some() && hearing.covers(self.life.silent_since()) =>
            {
                self.life.watch.withheld_since = None;
                if !super::deadline::spares(self.life, self.policy, reason) {
                    self.wake(Wake::Close(reason), hearing);
                }
            }
            _ => {
                self.life.watch.asks = self.life.watch.asks.saturating_add(1);
                self.ask_provider();
            }
        }
    }

    fn ask_provider(&mut self) {
        self.life.watch.asked_at = Some(self.now);
        if self.policy.provider_answers && !self.effects.contains(&Effect::AskPresence) {
            self.effects.push(Effect::AskPresence);
        }
    }

    fn announce(&mut self) {
        let (closes_at, _) = hard_deadline(self.life, self.policy);
        // Of a close that is news to this life, the past announcements are skipped; `note_forced_close` notes it.
        if self.life.watch.announced.is_some_and(|announced| announced.closes_at == closes_at) {
            self.effects.push(Effect::Announce(Announcement::ClosingSoon { closes_at }));
        }
        self.life.watch.announced = Some(Announced { closes_at, up_to: self.now });
    }

    fn hearing_lost(&mut self) -> Step {
        self.open()?;
        let Phase::Closing { close: Close::IfEmpty { was }, .. } = self.life.phase else {
            return Err(Ignored::NotNow);
        };
        self.life.phase = was.phase();
        self.withhold();
        Ok(())
    }
}
