//! Owed work: taken back when it is owed no more, tried again later and later, and reported as what it came to.

use std::collections::BTreeSet;
use std::time::Duration;

use reflector_core::engine::{Carried, CarryOutcome, NewScheduled};
use reflector_core::lifecycle::{EffectKind, Event, Phase};
use reflector_core::store::{EffectStore, RoomStore};
use reflector_core::testing::{Failure, ProviderCall};

use crate::town::{MINUTE, SECOND, Town, room};

fn asked(town: &Town) -> usize {
    town.video.count(|call| matches!(call, ProviderCall::Presence(_)))
}

#[tokio::test]
async fn a_question_that_came_due_many_times_while_nobody_carried_anything_out_is_asked_once() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    for _ in 0..16 {
        town.sleep(15 * MINUTE);
        town.engine.sweep_once(town.now).await.expect("sound");
    }
    assert!(town.load(id).await.meeting.life.watch.asks > 1, "it came due many times");
    town.work().await;
    assert_eq!(asked(&town), 1);
}

#[tokio::test]
async fn the_lost_left_is_found_although_somebody_asks_to_join_before_the_provider_is_asked() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.video.leave(&town.place(id), "ann", town.now).expect("she was in; the message is lost");
    town.sleep(15 * MINUTE);
    town.engine.sweep_once(town.now).await.expect("sound");
    assert_eq!(town.tell(id, Event::JoinRequested).await, None);
    town.work().await;
    assert!(matches!(town.phase(id).await, Phase::Grace { .. }));
}

#[tokio::test]
async fn a_close_waits_for_no_opening_and_an_opening_for_no_question_that_was_owed_before() {
    let mut town = Town::new().await;
    let asked_about = town.meet().await;
    let ended = town.schedule(Duration::ZERO, 24 * 60 * MINUTE, None).await;
    town.joins(asked_about, "ann").await;
    town.sleep(15 * MINUTE);
    town.engine.sweep_once(town.now).await.expect("sound");
    town.sleep(SECOND);
    let opened = town.new_id();
    let other = room(2, "planning", town.now);
    town.store.create_room(other.clone()).await.expect("sound");
    town.engine.current_meeting(&other, &Town::name(), opened, town.now).await.expect("sound");
    town.sleep(SECOND);
    town.tell(ended, Event::EndRequested).await;
    let claimed = town.engine.claim_owed(None, 8, town.now).await.expect("sound");
    let order: Vec<_> = claimed.iter().map(|work| (work.effect.kind(), work.id.meeting)).collect();
    let expected = [
        (EffectKind::CloseRoom, ended),
        (EffectKind::OpenRoom, opened),
        (EffectKind::AskPresence, asked_about),
    ];
    assert_eq!(order, expected);
}

#[tokio::test]
async fn a_room_that_was_ordered_for_a_meeting_that_has_ended_since_is_not_made() {
    let mut town = Town::new().await;
    let id = town.new_id();
    town.engine.current_meeting(&town.room, &Town::name(), id, town.now).await.expect("sound");
    let claimed = town.engine.claim_owed(Some(id), 8, town.now).await.expect("sound");
    assert_eq!(claimed.iter().map(|work| work.effect.kind()).collect::<Vec<_>>(), [EffectKind::OpenRoom]);
    // Whoever has it in hand is slow: the owner has ended the meeting by then.
    town.tell(id, Event::EndRequested).await;
    town.work().await;
    assert!(town.phase(id).await.is_closed());
    town.engine.carry_out(&claimed[0], town.now).await;
    assert_eq!(town.video.count(|call| matches!(call, ProviderCall::Open(_))), 0);
}

#[tokio::test]
async fn a_close_that_worked_is_reported_as_done_although_its_own_outcome_took_it_back() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.tell(id, Event::EndRequested).await;
    let carried = town.engine.dispatch_once(town.now).await.expect("sound");
    assert!(
        matches!(&carried[..], [Carried { kind: EffectKind::CloseRoom, outcome: CarryOutcome::Done, .. }]),
        "{carried:?}"
    );
    assert!(town.phase(id).await.is_closed());
}

