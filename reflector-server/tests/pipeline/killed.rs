//! A worker that is killed in a stage: whoever is next goes on as if nothing had happened.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::endpoints::{self, TRANSCRIPTIONS};
use crate::media;
use crate::program::{Program, eventually};
use crate::studio::{Held, Studio, stage};

const STAGES: [&str; 9] =
    ["fetch", "probe", "waveform", "consent", "transcribe", "topics", "title", "final-summaries", "publish"];

/// What the endpoints are asked in a run, and by which stage.
const ASKED: [(&str, &str); 5] = [
    ("speech", "transcribe"),
    ("topics", "topics"),
    ("title", "title"),
    ("participants", "final-summaries"),
    ("action_items", "final-summaries"),
];

#[test]
fn a_worker_that_is_killed_in_any_stage_costs_that_stage_and_no_other() {
    let studio = Studio::new();
    let mut program = studio.start();
    let undisturbed = Held::begin(&program, &studio, "undisturbed", &json!({}));
    studio.put(&undisturbed.key("mp4"), &media::mp4());
    let wanted = program.ended(&program.transcript_of(&undisturbed.key("mp4")));
    let before = asked(&studio);
    assert_eq!(before, ASKED.map(|(what, _)| (what.to_owned(), 1)).into());

    let meeting = Held::begin(&program, &studio, "killed", &json!({}));
    program.kill();
    studio.put(&meeting.key("mp4"), &media::mp4());
    let mut killed_in = BTreeMap::new();
    for (place, name) in STAGES.into_iter().enumerate() {
        stops_when_done(&studio, place);
        program = studio.start();
        eventually(&format!("{name} is about to be done"), || is_stopped(&studio).then_some(()));
        killed_in.insert(name, asked(&studio));
        program.kill();
        goes_on(&studio);
    }
    program = studio.start();
    let id = program.transcript_of(&meeting.key("mp4"));
    let transcript = program.ended(&id);

    for name in STAGES {
        let stage = stage(&transcript, name);
        assert_eq!((&stage["status"], &stage["attempts"]), (&json!("done"), &json!(2)), "{stage}");
    }
    for field in
        ["status", "title", "short_summary", "topics", "segments", "webvtt", "duration", "audio_deleted"]
    {
        assert_eq!(transcript[field], wanted[field], "{field}");
    }
    assert!(studio.has_no_working_files());
    no_stage_that_was_done_was_done_again(&killed_in, &asked(&studio));
}

/// How often each thing was asked for.
fn asked(studio: &Studio) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::from([("speech".to_owned(), studio.calls(TRANSCRIPTIONS))]);
    for question in studio.questions() {
        *asked.entry(question).or_default() += 1;
    }
    asked
}

fn no_stage_that_was_done_was_done_again(
    killed_in: &BTreeMap<&str, BTreeMap<String, usize>>,
    at_the_end: &BTreeMap<String, usize>,
) {
    for (what, by) in ASKED {
        let when_killed = killed_in[by][what];
        // Its own stage was done once more; what was heard of the sound is kept beside it, and is not paid for twice.
        let more = usize::from(what != "speech");
        assert_eq!((when_killed, at_the_end[what]), (2, 2 + more), "{what}");
    }
}

/// From now on whoever writes that the stage at this place is done waits for ever, and nobody sees it.
fn stops_when_done(studio: &Studio, place: usize) {
    let status = |row: &str| format!("({row}.document::jsonb #>> '{{is,run,stages,{place},status}}')");
    studio.schema.sql(&format!(
        "CREATE FUNCTION stops() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
         CREATE TRIGGER stops BEFORE UPDATE ON transcripts FOR EACH ROW
         WHEN ({} = 'running' AND {} = 'done') EXECUTE FUNCTION stops()",
        status("OLD"),
        status("NEW")
    ));
}

fn is_stopped(studio: &Studio) -> bool {
    let sleeping =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%transcripts%'
                    AND pid <> pg_backend_pid()";
    studio.schema.sql(sleeping).trim() != "0"
}

/// Whoever waited is gone with nothing written, and their claims run out.
fn goes_on(studio: &Studio) {
    studio.schema.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    studio.schema.sql("DROP TRIGGER stops ON transcripts; DROP FUNCTION stops()");
    studio.time_goes_by();
}

/// A program that works on a run for which speech-to-text takes its time, and the run's transcript.
fn transcribing(studio: &Studio) -> (Program, String) {
    let slow = endpoints::hears(&endpoints::spoken()).set_delay(Duration::from_secs(600));
    studio.runtime.block_on(async {
        studio.endpoints.reset().await;
        endpoints::answers(&studio.endpoints, TRANSCRIPTIONS, slow).await;
    });
    let program = studio.start();
    let meeting = Held::begin(&program, studio, "standup", &json!({}));
    studio.put(&meeting.key("mp4"), &media::mp4());
    let id = program.transcript_of(&meeting.key("mp4"));
    let running = |transcript: &Value| stage(transcript, "transcribe")["status"] == "running";
    eventually("it is being transcribed", || running(&program.transcript(&id)).then_some(()));
    (program, id)
}

#[test]
fn a_server_that_is_asked_to_stop_gives_its_run_back() {
    let studio = Studio::new();
    let (program, id) = transcribing(&studio);
    let pid = program.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("it can be run").success());
    eventually("the run is given back", || {
        let said = studio.says(&["pipeline", "status", &id]);
        said.lines().any(|line| line.trim() == "transcribe pending").then_some(())
    });
}

#[test]
fn a_run_whose_worker_is_gone_is_seen_to_be_stuck_and_since_when() {
    let studio = Studio::new();
    let (program, id) = transcribing(&studio);
    assert!(!studio.says(&["pipeline", "status"]).contains("stuck"), "somebody works on it");
    assert_eq!(program.transcript(&id)["stuck_since"], json!(null));
    program.kill();
    studio.time_goes_by();
    let said = studio.says(&["pipeline", "status"]);
    assert!(said.contains("stuck since 20") && said.contains("transcribe running since"), "{said}");
}
