//! Deadlines: none is missed, none comes early, and a wrong clock does no more harm than it is wrong.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::{TestCaseError, TestCaseResult};
use reflector_core::Timestamp;
use reflector_core::lifecycle::{
    CloseMode, Event, Hearing, Ignored, LEASES_PER_DEADLINE, Life, Outcome, Phase, Policy, deadline,
    hard_deadline, step, unforced_deadline,
};
use reflector_core::testing::strategies::{History, hearing, history, policy, span};

use crate::stories::{JUST, cases};

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn between_events_a_life_changes_at_its_deadline_and_at_no_other_instant(
        history in history(), hearing in hearing(), span in span(),
    ) {
        for life in lives(&history) {
            wakes_at_its_deadline_and_at_no_other_instant(&life, hearing, span, &history.policy)?;
        }
    }

    #[test]
    fn l17_nor_does_it_miss_one_when_its_policy_changes(
        history in history(), hearing in hearing(), span in span(), later in policy(),
    ) {
        for life in lives(&history) {
            wakes_at_its_deadline_and_at_no_other_instant(&life, hearing, span, &later)?;
        }
    }

    #[test]
    fn a_meeting_is_open_up_to_its_deadline_and_due_at_it(history in history()) {
        let history = History { policy: Policy { close: CloseMode::Act, ..history.policy }, ..history };
        for life in lives(&history).filter(|life| life.phase.is_active() && life.watch.withheld_since.is_none()) {
            let (hard, _) = hard_deadline(&life, &history.policy);
            let closes = unforced_deadline(&life, &history.policy).map_or(hard, |(at, _)| at.min(hard));
            prop_assert!(wake(&life, closes - JUST, &history.policy).phase.is_active());
            let at_it = wake(&life, closes, &history.policy).phase;
            prop_assert!(matches!(at_it, Phase::Closing { since, .. } if since == closes), "{at_it:?}");
        }
    }

    #[test]
    fn a_clock_that_goes_back_closes_nothing_early(history in history(), wrong_by in span()) {
        for played in history.play() {
            let earlier = played.now - wrong_by;
            let right = step(&played.before, &played.event, played.now, &history.policy);
            let wrong = step(&played.before, &played.event, earlier, &history.policy);
            let (Outcome::Changed(right), Outcome::Changed(wrong)) = (right, wrong) else { continue };
            prop_assert!(!closes_more(&wrong.life, &right.life), "{played:#?}");
            let (right_hard, _) = hard_deadline(&right.life, &history.policy);
            prop_assert!(hard_deadline(&wrong.life, &history.policy).0 >= right_hard - wrong_by);
            let both = unforced_deadline(&wrong.life, &history.policy).zip(unforced_deadline(&right.life, &history.policy));
            if let Some(((wrong, _), (right, _))) = both {
                prop_assert!(wrong >= right - wrong_by, "{wrong} instead of {right}, after {played:#?}");
            }
        }
    }

    #[test]
    fn a_meeting_that_nobody_enters_is_put_off_by_four_leases_at_most(history in history(), asked in vec(span(), 1..12)) {
        let policy = history.policy;
        // While the close is withheld, leases count anew: there is nothing to pin open (rule L13).
        let waits = |life: &Life| {
            life.phase.is_active() && life.lease.is_none() && life.watch.withheld_since.is_none()
        };
        for mut life in lives(&history).filter(waits) {
            let Some((first, _)) = unforced_deadline(&life, &policy) else { continue };
            let mut now = first - policy.lease * 6;
            for after in &asked {
                now = now + *after / 30;
                life = applied(&life, &Event::JoinRequested, now, &policy);
                let (put_off, _) = unforced_deadline(&life, &policy).expect("it is empty still");
                prop_assert!(put_off >= first);
                prop_assert!(put_off <= first + policy.lease * LEASES_PER_DEADLINE);
            }
        }
    }

    #[test]
    fn nothing_closes_while_the_first_who_asked_is_on_the_way_in(history in history(), before in span()) {
        let policy = history.policy;
        for life in lives(&history).filter(|life| life.phase.is_active() && life.lease.is_none()) {
            let Some((first, _)) = unforced_deadline(&life, &policy) else { continue };
            let asked_at = first - before / 60;
            let asked = applied(&life, &Event::JoinRequested, asked_at, &policy);
            let (hard, _) = hard_deadline(&asked, &policy);
            let just_before = (asked_at + policy.lease).min(hard) - JUST;
            prop_assert!(wake(&asked, just_before, &policy).phase.close_reason().is_none(), "{asked:#?}");
        }
    }
}

fn wakes_at_its_deadline_and_at_no_other_instant(
    life: &Life,
    hearing: Hearing,
    span: Duration,
    policy: &Policy,
) -> TestCaseResult {
    let wake = |at| step(life, &Event::DeadlineReached { hearing }, at, policy);
    let Some(due) = deadline(life, policy) else {
        let why = if life.phase.is_closed() { Ignored::Closed } else { Ignored::NotDue };
        prop_assert_eq!(wake(Timestamp::MAX), Outcome::Ignored(why));
        return Ok(());
    };
    prop_assert_eq!(wake(due.at - JUST), Outcome::Ignored(Ignored::NotDue));
    prop_assert_eq!(wake(due.at - JUST - span), Outcome::Ignored(Ignored::NotDue));
    for at in [due.at, due.at + JUST, due.at + span] {
        let Outcome::Changed(change) = wake(at) else {
            return Err(TestCaseError::fail(format!("missed {due:?} of {life:#?}")));
        };
        prop_assert!(change.life != *life, "changed only by what is owed: {:?}", change.effects);
        let next = deadline(&change.life, policy);
        prop_assert!(next.is_none_or(|next| next.at > at), "{next:?} is left of {:#?}", change.life);
    }
    Ok(())
}

/// Every life that a history goes through.
fn lives(history: &History) -> impl Iterator<Item = Life> {
    let first = history.first();
    std::iter::once(first).chain(history.play().into_iter().map(|played| played.after().clone()))
}

fn wake(life: &Life, at: Timestamp, policy: &Policy) -> Life {
    applied(life, &Event::DeadlineReached { hearing: Hearing::Answered }, at, policy)
}

fn applied(life: &Life, event: &Event, at: Timestamp, policy: &Policy) -> Life {
    match step(life, event, at, policy) {
        Outcome::Changed(change) => change.life,
        Outcome::Ignored(_) => life.clone(),
    }
}

/// Whether one life is on its way out while the other is not.
fn closes_more(one: &Life, other: &Life) -> bool {
    one.phase.close_reason().is_some() && other.phase.close_reason().is_none()
}
