//! The failures of other systems that an engine can have, by the names they are known under.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reflector_core::Role;
use reflector_core::engine::{Input, RoomFate};
use reflector_core::lifecycle::{CloseReason, Event, Phase, Policy};
use reflector_core::provider::HowToClose;
use reflector_core::store::{MeetingStore, RoomStore, Source, Store};
use reflector_core::testing::{Failure, FakeProvider, Fault, Flaky, ProviderCall};

use crate::town::{MINUTE, SECOND, Town, engine_on};

#[tokio::test]
async fn the_join_webhook_that_lands_between_a_sweeps_read_and_its_write() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.sleep(15 * MINUTE);
    // The sweep's commit meets a conflict, and before it reads again the join is there.
    let first = AtomicBool::new(true);
    let flaky = Flaky::new(Arc::clone(&town.store), move |call| {
        (call.method == "commit" && first.swap(false, Ordering::SeqCst)).then_some(Fault::Conflict)
    });
    let other = engine_on(Arc::new(flaky), &town.video, "town", Policy::default());
    let message = town.video.join(&town.place(id), "ben", Role::Human, town.now).expect("the room is there");
    town.receive(&message).await;
    other.sweep_once(town.now).await.expect("sound");
    assert_eq!(town.phase(id).await.humans(), 1);
}

#[tokio::test]
async fn a_sweep_that_conflicts_judges_the_meeting_as_it_stands_then() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.sleep(15 * MINUTE);
    let store = Arc::clone(&town.store);
    let stale = store.load(id).await.expect("sound").expect("it is kept");
    town.joins(id, "ben").await;
    let commit = reflector_core::store::Commit {
        notices: Vec::new(),
        expected: stale.version,
        meeting: stale.meeting,
        due: None,
        effects: Vec::new(),
        superseded: Vec::new(),
        delivery: None,
        entries: Vec::new(),
    };
    assert_eq!(store.commit(commit).await.expect("sound"), reflector_core::store::Committed::Conflict);
    town.work().await;
    assert_eq!(town.phase(id).await.humans(), 1);
}

#[tokio::test]
async fn a_meeting_that_cannot_be_woken_stops_the_sweep_for_no_other() {
    let mut town = Town::new().await;
    for n in 0..3 {
        town.schedule(Duration::ZERO, 5 * MINUTE, Some(&format!("meeting {n}"))).await;
    }
    town.sleep(5 * MINUTE);
    let first = AtomicBool::new(true);
    let flaky = Flaky::new(Arc::clone(&town.store), move |call| {
        (call.method == "commit" && first.swap(false, Ordering::SeqCst)).then_some(Fault::Before)
    });
    let engine = engine_on(Arc::new(flaky), &town.video, "town", Policy::default());
    let swept = engine.sweep_once(town.now).await.expect("only one of them fails");
    assert_eq!((swept.due, swept.failed.len(), swept.changed), (3, 1, 2));
}

#[tokio::test]
async fn one_failing_provider_call_that_stops_the_sweep_for_all_meetings() {
    let mut town = Town::new().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(town.schedule(Duration::ZERO, 5 * MINUTE, Some(&format!("meeting {n}"))).await);
    }
    town.video.fail_room(&town.place(ids[2]), Some(Failure::Before));
    town.pass(5 * MINUTE).await;
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(town.phase(*id).await.is_closed(), n != 2, "meeting {n}");
    }
}

#[tokio::test]
async fn the_provider_outage_that_looks_like_everybody_leaving() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.video.fail(Some(Failure::Before));
    town.pass(6 * 60 * MINUTE).await;
    assert_eq!(town.phase(id).await.humans(), 1);
    assert!(
        town.video.count(|call| matches!(call, ProviderCall::Presence(_))) >= 3,
        "it was asked all the while"
    );
    assert_eq!(town.video.put_out().unforced, 0);
}

#[tokio::test]
async fn the_lost_left_that_keeps_a_room_open_for_hours() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.video.leave(&town.place(id), "ann", town.now).expect("she was in; the message is lost");
    town.pass(15 * MINUTE).await;
    assert!(
        matches!(town.phase(id).await, Phase::Grace { .. }),
        "the provider was asked, and told the truth"
    );
    town.pass(15 * MINUTE).await;
    assert!(town.phase(id).await.is_closed());
}

#[tokio::test]
async fn the_close_that_is_still_owed_after_somebody_came_back() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.sleep(15 * MINUTE);
    town.engine.sweep_once(town.now).await.expect("sound");
    assert!(matches!(town.phase(id).await, Phase::Closing { .. }));
    town.joins(id, "ann again").await;
    assert_eq!(town.phase(id).await.humans(), 1);
    town.work().await;
    assert_eq!(
        town.video.count(|call| matches!(call, ProviderCall::Close(..))),
        0,
        "nothing was asked to close"
    );
}

#[tokio::test]
async fn a_close_that_was_claimed_before_somebody_came_back_is_not_carried_out() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.sleep(15 * MINUTE);
    town.engine.sweep_once(town.now).await.expect("sound");
    let claimed = town.engine.claim_owed(None, 10, town.now).await.expect("sound");
    town.joins(id, "ann again").await;
    for claimed in &claimed {
        town.engine.carry_out(claimed, town.now).await;
    }
    assert_eq!(claimed.len(), 1);
    assert_eq!(town.video.count(|call| matches!(call, ProviderCall::Close(..))), 0);
    assert_eq!(town.phase(id).await.humans(), 1);
}

#[tokio::test]
async fn a_close_if_empty_that_finds_somebody_whose_message_was_lost_brings_the_meeting_back() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.video.join(&town.place(id), "ben", Role::Human, town.now).expect("he is in; the message is lost");
    town.pass(15 * MINUTE).await;
    assert_eq!(town.phase(id).await.humans(), 1);
    assert_eq!(town.video.count(|call| matches!(call, ProviderCall::Close(_, HowToClose::IfEmpty))), 1);
    assert_eq!(town.video.put_out().unforced, 0);
}

