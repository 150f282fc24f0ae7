//! L2 to L8: who comes, who goes, and how long an empty meeting waits.

use reflector_core::lifecycle::{
    Close, CloseReason, Empty, Event, Hearing, Ignored, Phase, Presence, Sighting, Wake,
};

use crate::stories::{JUST, MINUTE, SECOND, Story, minute, person, quiet};

#[test]
fn l2_a_waiting_meeting_goes_live_when_somebody_comes() {
    let mut story = Story::unscheduled(quiet());
    assert_eq!(story.phase(), Phase::Waiting { since: minute(0) });
    story.joins("ada", minute(3)).unwrap();
    assert_eq!(story.phase(), Phase::Live { humans: 1, since: minute(3) });
}

#[test]
fn l2_a_leaving_seen_while_waiting_proves_that_somebody_was_in() {
    let mut story = Story::unscheduled(quiet());
    story.leaves("ada", minute(3)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(3) });
}

#[test]
fn l2_an_empty_room_that_is_asked_about_is_still_waiting() {
    let mut story = Story::unscheduled(quiet());
    story.says(Presence::Empty, minute(3)).unwrap();
    assert_eq!(story.phase(), Phase::Waiting { since: minute(0) });
}

#[test]
fn l3_the_last_leaver_starts_the_grace_at_once() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    story.joins("grace", minute(2)).unwrap();
    story.leaves("ada", minute(3)).unwrap();
    assert_eq!(story.phase(), Phase::Live { humans: 1, since: minute(1) });
    story.leaves("grace", minute(4)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(4) });
}

fn left(at: u32, received: u32) -> Phase {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    let late = Sighting { received_at: minute(received), ..person("ada", minute(at)) };
    story.tell(Event::ParticipantLeft(late), minute(received)).unwrap();
    story.phase()
}

#[test]
fn l3_a_leaving_told_late_is_believed_for_five_minutes() {
    assert_eq!(left(26, 30), Phase::Grace { since: minute(26) });
    assert_eq!(left(25, 30), Phase::Grace { since: minute(25) });
    assert_eq!(left(10, 30), Phase::Grace { since: minute(25) });
}

#[test]
fn l3_a_leaving_told_late_takes_no_patience_away_even_if_others_left_after_it() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    story.joins("grace", minute(2)).unwrap();
    story.leaves("grace", minute(5)).unwrap();
    // By the provider's clock ada left before; we took her to be in for half an hour.
    let late = Sighting { received_at: minute(30), ..person("ada", minute(4)) };
    story.tell(Event::ParticipantLeft(late), minute(30)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(25) });
}

#[test]
fn l3_a_leaving_in_the_future_is_taken_as_now() {
    assert_eq!(left(90, 30), Phase::Grace { since: minute(30) });
}

#[test]
fn l3_an_emptiness_without_a_leaving_does_not_move_the_grace() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    story.leaves("ada", minute(2)).unwrap();
    story.says(Presence::Empty, minute(9)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(2) });
}

#[test]
fn l4_somebody_coming_back_ends_the_grace() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    story.leaves("ada", minute(2)).unwrap();
    assert_eq!(story.phase().last_left_at(), Some(minute(2)));
    assert!(story.phase().is_active());
    story.joins("ada-again", minute(16)).unwrap();
    assert_eq!(story.phase(), Phase::Live { humans: 1, since: minute(16) });
    assert_eq!(story.phase().last_left_at(), None);
}

#[test]
fn l5_the_close_starts_at_the_last_leaving_plus_grace_and_never_earlier() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    story.leaves("ada", minute(2)).unwrap();
    assert_eq!(story.wakes(minute(17) - JUST), Err(Ignored::NotDue));
    story.wakes(minute(17)).unwrap();
    let close = Close::IfEmpty { was: Empty::Left { since: minute(2) } };
    assert_eq!(story.phase(), Phase::Closing { reason: CloseReason::GraceExpired, close, since: minute(17) });
}

/// A meeting that everybody has left at minute 0, and that is due at minute 15.
fn in_grace() -> Story {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(0) - JUST).unwrap();
    story.leaves("ada", minute(0)).unwrap();
    assert_eq!(story.due().at, minute(15));
    story
}

#[test]
fn l6_asking_to_join_moves_the_deadline_to_the_end_of_the_lease() {
    let mut story = in_grace();
    story.tell(Event::JoinRequested, minute(15) - SECOND).unwrap();
    assert_eq!(story.due().at, minute(15) + SECOND * 44);
}

#[test]
fn l6_a_knock_arms_a_lease_too() {
    let mut story = in_grace();
    story.tell(Event::Knocked, minute(15) - SECOND).unwrap();
    assert_eq!(story.due().at, minute(15) + SECOND * 44);
}

