//! Coming, going, coming back.

use reflector_core::engine::{Announcer, Input};
use reflector_core::lifecycle::{Announcement, Event};
use reflector_core::provider::{CloseAnswer, HowToClose, Known, PresenceAnswer, RoomRef, VideoProvider};
use reflector_core::store::Source;
use reflector_core::testing::{Fault, Flaky};

use super::*;

fn is_grace(phase: &Phase) -> bool {
    matches!(phase, Phase::Grace { .. })
}

fn reference(meeting: &Meeting) -> RoomRef {
    RoomRef { name: format!("{}-", name(meeting)), external_id: None }
}

#[tokio::test]
async fn two_tabs_are_two_people_and_the_last_to_leave_begins_the_grace() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let (mut ada, first, humans) = world.join(&meeting).await;
    assert_eq!(humans, 1);
    assert_eq!(world.load(meeting.id).await.life.phase.humans(), 1, "it is told before the welcome");
    let (bob, second, humans) = world.join(&meeting).await;
    assert_eq!(humans, 2);
    assert_ne!(first, second);
    assert_eq!(ada.hear().await, Ok(json!({ "humans": 2 })));
    bob.close().await;
    assert_eq!(ada.hear().await, Ok(json!({ "humans": 1 })));
    world.sees(meeting.id, |phase| phase.humans() == 1).await;
    ada.close().await;
    world.sees(meeting.id, is_grace).await;
    let told: Vec<_> = world.history(meeting.id).await.iter().map(|entry| entry.event.name()).collect();
    assert_eq!(
        told[told.len() - 4..],
        ["participant_joined", "participant_joined", "participant_left", "participant_left"]
    );
}

#[tokio::test]
async fn a_tab_that_gives_no_sign_of_life_is_taken_to_have_left() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let (mut ada, ..) = world.join(&meeting).await;
    let (_silent, ..) = world.join(&meeting).await;
    assert_eq!(ada.hear().await, Ok(json!({ "humans": 2 })));
    for _ in 0..3 {
        world.clock.pass(Duration::from_secs(6));
        // The answer to the first of them has been taken when the third one comes.
        ada.hear_pings(3).await;
    }
    world.clock.pass(Duration::from_secs(2));
    assert_eq!(ada.hear().await, Ok(json!({ "humans": 1 })));
    world.sees(meeting.id, |phase| phase.humans() == 1).await;
}

#[tokio::test]
async fn a_tab_that_comes_back_after_its_line_broke_neither_leaves_nor_joins() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let (ada, connection, _) = world.join(&meeting).await;
    let (mut bob, ..) = world.join(&meeting).await;
    let entries = world.history(meeting.id).await.len();
    drop(ada);
    // The server has noticed the broken line once the connection may go on: until then it would be another one.
    let (_ada, again, humans) = timeout(PATIENCE, async {
        loop {
            let (tab, again, humans) = world.return_as(&meeting, Some(&connection)).await;
            if again == connection {
                return (tab, again, humans);
            }
            tab.close().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(again, connection);
    assert_eq!(humans, 2);
    bob.hear_pings(3).await;
    assert_eq!(world.history(meeting.id).await.len(), entries);
}

#[tokio::test]
async fn a_tab_whose_line_broke_and_that_does_not_come_back_has_left() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let (ada, ..) = world.join(&meeting).await;
    drop(ada);
    let answer =
        world.builtin.close_room(&reference(&meeting), HowToClose::IfEmpty, &Known::default()).await.unwrap();
    assert_eq!(answer, CloseAnswer::StillOccupied { humans: 1, facts: Vec::new() });
    assert!(world.load(meeting.id).await.life.phase.is_live());
    world.clock.pass(Duration::from_secs(20));
    world.sees(meeting.id, is_grace).await;
}

#[tokio::test]
async fn a_duplicated_tab_is_one_of_its_own() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let (_ada, connection, _) = world.join(&meeting).await;
    let (_copy, other, humans) = world.return_as(&meeting, Some(&connection)).await;
    assert_ne!(other, connection);
    assert_eq!(humans, 2);
}

#[tokio::test]
async fn a_leaving_outlives_an_illness_of_the_store() {
    let ill = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let store = {
        let ill = ill.clone();
        Flaky::new(Arc::new(MemoryStore::new()), move |call| {
            (call.method == "commit" && ill.load(Ordering::SeqCst)).then_some(Fault::Before)
        })
    };
    let world = World::over(Moved::new(), Arc::new(store)).await;
    let meeting = world.meeting().await;
    let (ada, ..) = world.join(&meeting).await;
    let (mut bob, ..) = world.join(&meeting).await;
    ill.store(true, Ordering::SeqCst);
    ada.close().await;
    assert_eq!(bob.hear().await, Ok(json!({ "humans": 1 })));
    bob.close().await;
    assert_eq!(world.load(meeting.id).await.life.phase.humans(), 2);
    ill.store(false, Ordering::SeqCst);
    world.sees(meeting.id, is_grace).await;
}

