//! Every invariant of the core, over every transition of random histories.

use proptest::prelude::{any, prop_assert, proptest};
use proptest::sample::Index;
use proptest::test_runner::TestCaseResult;
use reflector_core::lifecycle::invariants::{self, Transition};
use reflector_core::lifecycle::{Outcome, step};
use reflector_core::testing::strategies::{History, history, policy};

use crate::stories::cases;

macro_rules! invariants_hold {
    ($($name:ident),* $(,)?) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];

        proptest! {
            #![proptest_config(cases())]
            $(
                #[test]
                fn $name(history in history()) {
                    holds_throughout(&history, invariants::$name)?;
                }
            )*
        }
    };
}

invariants_hold![
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

fn holds_throughout(history: &History, holds: fn(&Transition<'_>) -> bool) -> TestCaseResult {
    for played in history.play() {
        let Outcome::Changed(change) = &played.outcome else { continue };
        let transition = Transition {
            before: &played.before,
            event: &played.event,
            now: played.now,
            policy: &history.policy,
            after: &change.life,
            effects: &change.effects,
        };
        prop_assert!(holds(&transition), "violated by {transition:#?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn l17_all_of_them_hold_when_the_policy_changes_in_between(
        history in history(), later in policy(), changed_after in any::<Index>(),
    ) {
        let mut life = history.first();
        let changed_after = changed_after.index(history.events.len() + 1);
        for (place, (event, now)) in history.events.iter().enumerate() {
            let policy = if place < changed_after { &history.policy } else { &later };
            let Outcome::Changed(change) = step(&life, event, *now, policy) else { continue };
            let transition =
                Transition { before: &life, event, now: *now, policy, after: &change.life, effects: &change.effects };
            let violated = invariants::violated(&transition);
            prop_assert!(violated.is_empty(), "{violated:?} by {transition:#?}");
            life = change.life;
        }
    }
}

#[test]
fn every_invariant_of_the_core_is_tested_here() {
    let all: Vec<_> = invariants::ALL.iter().map(|invariant| invariant.name).collect();
    assert_eq!(TESTED, all);
}
