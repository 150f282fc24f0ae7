//! The life of a meeting from its room's making to its end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use reflector_core::engine::{AnnounceError, Announcer, CurrentMeeting, Settings};
use reflector_core::lifecycle::{Announcement, CloseMode, CloseReason, Effect, Event, Phase, Policy, replay};
use reflector_core::provider::HowToClose;
use reflector_core::store::{MeetingStore, Store};
use reflector_core::testing::{Failure, FakeProvider, ProviderCall, PutOut};
use reflector_core::{Meeting, MeetingId, admission};
use uuid::Uuid;

use crate::town::{MINUTE, SECOND, Town, engine_with};

#[tokio::test]
async fn a_meeting_lives_waits_in_grace_comes_back_and_closes() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    assert!(matches!(town.phase(id).await, Phase::Waiting { .. }));
    town.joins(id, "ann").await;
    town.joins(id, "ben").await;
    assert_eq!(town.phase(id).await.humans(), 2);
    town.pass(MINUTE).await;
    town.leaves(id, "ann").await;
    town.leaves(id, "ben").await;
    assert_eq!(town.phase(id).await.last_left_at(), Some(town.now));
    town.pass(14 * MINUTE).await;
    town.joins(id, "ann again").await;
    assert_eq!(town.phase(id).await.last_left_at(), None);
    town.leaves(id, "ann again").await;
    town.pass(15 * MINUTE - SECOND).await;
    assert!(town.phase(id).await.is_active());
    assert_eq!(town.phase(id).await.closed_at(), None);
    town.pass(SECOND).await;
    assert_eq!(town.phase(id).await, Phase::Closed { reason: CloseReason::GraceExpired, at: town.now });
    assert_eq!(town.phase(id).await.closed_at(), Some(town.now));
    assert!(!town.video.is_there(&town.place(id)));
    assert_eq!(
        town.story(id).await.last().map(String::as_str),
        Some("room_closed → closed"),
        "{:?}",
        town.story(id).await
    );
}

