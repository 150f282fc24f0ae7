//! L11 to L13: what is late, doubled, out of order, or says nothing.

use std::time::Duration;

use reflector_core::lifecycle::{
    CloseReason, Effect, Event, Hearing, Ignored, KEPT, Phase, Policy, Presence, Report, Sighting, Wake,
};

use crate::stories::{MINUTE, SECOND, Story, machine, minute, person, quiet};

#[test]
fn l11_within_the_providers_clock_its_times_decide() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    let came_back = Sighting { received_at: minute(10), ..person("ada-2", minute(6)) };
    story.tell(Event::ParticipantJoined(came_back), minute(10)).unwrap();
    let left_before = Sighting { received_at: minute(11), humans: Some(0), ..person("ada", minute(5)) };
    story.tell(Event::ParticipantLeft(left_before), minute(11)).unwrap();
    assert_eq!(story.phase().humans(), 1);
}

#[test]
fn l11_across_clocks_an_event_stands_at_its_first_receipt() {
    // Their clock is an hour behind: by it, the joining would be older than our poll.
    let mut story = Story::unscheduled(quiet());
    story.says(Presence::Empty, minute(10)).unwrap();
    let joined = Sighting { received_at: minute(11), ..person("ada", minute(0) - MINUTE * 50) };
    story.tell(Event::ParticipantJoined(joined), minute(11)).unwrap();
    assert!(story.phase().is_live());
}

#[test]
fn l11_a_poll_stands_at_its_asking_less_its_staleness() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(10)).unwrap();
    let stale = Report { presence: Presence::Empty, asked_at: minute(11), staleness: MINUTE * 2 };
    story.tell(Event::PresenceReported(stale), minute(11)).unwrap();
    assert!(story.phase().is_live(), "the answer may be older than the joining");
    let fresh = Report { staleness: Duration::ZERO, ..stale };
    story.tell(Event::PresenceReported(fresh), minute(11)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(11) });
}

#[test]
fn l11_on_equal_times_presence_wins_over_absence() {
    for joined_first in [true, false] {
        let mut story = Story::unscheduled(quiet());
        let counted = |who, humans| Sighting { humans: Some(humans), ..person(who, minute(1)) };
        let joined = Event::ParticipantJoined(counted("grace", 1));
        let left = Event::ParticipantLeft(counted("ada", 0));
        let order = if joined_first { [joined, left] } else { [left, joined] };
        for event in order {
            story.tell(event, minute(1)).unwrap();
        }
        assert_eq!(story.phase().humans(), 1, "joined first: {joined_first}");
    }
}

#[test]
fn l11_for_one_connection_leaving_is_final() {
    let mut story = Story::unscheduled(quiet());
    story.leaves("ada", minute(2)).unwrap();
    story.joins("ada", minute(3)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(2) });
}

#[test]
fn l11_what_is_older_than_what_is_settled_changes_nothing() {
    let mut story = Story::unscheduled(quiet());
    for number in 0..=KEPT {
        story.joins(&format!("guest-{number}"), minute(10) + SECOND * number as u32).unwrap();
    }
    assert_eq!(story.leaves("guest-0", minute(9)), Err(Ignored::TooOld));
}

#[test]
fn l11_the_same_event_told_twice_stands_at_its_first_receipt_in_either_order() {
    let told = |order: [u32; 2]| {
        let mut story = Story::unscheduled(quiet());
        story.joins("ada", minute(1)).unwrap();
        for received in order {
            let left = Sighting { received_at: minute(received), ..person("ada", minute(3)) };
            let _ = story.tell(Event::ParticipantLeft(left), minute(30));
        }
        story.phase()
    };
    assert_eq!(told([4, 20]), Phase::Grace { since: minute(3) });
    assert_eq!(told([20, 4]), told([4, 20]));
}

#[test]
fn l12_a_message_that_comes_again_changes_nothing_and_owes_nothing() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    assert_eq!(
        story.tell(Event::ParticipantJoined(person("ada", minute(1))), minute(9)),
        Err(Ignored::SeenBefore)
    );
}

#[test]
fn l13_unknown_changes_nothing() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    assert_eq!(story.says(Presence::Unknown, minute(2)), Err(Ignored::NoNews));
}

#[test]
fn l13_a_machine_that_is_told_without_a_count_says_nothing() {
    let mut story = Story::unscheduled(quiet());
    let uncounted = Sighting { humans: None, ..machine("recorder", minute(1), 0) };
    assert_eq!(story.tell(Event::ParticipantJoined(uncounted), minute(1)), Err(Ignored::NoNews));
}

/// A meeting that everybody has left at minute 1, as far as we heard.
fn left_at_one() -> Story {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(0)).unwrap();
    story.leaves("ada", minute(1)).unwrap();
    story
}

#[test]
fn l13_silence_that_we_heard_all_of_is_emptiness() {
    let mut story = left_at_one();
    story.wakes_hearing(Hearing::Since(minute(1)), minute(16)).unwrap();
    assert_eq!(story.phase().close_reason(), Some(CloseReason::GraceExpired));
}

#[test]
fn l13_what_we_do_not_hear_waits_for_evidence_or_the_hard_deadline() {
    let mut story = left_at_one();
    story.wakes_hearing(Hearing::Deaf, minute(16)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(1) });
    let hard = minute(0) + MINUTE * 60 * 24;
    while story.due().at < hard {
        story.wakes_hearing(Hearing::Deaf, story.due().at).unwrap();
        assert!(story.phase().is_active());
    }
    story.wakes_hearing(Hearing::Deaf, hard).unwrap();
    assert!(story.phase().is_forced());
}

#[test]
fn l13_evidence_ends_the_waiting() {
    let mut story = left_at_one();
    story.wakes_hearing(Hearing::Deaf, minute(16)).unwrap();
    story.says(Presence::Empty, minute(20)).unwrap();
    assert_eq!(story.due().why, Wake::Close(CloseReason::GraceExpired));
    story.wakes_hearing(Hearing::Since(minute(18)), minute(20)).unwrap();
    assert_eq!(story.phase().close_reason(), Some(CloseReason::GraceExpired));
}

#[test]
fn l13_a_provider_that_answers_is_asked_when_we_do_not_hear_it() {
    let mut story = Story::unscheduled(Policy::default());
    story.leaves("ada", minute(1)).unwrap();
    assert_eq!(story.wakes_hearing(Hearing::Deaf, minute(16)), Ok(vec![Effect::AskPresence]));
}

#[test]
fn l13_a_close_that_was_owed_while_we_were_deaf_is_taken_back() {
    let mut story = left_at_one();
    story.wakes(minute(16)).unwrap();
    story.tell(Event::HearingLost, minute(17)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(1) });
    assert_ne!(story.due().why, Wake::Close(CloseReason::GraceExpired));
}
