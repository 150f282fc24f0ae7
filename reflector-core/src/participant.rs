//! Who is in: people, and what only looks like them.

use serde::{Deserialize, Serialize};

use crate::ids::ConnectionKey;

/// What a participant is there for.
///
/// Only people hold a meeting open. At Whereby and LiveKit recorders and agents are counted among the clients, which
/// is how a recorder came to keep rooms open for hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// A person, whatever rights they have in the room; a person who dials in is one too.
    Human,
    /// Records the meeting.
    Recorder,
    /// Carries the meeting elsewhere.
    Streamer,
    /// Writes captions.
    Captioner,
    /// Any other program: an assistant, a note taker, a bot.
    Bot,
}

impl Role {
    /// Whether this participant holds a meeting open.
    pub fn is_human(self) -> bool {
        self == Self::Human
    }
}

/// One connection to a provider's room and its role. Names of people are kept nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Participant {
    /// The connection; a person may have several.
    pub connection: ConnectionKey,
    /// What it is there for.
    pub role: Role,
}

impl Participant {
    /// A person's connection, by the provider's id of it.
    pub fn human(provider_id: &str) -> Self {
        Self { connection: ConnectionKey::of(provider_id), role: Role::Human }
    }
}
