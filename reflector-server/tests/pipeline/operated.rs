//! What an operator does with runs, by command and over HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::endpoints::{self, COMPLETIONS, TRANSCRIPTIONS};
use crate::http::Request;
use crate::media;
use crate::program::{PATIENCE, Program, eventually};
use crate::studio::{Held, Studio, stage};

/// A transcript of a recording of speech whose run is over.
fn recorded(studio: &Studio, program: &Program) -> (String, Value) {
    let meeting = Held::begin(program, studio, "standup", &json!({}));
    studio.put(&meeting.key("mp4"), &media::mp4());
    let id = program.transcript_of(&meeting.key("mp4"));
    let transcript = program.ended(&id);
    (id, transcript)
}

#[test]
fn an_endpoint_that_fails_is_tried_again_later_and_everybody_sees_why() {
    let studio = Studio::new();
    studio.fails_first(TRANSCRIPTIONS, 1, 503);
    let program = studio.start();
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    studio.put(&meeting.key("mp4"), &media::mp4());
    let id = program.transcript_of(&meeting.key("mp4"));
    let waits = eventually("it waits for another attempt", || {
        let transcript = program.transcript(&id);
        let stage = stage(&transcript, "transcribe").clone();
        (stage["status"] == "pending" && stage["attempts"] == 1).then_some(stage)
    });
    assert!(waits["reason"].as_str().is_some_and(|reason| reason.contains("503")), "{waits}");
    let said = studio.says(&["pipeline", "status"]);
    assert!(said.starts_with(&id) && said.contains("transcribe pending") && said.contains("503"), "{said}");
    let unfinished = "reflector_pipeline_stages_total{stage=\"transcribe\",outcome=\"again\"} 1";
    assert!(program.get("/metrics").text().contains(unfinished));

    studio.time_goes_by();
    let transcript = program.ended(&id);
    let stage = stage(&transcript, "transcribe");
    assert_eq!((&stage["status"], &stage["attempts"]), (&json!("done"), &json!(2)));
    assert_eq!(studio.calls(TRANSCRIPTIONS), 2);
}

#[test]
fn a_run_that_is_stuck_before_its_summaries_goes_on_from_there_and_keeps_the_rest_to_the_byte() {
    let studio = Studio::new();
    studio.runtime.block_on(async {
        studio.endpoints.reset().await;
        endpoints::answers(&studio.endpoints, TRANSCRIPTIONS, endpoints::hears(&endpoints::spoken())).await;
        let answers = move |request: &wiremock::Request| match endpoints::kind(request).as_str() {
            "participants" => ResponseTemplate::new(400),
            _ => wiremock::Respond::respond(&endpoints::Asked, request),
        };
        endpoints::answers(&studio.endpoints, COMPLETIONS, answers).await;
    });
    let program = studio.start();
    let (id, transcript) = recorded(&studio, &program);
    assert_eq!(
        (&transcript["status"], &stage(&transcript, "final-summaries")["status"]),
        (&json!("error"), &json!("failed"))
    );
    let before = studio.made(&id);
    let refused = studio.refuses(&["pipeline", "continue", &id, "--from", "final-summaries"]);
    assert!(refused.contains("final-summaries failed") && refused.contains("400"), "{refused}");

    studio.runtime.block_on(async {
        studio.endpoints.reset().await;
        endpoints::answers(&studio.endpoints, COMPLETIONS, endpoints::Asked).await;
    });
    assert_eq!(studio.says(&["pipeline", "continue", &id, "--from", "final-summaries"]), "ended\n");
    assert_eq!(studio.calls(TRANSCRIPTIONS), 0, "nothing is heard again");
    assert_eq!(studio.questions(), ["participants", "action_items"]);
    let after: Vec<_> = studio
        .made(&id)
        .into_iter()
        .filter(|(stage, _)| stage != "final-summaries" && stage != "publish")
        .collect();
    assert_eq!(after, before);
    let transcript = program.ended(&id);
    assert_eq!((&transcript["status"], &transcript["short_summary"]), (&json!("ended"), &json!("Short.")));
}

