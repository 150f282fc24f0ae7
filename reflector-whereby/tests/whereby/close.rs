//! Rooms closed: if empty, and by force.

use std::time::Duration;

use reflector_core::Participant;
use reflector_core::provider::{CloseAnswer, Fact, HowToClose, Movement, ProviderError, VideoProvider};
use reflector_whereby::Whereby;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::stub::{
    answers, at, calls, deleted, known, knows_the_room, lists_participants, lists_rooms, lists_sessions,
    meeting, participant, room, session, settings, whereby,
};

const BEFORE: &str = "2026-11-22T11:00:00.000Z";
const NOON: &str = "2026-11-22T12:00:00.000Z";
const AFTER: &str = "2026-11-22T12:00:00.001Z";
const LATER: &str = "2026-11-22T12:10:00.000Z";

/// A stub that knows the room and lets it be deleted.
async fn start() -> MockServer {
    let server = MockServer::start().await;
    knows_the_room(&server).await;
    answers(&server, "DELETE", "/v1/meetings/61490154", ResponseTemplate::new(204)).await;
    server
}

async fn close_if_empty(server: &MockServer) -> CloseAnswer {
    let whereby = whereby(server);
    whereby.close_room(&room(Some("61490154")), HowToClose::IfEmpty, &known(&[])).await.unwrap()
}

#[tokio::test]
async fn a_room_nobody_has_been_in_is_deleted() {
    let server = start().await;
    lists_sessions(&server, &[vec![]]).await;
    assert_eq!(close_if_empty(&server).await, CloseAnswer::Gone);
    assert!(deleted(&server).await);
}

#[tokio::test]
async fn an_arrival_on_the_last_page_of_the_last_session_keeps_the_room() {
    let server = start().await;
    lists_sessions(&server, &[vec![session("s-1", Some(LATER))], vec![session("s-2", None)]]).await;
    lists_participants(&server, "s-1", &[vec![participant("p-1", "host", BEFORE, Some(NOON))]]).await;
    let first = vec![participant("p-2", "visitor", BEFORE, Some(NOON))];
    let last = vec![participant("p-3", "visitor", AFTER, None)];
    lists_participants(&server, "s-2", &[first, last]).await;

    let arrival = Movement { participant: Participant::human("p-3"), at: at(AFTER), humans: None };
    let expected = CloseAnswer::StillOccupied { humans: 1, facts: vec![Fact::Joined(arrival)] };
    assert_eq!(close_if_empty(&server).await, expected);
    assert!(!deleted(&server).await);
}

#[tokio::test]
async fn records_that_are_no_news_and_machines_do_not_keep_the_room() {
    let server = start().await;
    lists_sessions(&server, &[vec![session("s-1", None)]]).await;
    let records = vec![
        participant("lost-leaving", "visitor", BEFORE, None),
        participant("at-noon", "visitor", NOON, None),
        participant("gone-again", "visitor", AFTER, Some(LATER)),
        participant("recorder", "recorder", AFTER, None),
        participant("assistant", "assistant", AFTER, None),
    ];
    lists_participants(&server, "s-1", &[records]).await;
    assert_eq!(close_if_empty(&server).await, CloseAnswer::Gone);
    assert!(deleted(&server).await);
}

#[tokio::test]
async fn a_session_that_was_over_before_the_newest_event_costs_no_call() {
    let server = start().await;
    lists_sessions(&server, &[vec![session("s-1", Some(BEFORE))]]).await;
    assert_eq!(close_if_empty(&server).await, CloseAnswer::Gone);
    let expected =
        ["GET /v1/meetings/61490154", "GET /v1/insights/room-sessions", "DELETE /v1/meetings/61490154"];
    assert_eq!(calls(&server).await, expected);
}

#[tokio::test]
async fn an_outage_of_the_insights_closes_nothing() {
    let broken =
        [("room-sessions", 500), ("room-sessions", 429), ("participants", 503), ("participants", 403)];
    for (kind, status) in broken {
        let server = start().await;
        if kind == "participants" {
            lists_sessions(&server, &[vec![session("s-1", None)]]).await;
        }
        answers(&server, "GET", &format!("/v1/insights/{kind}"), ResponseTemplate::new(status)).await;
        let whereby = whereby(&server);
        let answer = whereby.close_room(&room(Some("61490154")), HowToClose::IfEmpty, &known(&[])).await;
        assert!(answer.is_err(), "{kind} {status}: {answer:?}");
        assert!(!deleted(&server).await, "{kind} {status}");
    }
}

