//! When a life next changes by itself, and why. Derived from state and policy, so an index of it is only a cache.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::life::Life;
use super::phase::{Close, CloseReason, Empty, Phase};
use super::policy::{
    ANNOUNCEMENTS, CONFIRMATION_PATIENCE, CloseMode, EXPIRY_MARGIN, LEASES_PER_DEADLINE, LONGEST_SILENCE,
    OPENING_PATIENCE, Overtime, Policy, SECOND_PROBE,
};
use crate::time::Timestamp;

/// The next instant at which something must happen by itself, and why. A meeting is open on `[start, deadline)`:
/// at the deadline's instant it is due (rule L19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: Wake,
}

/// Why a life wakes up. On equal instants the earlier in this list comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "wake", content = "reason", rename_all = "snake_case")]
pub enum Wake {
    /// The provider has had its two minutes to make the room (rule L24).
    OpeningGivenUp,
    /// It is closed by force (rules L9 and L10).
    Force(CloseReason),
    /// It is closed if it is empty (rules L5, L8 and L16).
    Close(CloseReason),
    /// The provider never confirmed the close (rule L14).
    Unconfirmed,
    /// A forced close is announced (rule L25).
    Announce,
    /// The provider is asked who is in, or whether we hear it is looked at again (rules L13, L20 and L23).
    Ask,
}

/// The earliest instant at which `DeadlineReached` changes this life, with the reason. Nothing when it is closed.
///
/// Every phase but `Closed` has one, so that no meeting is ever forgotten; except in a deployment that only observes,
/// once all that it would do is said.
pub fn deadline(life: &Life, policy: &Policy) -> Option<Deadline> {
    let mut soonest = Soonest(None);
    match life.phase {
        Phase::Opening { since } => soonest.or(since + OPENING_PATIENCE, Wake::OpeningGivenUp),
        Phase::Waiting { .. } | Phase::Live { .. } | Phase::Grace { .. } => {
            let (hard, reason) = hard_deadline(life, policy);
            if !spares(life, policy, reason) {
                soonest.or(hard, Wake::Force(reason));
            }
            if life.watch.withheld_since.is_none()
                && let Some((at, reason)) = unforced_deadline(life, policy)
                && !spares(life, policy, reason)
            {
                soonest.or(at, Wake::Close(reason));
            }
            if let Some(at) = announcement(life, policy, hard) {
                soonest.or(at, Wake::Announce);
            }
            if let Some(at) = ask(life, policy) {
                soonest.or(at, Wake::Ask);
            }
        }
        Phase::Closing { close, since, reason } => {
            if matches!(close, Close::IfEmpty { .. }) {
                soonest.or(hard_deadline(life, policy).0, Wake::Force(reason));
            }
            soonest
                .or(life.expires_at.unwrap_or(since).max(since) + CONFIRMATION_PATIENCE, Wake::Unconfirmed);
        }
        Phase::Closed { .. } => {}
    }
    soonest.0
}

/// Keeps the soonest of the deadlines it is shown.
struct Soonest(Option<Deadline>);

impl Soonest {
    fn or(&mut self, at: Timestamp, why: Wake) {
        if self.0.is_none_or(|soonest| (at, why) < (soonest.at, soonest.why)) {
            self.0 = Some(Deadline { at, why });
        }
    }
}

/// When the meeting is closed by force, occupied or not, and why.
pub fn hard_deadline(life: &Life, policy: &Policy) -> (Timestamp, CloseReason) {
    let schedule = &life.schedule;
    let lifetime = schedule.start + policy.max_lifetime;
    match policy.overtime {
        _ if !schedule.scheduled => (lifetime, CloseReason::MaxLifetime),
        Overtime::Never => (lifetime.max(schedule.end), CloseReason::MaxLifetime),
        Overtime::For(overtime) => {
            (schedule.end.max(schedule.end_changed_at) + overtime, CloseReason::Overtime)
        }
    }
}

/// When the meeting is closed if nobody comes, and why; nothing while somebody is in.
pub fn unforced_deadline(life: &Life, policy: &Policy) -> Option<(Timestamp, CloseReason)> {
    let (at, reason) = empty_deadline(life, life.phase.empty()?, policy);
    Some((put_off(life, at, policy), reason))
}

