//! What silence is worth (rule L13), for a provider that tells presence by events.

use std::time::Duration;

use reflector_core::Role;
use reflector_core::lifecycle::{CloseReason, Event, Hearing, Phase, Policy};
use reflector_core::store::{HearingStore, LISTENING_GAP};
use reflector_core::testing::{FakeProvider, ProviderCall};

use crate::town::{MINUTE, SECOND, Town};

const MICROSECOND: Duration = Duration::from_micros(1);

async fn telling_by_events() -> Town {
    Town::with(FakeProvider::telling_by_events(), Policy::default()).await
}

#[tokio::test]
async fn while_we_listen_an_empty_meeting_closes_when_its_grace_is_over() {
    let mut town = telling_by_events().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.pass(15 * MINUTE).await;
    assert_eq!(town.phase(id).await.close_reason(), Some(CloseReason::GraceExpired));
}

#[tokio::test]
async fn a_meeting_in_grace_across_ninety_seconds_of_our_own_downtime_is_not_closed_for_emptiness() {
    let mut town = telling_by_events().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.pass(5 * MINUTE).await;
    town.sleep(90 * SECOND);
    town.store.beat(town.now).await.expect("sound");
    town.pass(12 * 60 * MINUTE).await;
    assert!(matches!(town.phase(id).await, Phase::Grace { .. }));
    assert!(town.load(id).await.meeting.life.watch.withheld_since.is_some());
    town.pass(12 * 60 * MINUTE).await;
    assert_eq!(
        town.phase(id).await.close_reason(),
        Some(CloseReason::MaxLifetime),
        "the hard deadline bounds it"
    );
}

#[tokio::test]
async fn a_message_after_the_downtime_is_evidence_again() {
    let mut town = telling_by_events().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.sleep(90 * SECOND);
    town.store.beat(town.now).await.expect("sound");
    town.pass(20 * MINUTE).await;
    assert!(town.phase(id).await.is_active());
    town.joins(id, "ben").await;
    town.leaves(id, "ben").await;
    town.pass(15 * MINUTE).await;
    assert_eq!(town.phase(id).await.close_reason(), Some(CloseReason::GraceExpired));
}

#[tokio::test]
async fn a_provider_that_has_nothing_new_to_tell_does_not_say_that_nobody_is_in() {
    let mut town = Town::with(FakeProvider::telling_facts(), Policy::default()).await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.pass(20 * MINUTE).await;
    assert!(town.video.count(|call| matches!(call, ProviderCall::Presence(_))) > 0, "it was asked");
    assert_eq!(town.phase(id).await.humans(), 1);
    assert_eq!(
        town.story(id).await.last().map(String::as_str),
        Some("presence_reported → live"),
        "whoever reads the history finds that it was asked in vain"
    );
}

#[tokio::test]
async fn the_wrong_webhook_secret_that_makes_every_meeting_look_never_joined() {
    let mut town = telling_by_events().await;
    let id = town.meet().await;
    let mut message = town.video.join(&town.place(id), "ann", Role::Human, town.now).expect("she is in");
    message.signature = "another word".to_owned();
    let refused = town.engine.receive(&Town::name(), &message, &message.body, town.now).await;
    assert!(refused.is_err());
    town.pass(23 * 60 * MINUTE).await;
    assert!(town.phase(id).await.is_active(), "nothing verified has come, so silence closes nothing");
    assert_eq!(town.video.put_out().unforced, 0);
}

#[tokio::test]
async fn an_endpoint_that_is_configured_anew_must_prove_itself_again() {
    let mut town = telling_by_events().await;
    let first = town.meet().await;
    town.joins(first, "ann").await;
    town.leaves(first, "ann").await;
    town.video.configure_endpoint(7);
    town.pass(20 * MINUTE).await;
    assert!(town.phase(first).await.is_active());
}

#[tokio::test]
async fn an_endpoint_that_was_configured_anew_has_proved_itself_by_its_first_message() {
    let mut town = telling_by_events().await;
    town.video.configure_endpoint(7);
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.pass(15 * MINUTE).await;
    assert_eq!(town.phase(id).await.close_reason(), Some(CloseReason::GraceExpired));
}

