//! Rooms made, adopted and listed.

use reflector_core::provider::{ProviderError, RoomRef, VideoProvider};
use reflector_core::{RecordingTrigger, RecordingType, RoomMode, RoomSettings};
use reflector_whereby::Whereby;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use crate::stub::{KEY, NAME, ROOM_KEY, UPLOAD_SECRET};
use crate::stub::{answers, at, calls, lists, lists_rooms, meeting, order, settings, whereby};

async fn makes_rooms(server: &MockServer) {
    let made = ResponseTemplate::new(201).set_body_json(meeting("61490154", "acme-standup-1-0b1f"));
    answers(server, "POST", "/v1/meetings", made).await;
}

async fn sent(server: &MockServer) -> Value {
    let requests = server.received_requests().await.unwrap();
    serde_json::from_slice(&requests.last().unwrap().body).unwrap()
}

#[tokio::test]
async fn a_room_is_made_as_it_is_ordered() {
    let server = MockServer::start().await;
    makes_rooms(&server).await;
    let room = whereby(&server).open_room(&order(false)).await.unwrap();

    assert_eq!(room.name, "acme-standup-1-0b1f");
    assert_eq!(room.external_id, "61490154");
    assert_eq!(room.url, "https://acme.whereby.com/acme-standup-1-0b1f");
    assert!(room.host_url.as_ref().unwrap().expose().ends_with(ROOM_KEY));
    assert!(!format!("{room:?}").contains(ROOM_KEY));
    assert_eq!(room.expires_at, Some(at("2026-11-23T10:00:00Z")));
    let expected = json!({
        "endDate": "2026-11-23T10:00:00.000Z", "isLocked": false, "roomMode": "normal", "roomNamePrefix": NAME,
        "fields": ["hostRoomUrl"],
        "recording": {
            "type": "cloud", "startTrigger": "automatic-2nd-participant",
            "destination": {
                "provider": "s3", "authenticationType": "accessKey", "bucket": "acme-recordings/whereby",
                "accessKeyId": "AKIA", "accessKeySecret": UPLOAD_SECRET,
            },
        },
    });
    assert_eq!(sent(&server).await, expected);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].headers["authorization"], format!("Bearer {KEY}"));
}

#[tokio::test]
async fn a_room_of_other_settings_is_made_with_them_and_given_no_key() {
    let server = MockServer::start().await;
    makes_rooms(&server).await;
    let mut order = order(false);
    order.settings = RoomSettings {
        is_locked: true,
        room_mode: RoomMode::Group,
        recording_type: RecordingType::None,
        recording_trigger: RecordingTrigger::Prompt,
    };
    whereby(&server).open_room(&order).await.unwrap();

    let sent = sent(&server).await;
    assert_eq!(sent["isLocked"], true);
    assert_eq!(sent["roomMode"], "group");
    assert_eq!(sent["recording"], json!({"type": "none", "destination": null, "startTrigger": "none"}));
}

#[tokio::test]
async fn recordings_without_a_bucket_go_where_the_organisation_says() {
    let server = MockServer::start().await;
    makes_rooms(&server).await;
    let mut settings = settings(&server);
    settings.recording_destination = None;
    Whereby::new(settings).unwrap().open_room(&order(false)).await.unwrap();

    let expected = json!({"type": "cloud", "destination": null, "startTrigger": "automatic-2nd-participant"});
    assert_eq!(sent(&server).await["recording"], expected);
}

#[tokio::test]
async fn a_room_ordered_before_is_adopted_from_the_last_page() {
    let server = MockServer::start().await;
    makes_rooms(&server).await;
    let theirs = meeting("7", "another-deployment");
    lists_rooms(&server, &[vec![theirs], vec![meeting("99", "acme-standup-1-aaaa")]]).await;
    let room = whereby(&server).open_room(&order(true)).await.unwrap();

    assert_eq!(room.external_id, "99");
    assert!(room.host_url.is_some());
    assert_eq!(calls(&server).await, ["GET /v1/meetings", "GET /v1/meetings"]);
    let requests = server.received_requests().await.unwrap();
    assert!(requests[0].url.query_pairs().any(|(key, value)| key == "fields" && value == "hostRoomUrl"));
}

#[tokio::test]
async fn of_two_rooms_of_one_order_the_older_one_is_adopted_in_whatever_order_they_come() {
    let older = meeting("2", "acme-standup-1-aaaa");
    let mut newer = meeting("1", "acme-standup-1-bbbb");
    newer["startDate"] = json!("2026-11-22T09:00:00.001Z");
    for page in [vec![older.clone(), newer.clone()], vec![newer, older]] {
        let server = MockServer::start().await;
        lists_rooms(&server, &[page]).await;
        assert_eq!(whereby(&server).open_room(&order(true)).await.unwrap().external_id, "2");
    }
}

#[tokio::test]
async fn a_room_ordered_before_that_never_came_to_be_is_made() {
    let server = MockServer::start().await;
    makes_rooms(&server).await;
    lists_rooms(&server, &[vec![]]).await;
    assert_eq!(whereby(&server).open_room(&order(true)).await.unwrap().external_id, "61490154");
    assert_eq!(calls(&server).await, ["GET /v1/meetings", "POST /v1/meetings"]);
}

#[tokio::test]
async fn no_second_room_is_made_while_the_first_cannot_be_looked_for() {
    let server = MockServer::start().await;
    makes_rooms(&server).await;
    answers(&server, "GET", "/v1/meetings", ResponseTemplate::new(503)).await;
    let outage = whereby(&server).open_room(&order(true)).await.unwrap_err();
    assert!(matches!(outage, ProviderError::Unavailable { .. }), "{outage}");
    assert_eq!(calls(&server).await, ["GET /v1/meetings"]);
}

#[tokio::test]
async fn only_rooms_with_the_prefix_are_listed_to_the_last_page() {
    let server = MockServer::start().await;
    let production = meeting("1", "production-standup");
    let pages = [vec![production, meeting("2", "staging-a")], vec![meeting("3", "staging-b")]];
    lists(&server, "/v1/meetings", ("roomName[startsWith]", "/staging-"), &pages).await;
    let whereby = whereby(&server);

    let room = |id: &str, name: &str| RoomRef { name: name.to_owned(), external_id: Some(id.to_owned()) };
    let first = whereby.rooms("staging-", None).await.unwrap();
    assert_eq!(first.rooms, [room("2", "staging-a")]);
    let last = whereby.rooms("staging-", first.next.as_deref()).await.unwrap();
    assert_eq!(last.rooms, [room("3", "staging-b")]);
    assert_eq!(last.next, None);
}
