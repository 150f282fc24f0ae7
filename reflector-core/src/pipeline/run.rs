//! The second machine: what is to be done next, and what came of it. Pure.

use std::time::Duration;

use super::{Retry, Run, RunState, Stage, StageStatus};
use crate::time::Timestamp;

/// What came of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done, and what it made is kept.
    Done,
    /// It was left out, for this reason.
    Skipped(String),
    /// It may go better another time.
    Again {
        /// What went wrong.
        reason: String,
        /// How long to wait at least, if that is known.
        after: Option<Duration>,
    },
    /// It will never go better.
    Failed(String),
}

/// What starting a run's next stage comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// This stage is started: it is the one at this place.
    Stage(Run, usize),
    /// Nothing was started: the stage was started too often already, and the run has failed.
    Exhausted(Run),
    /// Nothing is to be started: the run is over, or not ready yet.
    Nothing,
}

/// Where a run is begun anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartAt<'a> {
    /// At the first stage: nothing that was made counts.
    Beginning,
    /// At the first stage that is neither done nor skipped: what failed, or where it stands still.
    WhereItStands,
    /// At the stage of this name.
    Stage(&'a str),
}

/// A pipeline has no stage of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no stage {name}: use one of {stages}")]
pub struct NoSuchStage {
    /// The name.
    pub name: String,
    /// The stages there are.
    pub stages: String,
}

/// The first run of a pipeline with these stages.
pub fn begin(stages: &[&str], now: Timestamp) -> Run {
    Run {
        number: 1,
        stages: stages.iter().map(|name| pending(name)).collect(),
        state: ready(stages.len(), 0, now),
        begun_at: now,
    }
}

/// Starts the next stage of a run, if that can be now. A stage whose worker died is started once more; it counts as an
/// attempt, so that one that kills its workers does not do so for ever.
pub fn start(run: &Run, now: Timestamp, retry: &Retry) -> Start {
    match run.state {
        RunState::Waiting { ready_at } if ready_at > now => return Start::Nothing,
        RunState::Done { .. } | RunState::Failed { .. } => return Start::Nothing,
        RunState::Waiting { .. } | RunState::Working { .. } => {}
    }
    let Some(place) = run.stages.iter().position(|stage| !stage.status.is_past()) else {
        return Start::Nothing;
    };
    let mut run = run.clone();
    let stage = &mut run.stages[place];
    if stage.attempts >= retry.attempts.max(1) {
        // One that failed and was to be tried again says why already.
        if stage.status == StageStatus::Running || stage.reason.is_none() {
            let last = stage.attempts;
            stage.reason = Some(format!("its worker ended without a word at attempt {last}, the last one"));
        }
        stage.status = StageStatus::Failed;
        stage.finished_at = Some(now);
        run.state = RunState::Failed { at: now };
        return Start::Exhausted(run);
    }
    stage.status = StageStatus::Running;
    stage.attempts += 1;
    stage.started_at = Some(now);
    stage.finished_at = None;
    run.state = RunState::Working { since: now };
    Start::Stage(run, place)
}

/// The run after the stage that was started came to this. Without a stage that was started nothing changes.
pub fn advance(run: &Run, outcome: &Outcome, now: Timestamp, retry: &Retry, seed: u64) -> Run {
    let started = run.stages.iter().position(|stage| stage.status == StageStatus::Running);
    let (Some(place), RunState::Working { .. }) = (started, run.state) else { return run.clone() };
    let mut run = run.clone();
    let count = run.stages.len();
    let stage = &mut run.stages[place];
    let finish = |stage: &mut Stage, status, reason: Option<&String>| {
        stage.status = status;
        stage.reason = reason.cloned();
        stage.finished_at = Some(now);
    };
    run.state = match outcome {
        Outcome::Done => {
            finish(stage, StageStatus::Done, None);
            ready(count, place + 1, now)
        }
        Outcome::Skipped(why) => {
            finish(stage, StageStatus::Skipped, Some(why));
            ready(count, place + 1, now)
        }
        Outcome::Again { reason, after } if stage.attempts < retry.attempts => {
            stage.status = StageStatus::Pending;
            stage.reason = Some(reason.clone());
            let wait = retry.wait_after(stage.attempts, seed).max(after.unwrap_or_default());
            RunState::Waiting { ready_at: now + wait }
        }
        Outcome::Again { reason, .. } | Outcome::Failed(reason) => {
            finish(stage, StageStatus::Failed, Some(reason));
            RunState::Failed { at: now }
        }
    };
    run
}

/// The run after whoever started its stage gave it back without an outcome: it does not count as an attempt.
pub fn give_back(run: &Run, now: Timestamp) -> Run {
    let mut run = run.clone();
    if let RunState::Working { .. } = run.state {
        for stage in run.stages.iter_mut().filter(|stage| stage.status == StageStatus::Running) {
            stage.status = StageStatus::Pending;
            stage.attempts = stage.attempts.saturating_sub(1);
        }
        run.state = RunState::Waiting { ready_at: now };
    }
    run
}

/// A new run that goes on from somewhere: what was done or skipped before that stays as it is, all else is to be done.
///
/// The stages are those that the pipeline has now. What an older one had under the same names, and in the same order
/// up to there, counts as done.
///
/// # Errors
///
/// [`NoSuchStage`] when the pipeline has no stage of the name given.
pub fn restart(run: &Run, from: RestartAt<'_>, stages: &[&str], now: Timestamp) -> Result<Run, NoSuchStage> {
    let done =
        run.stages.iter().zip(stages).take_while(|(kept, name)| kept.name == **name && kept.status.is_past());
    let past = done.count();
    let place = match from {
        RestartAt::Beginning => 0,
        RestartAt::WhereItStands => past,
        RestartAt::Stage(name) => {
            let place = stages.iter().position(|stage| *stage == name);
            let no_such = || NoSuchStage { name: name.to_owned(), stages: stages.join(", ") };
            // What comes before it and is not done has to be done first.
            place.ok_or_else(no_such)?.min(past)
        }
    };
    let kept = run.stages.iter().take(place).cloned();
    let rest = stages.iter().skip(place).map(|name| pending(name));
    Ok(Run {
        number: run.number.saturating_add(1),
        stages: kept.chain(rest).collect(),
        state: ready(stages.len(), place, now),
        begun_at: now,
    })
}

fn pending(name: &str) -> Stage {
    Stage {
        name: name.to_owned(),
        status: StageStatus::Pending,
        attempts: 0,
        reason: None,
        started_at: None,
        finished_at: None,
    }
}

/// How a run stands whose next stage is the one at this place.
fn ready(count: usize, place: usize, now: Timestamp) -> RunState {
    if place < count { RunState::Waiting { ready_at: now } } else { RunState::Done { at: now } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0) + Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_given_back_is_no_attempt_and_can_be_taken_at_once() {
        let retry = Retry { attempts: 1, ..Retry::default() };
        let mut run = begin(&["a", "b"], at(0));
        for second in 1..9 {
            let Start::Stage(started, 0) = start(&run, at(second), &retry) else { panic!("{run:?}") };
            run = give_back(&started, at(second));
            assert_eq!(super::super::violated(&run, &retry), Vec::<&str>::new());
        }
        assert_eq!(give_back(&run, at(20)), run, "nothing is in hand");
    }
}
