//! L14, L15, L23 and L24: the provider's room, from its making to its end.

use reflector_core::lifecycle::{
    Announcement, Close, CloseReason, Effect, Empty, Event, Ignored, Phase, Policy, Presence, Schedule,
    Sighting,
};

use crate::stories::{HOUR, JUST, SECOND, Story, machine, minute, person, quiet};

/// A meeting whose people left at minute 1, and which is being closed since minute 16.
fn closing() -> Story {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(0)).unwrap();
    story.leaves("ada", minute(1)).unwrap();
    assert_eq!(story.wakes(minute(16)), Ok(vec![Effect::CloseRoom { generation: 0 }]));
    story
}

#[test]
fn l14_it_is_closed_once_the_provider_has_confirmed() {
    let mut story = closing();
    assert!(!story.phase().is_active());
    story.tell(Event::RoomClosed { generation: 0 }, minute(17)).unwrap();
    assert_eq!(story.phase(), Phase::Closed { reason: CloseReason::GraceExpired, at: minute(17) });
}

#[test]
fn l14_the_end_of_a_room_that_was_replaced_closes_nothing() {
    let mut story = closing();
    assert_eq!(story.tell(Event::RoomClosed { generation: 1 }, minute(17)), Err(Ignored::AnotherRoom));
}

#[test]
fn l14_somebody_who_turns_out_to_be_in_ends_the_closing() {
    let mut story = closing();
    story.says(Presence::Occupied(1), minute(17)).unwrap();
    assert_eq!(story.phase(), Phase::Live { humans: 1, since: minute(17) });
}

#[test]
fn l14_somebody_who_asks_to_join_takes_it_back_to_grace_with_a_lease() {
    let mut story = closing();
    story.tell(Event::JoinRequested, minute(17)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(1) });
    assert_eq!(story.due().at, minute(17) + SECOND * 45);
}

#[test]
fn l14_who_asks_to_join_long_after_the_deadline_has_their_lease_in_full_and_four_at_most() {
    let mut story = closing();
    story.tell(Event::JoinRequested, minute(40)).unwrap();
    assert_eq!(story.due().at, minute(40) + SECOND * 45);
    for asked in 1..10 {
        story.tell(Event::JoinRequested, minute(40) + SECOND * 30 * asked).unwrap();
    }
    assert_eq!(story.due().at, minute(40) + SECOND * 45 * 4);
}

#[test]
fn l14_a_meeting_that_nobody_joined_goes_back_to_waiting() {
    let mut story = Story::unscheduled(quiet());
    story.wakes(minute(30)).unwrap();
    story.tell(Event::JoinRequested, minute(31)).unwrap();
    assert_eq!(story.phase(), Phase::Waiting { since: minute(0) });
}

#[test]
fn l14_somebody_who_was_in_is_not_forgotten_while_it_closes() {
    let mut story = Story::unscheduled(quiet());
    story.wakes(minute(30)).unwrap();
    let late = Sighting { received_at: minute(31), ..person("ada", minute(2)) };
    story.tell(Event::ParticipantLeft(late), minute(50)).unwrap();
    let was = Empty::Left { since: minute(26) };
    assert!(
        matches!(story.phase(), Phase::Closing { close: Close::IfEmpty { was: known }, .. } if known == was)
    );
    story.tell(Event::JoinRequested, minute(51)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(26) });
}

#[test]
fn l14_a_late_leaving_that_leaves_some_grace_ends_the_closing() {
    let mut story = closing();
    story.leaves("grace", minute(17)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(17) });
    assert_eq!(story.due().at, minute(32));
}

#[test]
fn l14_the_hard_deadline_makes_a_closing_forced() {
    let mut story = closing();
    let hard = minute(0) + HOUR * 24;
    assert_eq!(story.wakes(hard - JUST), Err(Ignored::NotDue));
    assert_eq!(story.wakes(hard), Ok(vec![Effect::CloseRoom { generation: 0 }]));
    assert!(story.phase().is_forced());
}

#[test]
fn l14_forced_closing_does_not_go_back() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(0)).unwrap();
    story.tell(Event::EndRequested, minute(1)).unwrap();
    assert_eq!(story.joins("grace", minute(2)), Err(Ignored::Closing));
    assert_eq!(story.tell(Event::JoinRequested, minute(2)), Err(Ignored::Closing));
    assert_eq!(story.says(Presence::Occupied(2), minute(2)), Err(Ignored::Closing));
    assert_eq!(story.phase().close_reason(), Some(CloseReason::EndedByOwner));
}

#[test]
fn l14_a_provider_that_never_confirms_is_given_up_on_a_day_after_its_expiry() {
    let mut story = closing();
    let given_up = story.life.expires_at.unwrap() + HOUR * 24;
    story.wakes(minute(0) + HOUR * 24).unwrap();
    assert!(story.phase().is_forced());
    assert_eq!(story.wakes(given_up - JUST), Err(Ignored::NotDue));
    assert_eq!(story.wakes(given_up), Ok(vec![Effect::Announce(Announcement::CloseUnconfirmed)]));
    assert_eq!(story.phase(), Phase::Closed { reason: CloseReason::Unconfirmed, at: given_up });
}

