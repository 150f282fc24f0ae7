//! What must hold of every run, whatever happens to it.

mod endings;
mod own_words;
mod script;
mod violations;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use reflector_core::Timestamp;
use reflector_core::pipeline::{
    Outcome, RestartAt, Run, RunState, Stage, StageStatus, Start, advance, give_back, start, violated,
};

use crate::stories::{JUST, cases};
use script::{Played, Script, Step, script};

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_run_violates_an_invariant(script in script()) {
        for (run, _) in script.runs() {
            prop_assert_eq!(violated(&run, &script.retry), Vec::<&str>::new(), "{:#?}", run);
        }
    }

    #[test]
    fn what_is_done_or_skipped_stays_so_without_a_restart(script in script()) {
        for played in without_restarts(&script) {
            for (before, after) in played.before.stages.iter().zip(&played.after.stages) {
                prop_assert!(!before.status.is_past() || before == after, "{played:#?}");
            }
        }
    }

    #[test]
    fn without_a_restart_nothing_changes_but_the_stage_that_is_next(script in script()) {
        for Played { before, after, .. } in without_restarts(&script) {
            let next = before.stages.iter().position(|stage| !stage.status.is_past());
            prop_assert_eq!(before.stages.len(), after.stages.len());
            for (place, (was, is)) in before.stages.iter().zip(&after.stages).enumerate() {
                prop_assert!(was == is || Some(place) == next, "{:#?}", (&before, &after));
                prop_assert_eq!(&was.name, &is.name);
            }
            prop_assert_eq!((before.number, before.begun_at), (after.number, after.begun_at));
        }
    }

    #[test]
    fn a_restart_keeps_what_stands_before_its_place_to_the_letter_and_nothing_else(script in script()) {
        for played in script.play() {
            let Step::Restart(at, stages) = &played.step else { continue };
            let Some(place) = place_of(&played.before, *at, stages) else {
                prop_assert_eq!(&played.after, &played.before, "there is no such stage");
                continue;
            };
            let after = &played.after;
            prop_assert_eq!(&after.stages[..place], &played.before.stages[..place]);
            prop_assert_eq!(names(after), &stages[..]);
            prop_assert!(after.stages[place..].iter().all(is_untouched), "{after:#?}");
            prop_assert_eq!((after.number, after.begun_at), (played.before.number + 1, played.now));
            let now = played.now;
            let is_done = place == stages.len();
            let state = if is_done { RunState::Done { at: now } } else { RunState::Waiting { ready_at: now } };
            prop_assert_eq!(after.state, state);
        }
    }

    #[test]
    fn a_stage_is_never_started_more_often_than_it_may_be(script in script()) {
        let mut started: BTreeMap<String, u32> = BTreeMap::new();
        for played in script.play() {
            if let Some(Start::Stage(run, place)) = &played.started {
                *started.entry(run.stages[*place].name.clone()).or_default() += 1;
            }
            if let (Step::GiveBack, RunState::Working { .. }, Some(stage)) =
                (&played.step, played.before.state, played.before.current())
            {
                // What is given back is no attempt.
                *started.entry(stage.name.clone()).or_default() -= 1;
            }
            if played.after.number != played.before.number {
                // What is to be done anew counts anew.
                let kept = played.after.stages.iter().filter(|stage| stage.status.is_past());
                let kept: BTreeSet<_> = kept.map(|stage| &stage.name).collect();
                started.retain(|name, _| kept.contains(name));
            }
            for stage in &played.after.stages {
                let times = started.get(&stage.name).copied().unwrap_or(0);
                prop_assert_eq!(times, stage.attempts, "{:#?}", played);
                prop_assert!(times <= script.retry.attempts.max(1), "{played:#?}");
            }
        }
    }

    #[test]
    fn a_run_is_started_when_it_is_ready_or_its_worker_died_and_at_no_other_time(script in script()) {
        for (run, now) in script.runs() {
            for now in [now, ready_at(&run).unwrap_or(now), ready_at(&run).unwrap_or(now) - JUST] {
                let can_be = match run.state {
                    RunState::Waiting { ready_at } => ready_at <= now,
                    RunState::Working { .. } => true,
                    RunState::Done { .. } | RunState::Failed { .. } => false,
                };
                let tried = run.current().map_or(0, |stage| stage.attempts);
                match start(&run, now, &script.retry) {
                    Start::Nothing => prop_assert!(!can_be, "{run:#?} at {now}"),
                    Start::Exhausted(failed) => {
                        prop_assert!(can_be && tried >= script.retry.attempts.max(1), "{run:#?} at {now}");
                        prop_assert_eq!(failed.state, RunState::Failed { at: now });
                    }
                    Start::Stage(started, place) => {
                        prop_assert!(can_be && tried < script.retry.attempts.max(1), "{run:#?} at {now}");
                        prop_assert_eq!(started.state, RunState::Working { since: now });
                        let stage = &started.stages[place];
                        prop_assert_eq!((stage.status, stage.attempts), (StageStatus::Running, tried + 1));
                        prop_assert_eq!((stage.started_at, stage.finished_at), (Some(now), None));
                    }
                }
            }
        }
    }

    #[test]
    fn what_came_of_a_stage_changes_nothing_when_none_was_started(script in script()) {
        for (run, now) in script.runs() {
            if matches!(run.state, RunState::Working { .. }) {
                continue;
            }
            for step in &script.steps {
                let Step::Advance(outcome, seed) = step else { continue };
                prop_assert_eq!(&advance(&run, outcome, now, &script.retry, *seed), &run);
            }
            prop_assert_eq!(&give_back(&run, now), &run);
        }
    }

    #[test]
    fn the_next_instant_of_a_run_never_goes_back_without_a_restart(script in script()) {
        for played in without_restarts(&script) {
            prop_assert!(instant(&played.after) >= instant(&played.before), "{played:#?}");
            for stage in &played.after.stages {
                let whole = stage.started_at.zip(stage.finished_at);
                prop_assert!(whole.is_none_or(|(started, finished)| started <= finished), "{stage:#?}");
            }
        }
    }
}

