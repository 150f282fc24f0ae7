//! Recorded messages, read as they came.

use reflector_core::provider::{
    Delivery, DeliveryError, Fact, Movement, RoomAddress, Unverified, WebhookReader,
};
use reflector_core::{ConnectionKey, Participant, Role, Timestamp};
use reflector_whereby::{WherebyWebhook, signature};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::stub::at;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../fixtures/", $name, ".json")).as_slice()
    };
}

const NOW: &str = "2026-08-28T17:46:02Z";

fn secret() -> SecretString {
    "test-secret".into()
}

fn webhook(subdomain: Option<&str>) -> WherebyWebhook {
    WherebyWebhook::new(vec![secret()], subdomain.map(str::to_owned)).unwrap()
}

fn read_at(webhook: &WherebyWebhook, body: &[u8], now: Timestamp) -> Result<Delivery, DeliveryError> {
    let header = signature::sign(&secret(), now, body);
    webhook.read(&[("Whereby-Signature", header.as_str())], body, now)
}

fn read(body: &[u8]) -> Delivery {
    read_at(&webhook(None), body, at(NOW)).unwrap()
}

fn read_json(body: &Value) -> Result<Delivery, DeliveryError> {
    read_at(&webhook(None), body.to_string().as_bytes(), at(NOW))
}

