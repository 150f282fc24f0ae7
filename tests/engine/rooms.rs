//! Joining, and who is on the way in (rule L6).

use reflector_core::lifecycle::{Event, Ignored, Phase};
use reflector_core::store::MeetingStore;

use crate::town::{MINUTE, SECOND, Town};

#[tokio::test]
async fn somebody_on_the_way_in_puts_the_close_off() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.pass(15 * MINUTE - SECOND).await;
    assert_eq!(town.tell(id, Event::JoinRequested).await, None);
    town.pass(44 * SECOND).await;
    assert!(town.phase(id).await.is_active());
    town.pass(SECOND).await;
    assert!(town.phase(id).await.is_closed());
}

#[tokio::test]
async fn an_abandoned_tab_cannot_pin_a_meeting_open() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    let deadline = town.now + 15 * MINUTE;
    while town.phase(id).await.is_active() {
        town.tell(id, Event::JoinRequested).await;
        town.pass(20 * SECOND).await;
        assert!(town.now < deadline + 5 * MINUTE, "it is pinned open");
    }
}

#[tokio::test]
async fn a_second_asking_within_half_a_lease_commits_nothing() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.pass(MINUTE).await;
    town.tell(id, Event::JoinRequested).await;
    let before = town.load(id).await.version;
    town.pass(10 * SECOND).await;
    assert_eq!(town.tell(id, Event::JoinRequested).await, Some(Ignored::LeaseFresh));
    assert_eq!(town.load(id).await.version, before);
}

#[tokio::test]
async fn asking_to_join_a_meeting_that_is_closing_for_emptiness_brings_it_back() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    let left = town.now;
    town.sleep(15 * MINUTE);
    town.engine.sweep_once(town.now).await.expect("sound");
    assert_eq!(town.tell(id, Event::JoinRequested).await, None);
    assert_eq!(town.phase(id).await, Phase::Grace { since: left });
    assert_eq!(town.store.next_due().await.expect("sound"), Some(town.now + 45 * SECOND));
}

#[tokio::test]
async fn while_a_meeting_closes_for_emptiness_somebody_who_wants_to_meet_gets_a_new_one() {
    let mut town = Town::new().await;
    let first = town.meet().await;
    town.joins(first, "ann").await;
    town.leaves(first, "ann").await;
    town.sleep(15 * MINUTE);
    town.engine.sweep_once(town.now).await.expect("sound");
    let second = town.meet().await;
    assert_ne!(first, second);
    town.work().await;
    assert!(town.phase(first).await.is_closed());
    assert!(town.phase(second).await.is_active());
}
