//! That the random histories are worth something: they reach every phase, every reason and every event.

use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use reflector_core::lifecycle::{CloseReason, Outcome, Phase};
use reflector_core::testing::strategies::{History, Played, history};

/// The same two thousand histories at every run.
fn two_thousand() -> Vec<History> {
    let mut runner = TestRunner::deterministic();
    (0..2_000).map(|_| history().new_tree(&mut runner).unwrap().current()).collect()
}

fn seen<T: Ord>(pick: impl Fn(&Played) -> Option<T>) -> BTreeSet<T> {
    two_thousand().iter().flat_map(History::play).filter_map(|played| pick(&played)).collect()
}

#[test]
fn histories_reach_every_phase() {
    let phases = seen(|played| Some(played.after().phase.as_str()));
    assert_eq!(phases, ["opening", "waiting", "live", "grace", "closing", "closed"].into());
}

#[test]
fn histories_close_for_every_reason() {
    let reasons = seen(|played| match played.after().phase {
        Phase::Closed { reason, .. } => Some(reason),
        _ => None,
    });
    assert_eq!(reasons, CloseReason::ALL.into());
}

#[test]
fn histories_hold_every_event_and_each_changes_something() {
    const SILENT: &str = "provider_noticed";
    let all = [
        "room_opened",
        "room_refused",
        "participant_joined",
        "participant_left",
        "presence_reported",
        "join_requested",
        "knocked",
        "deadline_reached",
        "rescheduled",
        "cancelled",
        "grace_changed",
        "end_requested",
        "room_ended",
        "room_missing",
        "room_closed",
        "hearing_lost",
        SILENT,
    ];
    let mut expected = BTreeSet::from(all);
    assert_eq!(seen(|played| Some(played.event.name())), expected);
    expected.remove(SILENT);
    let changing = seen(|played| matches!(played.outcome, Outcome::Changed(_)).then(|| played.event.name()));
    assert_eq!(changing, expected);
}