#[test]
fn l6_a_lease_that_ends_before_the_deadline_moves_nothing() {
    let mut story = in_grace();
    story.tell(Event::JoinRequested, minute(1)).unwrap();
    assert_eq!(story.due().at, minute(15));
}

#[test]
fn l6_an_abandoned_tab_puts_the_close_off_by_four_leases() {
    let mut story = in_grace();
    for asked in 0..20 {
        let now = minute(14) + SECOND * 30 * asked;
        if now < minute(18) {
            story.tell(Event::JoinRequested, now).unwrap();
        }
    }
    assert_eq!(story.due().at, minute(15) + SECOND * 45 * 4);
}

#[test]
fn l6_each_grace_is_protected_anew() {
    let mut story = in_grace();
    for asked in 0..7 {
        story.tell(Event::JoinRequested, minute(14) + SECOND * 30 * asked).unwrap();
    }
    story.joins("grace", minute(17)).unwrap();
    story.leaves("grace", minute(20)).unwrap();
    assert_eq!(story.due().at, minute(35));
    story.tell(Event::JoinRequested, minute(35) - SECOND).unwrap();
    assert_eq!(story.due().at, minute(35) + SECOND * 44);
}

#[test]
fn l6_asking_again_in_the_first_half_of_a_lease_changes_nothing() {
    let mut story = in_grace();
    story.tell(Event::JoinRequested, minute(1)).unwrap();
    assert_eq!(story.tell(Event::JoinRequested, minute(1) + SECOND * 22), Err(Ignored::LeaseFresh));
    story.tell(Event::JoinRequested, minute(1) + SECOND * 23).unwrap();
}

#[test]
fn l7_one_who_looks_in_early_does_not_shorten_the_meeting() {
    let mut story = Story::scheduled(30, 60, quiet());
    story.joins("ada", minute(5)).unwrap();
    story.leaves("ada", minute(6)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(6) });
    assert_eq!(story.due().at, minute(60));
    assert_eq!(story.due().why, Wake::Close(CloseReason::NeverJoined));
}

#[test]
fn l7_the_grace_of_an_early_bird_is_not_cut_by_the_end() {
    let mut story = Story::scheduled(30, 40, quiet());
    story.joins("ada", minute(28)).unwrap();
    story.leaves("ada", minute(29)).unwrap();
    assert_eq!(story.due().at, minute(29) + MINUTE * 15);
}

#[test]
fn l7_who_leaves_after_the_start_was_no_early_bird() {
    let mut story = Story::scheduled(30, 60, quiet());
    story.joins("ada", minute(25)).unwrap();
    story.leaves("ada", minute(30)).unwrap();
    assert_eq!(story.due().at, minute(45));
    assert_eq!(story.due().why, Wake::Close(CloseReason::GraceExpired));
}

#[test]
fn l8_an_unscheduled_meeting_that_nobody_joins_closes_after_half_an_hour() {
    let mut story = Story::unscheduled(quiet());
    assert_eq!(story.wakes(minute(30) - JUST), Err(Ignored::NotDue));
    story.wakes(minute(30)).unwrap();
    assert_eq!(story.phase().close_reason(), Some(CloseReason::NeverJoined));
}

#[test]
fn l8_a_scheduled_meeting_that_nobody_joins_closes_at_its_end() {
    let mut story = Story::scheduled(30, 600, quiet());
    assert_eq!(story.wakes(minute(600) - JUST), Err(Ignored::NotDue));
    story.wakes(minute(600)).unwrap();
    assert_eq!(story.phase().close_reason(), Some(CloseReason::NeverJoined));
}

#[test]
fn l6_who_asks_while_the_close_is_withheld_is_expected_for_a_lease_once_we_hear_again() {
    let mut story = Story::unscheduled(quiet());
    story.wakes_hearing(Hearing::Deaf, minute(30)).unwrap();
    let asked_at = minute(200);
    story.tell(Event::JoinRequested, asked_at).unwrap();
    let heard = Hearing::Since(minute(0));
    let just_before = story.policy.lease - JUST;
    story.wakes_hearing(heard, asked_at + just_before).unwrap();
    assert_eq!(story.phase(), Phase::Waiting { since: minute(0) }, "they are on the way in");
    story.wakes_hearing(heard, story.due().at).unwrap();
    assert_eq!(story.phase().close_reason(), Some(CloseReason::NeverJoined));
}

#[test]
fn l6_a_lease_is_fresh_until_half_of_it_is_over() {
    let mut story = Story::unscheduled(quiet());
    story.tell(Event::JoinRequested, minute(1)).unwrap();
    let half = minute(1) + quiet().lease / 2;
    assert_eq!(story.tell(Event::JoinRequested, half - JUST), Err(Ignored::LeaseFresh));
    assert_eq!(story.tell(Event::JoinRequested, half), Ok(Vec::new()));
}
