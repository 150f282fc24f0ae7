//! The ports to whatever keeps meetings, rooms, owed work and messages.
//!
//! A few small traits instead of one of forty methods. Each has a *Contract* of numbered sentences, and each sentence
//! is the name of a case of the suite in [`testing`](crate) (feature `testing`). Ordinary refusals are
//! values; `Err` means that the backend is ill.

mod connection;
mod consent;
mod delivery;
pub mod document;
mod effect;
mod feed;
mod hearing;
mod key;
mod meeting;
mod notice;
mod recording;
mod retention;
mod room;
mod tally;
mod transcript;

pub use connection::{
    Attach, Attached, CLOSED_ROOM_KEPT, Closing, ConnectionStore, Latest, Leaving, Left, Renewed, RoomSeen,
    Seat, TokenHash,
};
pub use consent::{ConsentAnswer, ConsentStore, DeploymentKey};
pub use delivery::{DeliveryKey, DeliveryStore, Kept, KeptDelivery};
pub use effect::{ClaimEffects, ClaimedEffect, EffectId, EffectStore, OwedEffect, Settled, Settlement};
pub use feed::{Fed, FeedLine, FeedPage, FeedPlace, FeedStore};
pub use hearing::{Heard, HearingStore, LISTENING_GAP};
pub use key::{ApiKey, KeyStore};
pub use meeting::{
    Commit, Committed, Created, DueClaim, DueRow, Entry, Loaded, MeetingStore, NewMeeting, Source,
    TakenDelivery, WhichMeetings,
};
pub use notice::{ClaimedNotice, NoticeStore, OwedNotice};
pub use recording::{DeadLetter, LoadedRecording, RecordingStore, TakenIn, WhichRecordings};
pub use retention::{Dropped, RetentionStore};
pub use room::{Page, Paging, RoomCreated, RoomDeleted, RoomStore, Viewer};
pub use tally::{OpenMeetings, OwedWork, TallyStore};
pub use transcript::{
    ClaimRuns, LoadedTranscript, RunBeat, RunCommit, StageProgress, TranscriptStore, WhichTranscripts,
    first_version,
};

/// Everything the engine keeps, in one place: all of a commit is one transaction.
pub trait Store:
    MeetingStore + RoomStore + EffectStore + DeliveryStore + HearingStore + RetentionStore
{
}

impl<T> Store for T where
    T: MeetingStore + RoomStore + EffectStore + DeliveryStore + HearingStore + RetentionStore + ?Sized
{
}

/// Which schema a durable store found where it keeps things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// The one that this program wants.
    Current,
    /// An older one, or none yet: it is to be brought up to date.
    Behind,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The backend is ill. The variants are what a caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It did not answer: try again later. Whether the write took place is not known.
    #[error("the store cannot be reached")]
    Unavailable(#[source] BoxError),
    /// It holds something that cannot be read: somebody has to look.
    #[error("the store holds something unreadable: {what}")]
    Corrupt {
        /// What it is.
        what: String,
        /// What reading it said.
        #[source]
        source: BoxError,
    },
}
