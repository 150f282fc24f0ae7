//! A policy of one's own, held to a promise of one's own: *with our policy, nobody who is back within ten minutes
//! finds the meeting closed for emptiness.*
//!
//! Random histories come from the strategies of the core: people on changing connections, late and doubled messages,
//! clocks that go back, calendars and owners. After each, everybody leaves, and somebody comes back.
//! `cargo test -p reflector-examples --example own_policy` also shows that a shorter grace would break the promise.

use std::time::Duration;

use proptest::prelude::{Strategy, prop_assert};
use proptest::test_runner::{Config, TestCaseResult, TestError, TestRunner};
use reflector_core::lifecycle::invariants::{Transition, violated};
use reflector_core::lifecycle::{
    Event, Hearing, Outcome, Overtime, Policy, Sighting, deadline, hard_deadline, step,
};
use reflector_core::testing::strategies::{History, history};
use reflector_core::{Life, Participant, Timestamp};

const MINUTE: Duration = Duration::from_secs(60);
/// What is promised.
const BACK_WITHIN: Duration = Duration::from_secs(10 * 60);

/// Our policy. Change it, and see whether the promise still holds.
fn our_policy() -> Policy {
    Policy { grace: 10 * MINUTE, overtime: Overtime::For(20 * MINUTE), ..Policy::default() }
}

/// A meeting in the middle of its life, told event by event.
struct Story {
    life: Life,
    policy: Policy,
}

impl Story {
    /// Tells what happens, and sees to it that no invariant of the rules is violated.
    fn tell(&mut self, event: &Event, now: Timestamp) -> TestCaseResult {
        let (before, policy) = (self.life.clone(), &self.policy);
        if let Outcome::Changed(change) = step(&before, event, now, policy) {
            let (after, effects) = (&change.life, &change.effects);
            let broken = violated(&Transition { before: &before, event, now, policy, after, effects });
            prop_assert!(broken.is_empty(), "{broken:?}");
            self.life = change.life;
        }
        Ok(())
    }

    /// Lets time pass: the server wakes the meeting whenever it is due.
    fn passes(&mut self, from: Timestamp, until: Timestamp) -> TestCaseResult {
        while let Some(due) = deadline(&self.life, &self.policy).filter(|due| due.at <= until) {
            self.tell(&Event::DeadlineReached { hearing: Hearing::Answered }, due.at.max(from))?;
        }
        Ok(())
    }

    /// Somebody seen now, by a provider whose clock may be ahead of ours, as the only one in or the last to go.
    fn seen(&self, who: &str, humans: u32, now: Timestamp) -> Sighting {
        let newest = self.life.presence.newest_event_at();
        let at = newest.map_or(now, |newest| now.max(newest + Duration::from_micros(1)));
        Sighting { participant: Participant::human(who), at, received_at: now, humans: Some(humans) }
    }
}

/// A meeting after a random history, with somebody in, and the instant. What is to be closed by force soon is left out,
/// and what is called off: there we promise nothing.
fn occupied(policy: Policy) -> impl Strategy<Value = (History, Timestamp)> {
    history().prop_filter_map("somebody is in, and may stay", move |mut history| {
        history.policy = policy;
        // Later than everything in it, whatever its clocks did.
        let now = history.events.iter().map(|(_, now)| *now).max().unwrap_or(history.begun_at) + MINUTE;
        let story = Story { life: history.last(), policy };
        history.events.push((Event::RoomOpened { generation: story.life.generation, expires_at: None }, now));
        history.events.push((Event::ParticipantJoined(story.seen("ann", 1, now)), now));
        let life = history.last();
        let stays = life.cancelled_at.is_none() && hard_deadline(&life, &policy).0 > now + BACK_WITHIN;
        (life.phase.is_live() && stays).then_some((history, now))
    })
}

/// Everybody leaves, somebody comes back after a while, and finds the meeting open.
fn finds_it_open(history: &History, left_at: Timestamp, away: Duration) -> TestCaseResult {
    let (mut story, back_at) = (Story { life: history.last(), policy: history.policy }, left_at + away);
    // What an owner set for this meeting alone is the owner's promise, and not ours.
    story.tell(&Event::GraceChanged { grace: None }, left_at)?;
    story.tell(&Event::ParticipantLeft(story.seen("ann", 0, left_at)), left_at)?;
    prop_assert!(!story.life.phase.is_live(), "everybody has left: {:?}", story.life.phase);

    story.passes(left_at, back_at)?;
    prop_assert!(story.life.phase.is_active(), "away for {away:?}, and found {:?}", story.life.phase);
    story.tell(&Event::ParticipantJoined(story.seen("ann again", 1, back_at)), back_at)?;
    prop_assert!(story.life.phase.is_live(), "{:?}", story.life.phase);
    Ok(())
}

/// Tries the promise on so many histories. The smallest that breaks it, if one does.
fn promise(policy: Policy, cases: u32) -> Result<(), String> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let seconds = 0..BACK_WITHIN.as_secs();
    let tried = TestRunner::new(config).run(&(occupied(policy), seconds), |((history, now), away)| {
        finds_it_open(&history, now, Duration::from_secs(away))
    });
    tried.map_err(|error| match error {
        TestError::Fail(why, ((history, _), _)) => format!("{why}, after {:?}", history.events),
        TestError::Abort(why) => format!("it could not be tried: {why}"),
    })
}

fn main() {
    match promise(our_policy(), 1_000) {
        Ok(()) => println!("1,000 histories, and nobody who was back within {BACK_WITHIN:?} found it closed"),
        Err(why) => println!("the promise does not hold: {why}"),
    }
    match promise(Policy { grace: 9 * MINUTE, ..our_policy() }, 1_000) {
        Ok(()) => println!("a grace of nine minutes would do as well"),
        Err(why) => println!("a grace of nine minutes would break it: {why}"),
    }
}

#[test]
fn nobody_who_is_back_within_ten_minutes_finds_the_meeting_closed() {
    assert_eq!(promise(our_policy(), 1_000), Ok(()));
}

#[test]
fn a_shorter_grace_would_break_the_promise_and_the_property_finds_it() {
    let why = promise(Policy { grace: 9 * MINUTE, ..our_policy() }, 1_000).expect_err("nine are too few");
    assert!(why.contains("GraceExpired"), "{why}");
}
