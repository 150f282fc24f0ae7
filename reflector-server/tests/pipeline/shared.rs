//! Many runs, and more than one worker.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use crate::endpoints::TRANSCRIPTIONS;
use crate::media;
use crate::program::{Program, within};
use crate::studio::{Held, Studio};

const RUNS: usize = 200;
const STAGES: usize = 9;

#[test]
fn two_workers_share_two_hundred_runs_and_do_each_stage_of_each_once() {
    let studio = Studio::new();
    let program = studio.start_with(&[("REFLECTOR_ROLES", "api,lifecycle,recordings")]);
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    let sound = media::by_ffmpeg(
        "short.wav",
        &["-f", "lavfi", "-i", "sine=frequency=440:duration=1:sample_rate=16000"],
    );
    for n in 0..RUNS {
        let key = format!("{n}/{}", meeting.key("wav"));
        std::fs::create_dir(studio.shelf().join(n.to_string())).expect("it can be made");
        studio.put(&key, &sound);
    }
    let waiting = || studio.schema.sql("SELECT count(*) FROM recordings WHERE status = 'pending'");
    let all = within(crate::program::PATIENCE * 3, || (waiting().trim() == RUNS.to_string()).then_some(()));
    assert!(all.is_some(), "all are taken in: {}", waiting());

    let workers = [(); 2].map(|()| {
        let settings = [studio.settings(), vec![("REFLECTOR_ROLES", "pipeline")]].concat();
        Program::start_in(Arc::clone(&studio.folder), &settings)
    });
    let done = || studio.schema.sql("SELECT count(*) FROM transcripts WHERE ready_at IS NULL");
    let ended = within(crate::program::PATIENCE * 6, || (done().trim() == RUNS.to_string()).then_some(()));
    assert!(ended.is_some(), "{} of {RUNS} are over", done().trim());

    let states = studio.schema.sql(
        "SELECT DISTINCT (stage ->> 'status') || ' ' || (stage ->> 'attempts') FROM transcripts,
         jsonb_array_elements(document::jsonb #> '{is,run,stages}') AS stage",
    );
    assert_eq!(states.trim(), "done 1", "each stage of each run was done once");
    assert_eq!(studio.calls(TRANSCRIPTIONS), RUNS);
    assert_eq!(studio.questions().len(), RUNS * 4);
    let shares = workers.each_ref().map(stages_done);
    assert_eq!(shares.iter().sum::<usize>(), RUNS * STAGES);
    assert!(shares.iter().all(|share| *share >= RUNS), "both worked: {shares:?}");
    let told: BTreeSet<_> = studio
        .schema
        .sql("SELECT id FROM notices WHERE event LIKE 'transcript.%'")
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(told.len(), RUNS, "each owner is told once of each");
}

/// How many stages a worker did.
fn stages_done(worker: &Program) -> usize {
    let text = worker.get("/metrics").text();
    let done = text
        .lines()
        .filter(|line| line.starts_with("reflector_pipeline_stages_total") && line.contains("\"done\""));
    done.map(|line| line.rsplit(' ').next().and_then(|count| count.parse::<usize>().ok()).expect("a number"))
        .sum()
}