fn empty_deadline(life: &Life, empty: Empty, policy: &Policy) -> (Timestamp, CloseReason) {
    if let Some(at) = life.cancelled_at {
        return (at, CloseReason::Cancelled);
    }
    let schedule = &life.schedule;
    match empty {
        Empty::NeverJoined { .. } if schedule.scheduled => (schedule.end, CloseReason::NeverJoined),
        Empty::NeverJoined { .. } => (life.created_at + policy.never_joined, CloseReason::NeverJoined),
        // One who looked in early does not shorten the meeting; nor is their own grace cut short by its end (L7).
        Empty::Left { since } if schedule.scheduled && since < schedule.start => {
            ((since + life.grace(policy)).max(schedule.end), CloseReason::NeverJoined)
        }
        Empty::Left { since } => (since + life.grace(policy), CloseReason::GraceExpired),
    }
}

/// A deadline, put off while somebody is on the way in, by four leases at most (rule L6).
fn put_off(life: &Life, at: Timestamp, policy: &Policy) -> Timestamp {
    match life.lease {
        Some(lease) if lease.until > at => {
            let counted_from = lease.brought_back_at.map_or(at, |back| back.max(at));
            lease.until.min(counted_from + policy.lease.saturating_mul(LEASES_PER_DEADLINE))
        }
        _ => at,
    }
}

/// Whether a closing for this reason was already said, and is only said (`REFLECTOR_CLOSE=observe`).
pub(super) fn spares(life: &Life, policy: &Policy, reason: CloseReason) -> bool {
    policy.close == CloseMode::Observe && life.watch.spared.contains(&reason)
}

/// The next announcement of the forced close that is not made yet (rule L25).
fn announcement(life: &Life, policy: &Policy, hard: Timestamp) -> Option<Timestamp> {
    if matches!(life.phase, Phase::Waiting { .. }) || policy.close == CloseMode::Observe {
        return None;
    }
    let done_up_to =
        life.watch.announced.filter(|announced| announced.closes_at == hard).map(|done| done.up_to);
    ANNOUNCEMENTS.iter().map(|before| hard - *before).find(|at| {
        done_up_to.is_none_or(|done| *at > done) && (!life.schedule.scheduled || *at >= life.schedule.end)
    })
}

/// When the provider is asked next: after a silence that doubles, or for the second probe of a missing room.
///
/// A meeting whose emptiness is withheld is looked at even where the provider cannot answer, because we may come to
/// hear it again.
fn ask(life: &Life, policy: &Policy) -> Option<Timestamp> {
    let withheld = life.watch.withheld_since.is_some();
    if !withheld && !policy.provider_answers {
        return None;
    }
    let second_probe = life
        .watch
        .missing_since
        .map(|first| first + SECOND_PROBE)
        .filter(|probe| life.watch.asked_at.is_none_or(|asked| asked < *probe));
    let silence = (withheld || life.phase.is_live()).then(|| {
        let from = life.watch.asked_at.max(Some(life.silent_since())).unwrap_or(life.created_at);
        let first = policy.reconcile_after.max(Duration::from_millis(1));
        from + first.saturating_mul(1 << life.watch.asks.min(16)).min(LONGEST_SILENCE.max(first))
    });
    match (second_probe, silence) {
        (Some(probe), Some(silence)) => Some(probe.min(silence)),
        (probe, silence) => probe.or(silence),
    }
}

/// Until when a provider is asked to keep the room: past the forced close, and past what an extension may ask for.
pub fn expiry_to_ask(life: &Life, policy: &Policy, now: Timestamp) -> Timestamp {
    let (hard, _) = hard_deadline(life, policy);
    hard.max(now + policy.max_lifetime) + EXPIRY_MARGIN
}

/// The latest end that a meeting can be moved to in the room that it has (rule L16).
pub fn latest_end(life: &Life, policy: &Policy) -> Option<Timestamp> {
    let expires_at = life.expires_at?;
    Some(match policy.overtime {
        Overtime::For(overtime) => expires_at - overtime,
        Overtime::Never => expires_at,
    })
}

/// When the meeting closes next if nothing happens, and why: what people are shown.
pub fn next_closing(life: &Life, policy: &Policy) -> Option<(Timestamp, CloseReason)> {
    match life.phase {
        Phase::Waiting { .. } | Phase::Live { .. } | Phase::Grace { .. } => {
            let hard = hard_deadline(life, policy);
            let unforced = unforced_deadline(life, policy).filter(|_| life.watch.withheld_since.is_none());
            Some(unforced.map_or(hard, |unforced| unforced.min(hard)))
        }
        Phase::Opening { .. } | Phase::Closing { .. } | Phase::Closed { .. } => None,
    }
}
