//! A stub of Whereby, one for each test.

use std::time::Duration;

use reflector_core::provider::{Known, RoomOrder, RoomRef};
use reflector_core::{ConnectionKey, MeetingId, RoomSettings, Timestamp};
use reflector_whereby::{RecordingDestination, Whereby, WherebySettings};
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

pub(crate) const KEY: &str = "key-that-is-secret";
pub(crate) const UPLOAD_SECRET: &str = "upload-that-is-secret";
pub(crate) const ROOM_KEY: &str = "roomKey=host-that-is-secret";
pub(crate) const NAME: &str = "acme-standup-1";

pub(crate) fn settings(server: &MockServer) -> WherebySettings {
    let mut settings = WherebySettings::new(KEY, vec!["hook-that-is-secret".into()]);
    settings.api_url = format!("{}/v1", server.uri());
    settings.points_per_minute = 1000;
    settings.recording_destination = Some(RecordingDestination {
        bucket: "acme-recordings/whereby".to_owned(),
        access_key_id: "AKIA".to_owned(),
        access_key_secret: UPLOAD_SECRET.into(),
    });
    settings
}

pub(crate) fn whereby(server: &MockServer) -> Whereby {
    // Loopback answers in a millisecond or not at all.
    Whereby::with_timeout(settings(server), Duration::from_secs(5)).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn order(asked_before: bool) -> RoomOrder {
    RoomOrder {
        meeting_id: MeetingId(Uuid::from_u128(1)),
        name: NAME.to_owned(),
        room_name: "standup".parse().unwrap(),
        expires_at: at("2026-11-23T10:00:00Z"),
        settings: RoomSettings::default(),
        asked_before,
    }
}

pub(crate) fn room(external_id: Option<&str>) -> RoomRef {
    RoomRef { name: NAME.to_owned(), external_id: external_id.map(str::to_owned) }
}

/// We heard the last event at noon, and think these are in.
pub(crate) fn known(connections: &[&str]) -> Known {
    Known {
        newest_event_at: Some(at("2026-11-22T12:00:00Z")),
        connections: connections.iter().map(|id| ConnectionKey::of(id)).collect(),
    }
}

pub(crate) fn meeting(id: &str, name: &str) -> Value {
    json!({
        "meetingId": id, "roomName": format!("/{name}"), "roomUrl": format!("https://acme.whereby.com/{name}"),
        "startDate": "2026-11-22T09:00:00.000Z", "endDate": "2026-11-23T10:00:00.000Z",
        "hostRoomUrl": format!("https://acme.whereby.com/{name}?{ROOM_KEY}"), "newField": {"a": 1},
    })
}

pub(crate) fn participant(id: &str, role: &str, joined: &str, left: Option<&str>) -> Value {
    json!({"participantId": id, "roleName": role, "displayName": "Ann", "joinedAt": joined, "leftAt": left})
}

pub(crate) fn session(id: &str, ended: Option<&str>) -> Value {
    json!({"roomSessionId": id, "startedAt": "2026-11-22T09:00:00.000Z", "endedAt": ended, "totalUniqueParticipants": 2})
}

/// Mounts an answer to a call.
pub(crate) async fn answers(server: &MockServer, verb: &str, at_path: &str, answer: ResponseTemplate) {
    Mock::given(method(verb)).and(path(at_path)).respond_with(answer).mount(server).await;
}

/// Mounts the room `61490154`.
pub(crate) async fn knows_the_room(server: &MockServer) {
    let body = meeting("61490154", "acme-standup-1-0b1f");
    answers(server, "GET", "/v1/meetings/61490154", ResponseTemplate::new(200).set_body_json(body)).await;
}

/// Mounts a listing in pages, the cursor of each being its number.
pub(crate) async fn lists(server: &MockServer, at_path: &str, of: (&str, &str), pages: &[Vec<Value>]) {
    for (number, results) in pages.iter().enumerate() {
        let next = (number + 1 < pages.len()).then(|| (number + 1).to_string());
        let body = json!({"results": results, "cursor": next});
        let mock = Mock::given(method("GET")).and(path(at_path)).and(query_param(of.0, of.1));
        let mock = if number == 0 {
            mock.and(query_param_is_missing("cursor"))
        } else {
            mock.and(query_param("cursor", number.to_string()))
        };
        mock.respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(server).await;
    }
}

/// Mounts the sessions of the room `61490154`, a page each.
pub(crate) async fn lists_sessions(server: &MockServer, pages: &[Vec<Value>]) {
    lists(server, "/v1/insights/room-sessions", ("roomName", "/acme-standup-1-0b1f"), pages).await;
}

/// Mounts the participants of a session, a page each.
pub(crate) async fn lists_participants(server: &MockServer, session: &str, pages: &[Vec<Value>]) {
    lists(server, "/v1/insights/participants", ("roomSessionId", session), pages).await;
}

/// Mounts the rooms whose name begins as the order says.
pub(crate) async fn lists_rooms(server: &MockServer, pages: &[Vec<Value>]) {
    lists(server, "/v1/meetings", ("roomName[startsWith]", "/acme-standup-1"), pages).await;
}

/// The calls that were made, as `GET /v1/meetings`.
pub(crate) async fn calls(server: &MockServer) -> Vec<String> {
    let requests: Vec<Request> = server.received_requests().await.unwrap();
    requests.iter().map(|request| format!("{} {}", request.method, request.url.path())).collect()
}

/// Whether a deletion was asked for.
pub(crate) async fn deleted(server: &MockServer) -> bool {
    calls(server).await.iter().any(|call| call.starts_with("DELETE"))
}
