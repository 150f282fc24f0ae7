//! The stored forms: what a durable store writes down as a document, and reads again in every later version.
//!
//! A document is JSON with the version of its form beside it. Stores keep it as text, next to columns of their own for
//! what they search by. The forms that were ever written are kept as fixtures, which every version must read.

#[cfg(all(test, feature = "testing"))]
mod fixtures;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Entry, StoreError};
use crate::ids::{MeetingId, ProviderName, RoomId, UserId};
use crate::lifecycle::{Effect, Life};
use crate::meeting::{Claim, Meeting, ProviderRoom, SecretUrl};
use crate::pipeline::Transcript;
use crate::provider::Fact;
use crate::recording::Recording;
use crate::room::{OnDenied, Room, RoomName, RoomPolicy, RoomSettings, RoomWebhook, WebhookSecret};
use crate::time::Timestamp;

/// The version of the forms that is written now.
const VERSION: u16 = 1;
/// How every document of this version begins.
const AS_WRITTEN_NOW: &str = r#"{"v":1,"is":"#;

/// What can be kept as a document.
pub trait Document: Sized {
    /// What it is, for whoever reads that it cannot be read.
    const WHAT: &'static str;

    /// The document.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] for what no document can hold.
    fn to_document(&self) -> Result<String, StoreError>;

    /// What a document holds.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] for what is no such document, or of a form that is newer than this program.
    fn from_document(text: &str) -> Result<Self, StoreError>;
}

/// A form with its version.
#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u16,
    is: T,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u16,
}

fn write<T: Document>(form: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(&Versioned { v: VERSION, is: form }).map_err(|error| unreadable::<T>(error.into()))
}

fn read<T: Document, F: DeserializeOwned>(text: &str) -> Result<F, StoreError> {
    // What was written now is read at one go: only of other forms the version is looked for first.
    if !text.starts_with(AS_WRITTEN_NOW) {
        let VersionOnly { v } = serde_json::from_str(text).map_err(|error| unreadable::<T>(error.into()))?;
        if v != VERSION {
            let newer = format!("form {v} was written by a newer program: update this one");
            return Err(unreadable::<T>(newer.into()));
        }
    }
    let Versioned { is, .. } = serde_json::from_str(text).map_err(|error| unreadable::<T>(error.into()))?;
    Ok(is)
}

fn unreadable<T: Document>(source: super::BoxError) -> StoreError {
    StoreError::Corrupt { what: T::WHAT.to_owned(), source }
}

/// What is its own form.
macro_rules! as_it_is {
    ($($type:ty: $what:literal),*) => {
        $(impl Document for $type {
            const WHAT: &'static str = $what;

            fn to_document(&self) -> Result<String, StoreError> {
                write::<Self>(self)
            }

            fn from_document(text: &str) -> Result<Self, StoreError> {
                read::<Self, Self>(text)
            }
        })*
    };
}

as_it_is! {
    Entry: "an entry of a history",
    Effect: "a piece of owed work",
    Vec<Fact>: "a message that waits for its meeting",
    RoomPolicy: "what a room sets for itself",
    Recording: "a recording",
    Transcript: "a transcript"
}

/// What has a form beside it.
macro_rules! by_its_form {
    ($($type:ty: $what:literal),*) => {
        $(impl Document for $type {
            const WHAT: &'static str = $what;

            fn to_document(&self) -> Result<String, StoreError> {
                write::<Self>(&Written(self))
            }

            fn from_document(text: &str) -> Result<Self, StoreError> {
                read::<Self, Whole<Self>>(text).map(|Whole(it)| it)
            }
        })*
    };
}

by_its_form! {
    Meeting: "a meeting",
    Room: "a room"
}

// Meetings and rooms are not `Serialize` themselves: whoever answers a caller with one must choose what to tell.

/// What is written, as it stands.
struct Written<'a, T>(&'a T);

/// What was read.
struct Whole<T>(T);