#[tokio::test]
async fn a_close_if_empty_that_finds_somebody_tells_the_history_when_they_came_where_the_provider_knows() {
    let mut town = Town::with(FakeProvider::telling_facts(), Policy::default()).await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.pass(5 * MINUTE).await;
    town.video.join(&town.place(id), "ben", Role::Human, town.now).expect("he is in; the message is lost");
    let came_at = town.now;
    town.pass(10 * MINUTE).await;
    let history = town.store.history(id, 0, 1000).await.expect("sound");
    let last = history.last().expect("much has happened");
    assert!(matches!(last.event, Event::ParticipantJoined(_)), "{last:?}");
    assert_eq!((last.at, last.phase.humans()), (came_at, 1));
}

#[tokio::test]
async fn the_staging_deployment_that_deletes_productions_rooms() {
    let mut production = Town::new().await;
    let id = production.meet().await;
    // Staging has the same account at the provider, and a store of its own; once with a name of its own, once without.
    for deployment in ["staging", "town"] {
        let staging = Town::with(production.video.clone(), Policy::default()).await;
        let engine = engine_on(
            Arc::clone(&staging.store) as Arc<dyn Store>,
            &production.video,
            deployment,
            Policy::default(),
        );
        let reconciled = engine.reconcile_once().await.expect("sound");
        assert!(reconciled.rooms.iter().all(|(_, _, fate)| *fate == RoomFate::Stranger), "{reconciled:?}");
    }
    assert!(production.video.is_there(&production.place(id)));
}

#[tokio::test]
async fn a_room_whose_meeting_waits_for_people_is_left_alone() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    let reconciled = town.engine.reconcile_once().await.expect("sound");
    assert_eq!(reconciled.rooms.iter().map(|(_, _, fate)| *fate).collect::<Vec<_>>(), [RoomFate::Needed]);
    assert!(town.video.is_there(&town.place(id)));
}

#[tokio::test]
async fn a_room_that_no_meeting_needs_any_more_is_found_and_ended() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.video.fail(Some(Failure::AfterDoing));
    town.pass(30 * MINUTE).await;
    // The close took place, its answer was lost; meanwhile the provider made the room again by a late call.
    town.video.fail(None);
    town.pass(10 * MINUTE).await;
    assert!(town.phase(id).await.is_closed());
    let late = reflector_core::provider::RoomOrder {
        meeting_id: id,
        name: town.place(id),
        room_name: town.room.name.clone(),
        expires_at: town.now,
        settings: town.room.settings,
        asked_before: false,
    };
    reflector_core::provider::VideoProvider::open_room(&town.video, &late).await.expect("it is well");
    let reconciled = town.engine.reconcile_once().await.expect("sound");
    assert_eq!(reconciled.rooms.iter().map(|(_, _, fate)| *fate).collect::<Vec<_>>(), [RoomFate::Ended]);
    assert!(!town.video.is_there(&town.place(id)));
}

#[tokio::test]
async fn an_opening_that_fails_for_two_minutes_is_given_up_and_its_orphan_is_ended() {
    let mut town = Town::new().await;
    town.video.fail(Some(Failure::AfterDoing));
    let id = town.meet().await;
    assert!(town.video.is_there(&town.place(id)), "it was made, and the answer was lost");
    town.pass(2 * MINUTE).await;
    assert_eq!(town.phase(id).await.close_reason(), Some(CloseReason::ProviderUnavailable));
    town.video.fail(None);
    town.pass(10 * MINUTE).await;
    assert!(!town.video.is_there(&town.place(id)));
}

#[tokio::test]
async fn an_opening_whose_answer_was_lost_adopts_the_room_that_is_there() {
    let mut town = Town::new().await;
    town.video.fail(Some(Failure::AfterDoing));
    let id = town.meet().await;
    town.video.fail(None);
    town.pass(10 * SECOND).await;
    assert!(town.phase(id).await.is_active());
    assert_eq!(town.video.room_names().len(), 1);
}

#[tokio::test]
async fn a_provider_that_refuses_closes_the_meeting_at_once() {
    let mut town = Town::new().await;
    town.video.fail(Some(Failure::Refuses));
    let id = town.meet().await;
    assert_eq!(town.phase(id).await.close_reason(), Some(CloseReason::ProviderRefused));
}

#[tokio::test]
async fn a_lost_room_counts_as_ended_only_when_it_is_missed_twice() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.video.forget(&town.place(id));
    town.pass(15 * MINUTE).await;
    assert!(town.phase(id).await.is_active(), "once may be a slip");
    town.pass(30 * SECOND).await;
    assert_eq!(town.phase(id).await.close_reason(), Some(CloseReason::EndedAtProvider));
}

#[tokio::test]
async fn a_room_is_not_deleted_while_people_meet_in_it_unless_their_end_is_asked_for() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    let refused = town.engine.remove_room(town.room.id, false, town.now).await.expect("sound");
    assert_eq!(refused, reflector_core::engine::RoomRemoval::HasOpenMeetings(vec![id]));
    let removed = town.engine.remove_room(town.room.id, true, town.now).await.expect("sound");
    assert_eq!(removed, reflector_core::engine::RoomRemoval::Deleted);
    town.work().await;
    assert!(town.phase(id).await.is_closed());
    assert_eq!(town.store.find_room(&town.room.name).await.expect("sound"), None, "the name is free");
    let late = town.engine.apply(id, &Input::of(Event::JoinRequested, Source::Api), town.now).await;
    assert!(late.is_ok(), "its meetings and their history stay");
}
