//! The deadline index is a cache: what it gives out wrongly does no harm, and is put right.

use std::sync::Arc;
use std::time::Duration;

use reflector_core::lifecycle::{CloseReason, Policy, Wake, deadline};
use reflector_core::store::{Commit, Committed, DueRow, MeetingStore};
use reflector_core::testing::{Fault, Flaky};

use crate::town::{MINUTE, SECOND, Town, engine_on};

#[tokio::test]
async fn the_history_says_which_deadline_it_was() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.pass(15 * MINUTE).await;
    let history = town.store.history(id, 0, 100).await.expect("sound");
    let wakes: Vec<_> = history.iter().filter_map(|entry| entry.wake).collect();
    assert_eq!(wakes, [Wake::Close(CloseReason::GraceExpired)]);
}

#[tokio::test]
async fn a_meeting_that_is_woken_too_early_is_put_back_without_a_word_in_its_history() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    let loaded = town.load(id).await;
    let fingerprint = town.engine.settings().policy.fingerprint();
    let commit = Commit {
        notices: Vec::new(),
        expected: loaded.version,
        meeting: loaded.meeting.clone(),
        due: Some(DueRow { at: town.now, fingerprint }),
        effects: Vec::new(),
        superseded: Vec::new(),
        delivery: None,
        entries: Vec::new(),
    };
    assert_eq!(town.store.commit(commit).await.expect("sound"), Committed::Stored);

    let swept = town.engine.sweep_once(town.now).await.expect("sound");
    assert_eq!((swept.due, swept.changed), (1, 0));
    assert_eq!(town.load(id).await.entries, loaded.entries);
    let real = deadline(&loaded.meeting.life, &town.engine.policy_of(&loaded)).expect("it is open").at;
    assert!(real > town.now + Duration::from_secs(60));
    assert_eq!(town.store.next_due().await.expect("sound"), Some(real));
}

#[tokio::test]
async fn a_meeting_that_a_dying_server_was_to_wake_is_woken_by_another_after_five_seconds_and_not_before() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.sleep(15 * MINUTE);
    let flaky =
        Flaky::new(Arc::clone(&town.store), |call| (call.method == "commit").then_some(Fault::Before));
    let dying = engine_on(Arc::new(flaky), &town.video, "town", Policy::default());
    assert_eq!(dying.sweep_once(town.now).await.expect("it could read").failed.len(), 1);
    town.sleep(4 * SECOND);
    assert_eq!(town.engine.sweep_once(town.now).await.expect("sound").due, 0);
    town.sleep(SECOND);
    let swept = town.engine.sweep_once(town.now).await.expect("sound");
    assert_eq!((swept.changed, swept.late), (1, vec![Duration::from_secs(5)]));
}
