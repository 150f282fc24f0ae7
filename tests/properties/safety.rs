//! What must be provable of safety and patience: nobody is put out by accident, and nobody is hurried.

use std::collections::BTreeSet;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use reflector_core::ConnectionKey;
use reflector_core::lifecycle::{Close, CloseReason, Event, Outcome, Phase, hard_deadline};
use reflector_core::testing::strategies::{History, Played, history};

use crate::stories::cases;

/// The closings for emptiness.
const UNFORCED: [CloseReason; 3] =
    [CloseReason::GraceExpired, CloseReason::NeverJoined, CloseReason::Cancelled];

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_meeting_closes_for_emptiness_only_by_asking_the_provider_to_close_if_empty(history in history()) {
        let mut asked_if_empty = None;
        for played in history.play() {
            let (before, after) = (played.before.phase, played.after().phase);
            match after {
                Phase::Closing { reason, close: Close::IfEmpty { .. }, .. } => {
                    if before.close_reason().is_none() {
                        let woken = matches!(played.event, Event::DeadlineReached { .. });
                        prop_assert!(woken && !before.is_live(), "{played:#?}");
                    }
                    asked_if_empty = Some(reason);
                }
                Phase::Closing { reason, .. } if UNFORCED.contains(&reason) && !before.is_forced() => {
                    // A wake-up that comes late may find the forced close due as well.
                    let forced_late = played.now >= hard_deadline(&played.before, &history.policy).0;
                    prop_assert!(asked_if_empty == Some(reason) || forced_late, "{played:#?}");
                }
                Phase::Closed { reason, .. } if UNFORCED.contains(&reason) && !before.is_closed() => {
                    let confirmed = matches!(played.event, Event::RoomClosed { .. } | Event::RoomEnded);
                    prop_assert!(confirmed && before.close_reason() == Some(reason), "{played:#?}");
                }
                _ => {}
            }
        }
    }

    #[test]
    fn nobody_whose_joining_was_taken_in_is_taken_for_gone_before_their_leaving(history in history()) {
        let history = told_by_connections(history);
        let mut people = People::default();
        for played in history.play() {
            people.follow(&played);
            match played.after().phase {
                Phase::Live { humans, .. } => prop_assert_eq!(humans as usize, people.inside().count(), "{:#?}", played),
                Phase::Waiting { .. } | Phase::Grace { .. } | Phase::Closing { close: Close::IfEmpty { .. }, .. } => {
                    prop_assert_eq!(people.inside().count(), 0, "{:#?}", played);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn no_meeting_closes_for_emptiness_before_its_grace_is_over(history in history()) {
        let history = on_time(told_by_connections(history));
        let mut last_left = None;
        for played in history.play() {
            let taken_in = matches!(played.outcome, Outcome::Changed(_));
            if matches!(&played.event, Event::ParticipantLeft(left) if taken_in && left.participant.role.is_human()) {
                last_left = Some(played.now);
            }
            if played.after().generation != played.before.generation {
                last_left = None;
            }
            let starts = played.before.phase.is_active() && played.after().phase.close_reason().is_some();
            let for_emptiness = matches!(
                played.after().phase,
                Phase::Closing { close: Close::IfEmpty { .. }, reason, .. } if reason != CloseReason::Cancelled
            );
            if let Some(left_at) = last_left.filter(|_| starts && for_emptiness) {
                prop_assert!(played.now >= left_at + played.before.grace(&history.policy), "{played:#?}");
            }
        }
    }

    #[test]
    fn closed_is_the_end(history in history(), more in history()) {
        let longer = History { events: [history.events, more.events].concat(), ..history };
        let played = longer.play();
        let closed = played.iter().map(Played::after).find(|life| life.phase.is_closed());
        if let Some(closed) = closed {
            prop_assert_eq!(&longer.last(), closed);
        }
    }
}

/// The same history at a provider that tells no counts and cannot be asked: who is in follows from connections alone.
fn told_by_connections(mut history: History) -> History {
    history.events.retain(|(event, _)| !matches!(event, Event::PresenceReported(_)));
    for (event, _) in &mut history.events {
        if let Event::ParticipantJoined(sighting) | Event::ParticipantLeft(sighting) = event {
            sighting.humans = None;
        }
    }
    history
}

/// The same history with right clocks and no delays.
fn on_time(mut history: History) -> History {
    let mut clock = history.begun_at;
    for (event, now) in &mut history.events {
        clock = clock.max(*now);
        *now = clock;
        if let Event::ParticipantJoined(sighting) | Event::ParticipantLeft(sighting) = event {
            (sighting.at, sighting.received_at) = (clock, clock);
        }
    }
    history
}

/// Who is in, told without order: whoever joined and has not left, because leaving is final.
#[derive(Default)]
struct People {
    joined: BTreeSet<ConnectionKey>,
    left: BTreeSet<ConnectionKey>,
}

impl People {
    fn follow(&mut self, played: &Played) {
        if played.after().generation != played.before.generation {
            *self = Self::default();
        }
        if !matches!(played.outcome, Outcome::Changed(_)) {
            return;
        }
        match &played.event {
            Event::ParticipantJoined(seen) if seen.participant.role.is_human() => {
                self.joined.insert(seen.participant.connection);
            }
            Event::ParticipantLeft(seen) if seen.participant.role.is_human() => {
                self.left.insert(seen.participant.connection);
            }
            _ => {}
        }
    }

    fn inside(&self) -> impl Iterator<Item = &ConnectionKey> {
        self.joined.difference(&self.left)
    }
}
