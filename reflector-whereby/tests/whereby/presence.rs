//! Who is in, as far as Whereby can be asked.

use reflector_core::Participant;
use reflector_core::provider::{Fact, Movement, PresenceAnswer, PresenceSource, VideoProvider};
use wiremock::{MockServer, ResponseTemplate};

use crate::stub::{
    answers, at, calls, known, knows_the_room, lists_participants, lists_rooms, lists_sessions, participant,
    room, session, whereby,
};

const BEFORE: &str = "2026-11-22T11:00:00.000Z";
const AFTER: &str = "2026-11-22T12:00:00.001Z";

fn movement(id: &str, time: &str) -> Movement {
    Movement { participant: Participant::human(id), at: at(time), humans: None }
}

#[tokio::test]
async fn a_room_that_is_not_known_is_missing() {
    let server = MockServer::start().await;
    answers(&server, "GET", "/v1/meetings/61490154", ResponseTemplate::new(404)).await;
    lists_rooms(&server, &[vec![]]).await;
    let whereby = whereby(&server);
    for room in [room(Some("61490154")), room(None)] {
        assert_eq!(whereby.presence(&room, &known(&[])).await.unwrap(), PresenceAnswer::Missing);
    }
}

#[tokio::test]
async fn a_404_of_a_web_server_proves_no_room_missing() {
    let server = MockServer::start().await;
    let page = ResponseTemplate::new(404).set_body_raw("<h1>Cannot GET</h1>", "text/html; charset=utf-8");
    answers(&server, "GET", "/v1/meetings/61490154", page).await;
    let refusal =
        whereby(&server).presence(&room(Some("61490154")), &known(&[])).await.unwrap_err().to_string();
    assert!(refusal.contains("WHEREBY_API_URL"), "{refusal}");
}

#[tokio::test]
async fn missed_movements_are_found_on_the_last_page() {
    let server = MockServer::start().await;
    knows_the_room(&server).await;
    lists_sessions(&server, &[vec![session("s-1", Some(BEFORE))], vec![session("s-2", None)]]).await;
    let held = participant("held", "host", "2026-11-22T10:00:00.000Z", Some(BEFORE));
    let never_held = participant("other", "visitor", "2026-11-22T10:00:00.000Z", Some(BEFORE));
    lists_participants(&server, "s-1", &[vec![never_held], vec![held]]).await;
    lists_participants(&server, "s-2", &[vec![], vec![participant("new", "visitor", AFTER, None)]]).await;

    let answer = whereby(&server).presence(&room(Some("61490154")), &known(&["held"])).await.unwrap();
    let expected = vec![Fact::Left(movement("held", BEFORE)), Fact::Joined(movement("new", AFTER))];
    assert_eq!(answer, PresenceAnswer::Facts(expected));
}

#[tokio::test]
async fn sessions_alone_are_no_news() {
    let server = MockServer::start().await;
    knows_the_room(&server).await;
    lists_sessions(&server, &[vec![session("over", Some(AFTER)), session("open", None)]]).await;
    lists_participants(&server, "over", &[vec![]]).await;
    lists_participants(&server, "open", &[vec![]]).await;
    let answer = whereby(&server).presence(&room(Some("61490154")), &known(&["held"])).await.unwrap();
    assert_eq!(answer, PresenceAnswer::Facts(vec![]));
}

#[tokio::test]
async fn an_outage_is_an_error_and_never_an_empty_room() {
    for broken in ["/v1/meetings/61490154", "/v1/insights/room-sessions"] {
        let server = MockServer::start().await;
        answers(&server, "GET", broken, ResponseTemplate::new(500)).await;
        knows_the_room(&server).await;
        let answer = whereby(&server).presence(&room(Some("61490154")), &known(&[])).await;
        assert!(answer.is_err(), "{broken}: {answer:?}");
    }
}

#[tokio::test]
async fn a_cursor_that_leads_nowhere_ends_in_an_error() {
    let server = MockServer::start().await;
    knows_the_room(&server).await;
    let body = serde_json::json!({"results": [], "cursor": "again"});
    let page = ResponseTemplate::new(200).set_body_json(body);
    answers(&server, "GET", "/v1/insights/room-sessions", page).await;
    let answer = whereby(&server).presence(&room(Some("61490154")), &known(&[])).await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(calls(&server).await.len(), 3);
}

#[tokio::test]
async fn it_declares_that_it_tells_by_events_and_cannot_ask_and_close_in_one_piece() {
    let capabilities = whereby(&MockServer::start().await).capabilities();
    assert_eq!(capabilities.presence, PresenceSource::EventsAndFacts);
    assert!(!capabilities.closes_if_empty_atomically);
}