macro_rules! formed {
    ($($type:ty: $form:ident),*) => {
        $(
            impl Serialize for Written<'_, $type> {
                fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                    $form::serialize(self.0, out)
                }
            }

            impl<'de> Deserialize<'de> for Whole<$type> {
                fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                    $form::deserialize(input).map(Self)
                }
            }
        )*
    };
}

formed! {
    Meeting: MeetingForm,
    ProviderRoom: ProviderRoomForm,
    Room: RoomForm
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Meeting")]
struct MeetingForm {
    id: MeetingId,
    room_id: RoomId,
    provider: ProviderName,
    calendar_event_id: Option<String>,
    claim: Option<Claim>,
    calendar_metadata: Option<serde_json::Value>,
    settings: RoomSettings,
    #[serde(with = "provider_room")]
    room: Option<ProviderRoom>,
    life: Life,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ProviderRoom")]
struct ProviderRoomForm {
    name: String,
    external_id: String,
    url: String,
    #[serde(with = "secret_url")]
    host_url: Option<SecretUrl>,
    expires_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Room")]
struct RoomForm {
    id: RoomId,
    name: RoomName,
    owner: UserId,
    is_shared: bool,
    guests: bool,
    settings: RoomSettings,
    policy: RoomPolicy,
    provider: Option<ProviderName>,
    // What rooms did not always have is left out where it is as it was: documents without it stay as they were.
    #[serde(default, with = "room_webhook", skip_serializing_if = "Option::is_none")]
    webhook: Option<RoomWebhook>,
    #[serde(default, skip_serializing_if = "is_usual")]
    on_denied: OnDenied,
    created_at: Timestamp,
}

fn is_usual(on_denied: &OnDenied) -> bool {
    *on_denied == OnDenied::default()
}

#[derive(Serialize, Deserialize)]
struct RoomWebhookForm {
    url: String,
    secret: String,
}

mod room_webhook {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{RoomWebhook, RoomWebhookForm, WebhookSecret};

    pub(super) fn serialize<S: Serializer>(webhook: &Option<RoomWebhook>, out: S) -> Result<S::Ok, S::Error> {
        let form = |webhook: &RoomWebhook| RoomWebhookForm {
            url: webhook.url.clone(),
            secret: webhook.secret.expose().to_owned(),
        };
        webhook.as_ref().map(form).serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<RoomWebhook>, D::Error> {
        let webhook =
            |form: RoomWebhookForm| RoomWebhook { url: form.url, secret: WebhookSecret::new(form.secret) };
        Ok(Option::<RoomWebhookForm>::deserialize(input)?.map(webhook))
    }
}

mod provider_room {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{ProviderRoom, Whole, Written};

    pub(super) fn serialize<S: Serializer>(room: &Option<ProviderRoom>, out: S) -> Result<S::Ok, S::Error> {
        room.as_ref().map(Written).serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<ProviderRoom>, D::Error> {
        Ok(Option::<Whole<ProviderRoom>>::deserialize(input)?.map(|Whole(room)| room))
    }
}

mod secret_url {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::SecretUrl;

    pub(super) fn serialize<S: Serializer>(url: &Option<SecretUrl>, out: S) -> Result<S::Ok, S::Error> {
        url.as_ref().map(SecretUrl::expose).serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<SecretUrl>, D::Error> {
        Ok(Option::<String>::deserialize(input)?.map(SecretUrl::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_a_newer_form_says_so() {
        let error = RoomPolicy::from_document(r#"{"v":2,"is":{"anything":"else"}}"#).unwrap_err();
        let StoreError::Corrupt { what, source } = error else { panic!("{error:?}") };
        assert_eq!(what, "what a room sets for itself");
        assert!(source.to_string().contains("newer program"), "{source}");
    }

    #[test]
    fn what_is_no_document_is_corrupt() {
        for text in ["", "{}", r#"{"v":1}"#, r#"{"v":1,"is":7}"#] {
            assert!(matches!(Meeting::from_document(text), Err(StoreError::Corrupt { .. })), "{text}");
        }
    }
}
