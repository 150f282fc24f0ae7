//! L26: which of a room's meetings somebody is led to.

use reflector_core::admission::current;
use reflector_core::lifecycle::{Event, Life, Schedule};
use reflector_core::testing::strategies::BASE;
use reflector_core::{Meeting, MeetingId, ProviderName, RoomId, Timestamp};

use crate::stories::{JUST, Story, minute, quiet};

/// A meeting with this life. Its id is its number.
pub(crate) fn meeting(number: u8, life: Life) -> Meeting {
    let id = |number: u8| format!("00000000-0000-0000-0000-0000000000{number:02}").parse().unwrap();
    Meeting {
        id: MeetingId(id(number)),
        room_id: RoomId(id(99)),
        provider: ProviderName::from("fake"),
        calendar_event_id: None,
        claim: None,
        calendar_metadata: None,
        settings: Default::default(),
        room: None,
        life,
    }
}

/// From minute `start` to minute `end`.
fn waiting(start: u32, end: u32) -> Life {
    Story::scheduled(start, end, quiet()).life
}

fn occupied(start: u32, end: u32) -> Life {
    let mut story = Story::scheduled(start, end, quiet());
    story.joins("ada", minute(1)).unwrap();
    story.life
}

fn in_grace(start: u32, end: u32) -> Life {
    let mut story = Story::scheduled(start, end, quiet());
    story.joins("ada", minute(1)).unwrap();
    story.leaves("ada", minute(2)).unwrap();
    story.life
}

/// The place of the current one among these lives, and the same in the other order.
fn led_to(lives: &[Life], now: Timestamp) -> Option<usize> {
    let meetings: Vec<_> =
        lives.iter().enumerate().map(|(place, life)| meeting(place as u8, life.clone())).collect();
    let found = current(&meetings, now).map(|meeting| meeting.id);
    assert_eq!(
        found,
        current(meetings.iter().rev(), now).map(|meeting| meeting.id),
        "their order does not matter"
    );
    meetings.iter().position(|meeting| Some(meeting.id) == found)
}

#[test]
fn l26_the_order_is_occupied_on_time_then_on_time_then_occupied_then_grace_then_the_rest() {
    let now = minute(60);
    let in_order = [occupied(30, 90), waiting(30, 90), occupied(0, 50), in_grace(0, 50), waiting(0, 50)];
    for first in 0..in_order.len() {
        let mut rest = in_order[first..].to_vec();
        assert_eq!(led_to(&rest, now), Some(0), "from {first} on");
        rest.reverse();
        assert_eq!(led_to(&rest, now), Some(rest.len() - 1), "from {first} on, whatever its id");
    }
}

#[test]
fn l26_a_grace_on_time_is_on_time() {
    assert_eq!(led_to(&[occupied(0, 50), in_grace(30, 90)], minute(60)), Some(1));
}

#[test]
fn l26_a_meeting_is_on_time_from_its_start_until_just_before_its_end() {
    let lives = [occupied(0, 30), waiting(30, 60)];
    assert_eq!(led_to(&lives, minute(30) - JUST), Some(0));
    assert_eq!(led_to(&lives, minute(30)), Some(1));
    assert_eq!(led_to(&lives, minute(60) - JUST), Some(1));
    assert_eq!(led_to(&lives, minute(60)), Some(0));
}

#[test]
fn l26_ties_go_to_the_newest_start_then_to_the_id() {
    assert_eq!(led_to(&[waiting(20, 90), waiting(30, 90), waiting(10, 90)], minute(60)), Some(1));
    assert_eq!(led_to(&[waiting(30, 90), waiting(30, 80)], minute(60)), Some(0));
}

#[test]
fn l26_an_unoccupied_meeting_that_starts_in_more_than_ten_minutes_is_left_out() {
    assert_eq!(led_to(&[waiting(30, 60)], minute(20) - JUST), None);
    assert_eq!(led_to(&[waiting(30, 60)], minute(20)), Some(0));
    assert_eq!(led_to(&[in_grace(30, 60)], minute(5)), None);
    assert_eq!(led_to(&[occupied(30, 60)], minute(5)), Some(0));
}

#[test]
fn l26_one_that_is_being_made_is_current_and_one_that_closes_is_not() {
    let policy = quiet();
    let schedule = Schedule::from_now(BASE, &policy);
    let mut opening = Story::opening(schedule, policy);
    assert_eq!(led_to(&[opening.life.clone()], BASE), Some(0));
    opening.tell(Event::RoomRefused { generation: 0 }, BASE).unwrap();
    assert_eq!(led_to(&[opening.life], BASE), None);

    let mut closing = Story::unscheduled(policy);
    closing.wakes(minute(30)).unwrap();
    assert_eq!(led_to(&[closing.life], minute(30)), None);
}

#[test]
fn l26_a_room_without_meetings_has_no_current_one() {
    assert_eq!(led_to(&[], BASE), None);
}
