//! The pure rules, with nothing around them: no store, no provider, no runtime, no clock.
//!
//! A meeting is made, Ann comes and goes, nobody comes back, and the rules say when it closes and why.

use std::time::Duration;

use reflector_core::lifecycle::{Event, Hearing, Outcome, Policy, Schedule, Sighting, deadline, step};
use reflector_core::{Life, Participant, Timestamp};

fn main() {
    let policy = Policy { grace: Duration::from_secs(15 * 60), ..Policy::default() };
    let ten: Timestamp = "2026-11-22T10:00:00Z".parse().expect("this is a time");
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let ann = |at| Sighting { participant: Participant::human("ann"), at, received_at: at, humans: None };

    let mut life = Life::begin(Schedule::from_now(ten, &policy), ten, &policy).life;
    let story = [
        (ten, Event::RoomOpened { generation: 0, expires_at: None }),
        (ten + minutes(1), Event::ParticipantJoined(ann(ten + minutes(1)))),
        (ten + minutes(20), Event::ParticipantLeft(ann(ten + minutes(20)))),
        (ten + minutes(30), Event::DeadlineReached { hearing: Hearing::Answered }),
        (ten + minutes(35), Event::DeadlineReached { hearing: Hearing::Answered }),
        (ten + minutes(36), Event::RoomClosed { generation: 0 }),
    ];
    for (now, event) in story {
        match step(&life, &event, now, &policy) {
            Outcome::Ignored(why) => println!("{now}  {:<20} ignored: {why}", event.name()),
            Outcome::Changed(change) => {
                life = change.life;
                println!("{now}  {:<20} {:<8} owes {:?}", event.name(), life.phase.as_str(), change.effects);
            }
        }
        match deadline(&life, &policy) {
            Some(next) => println!("{:>45} next: {} because of {:?}", "", next.at, next.why),
            None => println!("{:>45} nothing happens by itself any more", ""),
        }
    }
    assert!(life.phase.is_closed(), "everybody left, and nobody came back");
}

#[test]
fn the_rules_close_the_meeting_of_the_example() {
    main();
}
