//! Queues that are not there, and endpoints that say nothing: the other roles go on.

use std::net::TcpListener;

use crate::program::eventually;
use crate::studio::{Meeting, Studio};

/// One clear line about the source, and the rest goes on as if nothing were.
async fn says(settings: &[(&str, &str)], line: &str) {
    let studio = Studio::new(false, None).await;
    let program = studio.start_with(settings);
    let warned =
        || program.logged().lines().find(|one| one.contains("no recordings come in")).map(str::to_owned);
    let warning = eventually("it says that no recordings come in", warned);
    assert!(warning.contains(line), "{warning}");
    let ready = program.get("/readyz");
    assert_eq!(ready.status, 200);
    assert!(ready.text().contains("queue"), "{}", ready.text());
    assert!(program.get("/metrics").text().contains("reflector_recordings_source_up{source=\"queue\"} 0"));
    Meeting::begin(&program, "standup");
    let warnings = program.logged().lines().filter(|one| one.contains("no recordings come in")).count();
    assert_eq!(warnings, 1, "{}", program.logged());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_not_there_is_named() {
    let gone = reflector_test_aws::moto().endpoint().to_owned() + "/123456789012/no-such-queue";
    says(&[("AWS_PROCESS_RECORDING_QUEUE_URL", &gone)], "does not exist").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_it_says_which_variables_to_set() {
    says(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")], "AWS_ACCESS_KEY_ID").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_never_answers_holds_up_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let endpoint = format!("http://{}", silent.local_addr().expect("it is bound"));
    says(&[("AWS_ENDPOINT_URL", &endpoint)], "answer").await;
}