#[tokio::test]
async fn a_worker_whose_work_was_given_to_another_does_not_report_that_it_tries_again() {
    let mut town = Town::new().await;
    let id = town.new_id();
    town.engine.current_meeting(&town.room, &Town::name(), id, town.now).await.expect("sound");
    let slow = town.engine.claim_owed(Some(id), 8, town.now).await.expect("sound");
    town.sleep(61 * SECOND);
    let other = town.engine.claim_owed(Some(id), 8, town.now).await.expect("sound");
    assert_eq!((slow.len(), other.len()), (1, 1));
    town.video.fail(Some(Failure::Before));
    let late = town.engine.carry_out(&slow[0], town.now).await.outcome;
    assert!(matches!(late, CarryOutcome::Lost), "{late:?}");
    let held = town.engine.carry_out(&other[0], town.now).await.outcome;
    assert!(matches!(held, CarryOutcome::Retried { .. }), "{held:?}");
}

#[tokio::test]
async fn a_provider_that_does_not_close_by_force_is_named_as_the_cause_and_fills_no_history() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.video.resist_force(&town.place(id));
    town.tell(id, Event::EndRequested).await;
    let before = town.story(id).await;
    let carried = town.engine.dispatch_once(town.now).await.expect("sound");
    let [Carried { outcome: CarryOutcome::Retried { error, .. }, .. }] = &carried[..] else {
        panic!("{carried:?}")
    };
    assert_eq!(error, "the provider did not close an occupied room by force");
    assert_eq!(town.story(id).await, before);
}

/// How long each of so many failures in a row waits.
async fn waits(town: &mut Town, failures: usize) -> Vec<Duration> {
    let mut waits = Vec::new();
    for _ in 0..failures {
        town.now = town.store.next_owed().await.expect("sound").expect("it is still owed");
        let carried = town.engine.dispatch_once(town.now).await.expect("sound");
        let [Carried { outcome: CarryOutcome::Retried { at, .. }, .. }] = &carried[..] else {
            panic!("{carried:?}")
        };
        waits.push(at.since(town.now));
    }
    waits
}

#[tokio::test]
async fn what_fails_is_tried_again_after_half_a_second_and_then_later_and_later_up_to_its_bound() {
    for (opens, longest) in [(true, 20 * SECOND), (false, 5 * MINUTE)] {
        let mut town = Town::new().await;
        let id = if opens { town.new_id() } else { town.meet().await };
        town.video.fail(Some(Failure::Before));
        if opens {
            town.engine.current_meeting(&town.room, &Town::name(), id, town.now).await.expect("sound");
        } else {
            town.tell(id, Event::EndRequested).await;
        }
        for (failures, wait) in waits(&mut town, 14).await.into_iter().enumerate() {
            let least = (SECOND / 2 * (1 << failures)).min(longest);
            assert!((least..least * 5 / 4).contains(&wait), "{wait:?} after {failures} failures and one");
        }
    }
}

#[tokio::test]
async fn many_that_failed_in_the_same_instant_do_not_come_back_in_the_same_instant() {
    let mut town = Town::new().await;
    town.video.fail(Some(Failure::Before));
    for _ in 0..32 {
        let new = NewScheduled {
            id: town.new_id(),
            start: town.now,
            end: town.now + 30 * MINUTE,
            calendar_event_id: None,
            calendar_metadata: None,
            grace: None,
        };
        town.engine.schedule_meeting(&town.room, &Town::name(), &new, town.now).await.expect("sound");
    }
    let carried = town.engine.dispatch_once(town.now).await.expect("sound");
    let instants: BTreeSet<_> = carried
        .iter()
        .filter_map(|work| match work.outcome {
            CarryOutcome::Retried { at, .. } => Some(at),
            _ => None,
        })
        .collect();
    assert_eq!(carried.len(), 32);
    assert!(instants.len() >= 16, "they come back in {} instants", instants.len());
}