#[test]
fn a_reader_shows_how_many_secrets_it_has_and_none_of_them() {
    let shown = format!("{:?}", webhook(Some("acme")));
    assert_eq!(shown, r#"WherebyWebhook { secrets: 1, subdomain: Some("acme") }"#);
}

fn movement(connection: ConnectionKey, role: Role, time: &str, humans: Option<u32>) -> Movement {
    Movement { participant: Participant { connection, role }, at: at(time), humans }
}

fn address(external_id: Option<&str>, name: Option<&str>) -> Option<RoomAddress> {
    Some(RoomAddress { external_id: external_id.map(str::to_owned), name: name.map(str::to_owned) })
}

const TEAM_A: &str = "team-a-0b1fbe30-2346-4681-85a5-f309f11e509f";

#[test]
fn a_host_joins() {
    let delivery = read(fixture!("client_joined_host"));
    let id = "d7c4df48b85318352b47d2df45872bf9be87595af379e2a8ad8f1ad28b2a482e";
    let connection = ConnectionKey::of(&format!("message {id}"));
    let joined = movement(connection, Role::Human, "2021-01-21T16:29:59.681Z", Some(8));
    let expected = Delivery {
        id: id.to_owned(),
        kind: "room.client.joined".to_owned(),
        room: address(Some("134"), Some("af0b7b66-c738-4981-887a-ad416754f32d")),
        foreign: false,
        facts: vec![Fact::Joined(joined)],
    };
    assert_eq!(delivery, expected);
}

#[test]
fn a_recorder_that_joins_is_nobody_and_does_not_count() {
    let delivery = read(fixture!("client_joined_recorder"));
    let Some(Fact::Joined(joined)) = delivery.facts.first() else { panic!("{delivery:?}") };
    assert_eq!(joined.participant.role, Role::Recorder);
    assert_eq!(joined.humans, Some(1));
}

#[test]
fn a_visitor_leaves_and_the_host_is_left() {
    let delivery = read(fixture!("client_left"));
    let left = movement(ConnectionKey::of("p-1"), Role::Human, "2026-08-28T17:45:00Z", Some(1));
    assert_eq!(delivery.facts, [Fact::Left(left)]);
    assert_eq!(delivery.room, address(Some("61490154"), Some(TEAM_A)));
}

#[test]
fn the_last_person_leaves_though_machines_and_an_accent_stay() {
    let delivery = read(fixture!("client_left_last"));
    let left = movement(ConnectionKey::of("p-2"), Role::Human, "2026-08-28T17:46:00.250Z", Some(0));
    assert_eq!(delivery.facts, [Fact::Left(left)]);
}

#[test]
fn one_who_dials_in_is_a_person() {
    let delivery = read(fixture!("client_joined_dial_in"));
    let joined = movement(ConnectionKey::of("p-3"), Role::Human, "2026-08-28T17:30:00.125Z", Some(1));
    assert_eq!(delivery.facts, [Fact::Joined(joined)]);
}

#[test]
fn a_knock_is_a_knock() {
    assert_eq!(read(fixture!("client_knocked")).facts, [Fact::Knocked]);
}

#[test]
fn everything_else_is_noticed_by_its_name() {
    for (body, kind, room) in [
        (
            fixture!("client_knock_cancelled"),
            "room.client.knockCancelled",
            address(Some("61490154"), Some(TEAM_A)),
        ),
        (fixture!("session_started"), "room.session.started", address(Some("61490154"), Some(TEAM_A))),
        (fixture!("session_ended"), "room.session.ended", address(Some("61490154"), Some(TEAM_A))),
        (fixture!("assistant_requested"), "assistant.requested", address(Some("61490154"), Some(TEAM_A))),
        (fixture!("transcription_started"), "transcription.started", address(None, Some(TEAM_A))),
        (fixture!("transcription_finished"), "transcription.finished", address(None, Some(TEAM_A))),
        (fixture!("transcription_failed"), "transcription.failed", address(None, Some(TEAM_A))),
        (fixture!("recording_finished"), "recording.finished", None),
        (fixture!("recording_finished_with_room"), "recording.finished", address(None, Some(TEAM_A))),
    ] {
        let delivery = read(body);
        assert_eq!(delivery.kind, kind);
        assert_eq!(delivery.facts, [Fact::Noticed { kind: kind.to_owned() }], "{kind}");
        assert_eq!(delivery.room, room, "{kind}");
    }
}

#[test]
fn a_message_of_a_new_kind_and_form_is_noticed() {
    for data in [json!(null), json!("text"), json!([1]), json!({"roomName": null, "meetingId": {"id": 1}})] {
        let body =
            json!({"id": "1", "type": "room.client.waved", "createdAt": 5, "data": data, "more": true});
        let delivery = read_json(&body).unwrap();
        assert_eq!(delivery.facts, [Fact::Noticed { kind: "room.client.waved".to_owned() }]);
        assert_eq!(delivery.room, None);
    }
    assert!(read_json(&json!({"id": "1", "type": "room.client.waved"})).is_ok());
}

/// A leaving with other data.
fn left(data: &Value) -> Delivery {
    let body =
        json!({"id": "1", "type": "room.client.left", "createdAt": "2026-08-28T17:45:00.000Z", "data": data});
    read_json(&body).unwrap()
}

fn humans(delivery: &Delivery) -> Option<u32> {
    match delivery.facts.first() {
        Some(Fact::Left(left)) => left.humans,
        other => panic!("{other:?} is no leaving"),
    }
}

#[test]
fn people_are_counted_only_where_roles_are() {
    for (data, expected) in [
        (json!({"numClients": 2}), None),
        (json!({"numClients": 0}), None),
        (json!({"numClientsByRoleName": null}), None),
        (json!({"numClientsByRoleName": {"host": "1"}}), None),
        (json!({"numClientsByRoleName": {"host": -1}}), None),
        (json!({"numClientsByRoleName": {"host": 4_294_967_295_u32, "visitor": 1}}), None),
        (json!({"numClientsByRoleName": {}}), Some(0)),
        (
            json!({"numClientsByRoleName": {"streamer": 1, "captioner": 1, "assistant": 1, "recorder": 1}}),
            Some(0),
        ),
        (
            json!({"numClientsByRoleName": {"owner": 1, "granted_viewer": 2, "new_role": 3, "bot": 4}}),
            Some(6),
        ),
    ] {
        assert_eq!(humans(&left(&data)), expected, "{data}");
    }
}

#[test]
fn a_person_who_joins_does_not_leave_the_room_empty() {
    let data = json!({"roleName": "visitor", "participantId": "p", "numClientsByRoleName": {}});
    let body =
        json!({"id": "1", "type": "room.client.joined", "createdAt": "2026-08-28T17:45:00Z", "data": data});
    let delivery = read_json(&body).unwrap();
    let joined = movement(ConnectionKey::of("p"), Role::Human, "2026-08-28T17:45:00Z", None);
    assert_eq!(delivery.facts, [Fact::Joined(joined)]);
}

#[test]
fn a_room_is_addressed_by_whatever_is_there() {
    assert_eq!(
        left(&json!({"meetingId": 61490154, "roomName": "/a"})).room,
        address(Some("61490154"), Some("a"))
    );
    assert_eq!(left(&json!({"roomName": "a"})).room, address(None, Some("a")));
    assert_eq!(left(&json!({"meetingId": "7", "roomName": null})).room, address(Some("7"), None));
    assert_eq!(left(&json!({"roomName": null, "meetingId": null})).room, None);
    assert_eq!(left(&json!({"roomName": "", "meetingId": ""})).room, None);
}

#[test]
fn a_message_for_another_organisation_is_foreign() {
    let body = fixture!("client_left");
    for (ours, foreign) in
        [(None, false), (Some("acme"), false), (Some("Acme"), false), (Some("other"), true)]
    {
        assert_eq!(read_at(&webhook(ours), body, at(NOW)).unwrap().foreign, foreign, "{ours:?}");
    }
    let without = fixture!("client_joined_recorder");
    assert!(!read_at(&webhook(Some("other")), without, at(NOW)).unwrap().foreign);
}

#[test]
fn only_what_cannot_be_told_what_or_when_it_was_is_unreadable() {
    let joined =
        |created: Value| json!({"id": "1", "type": "room.client.joined", "createdAt": created, "data": {}});
    for body in [
        json!([]),
        json!({"type": "room.client.joined"}),
        json!({"id": "", "type": "room.client.knocked"}),
        json!({"id": "1"}),
        joined(json!(null)),
        joined(json!("today")),
    ] {
        let refusal = read_json(&body);
        assert!(matches!(refusal, Err(DeliveryError::Unreadable(_))), "{body}: {refusal:?}");
    }
    let not_json = read_at(&webhook(None), b"\xff", at(NOW));
    assert!(matches!(not_json, Err(DeliveryError::Unreadable(_))), "{not_json:?}");
}

#[test]
fn a_refusal_repeats_nothing_of_the_message() {
    let refusal = read_json(&json!({"id": "1", "type": {"displayName": "Ann"}})).unwrap_err();
    assert!(!format!("{refusal:?} {refusal}").contains("Ann"), "{refusal:?}");
}

#[test]
fn an_unsigned_message_is_not_read() {
    let body = fixture!("client_left");
    let unverified = |name, value: &str| webhook(None).read(&[(name, value)], body, at(NOW)).unwrap_err();
    assert_eq!(unverified("signature", "no"), DeliveryError::Unverified(Unverified::Missing));
    assert_eq!(unverified("whereby-signature", "no"), DeliveryError::Unverified(Unverified::Malformed));
    let other = signature::sign(&"other".into(), at(NOW), body);
    assert_eq!(unverified("whereby-signature", &other), DeliveryError::Unverified(Unverified::Wrong));
    let old = signature::sign(&secret(), at("2026-08-28T17:41:01Z"), body);
    assert_eq!(unverified("whereby-signature", &old), DeliveryError::Unverified(Unverified::Stale));
}

#[test]
fn an_endpoint_configured_anew_has_another_number_and_the_same_one_the_same() {
    let endpoint = |secrets: &[&str], subdomain: Option<&str>| {
        let secrets = secrets.iter().map(|secret| (*secret).into()).collect();
        WherebyWebhook::new(secrets, subdomain.map(str::to_owned)).unwrap().endpoint()
    };
    let all = [
        endpoint(&["a"], None),
        endpoint(&["b"], None),
        endpoint(&["a", "b"], None),
        endpoint(&["ab"], None),
        endpoint(&["a"], Some("acme")),
        endpoint(&["acme", "a"], None),
    ];
    let different: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    // It is stored: it must be the same in every version.
    assert_eq!(endpoint(&["a"], Some("acme")), 224_418_177_368_699_879);
}

#[test]
fn a_reader_shows_no_secret() {
    assert!(!format!("{:?}", webhook(Some("acme"))).contains("test-secret"));
}
