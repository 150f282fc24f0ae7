//! Whereby, end to end: the running server between a stand-in that knows the truth and somebody who asks over HTTP.

mod life;
mod messages;
mod opening;
mod secrets;
mod trouble;

use reflector_core::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{Answer, Running, answer, until};
use crate::whereby_stub::{KEY, Message, SECRET, SUBDOMAIN, WherebyStub};

/// The secret of the key that Whereby is given to upload with.
const UPLOAD_SECRET: &str = "the-upload-secret";
/// Whatever the policies are, nobody is expected for long.
const USUAL: [(&str, &str); 8] = [
    ("WHEREBY_API_KEY", KEY),
    ("WHEREBY_WEBHOOK_SECRET", SECRET),
    ("WHEREBY_SUBDOMAIN", SUBDOMAIN),
    ("WHEREBY_POINTS_PER_MINUTE", "100000"),
    ("RECORDING_STORAGE_AWS_BUCKET_NAME", "recordings/whereby"),
    ("AWS_WHEREBY_ACCESS_KEY_ID", "AKIAEXAMPLE"),
    ("AWS_WHEREBY_ACCESS_KEY_SECRET", UPLOAD_SECRET),
    ("REFLECTOR_LEASE", "10ms"),
];

/// A server and a Whereby for it.
struct Town {
    stub: WherebyStub,
    server: Running,
}

/// A meeting, and its room at Whereby.
#[derive(Clone, Debug)]
struct Place {
    /// The meeting's id.
    id: String,
    /// Whereby's id of its room.
    room: String,
    /// The meeting as it was first shown.
    shown: Value,
}

impl Town {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let stub = WherebyStub::start().await;
        Self { server: serves(&stub, settings), stub }
    }

    /// Makes a room of ours.
    async fn makes_room(&self, name: &str, settings: Value) {
        let mut room = json!({ "name": name });
        room.as_object_mut().expect("it is one").extend(settings.as_object().cloned().unwrap_or_default());
        self.server.post("/rooms", &room).await.with(201);
    }

    /// Somebody wants to meet in a room.
    async fn meets(&self, room: &str) -> Place {
        let shown = self.server.post(&format!("/rooms/{room}/meeting"), &json!({})).await.with(200);
        self.place_of(shown)
    }

    /// Somebody wants to meet in a new room.
    async fn meets_in_new(&self, room: &str) -> Place {
        self.makes_room(room, json!({})).await;
        self.meets(room).await
    }

    fn place_of(&self, shown: Value) -> Place {
        let text = |field: &str| shown[field].as_str().expect("it is a text").to_owned();
        let room = self.stub.room(&text("room_name")).expect("Whereby has made it").id;
        Place { id: text("id"), room, shown }
    }

    async fn sees(&self, place: &Place) -> Value {
        self.server.get(&format!("/meetings/{}", place.id)).await.with(200)
    }

    async fn changes(&self, place: &Place, change: Value) {
        self.server.patch(&format!("/meetings/{}", place.id), &change).await.with(200);
    }

    /// Waits until a meeting is in a phase.
    async fn becomes(&self, place: &Place, phase: &str) -> Value {
        let look = async || Some(self.sees(place).await).filter(|meeting| meeting["phase"] == phase);
        until(&format!("the meeting is {phase}"), look).await
    }

    /// The lines of a meeting's history.
    async fn history(&self, place: &Place) -> Vec<Value> {
        let path = format!("/meetings/{}/history?size=200", place.id);
        self.server.get(&path).await.with(200)["items"].as_array().expect("it is a listing").clone()
    }

    /// Waits until a line of the history gives this reason.
    async fn explains(&self, place: &Place, reason: &str) -> Value {
        let gives = |line: &Value| line["reason"].as_str().is_some_and(|given| given.contains(reason));
        let look = async || self.history(place).await.into_iter().find(gives);
        until(&format!("the history says {reason}"), look).await
    }

    /// Somebody comes in, and Whereby says so.
    async fn enters(&self, place: &Place, participant: &str, role: &str) {
        assert_eq!(self.hears(&self.stub.enters(&place.room, participant, role)).await, "applied");
    }

    /// Somebody goes, and Whereby says so.
    async fn leaves(&self, place: &Place, participant: &str) {
        assert_eq!(self.hears(&self.stub.leaves(&place.room, participant)).await, "applied");
    }

    /// A message comes as Whereby sends it; what became of it.
    async fn hears(&self, message: &Message) -> String {
        let bytes = message.bytes();
        let said = self.posts(&bytes, Some(&signed(now(), &bytes))).await.with(200);
        said["status"].as_str().expect("it is a text").to_owned()
    }

    /// Bytes come to the endpoint.
    async fn posts(&self, bytes: &[u8], signature: Option<&str>) -> Answer {
        let request = self.server.request(Method::POST, "/whereby").body(bytes.to_vec());
        let request = request.header("content-type", "application/json");
        answer(match signature {
            Some(signature) => request.header("Whereby-Signature", signature),
            None => request,
        })
        .await
    }
}

/// A server that uses this Whereby.
fn serves(stub: &WherebyStub, settings: &[(&str, &str)]) -> Running {
    let here = [("WHEREBY_API_URL", stub.url.as_str())];
    let all: Vec<_> = USUAL.iter().chain(&here).chain(settings).copied().collect();
    Running::start(&all)
}

fn signed(at: Timestamp, bytes: &[u8]) -> String {
    reflector_whereby::signature::sign(&SECRET.into(), at, bytes)
}

fn now() -> Timestamp {
    reflector_server::clock::system()()
}

/// A time in an answer.
fn time(value: &Value) -> Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).expect("it is a time")
}
