//! The fake's messages: a fact in JSON, and a word that proves where it comes from.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::provider::{Delivery, DeliveryError, Fact, Headers, RoomAddress, Unverified, WebhookReader};
use crate::time::Timestamp;

const SIGNATURE: &str = "fake-signature";
const SECRET: &str = "the fake's word";

/// A message that the fake would send. Deliver it, lose it, delay it, deliver it twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeMessage {
    /// Its id, which a second delivery repeats.
    pub id: String,
    /// What it says.
    pub fact: Fact,
    /// Its bytes.
    pub body: Vec<u8>,
    /// How it is signed.
    pub signature: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Body {
    id: String,
    room: String,
    #[serde(flatten)]
    fact: Fact,
}

impl FakeMessage {
    pub(super) fn new(number: u64, room: String, fact: Fact) -> Self {
        let id = format!("fake-message-{number}");
        let body = Body { id: id.clone(), room, fact: fact.clone() };
        let body = serde_json::to_vec(&body).unwrap_or_default();
        Self { id, fact, body, signature: SECRET.to_owned() }
    }
}

impl Headers for FakeMessage {
    fn header(&self, name: &str) -> Option<&str> {
        (name == SIGNATURE).then_some(self.signature.as_str())
    }
}

/// Reads what the fake sends.
#[derive(Debug, Default)]
pub(super) struct FakeReader {
    endpoint: AtomicU64,
}

impl FakeReader {
    pub(super) fn configure(&self, endpoint: u64) {
        self.endpoint.store(endpoint, Ordering::Relaxed);
    }
}

impl WebhookReader for FakeReader {
    fn read(&self, headers: &dyn Headers, body: &[u8], _now: Timestamp) -> Result<Delivery, DeliveryError> {
        match headers.header(SIGNATURE) {
            None => return Err(DeliveryError::Unverified(Unverified::Missing)),
            Some(SECRET) => {}
            Some(_) => return Err(DeliveryError::Unverified(Unverified::Wrong)),
        }
        let body: Body =
            serde_json::from_slice(body).map_err(|error| DeliveryError::Unreadable(error.to_string()))?;
        let kind = match &body.fact {
            Fact::Joined(_) => "joined",
            Fact::Left(_) => "left",
            Fact::Knocked => "knocked",
            Fact::RoomEnded => "room_ended",
            Fact::Noticed { kind } => kind,
        };
        Ok(Delivery {
            id: body.id,
            kind: kind.to_owned(),
            room: Some(RoomAddress { external_id: None, name: Some(body.room) }),
            foreign: false,
            facts: vec![body.fact],
        })
    }

    fn endpoint(&self) -> u64 {
        self.endpoint.load(Ordering::Relaxed)
    }
}
