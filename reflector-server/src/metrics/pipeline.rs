//! What is measured of runs, and of what rooms' owners are told.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use reflector_core::engine::Brought;
use reflector_core::pipeline::{Made, StageError};
use reflector_pipeline::STAGES;

use super::Registering;

/// Stages take from moments to the better part of an hour.
const SECONDS: [f64; 9] = [0.1, 0.5, 2.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0];

/// What may come of an attempt at a stage, of a run, and of telling somebody.
const STAGE_OUTCOMES: [&str; 4] = ["done", "skipped", "again", "failed"];
const RUN_OUTCOMES: [&str; 2] = ["done", "failed"];
const NOTICE_OUTCOMES: [&str; 5] = ["taken", "unwanted", "later", "given_up", "lost"];

type Of<const N: usize> = [(&'static str, String); N];

/// What is measured of runs and notices.
#[derive(Clone, Debug)]
pub(crate) struct PipelineMetrics {
    stages: Family<Of<2>, Counter>,
    durations: Family<Of<1>, Histogram, fn() -> Histogram>,
    runs: Family<Of<1>, Counter>,
    notices: Family<Of<1>, Counter>,
    /// Runs that this process works on.
    pub(crate) in_hand: Gauge,
    /// Runs that are not over, by whomever they are worked on.
    pub(crate) unfinished: Gauge,
    /// For how long the run that could be worked on, and is not, has waited: of those the one that waited longest.
    pub(crate) oldest_waiting: Gauge<f64, AtomicU64>,
}

fn durations() -> Histogram {
    Histogram::new(SECONDS)
}

impl PipelineMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let notices =
            Registering(registry).add("notices", "Attempts to tell rooms' owners something, by outcome");
        let ours = registry.sub_registry_with_prefix("pipeline");
        let durations = Family::new_with_constructor(durations as fn() -> Histogram);
        let help = "How long stages took, done or not";
        ours.register_with_unit("stage_duration", help, Unit::Seconds, durations.clone());
        let mut all = Registering(ours);
        let metrics = Self {
            stages: all.add("stages", "Attempts at stages, by outcome"),
            durations,
            runs: all.add("runs_ended", "Runs that came to their end here, by outcome"),
            notices,
            in_hand: all.add("runs_in_hand", "Runs that this process works on"),
            unfinished: all.add("runs_unfinished", "Runs that are not over"),
            oldest_waiting: all.add_seconds("oldest_waiting", "For how long a run that is ready has waited"),
        };
        metrics.begin_at_nothing();
        metrics
    }

    /// Shows what has not happened yet: a rate is told from the first time on only if nothing was told before it.
    fn begin_at_nothing(&self) {
        for stage in STAGES {
            let stage = ("stage", stage.to_owned());
            for outcome in STAGE_OUTCOMES {
                drop(self.stages.get_or_create(&[stage.clone(), ("outcome", outcome.to_owned())]));
            }
            drop(self.durations.get_or_create(&[stage]));
        }
        for outcome in RUN_OUTCOMES {
            drop(self.runs.get_or_create(&[("outcome", outcome.to_owned())]));
        }
        for outcome in NOTICE_OUTCOMES {
            drop(self.notices.get_or_create(&[("outcome", outcome.to_owned())]));
        }
    }

    /// A stage came to this, after so long.
    pub(crate) fn stage(&self, stage: &str, came_to: &Result<Made, StageError>, took: Duration) {
        let outcome = match came_to {
            Ok(Made::Output(_) | Made::Erasing { .. }) => "done",
            Ok(Made::Skipped(_)) => "skipped",
            Err(StageError::Again { .. }) => "again",
            Err(_) => "failed",
        };
        let stage = ("stage", stage.to_owned());
        self.stages.get_or_create(&[stage.clone(), ("outcome", outcome.to_owned())]).inc();
        self.durations.get_or_create(&[stage]).observe(took.as_secs_f64());
    }

    /// A run came to its end.
    pub(crate) fn ended(&self, outcome: &str) {
        self.runs.get_or_create(&[("outcome", outcome.to_owned())]).inc();
    }

    /// This came of a notice.
    pub(crate) fn brought(&self, brought: &Brought) {
        let outcome = match brought {
            Brought::Taken => "taken",
            Brought::Unwanted => "unwanted",
            Brought::Later { .. } => "later",
            Brought::GivenUp { .. } => "given_up",
            Brought::Lost => "lost",
        };
        self.notices.get_or_create(&[("outcome", outcome.to_owned())]).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn runs_and_notices_are_counted_by_what_came_of_them() {
        let metrics = Metrics::new();
        let pipeline = &metrics.pipeline;
        pipeline.stage("fetch", &Ok(Made::Skipped("why".to_owned())), Duration::from_secs(7));
        pipeline.stage("fetch", &Err(StageError::again("why")), Duration::ZERO);
        pipeline.ended("done");
        pipeline.brought(&Brought::Taken);
        let text = metrics.text();
        for line in [
            r#"reflector_pipeline_stages_total{stage="fetch",outcome="skipped"} 1"#,
            r#"reflector_pipeline_stages_total{stage="fetch",outcome="again"} 1"#,
            r#"reflector_pipeline_stage_duration_seconds_bucket{le="10.0",stage="fetch"} 2"#,
            r#"reflector_pipeline_stage_duration_seconds_sum{stage="fetch"} 7.0"#,
            r#"reflector_pipeline_runs_ended_total{outcome="done"} 1"#,
            r#"reflector_notices_total{outcome="taken"} 1"#,
            "reflector_pipeline_runs_in_hand 0",
            "reflector_pipeline_oldest_waiting_seconds 0.0",
        ] {
            assert!(text.lines().any(|found| found == line), "`{line}` is not in: {text}");
        }
    }
}
