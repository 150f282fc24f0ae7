//! What holds of every run, whatever happened to it.

use super::{Retry, Run, RunState, StageStatus};

type Invariant = (&'static str, fn(&Run, &Retry) -> bool);

const ALL: [Invariant; 5] = [
    ("stages are done one after the other", |run, _| {
        let past = run.stages.iter().take_while(|stage| stage.status.is_past()).count();
        run.stages.iter().skip(past + 1).all(|stage| stage.status == StageStatus::Pending)
    }),
    ("a run is done when all its stages are done or skipped, and only then", |run, _| {
        matches!(run.state, RunState::Done { .. }) == run.stages.iter().all(|stage| stage.status.is_past())
    }),
    ("a stage is running while the run is worked on, and only then", |run, _| {
        let running = run.stages.iter().filter(|stage| stage.status == StageStatus::Running).count();
        running == usize::from(matches!(run.state, RunState::Working { .. }))
    }),
    ("a run has failed when a stage has, and only then, and that stage says why", |run, _| {
        let mut failed = run.stages.iter().filter(|stage| stage.status == StageStatus::Failed);
        let why = failed.next().map(|stage| stage.reason.is_some());
        why == matches!(run.state, RunState::Failed { .. }).then_some(true)
    }),
    ("a stage is started no more often than it may be", |run, retry| {
        run.stages.iter().all(|stage| stage.attempts <= retry.attempts.max(1))
    }),
];

/// The invariants that a run violates: always none.
pub fn violated(run: &Run, retry: &Retry) -> Vec<&'static str> {
    ALL.iter().filter(|(_, holds)| !holds(run, retry)).map(|(name, _)| *name).collect()
}
