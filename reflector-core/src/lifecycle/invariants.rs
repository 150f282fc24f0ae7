//! What must never be violated, each under the name of its rule.
//!
//! The same predicates stand in the property tests, in a simulation, and in the engine, which reports a violation
//! beside what it committed. They are pure and cheap.

use super::deadline::{deadline, hard_deadline, unforced_deadline};
use super::effect::{Announcement, Effect, EffectKind};
use super::event::{Event, Presence};
use super::life::Life;
use super::phase::{Close, CloseReason, Empty, Phase};
use super::policy::{CLOCK_TOLERANCE, CloseMode, LEASES_PER_DEADLINE, Policy};
use crate::time::Timestamp;

/// One application of [`step`](super::step) that changed something.
#[derive(Clone, Copy, Debug)]
pub struct Transition<'a> {
    /// The life before.
    pub before: &'a Life,
    /// What happened.
    pub event: &'a Event,
    /// When it was taken in.
    pub now: Timestamp,
    /// Under which policy.
    pub policy: &'a Policy,
    /// The life after.
    pub after: &'a Life,
    /// What became owed.
    pub effects: &'a [Effect],
}

/// A named predicate over a transition.
#[derive(Clone, Copy, Debug)]
pub struct Invariant {
    /// The rule and what it says.
    pub name: &'static str,
    /// Whether a transition keeps it.
    pub holds: fn(&Transition<'_>) -> bool,
}

macro_rules! invariants {
    ($($name:ident),* $(,)?) => {
        /// Every invariant, in the order of the rules.
        pub const ALL: &[Invariant] = &[$(Invariant { name: stringify!($name), holds: $name }),*];
    };
}

invariants![
    l2_nobody_has_been_in_a_waiting_meeting,
    l3_grace_starts_at_the_last_leaving,
    l4_people_coming_and_going_keep_it_active,
    l5_not_closed_before_its_grace_is_over,
    l6_not_closed_while_somebody_is_on_the_way_in,
    l6_a_lease_puts_off_by_four_leases_at_most,
    l8_not_closed_before_anybody_could_join,
    l9_forced_only_at_the_hard_deadline_or_by_the_owner,
    l13_unknown_never_closes,
    l13_silence_closes_only_what_we_hear,
    l14_forced_closing_does_not_go_back,
    l15_closed_is_the_end,
    l16_people_keep_their_room,
    l19_due_at_the_deadline_and_not_before,
    l20_every_open_meeting_has_a_deadline,
    l20_nothing_due_is_left_behind,
    l24_a_room_to_be_made_is_owed,
    l14_a_room_to_be_closed_is_owed,
    l25_announced_before_the_forced_close_and_after_the_end,
];

/// The names of the invariants that a transition violates: always none.
pub fn violated(transition: &Transition<'_>) -> Vec<&'static str> {
    ALL.iter().filter(|invariant| !(invariant.holds)(transition)).map(|invariant| invariant.name).collect()
}

impl Transition<'_> {
    /// How the meeting was empty, if this transition starts to close it *if empty*.
    fn starts_unforced(&self) -> Option<Empty> {
        match self.after.phase {
            Phase::Closing { close: Close::IfEmpty { was }, .. } if self.before.phase.is_active() => {
                Some(was)
            }
            _ => None,
        }
    }

    fn starts_forced(&self) -> bool {
        self.after.phase.is_forced() && !self.before.phase.is_forced()
    }
}

/// L2: `Waiting` means that nobody has been in, and `Live` that somebody is.
pub fn l2_nobody_has_been_in_a_waiting_meeting(t: &Transition<'_>) -> bool {
    let after = t.after;
    !after.phase.is_active() || after.phase == after.phase_told(after.presence.told())
}

/// L3: the grace counts from the last leaving, moved into the five minutes before its receipt.
pub fn l3_grace_starts_at_the_last_leaving(t: &Transition<'_>) -> bool {
    match (t.event, t.before.phase, t.after.phase) {
        (Event::ParticipantLeft(left), Phase::Live { .. }, Phase::Grace { since }) => {
            since >= left.received_at - CLOCK_TOLERANCE || t.before.presence.heard_at() >= Some(since)
        }
        _ => true,
    }
}

/// L4: as long as people only come and go, an active meeting stays active.
pub fn l4_people_coming_and_going_keep_it_active(t: &Transition<'_>) -> bool {
    !(t.event.is_observation() && t.before.phase.is_active()) || t.after.phase.is_active()
}

/// L5: closing for emptiness starts at the last leaving plus grace, never earlier (cancelled meetings aside).
pub fn l5_not_closed_before_its_grace_is_over(t: &Transition<'_>) -> bool {
    match t.starts_unforced() {
        Some(Empty::Left { since }) if t.after.phase.close_reason() != Some(CloseReason::Cancelled) => {
            t.now >= since + t.before.grace(t.policy)
        }
        _ => true,
    }
}

/// L6: while a lease is alive, nothing closes for emptiness, unless the lease has used up its four.
pub fn l6_not_closed_while_somebody_is_on_the_way_in(t: &Transition<'_>) -> bool {
    t.starts_unforced().is_none() || unforced_deadline(t.before, t.policy).is_some_and(|(at, _)| at <= t.now)
}

/// L6: no lease puts a deadline off by more than four leases.
pub fn l6_a_lease_puts_off_by_four_leases_at_most(t: &Transition<'_>) -> bool {
    let without = Life { lease: None, ..t.after.clone() };
    let bound = t.policy.lease.saturating_mul(LEASES_PER_DEADLINE);
    match (unforced_deadline(t.after, t.policy), unforced_deadline(&without, t.policy)) {
        (Some((with, _)), Some((without, _))) => {
            let counted_from =
                t.after.lease.and_then(|lease| lease.brought_back_at).map_or(without, |at| at.max(without));
            with >= without && with <= counted_from + bound
        }
        (with, without) => with.is_none() && without.is_none(),
    }
}

/// L8: a meeting nobody has been in waits for its `never_joined`, a scheduled one for its end.
pub fn l8_not_closed_before_anybody_could_join(t: &Transition<'_>) -> bool {
    match t.starts_unforced() {
        Some(Empty::NeverJoined { .. }) if t.after.phase.close_reason() != Some(CloseReason::Cancelled) => {
            let schedule = &t.before.schedule;
            t.now
                >= if schedule.scheduled { schedule.end } else { t.before.created_at + t.policy.never_joined }
        }
        _ => true,
    }
}

/// L9, L10: force is for the hard deadline and for the owner.
pub fn l9_forced_only_at_the_hard_deadline_or_by_the_owner(t: &Transition<'_>) -> bool {
    !t.starts_forced() || *t.event == Event::EndRequested || t.now >= hard_deadline(t.before, t.policy).0
}

/// L13: an answer that says nothing changes nothing.
pub fn l13_unknown_never_closes(t: &Transition<'_>) -> bool {
    !matches!(t.event, Event::PresenceReported(report) if report.presence == Presence::Unknown)
}

/// L13: silence closes a meeting only if we have been listening since it last said something.
pub fn l13_silence_closes_only_what_we_hear(t: &Transition<'_>) -> bool {
    match (t.starts_unforced(), t.event) {
        (None, _) => true,
        (Some(_), Event::DeadlineReached { hearing }) => hearing.covers(t.before.silent_since()),
        (Some(_), _) => false,
    }
}

/// L14: forced closing ends in `Closed` and nowhere else.
pub fn l14_forced_closing_does_not_go_back(t: &Transition<'_>) -> bool {
    !t.before.phase.is_forced() || t.after.phase.is_forced() || t.after.phase.is_closed()
}

/// L15: what is closed stays as it closed.
pub fn l15_closed_is_the_end(t: &Transition<'_>) -> bool {
    !t.before.phase.is_closed() || t.after.phase == t.before.phase
}

/// L16: no change of the calendar takes the room away from people who are in it.
pub fn l16_people_keep_their_room(t: &Transition<'_>) -> bool {
    !t.before.phase.is_live() || t.after.generation == t.before.generation
}

/// L19, L20: a wake-up changes something exactly when a deadline has been reached.
pub fn l19_due_at_the_deadline_and_not_before(t: &Transition<'_>) -> bool {
    !matches!(t.event, Event::DeadlineReached { .. })
        || deadline(t.before, t.policy).is_some_and(|due| due.at <= t.now)
}

/// L20: every meeting that is not closed will be looked at again; where we only observe, until all is said.
pub fn l20_every_open_meeting_has_a_deadline(t: &Transition<'_>) -> bool {
    let all_is_said = t.policy.close == CloseMode::Observe && !t.after.watch.spared.is_empty();
    match deadline(t.after, t.policy) {
        Some(_) => !t.after.phase.is_closed(),
        None => t.after.phase.is_closed() || all_is_said,
    }
}

/// L20: after a wake-up, nothing that was due is left.
pub fn l20_nothing_due_is_left_behind(t: &Transition<'_>) -> bool {
    !matches!(t.event, Event::DeadlineReached { .. })
        || deadline(t.after, t.policy).is_none_or(|next| next.at > t.now)
}

/// L24: a meeting starts to open only together with the owed work of making its room.
pub fn l24_a_room_to_be_made_is_owed(t: &Transition<'_>) -> bool {
    let starts = t.after.phase.is_opening() && t.after.generation != t.before.generation;
    !starts || owes(t, EffectKind::OpenRoom)
}

/// L14: a meeting starts to close only together with the owed work of closing its room.
pub fn l14_a_room_to_be_closed_is_owed(t: &Transition<'_>) -> bool {
    let closing = |phase: Phase| matches!(phase, Phase::Closing { .. });
    let starts = closing(t.after.phase) && (!closing(t.before.phase) || t.starts_forced());
    !starts || owes(t, EffectKind::CloseRoom)
}

fn owes(t: &Transition<'_>, kind: EffectKind) -> bool {
    t.effects.iter().any(|effect| effect.kind() == kind)
}

/// L25: what is announced is the forced close, before it and not before the scheduled end.
pub fn l25_announced_before_the_forced_close_and_after_the_end(t: &Transition<'_>) -> bool {
    t.effects.iter().all(|effect| match effect {
        Effect::Announce(Announcement::ClosingSoon { closes_at }) => {
            let (hard, _) = hard_deadline(t.before, t.policy);
            let schedule = &t.before.schedule;
            *closes_at == hard && (!schedule.scheduled || t.now >= schedule.end)
        }
        _ => true,
    })
}
