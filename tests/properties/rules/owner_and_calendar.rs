//! L1 and L16: what a calendar and an owner change, and what a meeting claims in its room.

use reflector_core::lifecycle::{
    CloseReason, Effect, Event, Ignored, Phase, Policy, Schedule, Wake, hard_deadline,
};
use reflector_core::{Claim, Meeting, Timestamp};

use crate::admission::meeting;
use crate::stories::{HOUR, JUST, MINUTE, Story, machine, minute, quiet};

#[test]
fn l16_a_moved_end_recomputes_the_deadlines() {
    let mut story = Story::scheduled(30, 60, quiet());
    assert_eq!(story.due().at, minute(60));
    story.moved_to_end(minute(90), minute(10)).unwrap();
    assert_eq!(story.due().at, minute(90));
}

#[test]
fn l16_a_moved_start_lets_an_early_bird_count() {
    let mut story = Story::scheduled(30, 60, quiet());
    story.joins("ada", minute(20)).unwrap();
    story.leaves("ada", minute(21)).unwrap();
    assert_eq!(story.due().at, minute(60));
    story.tell(Event::Rescheduled { start: Some(minute(15)), end: None }, minute(22)).unwrap();
    assert_eq!((story.due().at, story.due().why), (minute(36), Wake::Close(CloseReason::GraceExpired)));
}

#[test]
fn l16_an_end_that_is_not_after_the_start_is_refused() {
    let mut story = Story::scheduled(30, 60, quiet());
    assert_eq!(story.moved_to_end(minute(30), minute(1)), Err(Ignored::EndNotAfterStart));
    assert_eq!(story.moved_to_end(minute(60), minute(1)), Err(Ignored::NoChange));
}

#[test]
fn l16_cancelling_an_empty_meeting_closes_it_if_empty() {
    let mut story = Story::scheduled(30, 60, quiet());
    story.tell(Event::Cancelled, minute(5)).unwrap();
    assert!(!story.life.schedule.scheduled);
    assert_eq!((story.due().at, story.due().why), (minute(5), Wake::Close(CloseReason::Cancelled)));
    story.wakes(minute(5)).unwrap();
    assert_eq!(story.phase().close_reason(), Some(CloseReason::Cancelled));
    assert!(!story.phase().is_forced());
}

#[test]
fn l16_a_cancelled_meeting_waits_for_who_is_on_the_way_in() {
    let mut story = Story::scheduled(30, 60, quiet());
    story.tell(Event::JoinRequested, minute(5)).unwrap();
    story.tell(Event::Cancelled, minute(5)).unwrap();
    assert_eq!(story.due().at, minute(5) + quiet().lease);
    story.joins("ada", minute(5) + quiet().lease - JUST).unwrap();
    assert!(story.phase().is_live());
    story.leaves("ada", minute(9)).unwrap();
    assert_eq!(story.due().at, minute(24), "from then on it is like any other");
}

#[test]
fn l16_a_meeting_that_was_cancelled_while_its_room_was_made_and_joined_then_is_like_any_other() {
    let policy = quiet();
    let mut story = Story::opening(Schedule::of(minute(30), minute(60), minute(0)), policy);
    story.tell(Event::Cancelled, minute(0)).unwrap();
    story.joins("ada", minute(1)).unwrap();
    story.tell(Event::RoomOpened { generation: story.life.generation, expires_at: None }, minute(1)).unwrap();
    assert!(story.phase().is_live());
    story.leaves("ada", minute(9)).unwrap();
    assert_eq!((story.due().at, story.due().why), (minute(24), Wake::Close(CloseReason::GraceExpired)));
}

#[test]
fn l16_a_machine_that_comes_holds_no_cancelled_meeting() {
    let mut story = Story::scheduled(30, 60, quiet());
    story.tell(Event::Cancelled, minute(5)).unwrap();
    story.tell(Event::ParticipantJoined(machine("recorder", minute(5), 0)), minute(5)).unwrap();
    assert_eq!((story.due().at, story.due().why), (minute(5), Wake::Close(CloseReason::Cancelled)));
}

#[test]
fn l16_cancelling_an_occupied_meeting_makes_it_unscheduled_and_puts_nobody_out() {
    let mut story = Story::scheduled(30, 60, quiet());
    story.joins("ada", minute(5)).unwrap();
    story.tell(Event::Cancelled, minute(6)).unwrap();
    assert!(story.phase().is_live());
    assert!(story.life.schedule.start <= minute(6));
    assert_eq!(hard_deadline(&story.life, &story.policy), (minute(6) + HOUR * 24, CloseReason::MaxLifetime));
}

#[test]
fn l16_cancelling_a_long_meeting_does_not_end_its_lifetime_at_once() {
    for cancelled_at in [24 * 60 - 1, 24 * 60, 24 * 60 + 1] {
        let mut story = Story::scheduled(0, 5 * 24 * 60, quiet());
        story.joins("ada", minute(1)).unwrap();
        story.tell(Event::Cancelled, minute(cancelled_at)).unwrap();
        let (hard, _) = hard_deadline(&story.life, &story.policy);
        assert!(hard >= minute(cancelled_at) + HOUR * 24, "cancelled at minute {cancelled_at}: {hard}");
    }
}

