//! What a calendar and an owner change (rules L9, L16 and L17).

use std::sync::Arc;
use std::time::Duration;

use reflector_core::engine::RoomFate;
use reflector_core::lifecycle::{CloseReason, Event, Ignored, Phase, Policy};
use reflector_core::store::{MeetingStore, RoomStore, Source, Store};
use reflector_core::{Role, Room, RoomPolicy};

use crate::town::{MINUTE, SECOND, Town, engine_on};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_scheduled_meeting_made_ahead_of_its_time_is_not_closed_before_its_end() {
    let mut town = Town::new().await;
    let id = town.schedule(24 * HOUR, 25 * HOUR, Some("tomorrow")).await;
    town.joins(id, "early bird").await;
    town.leaves(id, "early bird").await;
    town.pass(25 * HOUR - SECOND).await;
    assert!(town.phase(id).await.is_active());
    town.pass(SECOND).await;
    assert_eq!(town.phase(id).await.close_reason(), Some(CloseReason::NeverJoined));
}

#[tokio::test]
async fn two_makers_of_an_occurrence_get_the_same_meeting_and_the_later_dates() {
    let mut town = Town::new().await;
    let first = town.schedule(HOUR, 2 * HOUR, Some("planning")).await;
    let second = town.schedule(HOUR, 3 * HOUR, Some("planning")).await;
    assert_eq!(first, second);
    let meeting = town.load(first).await.meeting;
    assert_eq!(meeting.life.schedule.end, town.now + 3 * HOUR);
    assert_eq!(meeting.calendar_event_id.as_deref(), Some("planning"));
    let history = town.store.history(first, 0, 1).await.expect("sound");
    assert_eq!(history[0].source, Source::Calendar);
}