#[test]
fn the_whole_of_it_is_done_again_by_command_with_a_server_or_without() {
    let studio = Studio::new();
    let program = studio.start();
    let (id, _) = recorded(&studio, &program);
    assert_eq!(studio.says(&["requeue", &id]), "uploaded\n");
    eventually("the server does it again", || (studio.calls(TRANSCRIPTIONS) == 2).then_some(()));
    program.ended(&id);
    program.kill();

    let output = studio.run(&["pipeline", "run", &id]);
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), b"ended\n".as_slice()),
        "{output:?}"
    );
    let said = String::from_utf8(output.stderr).expect("it is text");
    let stages: Vec<_> = said.lines().filter(|line| line.ends_with(" done")).collect();
    assert_eq!(stages.len(), 9, "it says how far it is: {said}");
    assert_eq!(studio.calls(TRANSCRIPTIONS), 3);
    assert_eq!(studio.says(&["pipeline", "continue", &id]), "ended\n", "there is nothing left to do");
    assert_eq!(studio.calls(TRANSCRIPTIONS), 3);
    let status: Value =
        serde_json::from_str(&studio.says(&["pipeline", "status", &id, "--json"])).expect("it is JSON");
    assert_eq!((&status["status"], &status["stages"][8]["name"]), (&json!("ended"), &json!("publish")));
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let studio = Studio::new();
    let program = studio.start();
    let (id, _) = recorded(&studio, &program);
    let nobody = "0190a5c2-6e9c-7b7e-8d3e-0123456789ab";
    for command in
        [["pipeline", "run", nobody], ["pipeline", "continue", nobody], ["pipeline", "status", nobody]]
    {
        assert!(studio.refuses(&command).contains("there is no transcript"), "{command:?}");
    }
    let refused = studio.refuses(&["pipeline", "continue", &id, "--from", "summaries"]);
    assert!(refused.contains("final-summaries"), "it names those there are: {refused}");
    assert_eq!(studio.run(&["requeue", "no-id"]).status.code(), Some(2));

    let process = |id: &str, body: Value| {
        program.send(&Request::new("POST", format!("/transcripts/{id}/process")).json(&body))
    };
    assert_eq!(process(nobody, json!({})).status, 404);
    assert_eq!(process("no-id", json!({})).status, 404);
    let wrong = process(&id, json!({ "from": "summaries" }));
    assert_eq!((wrong.status, wrong.json()["field"].as_str()), (422, Some("from")));
    assert_eq!(process(&id, json!({ "from": "title" })).status, 202);
    program.ended(&id);
    assert_eq!(studio.calls(TRANSCRIPTIONS), 1, "it was heard before");
}

#[test]
fn how_far_a_run_is_is_heard_as_it_comes_along() {
    let studio = Studio::new();
    let slow = endpoints::hears(&endpoints::spoken()).set_delay(Duration::from_millis(1_200));
    studio.runtime.block_on(async {
        studio.endpoints.reset().await;
        endpoints::answers(&studio.endpoints, TRANSCRIPTIONS, slow).await;
        endpoints::answers(&studio.endpoints, COMPLETIONS, endpoints::Asked).await;
    });
    let program = studio.start();
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    studio.put(&meeting.key("mp4"), &media::mp4());
    let id = program.transcript_of(&meeting.key("mp4"));
    // It ends by itself, with the run.
    let heard = stream(program.address, &format!("/transcripts/{id}/events"));
    let events: Vec<Value> = heard
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).expect("it is JSON"))
        .collect();
    let running = |event: &&Value| stage(event, "transcribe")["status"] == "running";
    assert!(events.iter().any(|event| running(&event)), "{heard}");
    assert_eq!(events.last().map(|event| &event["status"]), Some(&json!("ended")), "{heard}");
}

/// What comes from an address until its stream ends.
fn stream(from: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(from).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("it can be set");
    let asked = format!("GET {path} HTTP/1.1\r\nhost: {from}\r\nconnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).expect("it is sent");
    let mut heard = String::new();
    stream.read_to_string(&mut heard).expect("it ends in time");
    heard
}

#[test]
fn a_transcript_that_is_deleted_is_gone_and_its_recording_stays() {
    let studio = Studio::silent();
    let program = studio.start();
    let (id, _) = recorded(&studio, &program);
    let path = format!("/transcripts/{id}");
    assert_eq!(program.send(&Request::new("DELETE", path.clone())).status, 204);
    for gone in ["", "/webvtt", "/audio", "/events"] {
        assert_eq!(program.get(&format!("{path}{gone}")).status, 404, "{gone}");
    }
    assert!(studio.made(&id).is_empty());
    let recording = &program.read("/recordings")["items"][0];
    assert_eq!((&recording["status"], &recording["transcript_id"]), (&json!("completed"), &json!(null)));
}
