//! Queues that are not there, that nobody may read, and endpoints that say nothing: it is said in one line, and all else
//! goes on.

use std::net::TcpListener;
use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::{Router, serve};
use reflector_test_aws::moto;
use tokio::runtime::Runtime;

use super::{Meeting, Uploads};
use crate::program::{Program, eventually, run};

const QUEUE: &str = "AWS_PROCESS_RECORDING_QUEUE_URL";
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// With these settings beside those of a queue that is there, one clear line is said about it, readiness and a metric
/// tell, and meetings go on as if nothing were.
fn is_away(settings: &[(&str, &str)], line: &str) {
    let uploads = Uploads::new();
    let program = Program::start_with(&[&uploads.environment()[..], settings].concat());
    let lines = || {
        let logged = program.logged();
        let lines = logged.lines().filter(|line| line.contains("no recordings come in"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let warning = eventually("it says that no recordings come in", || lines().into_iter().next());
    assert!(warning.contains(line), "{warning}");
    let ready = program.read("/readyz");
    let queue = ready["recordings"]["queue"].as_str();
    assert!(
        ready["status"] == "degraded" && queue.is_some_and(|said| said.starts_with("away since")),
        "{ready}"
    );
    assert_eq!(program.measured("source_up"), 0.0);
    Meeting::begin(&program, "standup");
    assert_eq!(lines().len(), 1, "{}", program.logged());
}

#[test]
fn a_queue_that_is_not_there_is_named() {
    let gone = moto().endpoint().to_owned() + "/123456789012/no-such-queue";
    is_away(&[(QUEUE, &gone)], "does not exist");
}

#[test]
fn without_credentials_it_is_said_which_variables_to_set() {
    is_away(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")], "AWS_ACCESS_KEY_ID");
}

#[test]
fn a_permission_that_is_missing_is_named_with_what_it_is_on() {
    let runtime = Runtime::new().expect("it can be made");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port is free");
    let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
    let denied = || async {
        let body =
            r#"{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no policy allows it"}"#;
        (StatusCode::FORBIDDEN, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body)
    };
    runtime.spawn(async move { serve(listener, Router::new().fallback(denied)).await });
    let queue = format!("{endpoint}/123456789012/recordings");
    is_away(&[(ENDPOINT, &endpoint), (QUEUE, &queue)], "sqs:ReceiveMessage");
}

#[test]
fn an_endpoint_that_never_answers_holds_up_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let endpoint = format!("http://{}", silent.local_addr().expect("it is bound"));
    is_away(&[(ENDPOINT, &endpoint)], "answer");
}

#[test]
fn a_queue_that_is_away_holds_up_neither_requests_nor_another_source() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    std::fs::create_dir(folder.path().join("recordings")).expect("it can be made");
    std::fs::write(folder.path().join("recordings/one.mp4"), "video").expect("it can be written");
    let queue_url = "http://127.0.0.1:1/123456789012/recordings";
    let mut environment = moto().environment().to_vec();
    environment.retain(|(name, _)| *name != "AWS_ENDPOINT_URL");
    environment.extend([
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_PROCESS_RECORDING_QUEUE_URL", queue_url),
        ("REFLECTOR_RECORDINGS_DIR", "recordings"),
    ]);
    let program = Program::start_in(folder, &environment);
    program.recording("one.mp4");
    let sources = eventually("it is told", || {
        let ready = program.read("/readyz");
        (ready["status"] == "degraded").then(|| ready["recordings"].clone())
    });
    assert_eq!(sources["folder"], "taken in");
    assert!(sources["queue"].as_str().is_some_and(|said| said.starts_with("away since")), "{sources}");
    let text = program.get("/metrics").text();
    for line in ["source_up{source=\"queue\"} 0", "source_up{source=\"folder\"} 1"] {
        assert!(text.contains(line), "`{line}` is not in {text}");
    }
    program.make_room("standup");
}

#[test]
fn a_queue_of_no_region_stops_the_start_with_one_line() {
    let environment = [
        ("AWS_PROCESS_RECORDING_QUEUE_URL", "http://127.0.0.1:1/1/q"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &environment, &["serve"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = said.lines().find(|line| line.starts_with("reflector: ")).unwrap_or_default();
    assert!(output.status.code() == Some(1) && line.contains("AWS_REGION"), "{output:?}");
}