#[tokio::test]
async fn an_announced_close_reaches_those_who_are_in_and_is_taken_back() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let (mut ada, ..) = world.join(&meeting).await;
    let closes_at = sample::at(600);
    let announcement = Announcement::ClosingSoon { closes_at };
    world.builtin.announce(&meeting, &announcement).await.unwrap();
    assert_eq!(ada.hear().await, Ok(json!({ "closing_soon": closes_at })));
    // It is not due for a day, so the next look at it takes the announcement back.
    assert_eq!(ada.hear().await, Ok(json!({ "closing_soon": null })));
}

#[tokio::test]
async fn who_comes_late_is_told_that_the_meeting_closes_soon() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let (closes_at, _) = reflector_core::lifecycle::hard_deadline(&meeting.life, &Policy::default());
    world.clock.pass(closes_at.since(world.clock.now()) - Duration::from_secs(5 * 60));
    let (mut ada, ..) = world.join(&meeting).await;
    assert_eq!(ada.hear().await, Ok(json!({ "closing_soon": closes_at })));
}

#[tokio::test]
async fn a_meeting_that_is_ended_tells_everybody_and_lets_nobody_in() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let (mut ada, ..) = world.join(&meeting).await;
    let late = world.token(&meeting).await;
    let mut bob = world.knock(&meeting, None).await.unwrap();
    let now = world.clock.now();
    world.engine.apply(meeting.id, &Input::of(Event::EndRequested, Source::Api), now).await.unwrap();
    world.engine.dispatch_meeting(meeting.id, now).await.unwrap();
    assert!(world.load(meeting.id).await.life.phase.is_closed());
    bob.say(&json!({ "token": late })).await;
    for tab in [&mut ada, &mut bob] {
        assert_eq!(tab.hear().await, Ok(json!({ "closed": true })));
        assert_eq!(tab.hear().await, Err(Some(1000)));
    }
    assert!(world.builtin.admit(name(&meeting), "late", now).await.is_err());
}

#[tokio::test]
async fn a_server_that_stops_sends_everybody_away_and_reports_nobody_as_having_left() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let (mut ada, ..) = world.join(&meeting).await;
    let entries = world.history(meeting.id).await.len();
    let (heard, ()) = tokio::join!(ada.hear(), world.meet.stop());
    assert_eq!(heard, Err(Some(1001)));
    assert_eq!(world.history(meeting.id).await.len(), entries);
    assert_eq!(world.load(meeting.id).await.life.phase.humans(), 1);
}

#[tokio::test]
async fn after_a_restart_nothing_is_said_of_older_rooms_until_people_have_come_back() {
    let before = World::new().await;
    let meeting = before.meeting().await;
    let (_ada, connection, _) = before.join(&meeting).await;
    before.join(&meeting).await;
    before.meet.stop().await;
    before.clock.pass(Duration::from_secs(5));
    let after = World::over(before.clock.clone(), before.store.clone()).await;
    let (room, known) = (reference(&meeting), Known::default());
    let if_empty = after.builtin.close_room(&room, HowToClose::IfEmpty, &known).await.unwrap();
    assert_eq!(if_empty, CloseAnswer::Unknown);
    let (ada, _, humans) = after.return_as(&meeting, Some(&connection)).await;
    assert_eq!(humans, 1);
    let unknown = PresenceAnswer::Snapshot(reflector_core::lifecycle::Presence::Unknown);
    assert_eq!(after.builtin.presence(&room, &known).await.unwrap(), unknown);
    // The other one never comes back: when the last one leaves, nobody is in.
    ada.close().await;
    after.sees(meeting.id, is_grace).await;
    after.clock.pass(Duration::from_secs(30));
    let if_empty = after.builtin.close_room(&room, HowToClose::IfEmpty, &known).await.unwrap();
    assert_eq!(if_empty, CloseAnswer::Gone);
}

#[tokio::test]
async fn after_a_restart_a_room_that_people_were_in_is_empty_and_not_missing() {
    let before = World::new().await;
    let meeting = before.meeting().await;
    let (_ada, ..) = before.join(&meeting).await;
    before.meet.stop().await;
    let after = World::over(before.clock.clone(), before.store.clone()).await;
    // Nobody comes back; the silence is long enough for the engine to ask.
    after.clock.pass(Duration::from_secs(15 * 60));
    let now = after.clock.now();
    after.engine.sweep_once(now).await.unwrap();
    after.engine.dispatch_meeting(meeting.id, now).await.unwrap();
    assert_eq!(after.load(meeting.id).await.life.phase, Phase::Grace { since: now });
}
