//! Known failures of other systems that the pure rules must not have, by name.
//!
//! A property that has failed leaves its shortest story here too, under a name that says what went wrong.

use std::time::Duration;

use reflector_core::admission::current;
use reflector_core::lifecycle::{
    CloseReason, Effect, Event, Hearing, Ignored, Outcome, Phase, Policy, Presence, Report, Sighting, Wake,
    step,
};

use crate::admission::meeting;
use crate::stories::{JUST, SECOND, Story, machine, minute, person, quiet};

#[test]
fn the_meeting_that_expires_fifteen_minutes_after_creation_because_nobody_has_joined_yet() {
    let mut unscheduled = Story::unscheduled(quiet());
    assert_eq!(unscheduled.wakes(minute(15)), Err(Ignored::NotDue));
    assert!(unscheduled.phase().is_active());
    let mut scheduled = Story::scheduled(60, 120, quiet());
    for minutes in [15, 75, 119] {
        assert_eq!(scheduled.wakes(minute(minutes)), Err(Ignored::NotDue), "minute {minutes}");
    }
    scheduled.joins("ada", minute(119)).unwrap();
    assert!(scheduled.phase().is_live());
}

#[test]
fn the_overrunning_meeting_that_is_active_but_can_be_neither_listed_nor_joined() {
    let mut story = Story::scheduled(0, 60, quiet());
    story.joins("ada", minute(1)).unwrap();
    let now = minute(75);
    let _ = story.wakes(now);
    assert!(story.phase().is_active(), "it is listed");
    let meetings = [meeting(1, story.life.clone())];
    assert_eq!(
        current(&meetings, now).map(|current| current.id),
        Some(meetings[0].id),
        "people are led to it"
    );
    let asked = step(&story.life, &Event::JoinRequested, now, &story.policy);
    assert!(matches!(asked, Outcome::Changed(_)), "it is joined: {asked:?}");
    story.leaves("ada", minute(76)).unwrap();
    story.joins("grace", minute(90) - JUST).unwrap();
    assert!(story.phase().is_live(), "and it comes back from grace");
}

#[test]
fn the_recorder_that_counts_as_a_participant() {
    let mut story = Story::unscheduled(quiet());
    story.tell(Event::ParticipantJoined(machine("recorder", minute(1), 0)), minute(1)).unwrap();
    assert!(matches!(story.phase(), Phase::Waiting { .. }), "it starts no meeting");
    story.joins("ada", minute(2)).unwrap();
    story.leaves("ada", minute(3)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(3) }, "and holds none open");
    story.tell(Event::ParticipantLeft(machine("recorder", minute(9), 0)), minute(9)).unwrap();
    assert_eq!(story.due().at, minute(18), "nor does its leaving begin a new grace");
}

#[test]
fn the_left_of_an_old_connection_arriving_after_the_joined_of_a_new_one() {
    let mut story = Story::unscheduled(quiet());
    story.joins("tab-1", minute(1)).unwrap();
    story.joins("tab-2", minute(5)).unwrap();
    story.leaves("tab-1", minute(6)).unwrap();
    assert_eq!(story.phase(), Phase::Live { humans: 1, since: minute(1) });

    let mut counted = Story::unscheduled(quiet());
    counted.joins("tab-1", minute(1)).unwrap();
    let told =
        |who, at, received_at, humans| Sighting { received_at, humans: Some(humans), ..person(who, at) };
    counted.tell(Event::ParticipantJoined(told("tab-2", minute(6), minute(6), 1)), minute(6)).unwrap();
    counted.tell(Event::ParticipantLeft(told("tab-1", minute(5), minute(7), 0)), minute(7)).unwrap();
    assert_eq!(counted.phase().humans(), 1, "its count is older than the joining");
}

#[test]
fn the_provider_outage_that_looks_like_everybody_leaving() {
    let mut story = Story::unscheduled(Policy::default());
    story.joins("ada", minute(0)).unwrap();
    for asked in [15, 45, 105] {
        assert_eq!(story.wakes(minute(asked)), Ok(vec![Effect::AskPresence]));
        let nothing =
            Report { presence: Presence::Unknown, asked_at: minute(asked), staleness: Duration::ZERO };
        let told = story.tell(Event::PresenceReported(nothing), minute(asked));
        assert_eq!(told, Err(Ignored::NoNews));
    }
    assert_eq!(story.phase(), Phase::Live { humans: 1, since: minute(0) });
}

#[test]
fn the_wrong_webhook_secret_that_makes_every_meeting_look_never_joined() {
    let mut story = Story::unscheduled(quiet());
    story.wakes_hearing(Hearing::Deaf, minute(30)).unwrap();
    assert!(story.phase().is_active());
    assert!(story.life.watch.withheld_since.is_some(), "and that can be told");
    // The secret is put right, and a message proves it.
    story.joins("ada", minute(40)).unwrap();
    assert_eq!(story.phase(), Phase::Live { humans: 1, since: minute(40) });
}

