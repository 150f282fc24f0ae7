//! The suite that every [`Pipeline`] passes: one case for each sentence of its contract, under its name.
//!
//! ```text
//! // A `PipelineHarness`: the pipeline, and a recording that it can bring to its end.
//! async fn fresh() -> MyHarness {
//!     MyHarness::new().await
//! }
//!
//! reflector_core::pipeline_suite!(fresh);
//! ```
//!
//! A case moves a run with the same pure functions as the engine's [`Runs`](crate::engine::Runs), and keeps what stages
//! made as a store does. It has no runtime of its own: a stage is polled with the waker of the test that it is in, so
//! it may wait for whatever tokio gives.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::pipeline::{
    Inputs, Made, Outcome, Pipeline, RestartAt, Retry, RunState, Start, Transcript, Unseen, advance, begin,
    restart, start,
};
use crate::testing::let_through;
use crate::testing::sample::at;

/// A pipeline, and a recording that it can bring to its end without being tried again.
///
/// Each harness is a world of its own, and they are all alike: what stages make in one equals what they make in
/// another, so nothing in it names a folder or a port that only one of them has.
pub trait PipelineHarness: Send + Sync {
    /// The pipeline as a process that has just started makes it: it remembers nothing of what another one did.
    fn pipeline(&self) -> Arc<dyn Pipeline>;

    /// The transcript of the recording, before any stage. Its run is made by the suite.
    fn transcript(&self) -> Transcript;
}