#[test]
fn l15_what_comes_after_the_close_changes_nothing() {
    let mut story = closing();
    story.tell(Event::RoomClosed { generation: 0 }, minute(17)).unwrap();
    assert_eq!(story.joins("ada", minute(18)), Err(Ignored::Closed));
    assert_eq!(story.tell(Event::JoinRequested, minute(18)), Err(Ignored::Closed));
    assert_eq!(story.moved_to_end(minute(90), minute(18)), Err(Ignored::Closed));
    assert_eq!(story.wakes(minute(10_000)), Err(Ignored::Closed));
}

#[test]
fn l23_the_providers_word_that_the_room_has_ended_closes_the_meeting() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    story.tell(Event::RoomEnded, minute(2)).unwrap();
    assert_eq!(story.phase(), Phase::Closed { reason: CloseReason::EndedAtProvider, at: minute(2) });
}

#[test]
fn l23_a_room_that_is_not_found_counts_on_the_second_probe_half_a_minute_later() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    let missing = |asked_at| Event::RoomMissing { asked_at };
    story.tell(missing(minute(2)), minute(2)).unwrap();
    assert!(story.phase().is_live());
    let second = minute(2) + SECOND * 30;
    assert_eq!(story.tell(missing(second - JUST), second), Err(Ignored::NoChange));
    story.tell(missing(second), second).unwrap();
    assert_eq!(story.phase().close_reason(), Some(CloseReason::EndedAtProvider));
}

#[test]
fn l23_the_second_probe_is_asked_for_half_a_minute_later_and_once() {
    let mut story = Story::unscheduled(Policy::default());
    story.joins("ada", minute(1)).unwrap();
    story.tell(Event::RoomMissing { asked_at: minute(2) }, minute(2)).unwrap();
    assert_eq!(story.due().at, minute(2) + SECOND * 30);
    assert_eq!(story.wakes(minute(2) + SECOND * 30), Ok(vec![Effect::AskPresence]));
    assert_eq!(story.life.watch.asks, 1);
    assert!(story.due().at > minute(3));
}

#[test]
fn l23_a_sign_of_life_between_the_probes_makes_the_first_one_void() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    story.tell(Event::RoomMissing { asked_at: minute(2) }, minute(2)).unwrap();
    story.joins("grace", minute(3)).unwrap();
    story.tell(Event::RoomMissing { asked_at: minute(4) }, minute(4)).unwrap();
    assert!(story.phase().is_live());
}

#[test]
fn l23_a_room_that_was_never_seen_is_not_missed() {
    let policy = quiet();
    let mut story = Story::opening(Schedule::from_now(minute(0), &policy), policy);
    for minutes in [0, 1] {
        let missing = Event::RoomMissing { asked_at: minute(minutes) };
        assert_eq!(story.tell(missing, minute(minutes)), Err(Ignored::NotNow));
    }
}

fn opening() -> Story {
    let policy = quiet();
    Story::opening(Schedule::from_now(minute(0), &policy), policy)
}

#[test]
fn l24_a_room_that_is_made_waits_for_people() {
    let mut story = opening();
    story.tell(Event::RoomOpened { generation: 0, expires_at: None }, minute(1)).unwrap();
    assert_eq!(story.phase(), Phase::Waiting { since: minute(1) });
}

#[test]
fn l24_who_is_in_before_we_hear_that_the_room_is_made_is_not_forgotten() {
    let mut story = opening();
    story.joins("ada", minute(1) - SECOND).unwrap();
    story.tell(Event::RoomOpened { generation: 0, expires_at: None }, minute(1)).unwrap();
    assert!(story.phase().is_live());
}

#[test]
fn l24_a_refused_room_closes_the_meeting() {
    let mut story = opening();
    story.tell(Event::RoomRefused { generation: 0 }, minute(1)).unwrap();
    assert_eq!(story.phase(), Phase::Closed { reason: CloseReason::ProviderRefused, at: minute(1) });
}

#[test]
fn l24_the_making_of_a_room_is_given_up_after_two_minutes() {
    let mut story = opening();
    assert_eq!(story.wakes(minute(2) - JUST), Err(Ignored::NotDue));
    assert_eq!(story.wakes(minute(2)), Ok(vec![Effect::RetireRoom { generation: 0 }]));
    assert_eq!(story.phase(), Phase::Closed { reason: CloseReason::ProviderUnavailable, at: minute(2) });
}

#[test]
fn l24_a_room_that_is_made_too_late_is_retired() {
    let mut story = opening();
    story.wakes(minute(2)).unwrap();
    let too_late = Event::RoomOpened { generation: 0, expires_at: None };
    assert_eq!(story.tell(too_late, minute(3)), Ok(vec![Effect::RetireRoom { generation: 0 }]));
    assert!(story.phase().is_closed());
}

#[test]
fn l23_a_room_that_is_not_made_yet_cannot_have_ended() {
    let policy = quiet();
    let mut story = Story::opening(Schedule::from_now(minute(0), &policy), policy);
    assert_eq!(story.tell(Event::RoomEnded, minute(1)), Err(Ignored::NotNow));
}

#[test]
fn l14_what_is_no_news_of_people_brings_no_closing_back_even_if_the_grace_is_longer_by_now() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    story.leaves("ada", minute(2)).unwrap();
    story.wakes(minute(17)).unwrap();
    story.policy.grace = HOUR;
    story.tell(Event::ParticipantLeft(machine("recorder", minute(17), 0)), minute(17)).unwrap();
    assert_eq!(story.phase().close_reason(), Some(CloseReason::GraceExpired));
}