#[tokio::test]
async fn an_occurrence_whose_meeting_has_ended_gets_a_new_one() {
    let mut town = Town::new().await;
    let first = town.schedule(Duration::ZERO, HOUR, Some("planning")).await;
    town.tell(first, Event::EndRequested).await;
    let second = town.schedule(Duration::ZERO, HOUR, Some("planning")).await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_cancelled_meeting_that_nobody_is_in_closes_and_an_occupied_one_goes_on() {
    let mut town = Town::new().await;
    let empty = town.schedule(HOUR, 2 * HOUR, Some("empty")).await;
    let occupied = town.schedule(Duration::ZERO, HOUR, Some("occupied")).await;
    town.joins(occupied, "ann").await;
    town.tell(empty, Event::Cancelled).await;
    town.tell(occupied, Event::Cancelled).await;
    town.work().await;
    assert_eq!(town.phase(empty).await.close_reason(), Some(CloseReason::Cancelled));
    town.pass(3 * HOUR).await;
    assert_eq!(town.phase(occupied).await.humans(), 1, "it is an unscheduled meeting now");
}

#[tokio::test]
async fn a_meeting_that_was_cancelled_while_people_were_in_keeps_its_grace_when_they_leave() {
    let mut town = Town::new().await;
    let id = town.schedule(Duration::ZERO, HOUR, Some("cancelled")).await;
    town.joins(id, "ann").await;
    town.tell(id, Event::Cancelled).await;
    town.leaves(id, "ann").await;
    town.pass(15 * MINUTE - SECOND).await;
    assert!(matches!(town.phase(id).await, Phase::Grace { .. }));
    town.pass(SECOND).await;
    assert_eq!(town.phase(id).await.close_reason(), Some(CloseReason::GraceExpired));
}

#[tokio::test]
async fn an_empty_meeting_moved_beyond_its_provider_room_gets_another_room_and_the_old_one_is_ended() {
    let mut town = Town::new().await;
    let id = town.schedule(Duration::ZERO, HOUR, Some("moved")).await;
    let old = town.place(id);
    town.tell(
        id,
        Event::Rescheduled { start: Some(town.now + 100 * HOUR), end: Some(town.now + 101 * HOUR) },
    )
    .await;
    assert!(town.phase(id).await.is_opening());
    town.work().await;
    assert!(matches!(town.phase(id).await, Phase::Waiting { .. }));
    let new = town.engine.settings().deployment.room(id, 1);
    assert!(town.video.is_there(&new));
    assert!(!town.video.is_there(&old));
}

#[tokio::test]
async fn who_comes_and_goes_in_the_room_that_a_meeting_had_before_is_no_news_of_the_one_it_has() {
    let mut town = Town::new().await;
    let id = town.schedule(Duration::ZERO, HOUR, Some("moved")).await;
    let late = town.video.join(&town.place(id), "ann", Role::Human, town.now).expect("the room is there");
    let (start, end) = (town.now + 100 * HOUR, town.now + 101 * HOUR);
    town.tell(id, Event::Rescheduled { start: Some(start), end: Some(end) }).await;
    town.work().await;
    let waiting = town.phase(id).await;
    assert!(matches!(waiting, Phase::Waiting { .. }));
    town.receive(&late).await;
    assert_eq!(town.phase(id).await, waiting);
}

#[tokio::test]
async fn who_comes_into_the_room_that_a_meeting_had_while_the_next_is_made_is_not_in_the_next() {
    let mut town = Town::new().await;
    let id = town.schedule(Duration::ZERO, HOUR, Some("moved")).await;
    let (start, end) = (town.now + 100 * HOUR, town.now + 101 * HOUR);
    town.tell(id, Event::Rescheduled { start: Some(start), end: Some(end) }).await;
    town.joins(id, "ann").await;
    town.work().await;
    assert!(matches!(town.phase(id).await, Phase::Waiting { .. }), "{:?}", town.phase(id).await);
}

#[tokio::test]
async fn the_room_that_a_meeting_had_is_left_over_also_while_the_next_is_not_made_yet() {
    let mut town = Town::new().await;
    let id = town.schedule(Duration::ZERO, HOUR, Some("moved")).await;
    let (start, end) = (town.now + 100 * HOUR, town.now + 101 * HOUR);
    town.tell(id, Event::Rescheduled { start: Some(start), end: Some(end) }).await;
    assert!(town.phase(id).await.is_opening());
    let reconciled = town.engine.reconcile_once().await.expect("sound");
    assert_eq!(reconciled.rooms.iter().map(|(_, _, fate)| *fate).collect::<Vec<_>>(), [RoomFate::Ended]);
    assert!(!town.video.is_there(&town.place(id)));
}

#[tokio::test]
async fn an_occupied_meeting_refuses_to_be_moved_beyond_its_provider_room_and_names_the_latest_end() {
    let mut town = Town::new().await;
    let id = town.schedule(Duration::ZERO, HOUR, Some("long")).await;
    town.joins(id, "ann").await;
    let refused = town.tell(id, Event::Rescheduled { start: None, end: Some(town.now + 100 * HOUR) }).await;
    let Some(Ignored::BeyondProvider { latest_end }) = refused else { panic!("{refused:?}") };
    assert_eq!(town.tell(id, Event::Rescheduled { start: None, end: Some(latest_end) }).await, None);
}

#[tokio::test]
async fn a_changed_room_policy_is_applied_to_a_timer_that_runs() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.pass(5 * MINUTE).await;
    let policy = RoomPolicy { grace: Some(3 * MINUTE), ..town.room.policy };
    town.store.update_room(Room { policy, ..town.room.clone() }).await.expect("sound");
    assert_eq!(town.engine.refit_once().await.expect("sound"), 1);
    assert_eq!(town.engine.refit_once().await.expect("sound"), 0);
    town.work().await;
    assert_eq!(town.phase(id).await.close_reason(), Some(CloseReason::GraceExpired));
}

#[tokio::test]
async fn a_changed_deployment_policy_is_applied_to_timers_that_run() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    let policy = Policy { grace: 60 * MINUTE, ..Policy::default() };
    let store = Arc::clone(&town.store) as Arc<dyn Store>;
    town.engine = engine_on(store, &town.video, "town", policy);
    while town.engine.refit_once().await.expect("sound") > 0 {}
    town.pass(60 * MINUTE - SECOND).await;
    assert!(town.phase(id).await.is_active());
    town.pass(SECOND).await;
    assert!(town.phase(id).await.is_closed());
}

#[tokio::test]
async fn an_extended_meeting_is_closed_by_force_that_much_later() {
    let mut town = Town::new().await;
    let id = town.schedule(Duration::ZERO, HOUR, None).await;
    town.joins(id, "ann").await;
    town.pass(80 * MINUTE).await;
    town.tell(id, Event::Rescheduled { start: None, end: Some(town.now + HOUR) }).await;
    town.pass(90 * MINUTE - SECOND).await;
    assert_eq!(town.phase(id).await.humans(), 1);
    town.pass(SECOND).await;
    assert_eq!(town.phase(id).await.close_reason(), Some(CloseReason::Overtime));
}
