//! Convergence and idempotence: neither the order of messages nor their number decides what is known.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use reflector_core::Timestamp;
use reflector_core::lifecycle::{Effect, Event, KEPT, Life, Outcome, Policy, Schedule, step};
use reflector_core::testing::strategies::{BASE, history, report, sighting};

use crate::stories::cases;

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_same_observations_in_any_order_lead_to_the_same_presence((told, shuffled) in in_two_orders()) {
        prop_assert_eq!(after(&told).phase, after(&shuffled).phase);
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