#[test]
fn the_rejoin_during_our_own_downtime() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    story.leaves("ada", minute(2)).unwrap();
    // We were away from minute 5 to minute 20. She came back at minute 6, and the message found nobody.
    let since_we_are_back = Hearing::Since(minute(20));
    story.wakes_hearing(since_we_are_back, minute(20)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(2) });
    while story.due().at < minute(200) {
        story.wakes_hearing(since_we_are_back, story.due().at).unwrap();
        assert!(story.phase().is_active());
    }
    // Her leaving is heard, and what follows is an ordinary grace.
    story.leaves("ada-2", minute(200)).unwrap();
    story.wakes_hearing(since_we_are_back, minute(215)).unwrap();
    assert_eq!(story.phase().close_reason(), Some(CloseReason::GraceExpired));
}

#[test]
fn the_lost_left_that_keeps_a_room_open_for_hours() {
    let mut story = Story::unscheduled(Policy::default());
    story.joins("ada", minute(0)).unwrap();
    // She leaves at minute 1, and nobody tells us.
    assert_eq!((story.due().at, story.due().why), (minute(15), Wake::Ask));
    assert_eq!(story.wakes(minute(15)), Ok(vec![Effect::AskPresence]));
    story.says(Presence::Empty, minute(15) + SECOND).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(15) + SECOND });
    assert_eq!(story.due().at, minute(30) + SECOND);
    assert_eq!(story.wakes(minute(30) + SECOND), Ok(vec![Effect::CloseRoom { generation: 0 }]));
}

#[test]
fn the_close_that_is_still_owed_after_somebody_came_back() {
    let mut story = Story::unscheduled(quiet());
    story.leaves("ada", minute(1)).unwrap();
    assert_eq!(story.wakes(minute(16)), Ok(vec![Effect::CloseRoom { generation: 0 }]));
    story.joins("grace", minute(17)).unwrap();
    // Whoever is about to carry the close out reads the phase again, and it is no closing.
    assert_eq!(story.phase().close_reason(), None);
}

#[test]
fn the_second_probe_that_is_asked_for_eight_times_at_once() {
    let mut story = Story::unscheduled(Policy::default());
    story.tell(Event::RoomMissing { asked_at: minute(1) }, minute(1)).unwrap();
    story.wakes(minute(1) + SECOND * 30).unwrap();
    assert_eq!(story.life.watch.asks, 1);
    assert_eq!(story.wakes(minute(1) + SECOND * 30), Err(Ignored::NotDue));
}

#[test]
fn the_leaving_heard_while_closing_that_is_forgotten_when_somebody_asks_to_join() {
    let mut story = Story::scheduled(30, 60, quiet());
    story.tell(Event::Cancelled, minute(5)).unwrap();
    story.wakes(minute(5)).unwrap();
    story.leaves("ada", minute(6)).unwrap();
    story.tell(Event::JoinRequested, minute(7)).unwrap();
    assert_eq!(story.phase(), Phase::Grace { since: minute(6) });
}

#[test]
fn of_an_answer_and_an_event_of_the_same_instant_the_one_that_knows_of_people_wins() {
    for (presence, humans, people) in
        [(Presence::Occupied(2), 0, 2), (Presence::Empty, 1, 1), (Presence::Occupied(2), 1, 2)]
    {
        let left = Sighting { humans: Some(humans), ..person("ada", minute(5)) };
        in_either_order(&answer(presence), &Event::ParticipantLeft(left), |story| {
            assert_eq!(story.phase().humans(), people, "{presence:?} and {humans} people");
        });
    }
}

#[test]
fn of_two_answers_of_the_same_instant_the_one_that_knows_of_people_wins() {
    in_either_order(&answer(Presence::Occupied(2)), &answer(Presence::Empty), |story| {
        assert_eq!(story.phase().humans(), 2);
    });
}

#[test]
fn of_two_machines_that_leave_in_the_same_instant_the_one_that_leaves_fewer_behind_was_last() {
    let leaves = |who, humans| Event::ParticipantLeft(machine(who, minute(5), humans));
    in_either_order(&leaves("recorder", 1), &leaves("streamer", 0), |story| {
        assert_eq!(story.phase(), Phase::Grace { since: minute(5) });
    });
}

fn answer(presence: Presence) -> Event {
    Event::PresenceReported(Report { presence, asked_at: minute(5), staleness: Duration::ZERO })
}

/// Two people are in, and two things are heard of.
fn in_either_order(one: &Event, other: &Event, holds: impl Fn(&Story)) {
    for [first, second] in [[one, other], [other, one]] {
        let mut story = Story::unscheduled(quiet());
        story.joins("ada", minute(1)).unwrap();
        story.joins("grace", minute(2)).unwrap();
        let _ = story.tell(first, minute(5));
        let _ = story.tell(second, minute(5));
        holds(&story);
    }
}
