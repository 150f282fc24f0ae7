//! What is owed to the world once a change is committed. Effects are data; they are carried out afterwards.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Work that is owed, in the imperative. It holds references, never secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// Have the provider make the meeting's room.
    OpenRoom {
        /// Which room.
        generation: u16,
        /// Until when it is needed.
        expires_at: Timestamp,
    },
    /// Have the provider end the meeting's room, in the way its phase says.
    CloseRoom {
        /// Which room.
        generation: u16,
    },
    /// Have the provider end a room that no meeting needs any more, once nobody is in.
    RetireRoom {
        /// Which room.
        generation: u16,
    },
    /// Ask the provider who is in.
    AskPresence,
    /// Tell those who are in, and whoever wants to know.
    Announce(Announcement),
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "announcement", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Announcement {
    /// The meeting will be closed by force (rule L25).
    ClosingSoon {
        /// When.
        closes_at: Timestamp,
    },
    /// The provider never confirmed that the room is gone: somebody should look (rule L14).
    CloseUnconfirmed,
}

/// Which kind of work: a meeting owes at most one of each of the first three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// [`Effect::OpenRoom`].
    OpenRoom,
    /// [`Effect::CloseRoom`].
    CloseRoom,
    /// [`Effect::AskPresence`].
    AskPresence,
    /// [`Effect::RetireRoom`].
    RetireRoom,
    /// [`Effect::Announce`].
    Announce,
}

impl EffectKind {
    /// Its name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenRoom => "open_room",
            Self::CloseRoom => "close_room",
            Self::AskPresence => "ask_presence",
            Self::RetireRoom => "retire_room",
            Self::Announce => "announce",
        }
    }

    /// How soon it is wanted, 0 first: closes, then opens, then the rest. Stores give owed work out in this order.
    pub fn urgency(self) -> u8 {
        match self {
            Self::CloseRoom => 0,
            Self::OpenRoom => 1,
            Self::AskPresence | Self::RetireRoom | Self::Announce => 2,
        }
    }
}

impl Effect {
    /// Which kind of work it is.
    pub fn kind(&self) -> EffectKind {
        match self {
            Self::OpenRoom { .. } => EffectKind::OpenRoom,
            Self::CloseRoom { .. } => EffectKind::CloseRoom,
            Self::AskPresence => EffectKind::AskPresence,
            Self::RetireRoom { .. } => EffectKind::RetireRoom,
            Self::Announce(_) => EffectKind::Announce,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EffectKind::{Announce, AskPresence, CloseRoom, OpenRoom, RetireRoom};

    #[test]
    fn a_kind_of_work_has_the_same_name_in_logs_and_in_its_stored_form() {
        for kind in [OpenRoom, CloseRoom, AskPresence, RetireRoom, Announce] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
