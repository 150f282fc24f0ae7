//! Webhooks as Whereby would send them.

use reflector_core::Timestamp;
use reflector_server::clock;
use reflector_whereby::signature::{HEADER, sign};
use serde_json::{Value, json};

use crate::http::Request;
use crate::whereby;

/// The signing secret of the endpoint.
pub(crate) const SECRET: &str = "a-secret-of-these-tests";

/// A meeting, and the room it has at Whereby.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The meeting's id.
    pub(crate) meeting: String,
    /// Its room with us.
    pub(crate) room: String,
    /// The name of its room at Whereby.
    pub(crate) name: String,
}

impl Place {
    /// The meeting that we show like this, in a room.
    pub(crate) fn of(room: &str, meeting: &Value) -> Self {
        let text = |field: &str| meeting[field].as_str().expect("it is shown").to_owned();
        Self { meeting: text("id"), room: room.to_owned(), name: text("room_name") }
    }
}

/// Somebody seen coming or going.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) joins: bool,
    pub(crate) who: String,
    pub(crate) at: Timestamp,
}

pub(crate) fn now() -> Timestamp {
    clock::system()()
}

/// The message of this id, signed now.
pub(crate) fn webhook(place: &Place, id: &str, seen: &Seen) -> Request {
    let body = json!({
        "id": id,
        "apiVersion": "1.0",
        "createdAt": seen.at.to_string(),
        "type": if seen.joins { "room.client.joined" } else { "room.client.left" },
        "data": {
            "meetingId": whereby::id_of(&place.name),
            "roomName": format!("/{}", place.name),
            "roleName": "visitor",
            "participantId": seen.who,
            "displayName": "Ada",
        },
    });
    let body = body.to_string();
    let signature = sign(&SECRET.into(), now(), body.as_bytes());
    Request::new("POST", "/whereby").header(HEADER, &signature).body(body)
}
