//! A room: a named place that lasts.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::ids::{ProviderName, RoomId, UserId};
use crate::lifecycle::Overtime;
use crate::time::Timestamp;

/// A room's name: `[a-z0-9][a-z0-9-]{0,62}`, and never shaped like an id, so that a path can hold either.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RoomName(String);

/// The text cannot be a room's name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARoomName {
    /// It is empty, too long, or has characters that names don't have.
    #[error("use 1 to 63 lower-case letters, digits and dashes, beginning with a letter or a digit")]
    Characters,
    /// It looks like an id.
    #[error("a name may not look like an id; choose another one")]
    LooksLikeAnId,
}

impl RoomName {
    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoomName {
    type Err = NotARoomName;
    fn from_str(text: &str) -> Result<Self, NotARoomName> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=63).contains(&text.len()) || text.starts_with('-') || !text.bytes().all(known) {
            return Err(NotARoomName::Characters);
        }
        if text.parse::<RoomId>().is_ok() {
            return Err(NotARoomName::LooksLikeAnId);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl From<RoomName> for String {
    fn from(name: RoomName) -> Self {
        name.0
    }
}

impl TryFrom<String> for RoomName {
    type Error = NotARoomName;
    fn try_from(text: String) -> Result<Self, NotARoomName> {
        text.parse()
    }
}

/// How many people a room is built for (Whereby's words: up to 4 peer to peer, or up to 200 through a server).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoomMode {
    /// A few people, connected to each other.
    #[default]
    Normal,
    /// Many people, through a server.
    Group,
}

/// Whether and where meetings are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordingType {
    /// Not at all.
    None,
    /// By a participant's own browser.
    Local,
    /// By the provider, into our bucket.
    #[default]
    Cloud,
}

/// What starts a cloud recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordingTrigger {
    /// Nothing: somebody has to start it.
    None,
    /// The host is asked.
    Prompt,
    /// The first participant.
    Automatic,
    /// The second participant.
    #[default]
    #[serde(rename = "automatic-2nd-participant")]
    Automatic2ndParticipant,
}

/// The settings that a meeting takes over from its room when it is made, and keeps (rule L17).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSettings {
    /// Whether only a host can let people in.
    pub is_locked: bool,
    /// How many people it is built for.
    pub room_mode: RoomMode,
    /// Whether and where it is recorded.
    pub recording_type: RecordingType,
    /// What starts the recording.
    pub recording_trigger: RecordingTrigger,
}

/// The policies that a room sets for itself. A change is applied to timers that already run (rule L17).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomPolicy {
    /// How long an empty meeting waits; the deployment's if not set.
    pub grace: Option<Duration>,
    /// How long a scheduled meeting may run over; the deployment's if not set.
    pub overtime: Option<Overtime>,
}

/// A named place that lasts. Meetings come and go in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// Its name, unique among the rooms that are not deleted.
    pub name: RoomName,
    /// Whose it is.
    pub owner: UserId,
    /// Whether every identified user sees it and may start meetings in it.
    pub is_shared: bool,
    /// Whether people without an identity may see and join its meetings.
    pub guests: bool,
    /// What its next meetings are made with.
    pub settings: RoomSettings,
    /// The policies of its meetings.
    pub policy: RoomPolicy,
    /// The provider of its next meetings; the deployment's if not set.
    pub provider: Option<ProviderName>,
    /// Where its owner is told what happens, if anywhere.
    pub webhook: Option<RoomWebhook>,
    /// What becomes of a recording when somebody denied their consent to it.
    pub on_denied: OnDenied,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Where a room's owner is told what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomWebhook {
    /// The address.
    pub url: String,
    /// What messages to it are signed with.
    pub secret: WebhookSecret,
}

/// What messages to a room's owner are signed with: never in logs, notices or answers.
#[derive(Clone)]
pub struct WebhookSecret(SecretString);

impl WebhookSecret {
    /// Keeps a text as a secret.
    pub fn new(secret: String) -> Self {
        Self(SecretString::from(secret))
    }

    /// The text, for signing and for a store.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for WebhookSecret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for WebhookSecret {}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// What becomes of a recording when somebody denied their consent to it (rule S6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDenied {
    /// The audio goes; a text that was made earlier stays.
    #[default]
    DeleteAudio,
    /// The audio goes, and every text made of it.
    DeleteAll,
}

impl Room {
    /// A room with the usual settings, which its owner alone sees.
    pub fn new(id: RoomId, name: RoomName, owner: UserId, created_at: Timestamp) -> Self {
        Self {
            id,
            name,
            owner,
            is_shared: false,
            guests: false,
            settings: RoomSettings::default(),
            policy: RoomPolicy::default(),
            provider: None,
            webhook: None,
            on_denied: OnDenied::default(),
            created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_lower_case_and_never_looks_like_an_id() {
        for good in ["standup", "a", "0", "team-a-2", &"x".repeat(63)] {
            assert!(good.parse::<RoomName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "Standup", "a b", "a_b", "ü", &"x".repeat(64)] {
            assert_eq!(bad.parse::<RoomName>(), Err(NotARoomName::Characters), "{bad}");
        }
        for id in ["0190a5c2-6e9c-7b7e-8d3e-0123456789ab", "0190a5c26e9c7b7e8d3e0123456789ab"] {
            assert_eq!(id.parse::<RoomName>(), Err(NotARoomName::LooksLikeAnId), "{id}");
        }
    }
}
