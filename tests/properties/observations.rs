//! Convergence and idempotence: neither the order of messages nor their number decides what is known.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{
    Just, Strategy, any, prop_assert, prop_assert_eq, prop_assume, prop_oneof, proptest,
};
use reflector_core::Timestamp;
use reflector_core::lifecycle::{
    CLOCK_TOLERANCE, Effect, Event, KEPT, Life, Outcome, Phase, Policy, Presence, Report, Schedule, Sighting,
    step,
};
use reflector_core::testing::strategies::{BASE, history, near, report, sighting, span};

use crate::stories::{Story, cases, minute, person, quiet};

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_same_observations_in_any_order_lead_to_the_same_presence((told, shuffled) in in_two_orders()) {
        prop_assert_eq!(after(&told).phase, after(&shuffled).phase);
    }

    #[test]
    fn a_late_leaving_takes_five_minutes_of_the_grace_at_most(told in vec(a_person_moving(), 0..=KEPT)) {
        let moved = |event: &Event| match event {
            Event::ParticipantLeft(seen) | Event::ParticipantJoined(seen) => Some((seen.participant.connection, seen.at)),
            _ => None,
        };
        // A message that comes again stands at its first receipt: that is another story.
        prop_assume!(told.iter().filter_map(moved).collect::<BTreeSet<_>>().len() == told.len());
        let left = |event: &Event| match event {
            Event::ParticipantLeft(left) => Some(left.received_at),
            _ => None,
        };
        if let Phase::Grace { since } = after(&told).phase {
            let told_last = told.iter().filter_map(left).max();
            prop_assert!(Some(since + CLOCK_TOLERANCE) >= told_last, "since {since}, told at {told_last:?}");
        }
    }

    #[test]
    fn any_event_applied_twice_equals_the_event_applied_once(history in history()) {
        for played in history.play() {
            let Outcome::Changed(again) = step(played.after(), &played.event, played.now, &history.policy) else {
                continue;
            };
            prop_assert_eq!(&again.life, played.after(), "{:#?}", played);
            let retired = matches!(again.effects[..], [Effect::RetireRoom { .. }]);
            let late_room = matches!(played.event, Event::RoomOpened { .. });
            prop_assert!(retired && late_room, "owed twice: {:?} by {played:#?}", again.effects);
        }
    }

    #[test]
    fn a_life_that_is_read_before_each_observation_goes_on_as_one_that_was_never_written(told in a_long_story()) {
        let policy = Policy::default();
        let (mut held, mut read) = (after(&[]), after(&[]));
        for event in &told {
            read = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
            let (of_held, of_read) = (step(&held, event, BASE, &policy), step(&read, event, BASE, &policy));
            prop_assert_eq!(&of_held, &of_read);
            if let (Outcome::Changed(of_held), Outcome::Changed(of_read)) = (of_held, of_read) {
                (held, read) = (of_held.life, of_read.life);
            }
        }
    }

    #[test]
    fn a_delivery_that_comes_again_later_changes_nothing(history in history(), others in vec(observation(), 0..KEPT - 1)) {
        let last = history.last();
        for (event, _) in history.events.iter().filter(|(event, _)| is_sighting(event)) {
            let once = apply(last.clone(), event, history.now(), &history.policy);
            let later = others.iter().fold(once, |life, other| apply(life, other, history.now(), &history.policy));
            prop_assert_eq!(&apply(later.clone(), event, history.now(), &history.policy), &later);
        }
    }
}

fn is_sighting(event: &Event) -> bool {
    matches!(event, Event::ParticipantJoined(_) | Event::ParticipantLeft(_))
}

/// An observation: told by a count, by its connection, or asked for.
fn observation() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => sighting().prop_map(Event::ParticipantJoined),
        3 => sighting().prop_map(Event::ParticipantLeft),
        2 => report().prop_map(Event::PresenceReported),
    ]
}