#[test]
fn l16_a_meeting_that_was_put_off_while_it_closed_goes_on() {
    let mut story = Story::scheduled(30, 60, quiet());
    story.wakes(minute(60)).unwrap();
    assert!(!story.phase().is_active());
    story.moved_to_end(minute(90), minute(61)).unwrap();
    assert_eq!(story.phase(), Phase::Waiting { since: minute(0) });
}

/// When the provider's room of a meeting from minute 30 to 60 can be used no longer.
fn beyond(story: &Story) -> Timestamp {
    story.life.expires_at.unwrap()
}

#[test]
fn l16_an_empty_meeting_that_outlives_its_room_gets_another_one() {
    let mut story = Story::scheduled(30, 60, quiet());
    let end = beyond(&story);
    let owed = story.moved_to_end(end, minute(5)).unwrap();
    assert_eq!(story.phase(), Phase::Opening { since: minute(5) });
    let expires_at = end + MINUTE * 30 + HOUR;
    assert_eq!(owed, [Effect::RetireRoom { generation: 0 }, Effect::OpenRoom { generation: 1, expires_at }],);
    let old = Event::RoomClosed { generation: 0 };
    assert_eq!(
        story.tell(old, minute(6)),
        Err(Ignored::AnotherRoom),
        "the end of the old room is no end of it"
    );
}

#[test]
fn l16_who_was_in_the_old_room_is_not_in_the_new_one() {
    let mut story = Story::scheduled(30, 60, quiet());
    story.joins("ada", minute(1)).unwrap();
    story.leaves("ada", minute(2)).unwrap();
    story.moved_to_end(beyond(&story), minute(5)).unwrap();
    story.tell(Event::RoomOpened { generation: 1, expires_at: None }, minute(6)).unwrap();
    assert_eq!(story.phase(), Phase::Waiting { since: minute(6) });
    story.joins("ada", minute(7)).unwrap();
    assert!(story.phase().is_live(), "her old connection has left the old room, not this one");
}

#[test]
fn l16_an_occupied_meeting_refuses_to_outlive_its_room_and_names_the_latest_end() {
    let mut story = Story::scheduled(30, 60, quiet());
    story.joins("ada", minute(31)).unwrap();
    let latest_end = beyond(&story) - MINUTE * 30;
    assert_eq!(
        story.moved_to_end(latest_end + JUST, minute(40)),
        Err(Ignored::BeyondProvider { latest_end })
    );
    assert_eq!(story.life.schedule.end, minute(60));
    story.moved_to_end(latest_end, minute(40)).unwrap();
    assert_eq!(story.life.generation, 0);
}

#[test]
fn l16_a_room_without_an_expiry_takes_any_end() {
    let policy = Policy::default();
    let mut story = Story::scheduled(30, 60, policy);
    story.life.expires_at = None;
    story.joins("ada", minute(31)).unwrap();
    story.moved_to_end(minute(100_000), minute(40)).unwrap();
    assert_eq!(story.life.generation, 0);
}

fn claiming(claim: Claim, story: &Story) -> Meeting {
    let mut meeting = Meeting { claim: Some(claim), ..meeting(1, story.life.clone()) };
    meeting.release_claim();
    meeting
}

#[test]
fn l1_an_occurrence_is_held_until_its_meeting_is_closed_or_closes_by_force() {
    let occurrence = || Claim::Occurrence("standup-2026-11-22".to_owned());
    let mut story = Story::scheduled(30, 60, quiet());
    assert_eq!(claiming(occurrence(), &story).claim, Some(occurrence()));
    story.wakes(minute(60)).unwrap();
    assert_eq!(claiming(occurrence(), &story).claim, Some(occurrence()), "it may come back");
    story.tell(Event::EndRequested, minute(61)).unwrap();
    assert_eq!(claiming(occurrence(), &story).claim, None);
}

#[test]
fn l1_the_unscheduled_meeting_of_a_room_is_one_as_long_as_it_is_active() {
    let mut story = Story::unscheduled(quiet());
    assert_eq!(claiming(Claim::Unscheduled, &story).claim, Some(Claim::Unscheduled));
    story.wakes(minute(30)).unwrap();
    assert_eq!(claiming(Claim::Unscheduled, &story).claim, None);
}

#[test]
fn l16_a_meeting_without_a_schedule_cannot_be_cancelled_twice_nor_while_people_are_in() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    assert_eq!(story.tell(Event::Cancelled, minute(2)), Err(Ignored::Occupied));
    story.leaves("ada", minute(3)).unwrap();
    story.tell(Event::Cancelled, minute(4)).unwrap();
    assert_eq!(story.tell(Event::Cancelled, minute(4)), Err(Ignored::NoChange));
}
