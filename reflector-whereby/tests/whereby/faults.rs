//! What goes wrong at Whereby, and what a caller is told of it.

use std::error::Error;
use std::time::Duration;

use reflector_core::provider::{HowToClose, ProviderError, VideoProvider};
use reflector_whereby::{NotUsable, Whereby, WherebySettings};
use serde_json::json;
use wiremock::{MockServer, ResponseTemplate};

use crate::stub::{KEY, ROOM_KEY, UPLOAD_SECRET};
use crate::stub::{
    answers, calls, known, knows_the_room, lists_sessions, meeting, order, room, settings, whereby,
};

/// Everything that an error says, with what lies beneath it.
fn told(error: &ProviderError) -> String {
    let mut told = format!("{error:?} {error}");
    let mut beneath = error.source();
    while let Some(source) = beneath {
        told.push_str(&format!(" {source:?} {source}"));
        beneath = source.source();
    }
    told
}

fn wait(error: &ProviderError) -> Option<Duration> {
    match error {
        ProviderError::Unavailable { retry_after, .. } => *retry_after,
        other => panic!("{other:?} is no outage"),
    }
}

#[tokio::test]
async fn what_can_be_tried_again_and_what_cannot_are_told_apart() {
    for (status, try_again, advice) in [
        (500, true, ""),
        (502, true, ""),
        (503, true, ""),
        (408, true, ""),
        (429, true, ""),
        (400, false, "settings"),
        (401, false, "WHEREBY_API_KEY"),
        (403, false, "WHEREBY_API_KEY"),
        (404, false, "WHEREBY_API_URL"),
        (422, false, "settings"),
        (302, false, "WHEREBY_API_URL"),
        (405, false, "WHEREBY_API_URL"),
    ] {
        let server = MockServer::start().await;
        answers(&server, "POST", "/v1/meetings", ResponseTemplate::new(status)).await;
        let error = whereby(&server).open_room(&order(false)).await.unwrap_err();
        assert_eq!(matches!(error, ProviderError::Unavailable { .. }), try_again, "{status}: {error}");
        assert!(error.to_string().contains(advice), "{status}: {error}");
    }
}

#[tokio::test]
async fn after_a_429_nothing_is_called_until_its_time_is_over() {
    let body: serde_json::Value =
        serde_json::from_str(include_str!("../../fixtures/api_rate_limited.json")).unwrap();
    let with_header = ResponseTemplate::new(429).insert_header("Retry-After", "42").set_body_json(&body);
    let with_date = ResponseTemplate::new(429).insert_header("Retry-After", "Mon, 23 Nov 2026 10:00:00 GMT");
    for (answer, span) in [
        (with_header, Duration::from_secs(42)),
        (with_date.set_body_json(&body), Duration::from_millis(38_689)),
        (ResponseTemplate::new(429).set_body_json(&body), Duration::from_millis(38_689)),
        (ResponseTemplate::new(429), Duration::from_secs(60)),
    ] {
        let server = MockServer::start().await;
        answers(&server, "POST", "/v1/meetings", answer).await;
        let whereby = whereby(&server);
        let first = whereby.open_room(&order(false)).await.unwrap_err();
        assert_eq!(wait(&first), Some(span));
        let second = whereby.close_room(&room(Some("1")), HowToClose::Force, &known(&[])).await.unwrap_err();
        assert!(wait(&second).is_some_and(|wait| wait <= span && wait > span / 2), "{second:?}");
        assert_eq!(calls(&server).await, ["POST /v1/meetings"]);
    }
}

#[tokio::test]
async fn the_pause_of_one_adapter_is_not_anothers() {
    let server = MockServer::start().await;
    answers(&server, "POST", "/v1/meetings", ResponseTemplate::new(429)).await;
    for _ in 0..2 {
        whereby(&server).open_room(&order(false)).await.unwrap_err();
    }
    assert_eq!(calls(&server).await.len(), 2);
}

