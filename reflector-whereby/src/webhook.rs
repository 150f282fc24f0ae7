//! Whereby's messages: bytes in, facts out. Pure.
//!
//! Whereby never sends a message again that was refused. So a message is refused only if it cannot be told what or
//! when it was; all else that is missing or new is done without.

use std::fmt;

use reflector_core::provider::{
    Delivery, DeliveryError, Fact, Headers, Movement, RoomAddress, Unverified, WebhookReader,
};
use reflector_core::{ConnectionKey, Participant, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::settings::NotUsable;
use crate::signature;
use crate::wire::{place_of, role, without_slash};

/// Reads the messages of one webhook endpoint.
#[derive(Clone)]
pub struct WherebyWebhook {
    secrets: Vec<SecretString>,
    subdomain: Option<String>,
    endpoint: u64,
}

impl WherebyWebhook {
    /// Reads messages signed with any of the secrets. If a subdomain is given, others' messages are foreign.
    ///
    /// # Errors
    ///
    /// There is no secret, or one is empty.
    pub fn new(secrets: Vec<SecretString>, subdomain: Option<String>) -> Result<Self, NotUsable> {
        if secrets.is_empty() || secrets.iter().any(|secret| secret.expose_secret().trim().is_empty()) {
            return Err(NotUsable::WebhookSecret);
        }
        let endpoint = fingerprint(&secrets, subdomain.as_deref());
        Ok(Self { secrets, subdomain, endpoint })
    }
}

impl WebhookReader for WherebyWebhook {
    fn read(&self, headers: &dyn Headers, body: &[u8], now: Timestamp) -> Result<Delivery, DeliveryError> {
        let verified =
            signature_of(headers).and_then(|header| signature::verify(header, body, &self.secrets, now));
        verified.map_err(DeliveryError::Unverified)?;
        let message: Message = serde_json::from_slice(body).map_err(|error| {
            DeliveryError::Unreadable(format!("not a message of Whereby at {}", place_of(&error)))
        })?;
        if message.id.is_empty() {
            return Err(DeliveryError::Unreadable("it has no id".to_owned()));
        }
        Ok(Delivery {
            facts: vec![message.fact()?],
            room: message.room(),
            foreign: self.subdomain.as_deref().is_some_and(|ours| message.is_of_other_than(ours)),
            id: message.id,
            kind: message.kind,
        })
    }

    fn may_prove(&self, headers: &dyn Headers) -> Result<(), Unverified> {
        signature_of(headers).and_then(signature::look)
    }

    fn endpoint(&self) -> u64 {
        self.endpoint
    }
}

fn signature_of(headers: &dyn Headers) -> Result<&str, Unverified> {
    headers.header(signature::HEADER).ok_or(Unverified::Missing)
}

impl fmt::Debug for WherebyWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secrets, subdomain) = (self.secrets.len(), &self.subdomain);
        f.debug_struct("WherebyWebhook").field("secrets", &secrets).field("subdomain", subdomain).finish()
    }
}

/// What every message has. What it says is looked into only as far as its kind needs, so that a new form of
/// something we do not need is no reason to refuse it.
#[derive(Deserialize)]
struct Message {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, rename = "createdAt")]
    created_at: Value,
    #[serde(default)]
    data: Value,
}

impl Message {
    fn fact(&self) -> Result<Fact, DeliveryError> {
        Ok(match self.kind.as_str() {
            "room.client.joined" => Fact::Joined(self.movement(true)?),
            "room.client.left" => Fact::Left(self.movement(false)?),
            "room.client.knocked" => Fact::Knocked,
            _ => Fact::Noticed { kind: self.kind.clone() },
        })
    }

    fn movement(&self, joined: bool) -> Result<Movement, DeliveryError> {
        let participant = self.participant();
        // Nobody joins a room and leaves it empty by it: such a count is of another moment.
        let possible = |humans: &u32| !(joined && participant.role.is_human() && *humans == 0);
        Ok(Movement { participant, at: self.at()?, humans: self.humans().filter(possible) })
    }

    /// Messages of before 2023 do not name the connection. The message's own id stands for it then: such a joining
    /// and its leaving are not matched, and who is in is told by the counts.
    fn participant(&self) -> Participant {
        let connection = match self.text("participantId") {
            Some(id) => ConnectionKey::of(id),
            None => ConnectionKey::of(&format!("message {}", self.id)),
        };
        Participant { connection, role: role(self.text("roleName")) }
    }

    fn at(&self) -> Result<Timestamp, DeliveryError> {
        let at = self.created_at.as_str().and_then(|text| text.parse().ok());
        at.ok_or_else(|| {
            DeliveryError::Unreadable("its createdAt is no time, and nothing else orders it".to_owned())
        })
    }

    /// How many people are in. `numClients` would count the recorder.
    fn humans(&self) -> Option<u32> {
        let by_role = self.data.get("numClientsByRoleName")?.as_object()?;
        let people = by_role.iter().filter(|(name, _)| role(Some(name)).is_human());
        people.map(|(_, count)| count.as_u64()).try_fold(0_u32, |sum, count| {
            let count = u32::try_from(count?).ok()?;
            sum.checked_add(count)
        })
    }

    fn room(&self) -> Option<RoomAddress> {
        let external_id = self.data.get("meetingId").and_then(id);
        let name = self.text("roomName").map(|name| without_slash(name).to_owned());
        let address = RoomAddress { external_id, name };
        (address != RoomAddress::default()).then_some(address)
    }

    fn is_of_other_than(&self, ours: &str) -> bool {
        self.text("subdomain").is_some_and(|theirs| !theirs.eq_ignore_ascii_case(ours))
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.data.get(field)?.as_str().filter(|text| !text.is_empty())
    }
}

/// An id that is a text or a number.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number for how an endpoint is configured, from which that cannot be told.
fn fingerprint(secrets: &[SecretString], subdomain: Option<&str>) -> u64 {
    let mut hash = Sha256::new_with_prefix(b"reflector whereby endpoint 1");
    let parts = subdomain.into_iter().chain(secrets.iter().map(ExposeSecret::expose_secret));
    hash.update([u8::from(subdomain.is_some())]);
    for part in parts {
        // With lengths between them, no two lists of parts read the same.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let hash: [u8; 32] = hash.finalize().into();
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