#[tokio::test]
async fn an_outage_on_the_second_page_closes_nothing() {
    let server = start().await;
    lists_sessions(&server, &[vec![session("s-1", None)]]).await;
    let body = serde_json::json!({"results": [], "cursor": "1"});
    let first = ResponseTemplate::new(200).set_body_json(body);
    let path_of = path("/v1/insights/participants");
    Mock::given(method("GET")).and(path_of).respond_with(first).up_to_n_times(1).mount(&server).await;
    answers(&server, "GET", "/v1/insights/participants", ResponseTemplate::new(502)).await;
    let whereby = whereby(&server);
    let answer = whereby.close_room(&room(Some("61490154")), HowToClose::IfEmpty, &known(&[])).await;
    assert!(answer.is_err(), "{answer:?}");
    assert!(!deleted(&server).await);
}

#[tokio::test]
async fn insights_that_take_too_long_over_many_pages_close_nothing() {
    let server = start().await;
    let slow = |cursor: &str| {
        let body = serde_json::json!({"results": [], "cursor": cursor});
        ResponseTemplate::new(200).set_body_json(body).set_delay(Duration::from_millis(80))
    };
    let sessions = || Mock::given(method("GET")).and(path("/v1/insights/room-sessions"));
    sessions().and(query_param("cursor", "odd")).respond_with(slow("even")).mount(&server).await;
    sessions().respond_with(slow("odd")).mount(&server).await;
    let whereby = Whereby::with_timeout(settings(&server), Duration::from_millis(150)).unwrap();
    let answer = whereby.close_room(&room(Some("61490154")), HowToClose::IfEmpty, &known(&[])).await;
    assert!(matches!(answer, Err(ProviderError::Unavailable { .. })), "{answer:?}");
    assert!(!deleted(&server).await);
    assert!(calls(&server).await.len() < 50, "it went on until the budget was spent");
}

#[tokio::test]
async fn insights_that_do_not_know_the_room_cannot_say_and_close_nothing() {
    let server = start().await;
    answers(&server, "GET", "/v1/insights/room-sessions", ResponseTemplate::new(404)).await;
    assert_eq!(close_if_empty(&server).await, CloseAnswer::Unknown);
    assert!(!deleted(&server).await);
}

#[tokio::test]
async fn a_room_that_is_gone_is_gone_either_way() {
    for how in [HowToClose::IfEmpty, HowToClose::Force] {
        let server = MockServer::start().await;
        answers(&server, "GET", "/v1/meetings/61490154", ResponseTemplate::new(404)).await;
        answers(&server, "DELETE", "/v1/meetings/61490154", ResponseTemplate::new(404)).await;
        let answer = whereby(&server).close_room(&room(Some("61490154")), how, &known(&[])).await.unwrap();
        assert_eq!(answer, CloseAnswer::Gone, "{how:?}");
    }
}

#[tokio::test]
async fn by_force_an_occupied_room_is_deleted_without_a_question() {
    let server = start().await;
    let whereby = whereby(&server);
    let answer =
        whereby.close_room(&room(Some("61490154")), HowToClose::Force, &known(&["p-1"])).await.unwrap();
    assert_eq!(answer, CloseAnswer::Gone);
    assert_eq!(calls(&server).await, ["DELETE /v1/meetings/61490154"]);
}

#[tokio::test]
async fn a_room_without_an_id_is_looked_up_by_its_name() {
    for how in [HowToClose::IfEmpty, HowToClose::Force] {
        let server = start().await;
        lists_rooms(&server, &[vec![], vec![meeting("61490154", "acme-standup-1-0b1f")]]).await;
        lists_sessions(&server, &[vec![]]).await;
        let answer = whereby(&server).close_room(&room(None), how, &known(&[])).await.unwrap();
        assert_eq!(answer, CloseAnswer::Gone, "{how:?}");
        assert!(deleted(&server).await, "{how:?}");
    }
}

#[tokio::test]
async fn a_room_that_never_was_is_gone() {
    let server = MockServer::start().await;
    lists_rooms(&server, &[vec![]]).await;
    let answer = whereby(&server).close_room(&room(None), HowToClose::Force, &known(&[])).await.unwrap();
    assert_eq!(answer, CloseAnswer::Gone);
    assert!(!deleted(&server).await);
}
