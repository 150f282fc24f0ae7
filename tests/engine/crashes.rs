//! Every step fails once, before and after it was done, and the meeting ends as if nothing had happened.

use std::sync::Arc;

use reflector_core::lifecycle::{CloseReason, Phase, Policy, replay};
use reflector_core::store::MeetingStore;
use reflector_core::testing::{Fault, Flaky};
use reflector_core::{MeetingId, Role};

use crate::town::{MINUTE, SECOND, Town, engine_on};

/// A whole life over a store that fails once; whoever is refused tries again. Answers how many calls it took.
async fn life_with(failing: u64, fault: Fault) -> (u64, Town, MeetingId) {
    let mut town = Town::new().await;
    let flaky = Arc::new(Flaky::failing_at(Arc::clone(&town.store), failing, fault));
    let engine = engine_on(Arc::clone(&flaky) as _, &town.video, "town", Policy::default());
    let id = town.new_id();

    let mut made = engine.current_meeting(&town.room, &Town::name(), id, town.now).await;
    if made.is_err() {
        made = engine.current_meeting(&town.room, &Town::name(), id, town.now).await;
    }
    made.expect("it fails once");
    turn(&engine, &mut town).await;
    for (who, joins) in [("ann", true), ("ann", false)] {
        let place = town.place(id);
        let message = if joins {
            town.video.join(&place, who, Role::Human, town.now)
        } else {
            town.video.leave(&place, who, town.now)
        };
        let message = message.expect("the room is there");
        // A sender that is told 503 sends it again.
        if engine.receive(&Town::name(), &message, &message.body, town.now).await.is_err() {
            let again = engine.receive(&Town::name(), &message, &message.body, town.now + SECOND).await;
            again.expect("it fails once");
        }
        town.sleep(MINUTE);
    }
    town.sleep(15 * MINUTE);
    for _ in 0..8 {
        turn(&engine, &mut town).await;
    }
    (flaky.calls(), town, id)
}

/// One turn of the loops. What fails is left to the next turn, later than any claim lasts.
async fn turn(engine: &reflector_core::engine::Engine, town: &mut Town) {
    for _ in 0..3 {
        let _ = engine.sweep_once(town.now).await;
        let _ = engine.dispatch_once(town.now).await;
        town.sleep(70 * SECOND);
    }
    town.now = town.now - 210 * SECOND + 61 * SECOND * 3;
}

#[tokio::test]
async fn a_life_in_which_any_one_call_of_the_store_fails_ends_like_one_in_which_none_does() {
    let (calls, _, _) = life_with(u64::MAX, Fault::Before).await;
    assert!(calls > 30, "the story is too short: {calls} calls");
    for failing in 0..calls {
        for fault in [Fault::Before, Fault::After, Fault::Conflict] {
            let (_, town, id) = life_with(failing, fault).await;
            let phase = town.phase(id).await;
            let Phase::Closed { reason, .. } = phase else {
                panic!("call {failing} failed {fault:?}: {phase:?} {:?}", town.story(id).await)
            };
            assert_eq!(reason, CloseReason::GraceExpired, "call {failing} failed {fault:?}");
            assert!(
                !town.video.is_there(&town.place(id)),
                "call {failing} failed {fault:?}: the room is left"
            );
            let history = town.store.history(id, 0, 1000).await.expect("sound");
            let told = replay(history.iter().map(|entry| (&entry.event, entry.recorded_at, &entry.policy)));
            assert_eq!(told, Some(town.load(id).await.meeting.life), "call {failing} failed {fault:?}");
        }
    }
}