fn without_restarts(script: &Script) -> impl Iterator<Item = Played> {
    script.play().into_iter().filter(|played| !matches!(played.step, Step::Restart(..)))
}

/// Where a restart goes on, told anew: nothing if there is no such place.
fn place_of(run: &Run, at: RestartAt<'_>, stages: &[&str]) -> Option<usize> {
    let mut kept = 0;
    while kept < stages.len().min(run.stages.len())
        && run.stages[kept].name == stages[kept]
        && run.stages[kept].status.is_past()
    {
        kept += 1;
    }
    match at {
        RestartAt::Beginning => Some(0),
        RestartAt::WhereItStands => Some(kept),
        RestartAt::Stage(name) => {
            let wanted = stages.iter().position(|stage| *stage == name)?;
            Some(wanted.min(kept))
        }
    }
}

fn names(run: &Run) -> Vec<&str> {
    run.stages.iter().map(|stage| stage.name.as_str()).collect()
}

fn is_untouched(stage: &Stage) -> bool {
    let Stage { name: _, status, attempts, reason, started_at, finished_at } = stage;
    (*status, *attempts) == (StageStatus::Pending, 0)
        && reason.is_none()
        && started_at.is_none()
        && finished_at.is_none()
}

fn ready_at(run: &Run) -> Option<Timestamp> {
    match run.state {
        RunState::Waiting { ready_at } => Some(ready_at),
        _ => None,
    }
}

fn instant(run: &Run) -> Timestamp {
    match run.state {
        RunState::Waiting { ready_at: at }
        | RunState::Working { since: at }
        | RunState::Done { at }
        | RunState::Failed { at } => at,
    }
}

/// The same two thousand scripts at every run.
fn two_thousand() -> Vec<Script> {
    let mut runner = TestRunner::deterministic();
    (0..2_000).map(|_| script().new_tree(&mut runner).unwrap().current()).collect()
}

/// What the random scripts are worth: nothing above is true for want of cases.
#[test]
fn coverage_scripts_reach_every_state_every_start_every_outcome_and_every_restart() {
    let mut seen = BTreeSet::new();
    for played in two_thousand().iter().flat_map(Script::play) {
        seen.extend(seen_in(&played));
    }
    let all = [
        "done",
        "failed",
        "waiting",
        "working", // states
        "start: exhausted",
        "start: nothing",
        "start: stage",
        "start: stage again",
        "outcome: again",
        "outcome: done",
        "outcome: failed",
        "outcome: given up",
        "outcome: skipped",
        "given back",
        "given back after another one died",
        "restart: Beginning",
        "restart: Stage",
        "restart: WhereItStands",
        "restart: no such stage",
        "restart: keeps nothing",
        "restart: keeps some",
        "restart: keeps all",
        "restart: others than it was past",
    ];
    assert_eq!(seen, BTreeSet::from(all));
}

fn seen_in(played: &Played) -> Vec<&'static str> {
    let Played { before, step, started, after, .. } = played;
    let mut seen = vec![match after.state {
        RunState::Waiting { .. } => "waiting",
        RunState::Working { .. } => "working",
        RunState::Done { .. } => "done",
        RunState::Failed { .. } => "failed",
    }];
    seen.extend(started.as_ref().map(|started| match started {
        Start::Stage(..) if matches!(before.state, RunState::Working { .. }) => "start: stage again",
        Start::Stage(..) => "start: stage",
        Start::Exhausted(_) => "start: exhausted",
        Start::Nothing => "start: nothing",
    }));
    match step {
        Step::Advance(outcome, _) if before != after => seen.push(match outcome {
            Outcome::Done => "outcome: done",
            Outcome::Skipped(_) => "outcome: skipped",
            Outcome::Again { .. } if matches!(after.state, RunState::Failed { .. }) => "outcome: given up",
            Outcome::Again { .. } => "outcome: again",
            Outcome::Failed(_) => "outcome: failed",
        }),
        Step::GiveBack if before != after => seen.push(match before.current() {
            Some(stage) if stage.attempts > 1 => "given back after another one died",
            _ => "given back",
        }),
        Step::Restart(..) if before.number == after.number => seen.push("restart: no such stage"),
        Step::Restart(at, stages) => {
            seen.push(match at {
                RestartAt::Beginning => "restart: Beginning",
                RestartAt::WhereItStands => "restart: WhereItStands",
                RestartAt::Stage(_) => "restart: Stage",
            });
            let past = |run: &Run| run.stages.iter().filter(|stage| stage.status.is_past()).count();
            seen.push(match past(after) {
                0 => "restart: keeps nothing",
                kept if kept == stages.len() => "restart: keeps all",
                _ => "restart: keeps some",
            });
            if *at == RestartAt::WhereItStands && past(after) < past(before) {
                seen.push("restart: others than it was past");
            }
        }
        _ => {}
    }
    seen
}
