//! How runs end: always, and as if nothing had happened on the way.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::Index;
use reflector_core::Timestamp;
use reflector_core::pipeline::{
    Outcome, RestartAt, Retry, Run, RunState, StageStatus, Start, advance, begin, restart, start,
};
use reflector_core::testing::strategies::{BASE, span};

use super::script::{NAMES, retry, script};
use crate::stories::cases;

/// What goes wrong with a stage once.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    /// It may go better another time.
    Again,
    /// It fails for good, and an operator lets the run go on from there.
    Fails,
    /// Its worker dies, and another one starts it once more.
    Dies,
    /// An operator lets the run go on while it is worked on.
    Interrupted,
}

fn mishaps() -> impl Strategy<Value = Vec<(Index, Mishap)>> {
    let mishap =
        prop_oneof![Just(Mishap::Again), Just(Mishap::Fails), Just(Mishap::Dies), Just(Mishap::Interrupted)];
    vec((any::<Index>(), mishap), 0..12)
}

/// What each stage comes to when it comes to something: done, or skipped.
fn outcomes() -> impl Strategy<Value = Vec<Outcome>> {
    let outcome =
        prop_oneof![3 => Just(Outcome::Done), 1 => Just(Outcome::Skipped("no endpoint".to_owned()))];
    vec(outcome, NAMES.len())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_run_that_fails_anywhere_and_goes_on_ends_as_one_that_never_failed(
        retry in retry(), outcomes in outcomes(), mishaps in mishaps(),
    ) {
        let calm = carried_through(&retry, &outcomes, &[]);
        prop_assert!(matches!(calm.state, RunState::Done { .. }), "{calm:#?}");
        let mishaps: Vec<_> = mishaps.into_iter().map(|(at, mishap)| (at.index(NAMES.len()), mishap)).collect();
        let stirred = carried_through(&retry, &outcomes, &mishaps);
        prop_assert_eq!(came_to(&stirred), came_to(&calm));
        prop_assert!(matches!(stirred.state, RunState::Done { .. }), "{stirred:#?}");
    }

    #[test]
    fn a_run_comes_to_its_end_from_wherever_it_is_when_every_stage_does(
        script in script(), failures in vec(0_u32..8, NAMES.len()),
    ) {
        let most = NAMES.len() as u32 * (script.retry.attempts + 2);
        for (mut run, mut now) in script.runs() {
            let mut failures = failures.clone();
            for rounds in 0.. {
                if run.is_over() {
                    break;
                }
                prop_assert!(rounds < most, "still {run:#?} after {rounds} rounds");
                now = now.max(ready_at(&run, now));
                let place = match start(&run, now, &script.retry) {
                    Start::Stage(started, place) => {
                        run = started;
                        place
                    }
                    Start::Exhausted(failed) => {
                        run = failed;
                        continue;
                    }
                    Start::Nothing => panic!("it is ready: {run:#?}"),
                };
                let outcome = match &mut failures[place] {
                    0 => Outcome::Done,
                    left => {
                        *left -= 1;
                        Outcome::Again { reason: "busy".to_owned(), after: None }
                    }
                };
                run = advance(&run, &outcome, now, &script.retry, 7);
            }
            let failed = run.stages.iter().any(|stage| stage.status == StageStatus::Failed);
            prop_assert_eq!(matches!(run.state, RunState::Failed { .. }), failed);
        }
    }

    #[test]
    fn the_wait_between_attempts_grows_up_to_the_longest_and_is_bounded(
        first in span(), longest in span(), seed in any::<u64>(),
    ) {
        let retry = Retry { attempts: u32::MAX, first, longest };
        let bound = longest + longest / 4;
        let mut before = Duration::ZERO;
        for attempts in (1..60).chain([u32::MAX]) {
            let wait = retry.wait_after(attempts, seed);
            prop_assert!(wait <= bound, "{wait:?} after {attempts}");
            prop_assert!(wait >= first.min(longest), "{wait:?} after {attempts}");
            if before >= longest {
                prop_assert!(wait >= longest, "{wait:?} after {attempts}");
            } else if !first.is_zero() {
                prop_assert!(wait > before, "{wait:?} after {attempts}, and {before:?} before");
            }
            before = wait;
        }
        prop_assert!(first.is_zero() || before >= longest, "{before:?} is not the longest");
    }

    #[test]
    fn a_stage_that_failed_waits_as_long_as_it_is_told_and_as_the_policy_says(
        script in script(), after in span(), seed in any::<u64>(),
    ) {
        let reason = "busy".to_owned();
        for (run, now) in script.runs() {
            let outcome = Outcome::Again { reason: reason.clone(), after: Some(after) };
            let next = advance(&run, &outcome, now, &script.retry, seed);
            let (RunState::Working { .. }, RunState::Waiting { ready_at }) = (run.state, next.state) else {
                continue;
            };
            let stage = next.current().expect("there is a stage that waits");
            prop_assert_eq!((stage.status, &stage.reason), (StageStatus::Pending, &Some(reason.clone())));
            prop_assert_eq!(ready_at, now + script.retry.wait_after(stage.attempts, seed).max(after));
        }
    }
}

/// A run that is carried on until it is done, with mishaps at these places, each once.
fn carried_through(retry: &Retry, outcomes: &[Outcome], mishaps: &[(usize, Mishap)]) -> Run {
    let mut left = mishaps.to_vec();
    let (mut run, mut now) = (begin(&NAMES, BASE), BASE);
    let goes_on = |run: &Run, now| restart(run, RestartAt::WhereItStands, &NAMES, now).unwrap();
    for _ in 0..1_000 {
        now = ready_at(&run, now) + Duration::from_secs(1);
        match start(&run, now, retry) {
            Start::Stage(started, place) => {
                run = started;
                let mishap = left.iter().position(|(at, _)| *at == place).map(|next| left.remove(next).1);
                let outcome = match mishap {
                    None => outcomes[place].clone(),
                    Some(Mishap::Again) => Outcome::Again { reason: "busy".to_owned(), after: None },
                    Some(Mishap::Fails) => Outcome::Failed("gone".to_owned()),
                    Some(Mishap::Dies) => continue,
                    Some(Mishap::Interrupted) => {
                        run = goes_on(&run, now);
                        continue;
                    }
                };
                run = advance(&run, &outcome, now, retry, 7);
            }
            Start::Exhausted(failed) => run = failed,
            Start::Nothing => return run,
        }
        if matches!(run.state, RunState::Failed { .. }) {
            run = goes_on(&run, now);
        }
    }
    panic!("it comes to no end: {run:#?}")
}

fn ready_at(run: &Run, now: Timestamp) -> Timestamp {
    match run.state {
        RunState::Waiting { ready_at } => ready_at.max(now),
        _ => now,
    }
}

/// What came of each stage, apart from when and how often.
fn came_to(run: &Run) -> Vec<(&str, StageStatus, Option<&str>)> {
    run.stages.iter().map(|stage| (stage.name.as_str(), stage.status, stage.reason.as_deref())).collect()
}