/// The suite for a pipeline, as one test for each sentence of the port's contract.
///
/// It takes an async function that gives a fresh
/// [`PipelineHarness`](crate::testing::pipeline_suite::PipelineHarness). See
/// [`pipeline_suite`](crate::testing::pipeline_suite).
#[macro_export]
macro_rules! pipeline_suite {
    ($make:expr) => {
        $crate::pipeline_suite! { @cases tests ($make) }
    };
    // The one list of the cases, for whoever wants to do something with each.
    (@cases $what:tt $with:tt) => {
        $crate::pipeline_suite! { @$what $with
            every_stage_has_a_name_of_its_own
            a_run_comes_to_its_end
            a_stage_that_is_repeated_makes_the_same
            a_stage_that_is_dropped_anywhere_can_be_done_again
            failing_before_any_stage_leads_to_the_same_end
        }
    };
    (@tests ($make:expr) $($case:ident)*) => {
        $(
            #[::tokio::test]
            async fn $case() {
                $crate::testing::pipeline_suite::$case($make).await;
            }
        )*
    };
    (@names () $($case:ident)*) => {
        &[$(stringify!($case)),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::pipeline_suite!(@cases names ());

/// How many awaits a stage may have: it is begun anew for each.
const AWAITS: u32 = 1_000;

pub async fn every_stage_has_a_name_of_its_own<H: PipelineHarness>(fresh: impl AsyncFn() -> H) {
    let harness = fresh().await;
    let pipeline = harness.pipeline();
    let names = pipeline.stages();
    assert!(!names.is_empty(), "there is nothing to do");
    assert!(names.iter().all(|name| !name.trim().is_empty()), "a stage has no name: {names:?}");
    let own: BTreeSet<_> = names.iter().collect();
    assert_eq!(own.len(), names.len(), "two stages have the same name: {names:?}");
    assert_eq!(harness.pipeline().stages(), names, "the next process has other names");
}

pub async fn a_run_comes_to_its_end<H: PipelineHarness>(fresh: impl AsyncFn() -> H) {
    let harness = fresh().await;
    let mut course = Course::begin(&harness);
    course.go_on().await;
    let done: Vec<_> = course.came_to.iter().map(|(stage, _)| stage.as_str()).collect();
    assert_eq!(done, harness.pipeline().stages());
    for (stage, made) in &course.came_to {
        let says_why = !matches!(made, Made::Skipped(why) if why.trim().is_empty());
        assert!(says_why, "the stage {stage} is skipped and does not say why");
    }
}

pub async fn a_stage_that_is_repeated_makes_the_same<H: PipelineHarness>(fresh: impl AsyncFn() -> H) {
    let harness = fresh().await;
    let mut course = Course::begin(&harness);
    for _ in harness.pipeline().stages() {
        let stage = course.start();
        let first = course.work(&stage).await;
        // The worker dies before that is kept.
        course.process_dies();
        course.start();
        assert_eq!(course.work(&stage).await, first, "the stage {stage} was repeated");
        course.keep(stage, first);
    }
    assert_eq!(course.came_to, undisturbed(&fresh).await, "each stage was done twice");
}

pub async fn a_stage_that_is_dropped_anywhere_can_be_done_again<H: PipelineHarness>(
    fresh: impl AsyncFn() -> H,
) {
    let harness = fresh().await;
    let mut course = Course::begin(&harness);
    for _ in harness.pipeline().stages() {
        let stage = course.start();
        let made = course.dropped_everywhere(&stage).await;
        course.keep(stage, made);
    }
    assert_eq!(course.came_to, undisturbed(&fresh).await, "each stage was dropped at each of its awaits");
}

pub async fn failing_before_any_stage_leads_to_the_same_end<H: PipelineHarness>(fresh: impl AsyncFn() -> H) {
    let calm = undisturbed(&fresh).await;
    for (place, (failing, _)) in calm.iter().enumerate() {
        let harness = fresh().await;
        let mut course = Course::begin(&harness);
        for _ in 0..place {
            course.next().await;
        }
        course.start();
        course.fail_and_restart();
        course.go_on().await;
        assert_eq!(course.came_to, calm, "the run failed before the stage {failing}, and went on");
    }
}

/// What the stages come to when nothing goes wrong.
async fn undisturbed<H: PipelineHarness>(fresh: &impl AsyncFn() -> H) -> Vec<(String, Made)> {
    let harness = fresh().await;
    let mut course = Course::begin(&harness);
    course.go_on().await;
    course.came_to
}

/// A run in the hands of one process after the other, and what is kept of it.
struct Course<'a, H> {
    harness: &'a H,
    pipeline: Arc<dyn Pipeline>,
    transcript: Transcript,
    /// What came of each stage that the run is past.
    came_to: Vec<(String, Made)>,
}

impl<'a, H: PipelineHarness> Course<'a, H> {
    fn begin(harness: &'a H) -> Self {
        let pipeline = harness.pipeline();
        let run = begin(pipeline.stages(), at(0));
        let transcript = Transcript { run, ..harness.transcript() };
        Self { harness, pipeline, transcript, came_to: Vec::new() }
    }

    /// Starts the next stage, or once more the one whose worker died.
    fn start(&mut self) -> String {
        let run = &self.transcript.run;
        let Start::Stage(run, place) = start(run, at(1), &patient()) else {
            panic!("nothing is left: {run:?}")
        };
        self.transcript.run = run;
        self.transcript.run.stages[place].name.clone()
    }

    async fn work(&self, stage: &str) -> Made {
        let mut made = BTreeMap::new();
        for (name, came_to) in &self.came_to {
            match came_to {
                Made::Output(output) => {
                    made.insert(name.clone(), read_again(output));
                }
                Made::Erasing { output, erased } => {
                    made.retain(|stage, _| !erased.contains(stage));
                    made.insert(name.clone(), read_again(output));
                }
                Made::Skipped(_) => {}
            }
        }
        let inputs = Inputs { transcript: &self.transcript, made: &made, progress: &Unseen };
        let attempt = self.transcript.run.current().map_or(0, |stage| stage.attempts);
        self.pipeline
            .work(stage, inputs)
            .await
            .unwrap_or_else(|error| panic!("the stage {stage} fails at its attempt {attempt}: {error}"))
    }

    fn keep(&mut self, stage: String, made: Made) {
        self.advance(&match &made {
            Made::Output(_) | Made::Erasing { .. } => Outcome::Done,
            Made::Skipped(why) => Outcome::Skipped(why.clone()),
        });
        self.came_to.push((stage, made));
    }

    async fn next(&mut self) {
        let stage = self.start();
        let made = self.work(&stage).await;
        self.keep(stage, made);
    }

    /// Does what is left.
    async fn go_on(&mut self) {
        for _ in self.came_to.len()..self.pipeline.stages().len() {
            self.next().await;
        }
        assert!(matches!(self.transcript.run.state, RunState::Done { .. }), "{:?}", self.transcript.run);
    }

    /// Drops a stage at its first await, at its second one, and so on, until it has no more.
    async fn dropped_everywhere(&mut self, stage: &str) -> Made {
        for awaits in 0..AWAITS {
            if let Some(made) = let_through(awaits, self.work(stage)).await {
                return made;
            }
            // Every other time the process goes on, and may stumble over what it remembers.
            if awaits % 2 == 1 {
                self.process_dies();
            }
            self.start();
        }
        panic!("the stage {stage} has more than {AWAITS} awaits: give the suite a smaller recording")
    }

    fn process_dies(&mut self) {
        self.pipeline = self.harness.pipeline();
    }

    /// The stage that was started fails for good, and another process goes on from there when it is told to.
    fn fail_and_restart(&mut self) {
        self.advance(&Outcome::Failed("the suite lets it fail".to_owned()));
        self.process_dies();
        let stages = self.pipeline.stages();
        self.transcript.run = restart(&self.transcript.run, RestartAt::WhereItStands, stages, at(1))
            .expect("where it stands is a place in every pipeline");
    }

    fn advance(&mut self, outcome: &Outcome) {
        self.transcript.run = advance(&self.transcript.run, outcome, at(1), &patient(), 0);
    }
}

/// Nothing is given up for having been started too often.
fn patient() -> Retry {
    Retry { attempts: u32::MAX, first: Duration::ZERO, longest: Duration::ZERO }
}

/// What was made, as it comes back from where it was kept as text.
fn read_again(value: &Value) -> Value {
    serde_json::from_str(&value.to_string()).expect("what was written as JSON is JSON")
}

#[cfg(test)]
mod tests {
    use super::CASES;
    use crate::testing::contract::sentences;

    #[test]
    fn every_sentence_of_the_contract_is_a_case_and_every_case_a_sentence() {
        assert_eq!(CASES, sentences(include_str!("../pipeline/port.rs")));
    }
}