/// A person who comes or goes on one of five connections, each message with its own delay, told without a count.
fn a_person_moving() -> impl Strategy<Value = Event> {
    (0_u8..5, any::<bool>(), near(), span()).prop_map(|(who, joins, at, delay)| {
        let seen = Sighting { received_at: at + delay, ..person(&who.to_string(), at) };
        if joins { Event::ParticipantJoined(seen) } else { Event::ParticipantLeft(seen) }
    })
}

/// So many observations that some are settled several times over: most come in order, a few late, and people come back.
fn a_long_story() -> impl Strategy<Value = Vec<Event>> {
    let told = (0_u8..20, 0_u8..8, prop_oneof![9 => Just(0), 1 => 1_u32..20]);
    vec(told, 0..=8 * KEPT).prop_map(|told| {
        let at = |place: usize, late: u32| {
            BASE + Duration::from_secs(place as u64) - Duration::from_secs(1) * late
        };
        let event = |(place, (who, what, late)): (usize, (u8, u8, u32))| {
            let seen = Sighting { received_at: at(place, 0), ..person(&who.to_string(), at(place, late)) };
            match what {
                0..4 => Event::ParticipantJoined(seen),
                4..7 => Event::ParticipantLeft(seen),
                _ => Event::PresenceReported(Report {
                    presence: if who < 3 { Presence::Empty } else { Presence::Occupied(who.into()) },
                    asked_at: at(place, late),
                    staleness: Duration::ZERO,
                }),
            }
        };
        told.into_iter().enumerate().map(event).collect()
    })
}

fn in_two_orders() -> impl Strategy<Value = (Vec<Event>, Vec<Event>)> {
    vec(observation(), 0..=KEPT).prop_flat_map(|told| (Just(told.clone()), Just(told).prop_shuffle()))
}

fn apply(life: Life, event: &Event, now: Timestamp, policy: &Policy) -> Life {
    match step(&life, event, now, policy) {
        Outcome::Changed(change) => change.life,
        Outcome::Ignored(_) => life,
    }
}

/// The life of a meeting whose room is open, after these observations.
fn after(observations: &[Event]) -> Life {
    let policy = Policy::default();
    let begun = Life::begin(Schedule::from_now(BASE, &policy), BASE, &policy).life;
    let open = Event::RoomOpened { generation: 0, expires_at: None };
    std::iter::once(&open).chain(observations).fold(begun, |life, event| apply(life, event, BASE, &policy))
}

#[test]
fn lives_with_another_past_are_other_lives_also_when_that_past_is_settled() {
    let lived = |first: &str| {
        let mut story = Story::unscheduled(quiet());
        // Who came and went stands in the settled past and nowhere else.
        story.joins(first, minute(0)).unwrap();
        story.leaves(first, minute(1)).unwrap();
        for n in 0..24 {
            story.joins(&format!("visitor {n}"), minute(2 + n)).unwrap();
        }
        story.life.presence
    };
    assert_ne!(lived("ada"), lived("grace"));
    assert_eq!(lived("ada"), lived("ada"));
    assert_eq!(lived("ada").told().connections().len(), 24);
}

#[test]
fn a_life_that_was_stored_with_more_observations_than_we_keep_goes_on() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    let mut stored = serde_json::to_value(&story.life).unwrap();
    let kept = find(&mut stored, "kept").expect("what is kept has this name").as_array_mut().unwrap();
    *kept = vec![kept[0].clone(); 40];
    story.life = serde_json::from_value(stored).unwrap();
    story.joins("grace", minute(2)).unwrap();
    assert!(story.phase().is_live());
}

/// What stands under a name, however deep.
fn find<'a>(value: &'a mut serde_json::Value, name: &str) -> Option<&'a mut serde_json::Value> {
    let fields = value.as_object_mut()?;
    if fields.contains_key(name) {
        return fields.get_mut(name);
    }
    fields.values_mut().find_map(|field| find(field, name))
}
