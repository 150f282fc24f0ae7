//! The messages that Whereby would send.

use std::collections::BTreeMap;

use reflector_core::Timestamp;
use serde_json::{Value, json};

use super::truth::Room;

/// The signing secret of the endpoint.
pub(crate) const SECRET: &str = "the-webhook-secret-of-the-stub";
/// The organisation's.
pub(crate) const SUBDOMAIN: &str = "acme";

/// A message: its body as it would be sent.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) body: Value,
}

impl Message {
    /// The bytes that are signed and sent.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.body).expect("it is JSON")
    }

    /// The same message under another id.
    pub(crate) fn of_id(mut self, id: &str) -> Self {
        self.body["id"] = id.into();
        self
    }

    /// The same message with another value in its data.
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body["data"][field] = value.into();
        self
    }
}

/// The time by Whereby's clock, which shows milliseconds.
pub(crate) fn at_whereby() -> Timestamp {
    let micros = reflector_server::clock::system()().as_micros();
    Timestamp::from_micros(micros - micros.rem_euclid(1000))
}

/// A time as Whereby writes it.
pub(super) fn written(at: Timestamp) -> String {
    let micros = at.as_micros();
    let seconds = Timestamp::from_micros(micros - micros.rem_euclid(1_000_000)).to_string();
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), micros.rem_euclid(1_000_000) / 1000)
}

pub(super) fn of_client(
    kind: &str,
    room: &Room,
    participant: &str,
    role: &str,
    id: &str,
    at: Timestamp,
) -> Message {
    let mut by_role: BTreeMap<&str, u32> = BTreeMap::new();
    for client in room.clients.values() {
        *by_role.entry(&client.role).or_default() += 1;
    }
    let message = of_room(kind, room, id, at);
    message
        .with("displayName", "Ann")
        .with("participantId", participant)
        .with("metadata", Value::Null)
        .with("externalId", Value::Null)
        .with("roleName", role)
        .with("numClients", room.clients.len())
        .with("numClientsByRoleName", json!(by_role))
        .with("isDialIn", false)
}

pub(super) fn of_room(kind: &str, room: &Room, id: &str, at: Timestamp) -> Message {
    let session = room.open_session().map(|session| session.id.clone());
    let body = json!({
        "id": format!("{id:0>64}"), "apiVersion": "1.0", "createdAt": written(at), "type": kind,
        "data": {
            "meetingId": room.id, "roomName": format!("/{}", room.name), "roomSessionId": session,
            "subdomain": SUBDOMAIN,
        },
    });
    Message { body }
}