#[tokio::test]
async fn reads_are_refused_before_closes_once_the_points_run_out() {
    let server = MockServer::start().await;
    knows_the_room(&server).await;
    lists_sessions(&server, &[vec![]]).await;
    answers(&server, "DELETE", "/v1/meetings/61490154", ResponseTemplate::new(204)).await;
    let mut settings = settings(&server);
    settings.points_per_minute = 12;
    let whereby = Whereby::new(settings).unwrap();
    let room = room(Some("61490154"));

    whereby.presence(&room, &known(&[])).await.unwrap();
    let refused = whereby.presence(&room, &known(&[])).await.unwrap_err();
    assert!(wait(&refused).is_some_and(|wait| !wait.is_zero()), "{refused:?}");
    whereby.close_room(&room, HowToClose::Force, &known(&[])).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_takes_too_long_can_be_tried_again() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(201).set_body_json(meeting("1", "a")).set_delay(Duration::from_secs(30));
    answers(&server, "POST", "/v1/meetings", slow).await;
    let whereby = Whereby::with_timeout(settings(&server), Duration::from_millis(100)).unwrap();
    let error = whereby.open_room(&order(false)).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("too long"), "{error}");
}

#[tokio::test]
async fn a_network_that_is_away_can_be_tried_again() {
    let mut settings = settings(&MockServer::start().await);
    // The discard port, which nothing listens on.
    settings.api_url = "http://127.0.0.1:9/v1".to_owned();
    let error = Whereby::new(settings).unwrap().open_room(&order(false)).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("cannot be reached"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_key_goes_nowhere_else() {
    let elsewhere = MockServer::start().await;
    let server = MockServer::start().await;
    let redirect =
        ResponseTemplate::new(307).insert_header("Location", format!("{}/v1/meetings", elsewhere.uri()));
    answers(&server, "POST", "/v1/meetings", redirect).await;
    let error = whereby(&server).open_room(&order(false)).await.unwrap_err();
    assert!(matches!(error, ProviderError::Refused { .. }), "{error}");
    assert!(calls(&elsewhere).await.is_empty());
}

#[tokio::test]
async fn errors_repeat_no_secret() {
    let repeats = json!({"error": format!("bad {KEY}\n and {UPLOAD_SECRET}")});
    let unreadable = json!({"meetingId": "1", "roomName": {"url": ROOM_KEY}, "hostRoomUrl": ROOM_KEY});
    for answer in [
        ResponseTemplate::new(400).set_body_json(&repeats),
        ResponseTemplate::new(401).set_body_json(&repeats),
        ResponseTemplate::new(500).set_body_json(&repeats),
        ResponseTemplate::new(429).set_body_json(&repeats),
        ResponseTemplate::new(201).set_body_json(&unreadable),
        ResponseTemplate::new(201).set_body_json(json!({"meetingId": "1", "endDate": ROOM_KEY})),
        ResponseTemplate::new(201).set_body_string(format!("\"{ROOM_KEY}")),
        ResponseTemplate::new(201).set_body_json(meeting("1", "a")).set_delay(Duration::from_secs(30)),
    ] {
        let server = MockServer::start().await;
        answers(&server, "POST", "/v1/meetings", answer).await;
        let whereby = Whereby::with_timeout(settings(&server), Duration::from_millis(200)).unwrap();
        let told = told(&whereby.open_room(&order(false)).await.unwrap_err());
        let shown = format!("{told} {whereby:?}");
        for secret in [KEY, UPLOAD_SECRET, ROOM_KEY, "hook-that-is-secret", "that-is-secret"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn what_whereby_says_is_passed_on_in_one_short_line() {
    let server = MockServer::start().await;
    let long = json!({"error": format!("endDate\nis past {}", "x".repeat(5000))});
    answers(&server, "POST", "/v1/meetings", ResponseTemplate::new(400).set_body_json(long)).await;
    let error = whereby(&server).open_room(&order(false)).await.unwrap_err().to_string();
    assert!(error.contains("endDate is past"), "{error}");
    assert!(error.len() < 500 && !error.contains('\n'), "{error}");
}

#[test]
fn settings_that_cannot_work_stop_the_start() {
    let made = |key: &str, url: &str, secrets: &[&str]| {
        let secrets = secrets.iter().map(|secret| (*secret).into()).collect();
        let mut settings = WherebySettings::new(key, secrets);
        settings.api_url = url.to_owned();
        Whereby::new(settings)
    };
    let url = "https://api.whereby.dev/v1";
    assert!(made("key", url, &["secret"]).is_ok());
    assert!(matches!(made("", url, &["secret"]), Err(NotUsable::ApiKey)));
    assert!(matches!(made("key\n", url, &["secret"]), Err(NotUsable::ApiKey)));
    assert!(matches!(made("key", "whereby", &["secret"]), Err(NotUsable::ApiUrl(_))));
    assert!(matches!(made("key", url, &[]), Err(NotUsable::WebhookSecret)));
    assert!(matches!(made("key", url, &["secret", " "]), Err(NotUsable::WebhookSecret)));
}
