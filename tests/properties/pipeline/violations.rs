//! Each invariant of a run notices what it is there for, and nothing else: runs that no function makes, made by hand.

use reflector_core::pipeline::{Retry, Run, RunState, Stage, StageStatus, begin, violated};

use crate::stories::minute;
use StageStatus::{Done, Failed, Pending, Running, Skipped};

const IN_ORDER: &str = "stages are done one after the other";
const DONE: &str = "a run is done when all its stages are done or skipped, and only then";
const RUNNING: &str = "a stage is running while the run is worked on, and only then";
const FAILED: &str = "a run has failed when a stage has, and only then, and that stage says why";
const ATTEMPTS: &str = "a stage is started no more often than it may be";

const WAITS: fn() -> RunState = || RunState::Waiting { ready_at: minute(5) };
const WORKS: fn() -> RunState = || RunState::Working { since: minute(5) };
const IS_DONE: fn() -> RunState = || RunState::Done { at: minute(5) };
const HAS_FAILED: fn() -> RunState = || RunState::Failed { at: minute(5) };

/// A run that stands like this, whose stages say why where they have to.
fn run<const N: usize>(state: fn() -> RunState, statuses: [StageStatus; N]) -> Run {
    let stage = |status| Stage {
        name: String::new(),
        status,
        attempts: 1,
        reason: matches!(status, Failed | Skipped).then(|| "so it is".to_owned()),
        started_at: Some(minute(1)),
        finished_at: None,
    };
    Run { state: state(), stages: statuses.map(stage).into(), ..begin(&[], minute(0)) }
}

#[track_caller]
fn breaks(run: &Run, invariants: &[&str]) {
    assert_eq!(violated(run, &Retry::default()), invariants, "{run:#?}");
}

#[test]
fn it_notices_a_stage_that_is_done_before_another_one() {
    breaks(&run(WAITS, [Pending, Done]), &[IN_ORDER]);
    breaks(&run(WAITS, [Done, Pending, Skipped]), &[IN_ORDER]);
    breaks(&run(WORKS, [Done, Pending, Running]), &[IN_ORDER]);
    breaks(&run(WORKS, [Running, Done, Pending]), &[IN_ORDER]);
    breaks(&run(HAS_FAILED, [Pending, Failed]), &[IN_ORDER]);
    breaks(&run(WAITS, [Done, Skipped, Pending, Pending]), &[]);
    breaks(&run(WORKS, [Skipped, Running, Pending]), &[]);
    breaks(&run(HAS_FAILED, [Done, Failed, Pending]), &[]);
}

#[test]
fn it_notices_a_run_that_is_done_too_early_or_not_although_all_its_stages_are() {
    breaks(&run(IS_DONE, [Done, Pending]), &[DONE]);
    breaks(&run(WAITS, [Done, Skipped]), &[DONE]);
    breaks(&run(WAITS, []), &[DONE]);
    breaks(&run(IS_DONE, [Skipped, Done]), &[]);
    breaks(&run(IS_DONE, []), &[]);
}

#[test]
fn it_notices_a_stage_that_nobody_works_on_and_work_on_no_stage() {
    breaks(&run(WAITS, [Done, Running, Pending]), &[RUNNING]);
    breaks(&run(WORKS, [Done, Pending]), &[RUNNING]);
    breaks(&run(IS_DONE, [Done, Running]), &[DONE, RUNNING]);
    breaks(&run(WORKS, [Running, Running]), &[IN_ORDER, RUNNING]);
    breaks(&run(WORKS, [Running]), &[]);
}

#[test]
fn it_notices_a_failure_of_no_stage_or_of_one_that_does_not_say_why() {
    breaks(&run(HAS_FAILED, [Done, Pending]), &[FAILED]);
    breaks(&run(WAITS, [Done, Failed]), &[FAILED]);
    let mut silent = run(HAS_FAILED, [Done, Failed, Pending]);
    silent.stages[1].reason = None;
    breaks(&silent, &[FAILED]);
    silent.stages[1].reason = Some("gone".to_owned());
    breaks(&silent, &[]);
}

#[test]
fn it_notices_a_stage_that_is_started_more_often_than_it_may_be() {
    let mut often = run(WORKS, [Done, Running, Pending]);
    often.stages[1].attempts = 8;
    breaks(&often, &[]);
    often.stages[1].attempts = 9;
    breaks(&often, &[ATTEMPTS]);
    let at_least_once = Retry { attempts: 0, ..Retry::default() };
    assert_eq!(violated(&run(WORKS, [Running]), &at_least_once), Vec::<&str>::new());
    often.stages[1].attempts = 2;
    assert_eq!(violated(&often, &at_least_once), [ATTEMPTS]);
}

#[test]
fn there_are_no_other_invariants_than_these() {
    let mut wrong = run(IS_DONE, [Running, Failed]);
    (wrong.stages[0].attempts, wrong.stages[1].reason) = (9, None);
    breaks(&wrong, &[IN_ORDER, DONE, RUNNING, FAILED, ATTEMPTS]);
}