#[tokio::test]
async fn a_life_is_told_again_from_its_history() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.pass(5 * MINUTE).await;
    town.leaves(id, "ann").await;
    town.tell(id, Event::JoinRequested).await;
    town.pass(60 * MINUTE).await;
    let history = town.store.history(id, 0, 1000).await.expect("sound");
    let told = replay(history.iter().map(|entry| (&entry.event, entry.recorded_at, &entry.policy)));
    assert_eq!(told, Some(town.load(id).await.meeting.life));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_callers_at_once_get_one_meeting_and_the_provider_is_asked_for_one_room() {
    let town = Town::new().await;
    let store = Arc::clone(&town.store) as Arc<dyn Store>;
    let engine = Arc::new(engine_with(store, Arc::new(town.video.clone()), "town", Policy::default()));
    let callers: Vec<_> = (0..20)
        .map(|n| {
            let (engine, room, now) = (Arc::clone(&engine), town.room.clone(), town.now);
            tokio::spawn(async move {
                let id = MeetingId(Uuid::from_u128(n));
                let current = engine.current_meeting(&room, &Town::name(), id, now).await.expect("sound");
                let CurrentMeeting::Is(loaded) = current else { panic!("the room is there") };
                engine.dispatch_meeting(loaded.meeting.id, now).await.expect("sound");
                loaded.meeting.id
            })
        })
        .collect();
    let mut ids = HashSet::new();
    for caller in callers {
        ids.insert(caller.await.expect("no caller panics"));
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(town.video.count(|call| matches!(call, ProviderCall::Open(_))), 1);
    assert_eq!(town.store.open_meetings(town.room.id).await.expect("sound").len(), 1);
}

#[tokio::test]
async fn two_meetings_of_a_room_live_their_own_lives() {
    let mut town = Town::new().await;
    let first = town.meet().await;
    town.joins(first, "ann").await;
    let second = town.schedule(Duration::ZERO, 30 * MINUTE, Some("planning")).await;
    town.joins(second, "ben").await;
    town.leaves(first, "ann").await;
    assert!(matches!(town.phase(first).await, Phase::Grace { .. }));
    assert_eq!(town.phase(second).await.humans(), 1);
    town.pass(16 * MINUTE).await;
    assert!(town.phase(first).await.is_closed());
    assert_eq!(town.phase(second).await.humans(), 1);
}

#[tokio::test]
async fn of_a_meeting_of_tomorrow_one_in_overtime_and_a_live_one_the_live_one_is_current() {
    let mut town = Town::new().await;
    town.schedule(24 * 60 * MINUTE, 25 * 60 * MINUTE, Some("tomorrow")).await;
    let overrun = town.schedule(Duration::ZERO, 10 * MINUTE, Some("overrun")).await;
    town.joins(overrun, "ann").await;
    town.pass(20 * MINUTE).await;
    assert_eq!(town.meet().await, overrun, "the one in overtime is occupied, and there is no other");
    let live = town.schedule(Duration::ZERO, 60 * MINUTE, Some("now")).await;
    town.joins(live, "ben").await;
    assert_eq!(town.meet().await, live);
    let open = town.store.open_meetings(town.room.id).await.expect("sound");
    assert_eq!(open.len(), 3);
    let current = admission::current(open.iter().map(|loaded| &loaded.meeting), town.now);
    assert_eq!(current.map(|meeting| meeting.id), Some(live));
}

#[tokio::test]
async fn an_overrunning_meeting_is_announced_and_closed_by_force_at_its_hard_deadline() {
    let mut town = Town::new().await;
    let id = town.schedule(Duration::ZERO, 60 * MINUTE, None).await;
    town.joins(id, "ann").await;
    town.pass(90 * MINUTE - SECOND).await;
    assert_eq!(town.phase(id).await.humans(), 1);
    town.pass(SECOND).await;
    assert_eq!(town.phase(id).await.close_reason(), Some(CloseReason::Overtime));
    assert_eq!(town.video.put_out(), PutOut { unforced: 0, by_force: 1 });
}

mockall::mock! {
    #[derive(Debug)]
    Crier {}
    #[async_trait::async_trait]
    impl Announcer for Crier {
        async fn announce(&self, meeting: &Meeting, announcement: &Announcement) -> Result<(), AnnounceError>;
    }
}

#[tokio::test]
async fn those_who_are_in_are_told_ten_minutes_and_one_minute_before_a_forced_close() {
    let mut town = Town::new().await;
    let closes_at = town.now + 90 * MINUTE;
    let mut crier = MockCrier::new();
    let said = Announcement::ClosingSoon { closes_at };
    crier.expect_announce().withf(move |_, what| *what == said).times(2).returning(|_, _| Ok(()));
    town.engine = town.engine.clone().with_announcer(Arc::new(crier));
    let id = town.schedule(Duration::ZERO, 60 * MINUTE, None).await;
    town.joins(id, "ann").await;
    town.pass(80 * MINUTE).await;
    let due = town.store.next_due().await.expect("sound");
    assert_eq!(
        due,
        Some(closes_at - MINUTE),
        "the first is done, and the second comes a minute before the close"
    );
    town.pass(10 * MINUTE).await;
    assert!(town.phase(id).await.is_closed());
}

#[tokio::test]
async fn a_close_that_is_over_is_not_announced_any_more() {
    let mut town = Town::new().await;
    let mut crier = MockCrier::new();
    crier.expect_announce().never();
    town.engine = town.engine.clone().with_announcer(Arc::new(crier));
    let id = town.schedule(Duration::ZERO, 60 * MINUTE, None).await;
    town.joins(id, "ann").await;
    town.sleep(80 * MINUTE);
    town.engine.sweep_once(town.now).await.expect("sound");
    let claimed = town.engine.claim_owed(Some(id), 8, town.now).await.expect("sound");
    assert!(claimed.iter().any(|work| matches!(work.effect, Effect::Announce(_))), "{claimed:?}");
    // Whoever has it in hand is slow: the close is over by then.
    town.sleep(10 * MINUTE);
    for work in claimed.iter().filter(|work| matches!(work.effect, Effect::Announce(_))) {
        town.engine.carry_out(work, town.now).await;
    }
}

#[tokio::test]
async fn a_provider_that_fails_for_one_meeting_stops_nothing_for_the_others() {
    let mut town = Town::new().await;
    let ids = [
        town.meet().await,
        town.schedule(Duration::ZERO, 10 * MINUTE, Some("a")).await,
        town.schedule(Duration::ZERO, 10 * MINUTE, Some("b")).await,
    ];
    for id in ids {
        town.joins(id, "ann").await;
        town.leaves(id, "ann").await;
    }
    town.video.fail_room(&town.place(ids[1]), Some(Failure::Before));
    town.pass(15 * MINUTE).await;
    assert!(town.phase(ids[0]).await.is_closed());
    assert!(matches!(town.phase(ids[1]).await, Phase::Closing { .. }), "it is neither closed nor forgotten");
    assert!(town.phase(ids[2]).await.is_closed());
    town.video.fail_room(&town.place(ids[1]), None);
    town.pass(10 * MINUTE).await;
    assert!(town.phase(ids[1]).await.is_closed());
}

#[tokio::test]
async fn a_deployment_that_observes_closes_nothing_and_says_what_it_would_have_closed() {
    let policy = Policy { close: CloseMode::Observe, ..Policy::default() };
    let mut town = Town::with(FakeProvider::default(), policy).await;
    let id = town.schedule(Duration::ZERO, 30 * MINUTE, None).await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.pass(3 * 60 * MINUTE).await;
    assert!(matches!(town.phase(id).await, Phase::Grace { .. }));
    assert_eq!(
        town.load(id).await.meeting.life.watch.spared,
        [CloseReason::GraceExpired, CloseReason::Overtime]
    );
    assert_eq!(town.video.count(|call| matches!(call, ProviderCall::Close(..))), 0);

    let acting = Settings { policy: Policy::default(), ..town.engine.settings().clone() };
    let store = Arc::clone(&town.store) as Arc<dyn Store>;
    town.engine = engine_with(store, Arc::new(town.video.clone()), "town", acting.policy);
    while town.engine.refit_once().await.expect("sound") > 0 {}
    town.work().await;
    assert!(town.phase(id).await.is_closed(), "once it may act, it does what is due");
}

#[tokio::test]
async fn an_owner_who_ends_a_meeting_ends_it_for_everybody() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    assert_eq!(town.tell(id, Event::EndRequested).await, None);
    town.work().await;
    assert_eq!(town.phase(id).await.close_reason(), Some(CloseReason::EndedByOwner));
    assert!(town.video.calls().contains(&ProviderCall::Close(town.place(id), HowToClose::Force)));
}
