//! Random runs: what may happen to one, in any order.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use reflector_core::Timestamp;
use reflector_core::pipeline::{
    Outcome, RestartAt, Retry, Run, Start, advance, begin, give_back, restart, start,
};
use reflector_core::testing::strategies::{BASE, span};

pub(crate) const NAMES: [&str; 5] = ["fetch", "probe", "transcribe", "topics", "publish"];

/// A run from its beginning, and what happens to it.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) stages: Vec<&'static str>,
    pub(crate) retry: Retry,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Time passes.
    Pass(Duration),
    /// Somebody has claimed the run, and starts what can be started.
    Start,
    /// Whoever works on it says what came of it.
    Advance(Outcome, u64),
    /// Whoever works on it stops before there is an outcome, and says so.
    GiveBack,
    /// An operator lets it go on from somewhere, with the stages that the pipeline has by then.
    Restart(RestartAt<'static>, Vec<&'static str>),
}

/// A step that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Played {
    pub(crate) before: Run,
    pub(crate) step: Step,
    pub(crate) now: Timestamp,
    /// What starting came to, where the step was to start.
    pub(crate) started: Option<Start>,
    pub(crate) after: Run,
}

impl Script {
    pub(crate) fn first(&self) -> Run {
        begin(&self.stages, BASE)
    }

    pub(crate) fn play(&self) -> Vec<Played> {
        let (mut run, mut now) = (self.first(), BASE);
        let mut played = Vec::new();
        for step in &self.steps {
            let (before, mut started) = (run.clone(), None);
            match step {
                Step::Pass(span) => now = now + *span,
                Step::Start => match started.insert(start(&run, now, &self.retry)) {
                    Start::Stage(after, _) | Start::Exhausted(after) => run = after.clone(),
                    Start::Nothing => {}
                },
                Step::Advance(outcome, seed) => run = advance(&run, outcome, now, &self.retry, *seed),
                Step::GiveBack => run = give_back(&run, now),
                Step::Restart(at, stages) => run = restart(&run, *at, stages, now).unwrap_or(run),
            }
            played.push(Played { before, step: step.clone(), now, started, after: run.clone() });
        }
        played
    }

    /// Every run that it goes through, and when.
    pub(crate) fn runs(&self) -> Vec<(Run, Timestamp)> {
        let played = self.play().into_iter().map(|played| (played.after, played.now));
        std::iter::once((self.first(), BASE)).chain(played).collect()
    }
}

pub(crate) fn script() -> impl Strategy<Value = Script> {
    stages().prop_flat_map(|stages| {
        (Just(stages.clone()), retry(), vec(step(stages), 0..40)).prop_map(|(stages, retry, steps)| Script {
            stages,
            retry,
            steps,
        })
    })
}

/// Stages in their order, sometimes in another one, sometimes none.
fn stages() -> impl Strategy<Value = Vec<&'static str>> {
    let in_order = subsequence(NAMES.to_vec(), 0..=NAMES.len());
    prop_oneof![4 => Just(NAMES.to_vec()), 3 => in_order.clone(), 1 => in_order.prop_shuffle()]
}

pub(crate) fn retry() -> impl Strategy<Value = Retry> {
    (0_u32..5, span(), span()).prop_map(|(attempts, first, longest)| Retry { attempts, first, longest })
}

fn step(stages: Vec<&'static str>) -> impl Strategy<Value = Step> {
    let changed = self::stages();
    prop_oneof![
        3 => span().prop_map(Step::Pass),
        6 => Just(Step::Start),
        6 => (outcome(), any::<u64>()).prop_map(|(outcome, seed)| Step::Advance(outcome, seed)),
        1 => Just(Step::GiveBack),
        1 => (restart_at(), prop_oneof![3 => Just(stages), 1 => changed])
            .prop_map(|(at, stages)| Step::Restart(at, stages)),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let reason = || select(vec!["busy", "no audio track", "no endpoint"]).prop_map(str::to_owned);
    prop_oneof![
        6 => Just(Outcome::Done),
        2 => reason().prop_map(Outcome::Skipped),
        3 => (reason(), option::of(span())).prop_map(|(reason, after)| Outcome::Again { reason, after }),
        1 => reason().prop_map(Outcome::Failed),
    ]
}

fn restart_at() -> impl Strategy<Value = RestartAt<'static>> {
    prop_oneof![
        1 => Just(RestartAt::Beginning),
        2 => Just(RestartAt::WhereItStands),
        3 => select(&NAMES[..]).prop_map(RestartAt::Stage),
    ]
}
