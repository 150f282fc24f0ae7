//! A meeting: one gathering in a room, backed by one room at a video provider.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::ids::{MeetingId, ProviderName, RoomId};
use crate::lifecycle::Life;
use crate::room::RoomSettings;
use crate::time::Timestamp;

/// The room that a provider made for a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRoom {
    /// The provider's name of it, without a leading slash.
    pub name: String,
    /// The provider's id of it.
    pub external_id: String,
    /// Where participants go.
    pub url: String,
    /// Where hosts go: whoever has it is a host.
    pub host_url: Option<SecretUrl>,
    /// Until when the provider keeps it, if it has an end.
    pub expires_at: Option<Timestamp>,
}

/// An address that is a secret: never in logs, history, effects, events or exports.
#[derive(Clone)]
pub struct SecretUrl(SecretString);

impl SecretUrl {
    /// Keeps an address as a secret.
    pub fn new(url: String) -> Self {
        Self(url.into())
    }

    /// The address, for its owner and for the store.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl PartialEq for SecretUrl {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for SecretUrl {}

/// What a meeting stands for in its room, of which there is at most one at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// One date of a calendar event, while the meeting is neither closed nor being closed by force (rule L1).
    Occurrence(String),
    /// The meeting that somebody wanted now, while it is opening or active (rule L26).
    Unscheduled,
}

impl Claim {
    /// The claim as a text to search by, as durable stores keep it: no date of a calendar looks like the other kind.
    pub fn key(&self) -> String {
        match self {
            Self::Unscheduled => "unscheduled".to_owned(),
            Self::Occurrence(occurrence) => format!("occurrence:{occurrence}"),
        }
    }
}

/// One gathering in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// Its id.
    pub id: MeetingId,
    /// The room it is held in.
    pub room_id: RoomId,
    /// Who runs its video; kept for as long as the meeting lives (rule L17).
    pub provider: ProviderName,
    /// Which calendar date it is, if a calendar made it.
    pub calendar_event_id: Option<String>,
    /// What it claims in its room now.
    pub claim: Option<Claim>,
    /// Whatever the calendar said about it.
    pub calendar_metadata: Option<serde_json::Value>,
    /// What it was made with.
    pub settings: RoomSettings,
    /// The provider's room, once it is made.
    pub room: Option<ProviderRoom>,
    /// The life of it, which only [`step`](crate::lifecycle::step) moves.
    pub life: Life,
}

impl Meeting {
    /// Gives up what the meeting claimed in its room once its phase no longer holds it.
    ///
    /// A claim does not come back with a meeting that comes back: another meeting may have taken it.
    pub fn release_claim(&mut self) {
        let phase = &self.life.phase;
        let holds = match self.claim {
            Some(Claim::Occurrence(_)) => !phase.is_closed() && !phase.is_forced(),
            Some(Claim::Unscheduled) => phase.is_opening() || phase.is_active(),
            None => return,
        };
        if !holds {
            self.claim = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, SecretUrl};

    #[test]
    fn two_claims_are_searched_by_the_same_text_only_if_they_are_the_same() {
        let date = |name: &str| Claim::Occurrence(name.to_owned());
        let claims =
            [Claim::Unscheduled, date("unscheduled"), date(""), date("standup"), date("occurrence:")];
        for (n, one) in claims.iter().enumerate() {
            for (m, other) in claims.iter().enumerate() {
                assert_eq!(one.key() == other.key(), n == m, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_secret_address_shows_nothing_of_itself_and_equals_only_itself() {
        let one = SecretUrl::new("https://video.example/a?roomKey=one".to_owned());
        let other = SecretUrl::new("https://video.example/a?roomKey=other".to_owned());
        assert_eq!(format!("{one:?}"), "[secret]");
        assert!(one == one.clone() && one != other);
    }
}
