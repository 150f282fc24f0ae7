//! Recordings: what they are, whose they are, and the port to wherever they come from.
//!
//! A provider uploads a recording as an object, a source announces it, and the engine's
//! [`Recordings`](crate::engine::Recordings) make of each version of an object one recording of one meeting.

mod belonging;
mod name;
mod objects;
mod source;
mod wanted;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use belonging::{Belongs, Candidate, NEAREST, SoughtRoom, belongs_to};
pub use name::RecordingName;
pub use objects::{ObjectBytes, Objects};
pub use source::{
    Listing, Message, Notice, Receipt, RecordingSource, SourceError, Unacknowledged, Unreadable,
};
pub use wanted::Wanted;

use crate::ids::{RecordingId, RoomId};
use crate::time::Timestamp;

/// One version of one object: what a recording is told apart by (rule R2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectVersion {
    /// The bucket, or whatever else holds objects under keys.
    pub bucket: String,
    /// Its key there, as it is: nothing in it is encoded.
    pub key: String,
    /// Which of the objects that ever had this key.
    pub version: Version,
}

/// Which of the objects that ever had a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// In a bucket that keeps versions: the id of this one.
    Id(String),
    /// In one that keeps the newest only: the tag of what is in it, without quotes.
    Tag(String),
}

impl Version {
    /// The text of it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(text) | Self::Tag(text) => text,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A recording of a meeting, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Its id.
    pub id: RecordingId,
    /// The object that it is.
    pub object: ObjectVersion,
    /// How many bytes it has.
    pub size: u64,
    /// What orders it among the objects of its key, if its source says so: digits in base 16. See [`is_newer`].
    pub sequencer: Option<String>,
    /// Its number among the recordings of its key, from 1; the store gives it.
    pub revision: u32,
    /// When it began, by its name.
    pub recorded_at: Option<Timestamp>,
    /// When it was taken in.
    pub received_at: Timestamp,
    /// The meeting that it is of, if that is known.
    pub belongs_to: Option<Belongs>,
    /// The room that its key names, where no meeting of it is near enough in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sought_room: Option<RoomId>,
    /// How far it has come.
    pub status: RecordingStatus,
    /// What went wrong, for whoever looks.
    pub error: Option<String>,
}

impl Recording {
    /// It after a change: what it is told apart by and when it was taken in stay, whatever comes with the change.
    #[must_use]
    pub fn changed_to(self, changed: &Self) -> Self {
        let Self { id, object, revision, received_at, .. } = self;
        Self { id, object, revision, received_at, ..changed.clone() }
    }
}

/// How far a recording has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingStatus {
    /// Nobody knows which meeting it is of: it is tried again when meetings appear, and can be attached by hand.
    Unmatched,
    /// It waits to be worked on.
    Pending,
    /// It is worked on.
    Processing,
    /// All is done.
    Completed,
    /// It cannot be worked on; its error says why.
    Failed,
}

impl RecordingStatus {
    /// Every one there is.
    pub const ALL: [Self; 5] =
        [Self::Unmatched, Self::Pending, Self::Processing, Self::Completed, Self::Failed];

    /// The word for it, as it stands in answers and listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unmatched => "unmatched",
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The one with this word, if there is one.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl fmt::Display for RecordingStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether an object came after another one of its key.
///
/// Sequencers tell: of two of the same key, S3 orders them as hexadecimal numbers of which the shorter one is filled
/// up with zeros *on the right*. Without both, what arrives later is taken for newer: a listing shows what stands now.
pub fn is_newer(sequencer: Option<&str>, than: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (sequencer, than) else { return true };
    let digits = |text: &str| {
        let text = text.trim_end_matches('0').to_ascii_lowercase();
        text.into_bytes()
    };
    digits(one) > digits(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_sequencer_is_filled_up_on_the_right() {
        for (newer, older) in
            [("0055AED6DCD90281E6", "0055AED6DCD90281E5"), ("1", "09"), ("a1", "A"), ("B", "aff")]
        {
            assert!(is_newer(Some(newer), Some(older)), "{newer} {older}");
            assert!(!is_newer(Some(older), Some(newer)), "{older} {newer}");
        }
        for same in [("A", "a"), ("1", "100"), ("", "0")] {
            assert!(
                !is_newer(Some(same.0), Some(same.1)) && !is_newer(Some(same.1), Some(same.0)),
                "{same:?}"
            );
        }
    }

    #[test]
    fn every_status_is_found_by_its_word() {
        for status in RecordingStatus::ALL {
            assert_eq!(RecordingStatus::named(status.as_str()), Some(status));
        }
        assert_eq!(RecordingStatus::named("Pending"), None);
    }

    #[test]
    fn without_both_sequencers_what_comes_later_is_newer() {
        assert!(is_newer(None, Some("9")) && is_newer(Some("1"), None) && is_newer(None, None));
    }
}