#[tokio::test]
async fn a_close_that_is_owed_when_we_find_that_we_did_not_listen_is_taken_back() {
    let mut town = telling_by_events().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    for _ in 0..30 {
        town.sleep(MINUTE / 2);
        town.store.beat(town.now).await.expect("sound");
    }
    town.engine.sweep_once(town.now).await.expect("sound");
    assert!(matches!(town.phase(id).await, Phase::Closing { .. }));
    town.sleep(10 * MINUTE);
    town.store.beat(town.now).await.expect("sound");
    town.work().await;
    assert!(matches!(town.phase(id).await, Phase::Grace { .. }), "{:?}", town.phase(id).await);
    assert_eq!(town.video.count(|call| matches!(call, ProviderCall::Close(..))), 0);
}

#[tokio::test]
async fn the_rejoin_during_our_own_downtime() {
    let mut town = Town::with(FakeProvider::telling_facts(), Policy::default()).await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.pass(MINUTE).await;
    town.video
        .join(&town.place(id), "ann", Role::Human, town.now + SECOND)
        .expect("she is in; nobody heard it");
    town.sleep(2 * MINUTE);
    town.store.beat(town.now).await.expect("sound");
    town.pass(20 * MINUTE).await;
    assert_eq!(town.phase(id).await.humans(), 1, "the provider was asked, and told the fact");
    assert_eq!(town.video.put_out().unforced, 0);
}

#[tokio::test]
async fn we_listen_for_as_long_as_the_last_heartbeat_is_no_older_than_the_gap() {
    let mut town = telling_by_events().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    let beaten_at = town.now;
    for (later, heard) in [(LISTENING_GAP, true), (LISTENING_GAP + MICROSECOND, false)] {
        let hearing = town.engine.hearing(&Town::name(), beaten_at + later).await.expect("sound");
        assert_eq!(matches!(hearing, Hearing::Since(_)), heard, "{later:?} later: {hearing:?}");
    }
}

#[tokio::test]
async fn only_a_provider_that_can_say_who_is_in_is_taken_for_one_that_answers() {
    for (video, answers) in [
        (FakeProvider::default(), true),
        (FakeProvider::telling_facts(), true),
        (FakeProvider::telling_by_events(), false),
    ] {
        let mut town = Town::with(video, Policy::default()).await;
        let id = town.meet().await;
        assert_eq!(town.engine.policy_of(&town.load(id).await).provider_answers, answers);
        assert_eq!(town.engine.providers().collect::<Vec<_>>(), [&Town::name()]);
    }
}

#[tokio::test]
async fn while_closes_are_on_hold_nothing_is_closed_for_being_empty_and_what_is_forced_still_is() {
    let mut town = Town::new().await;
    let (empty, unused) = (town.meet().await, town.schedule(MINUTE, MINUTE * 60, None).await);
    town.joins(empty, "ann").await;
    town.leaves(empty, "ann").await;
    town.store.hold(Some(town.now)).await.expect("sound");
    for _ in 0..80 {
        town.now = town.now + MINUTE;
        town.store.beat(town.now).await.expect("sound");
        town.work().await;
    }
    assert!(town.load(empty).await.meeting.life.phase.is_active(), "an hour over its grace");
    assert!(town.load(unused).await.meeting.life.phase.is_active(), "nobody ever came");
    town.tell(unused, Event::EndRequested).await;
    town.work().await;
    assert!(town.load(unused).await.meeting.life.phase.is_closed(), "its owner has ended it");
    town.store.hold(None).await.expect("sound");
    for _ in 0..10 {
        town.now = town.now + MINUTE;
        town.store.beat(town.now).await.expect("sound");
        town.work().await;
    }
    assert_eq!(town.load(empty).await.meeting.life.phase.close_reason(), Some(CloseReason::GraceExpired));
}

#[tokio::test]
async fn a_close_that_is_on_its_way_is_called_back_by_a_hold() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.now = town.now + MINUTE * 15;
    town.store.beat(town.now).await.expect("sound");
    town.engine.sweep_once(town.now).await.expect("sound");
    assert!(matches!(town.load(id).await.meeting.life.phase, Phase::Closing { .. }));
    town.store.hold(Some(town.now)).await.expect("sound");
    town.work().await;
    assert!(matches!(town.load(id).await.meeting.life.phase, Phase::Grace { .. }));
}
