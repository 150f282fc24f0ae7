//! The port to the recordings.

use std::fmt::Debug;

use async_trait::async_trait;

use super::room::{Page, Paging, Viewer};
use super::{Committed, OwedNotice, StoreError};
use crate::ids::{RecordingId, RoomId};
use crate::recording::{Candidate, Recording, RecordingStatus, SoughtRoom};
use crate::time::Timestamp;

/// Keeps recordings.
///
/// # Contract
///
/// 1. `a_recording_is_loaded_as_it_was_taken_in`
/// 2. `an_object_is_taken_in_once`: the same version of the same key of the same bucket again, also twice in one
///    batch and by many at once, stores nothing and answers `Known` with the one that is there.
/// 3. `each_of_a_batch_is_judged_alone`: answers stand in the order of what was given.
/// 4. `a_newer_object_of_a_key_is_a_new_revision`: numbered from 1 for each key of a bucket.
/// 5. `an_older_object_of_a_key_is_outdated`: nothing is stored, whatever its version, if the newest recording of its
///    key is newer, as [`is_newer`](crate::recording::is_newer) tells.
/// 6. `the_meetings_that_had_a_room_are_candidates`: closed ones too; by the room's name at its provider, or by the
///    meeting that the name leads to.
/// 7. `a_recording_is_changed_from_its_newest_version`: from an older one, or after it was deleted, it is a conflict,
///    also when many change it at once. Its id, object and revision stay as they are, and so does when it was received.
/// 8. `recordings_are_listed_newest_first_in_pages`: all for an operator, else those of rooms of one's own that are
///    not deleted; of one status or one room, if asked.
/// 9. `unmatched_recordings_are_found_oldest_first`: those received since an instant, after the place named.
/// 10. `a_deleted_recording_is_not_taken_in_again`: it is loaded and listed no more, and its object answers `Known`.
/// 11. `a_message_that_cannot_be_read_is_kept_once`: as it came first, listed newest first.
#[async_trait]
pub trait RecordingStore: Send + Sync + Debug + 'static {
    /// Takes in what is not known yet, all of the batch in one write, and what
    /// [`of_arrival`](crate::notice::of_arrival) says is told of each. The store gives the revision.
    async fn take_in(&self, batch: Vec<Recording>) -> Result<Vec<TakenIn>, StoreError>;

    /// The meetings that had each of these rooms, in the order of the rooms.
    async fn candidates(&self, rooms: &[SoughtRoom]) -> Result<Vec<Vec<Candidate>>, StoreError>;

    /// A recording as it stands.
    async fn load_recording(&self, id: RecordingId) -> Result<Option<LoadedRecording>, StoreError>;

    /// Writes a recording as it is after a change, and what is owed with it.
    async fn commit_recording(
        &self,
        expected: u64,
        recording: &Recording,
        notice: Option<OwedNotice>,
    ) -> Result<Committed, StoreError>;

    /// Recordings by when they were taken in, newest first.
    async fn list_recordings(
        &self,
        which: &WhichRecordings,
        paging: Paging,
    ) -> Result<Page<Recording>, StoreError>;

    /// Unmatched recordings by when they were taken in, oldest first, those of the same instant by id.
    async fn unmatched(
        &self,
        received_since: Timestamp,
        after: Option<(Timestamp, RecordingId)>,
        limit: usize,
    ) -> Result<Vec<LoadedRecording>, StoreError>;

    /// Deletes a recording. `false` if there is none.
    async fn delete_recording(&self, id: RecordingId, now: Timestamp) -> Result<bool, StoreError>;

    /// Keeps a message that cannot be read. `false` if it was kept before.
    async fn set_aside(&self, letter: DeadLetter) -> Result<bool, StoreError>;

    /// The messages that were set aside, newest first.
    async fn dead_letters(&self, paging: Paging) -> Result<Page<DeadLetter>, StoreError>;
}

/// What came of taking in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenIn {
    /// It is kept.
    Stored {
        /// Its number among the recordings of its key.
        revision: u32,
    },
    /// It was taken in before.
    Known {
        /// As this recording.
        id: RecordingId,
        /// Which stands like this; nothing if it was deleted.
        status: Option<RecordingStatus>,
    },
    /// A newer object of its key was taken in before.
    Outdated,
}

/// A recording as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedRecording {
    /// The recording.
    pub recording: Recording,
    /// Which write of it this is; a change must name it.
    pub version: u64,
}

/// Which recordings a listing is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhichRecordings {
    /// What this caller sees.
    pub viewer: Viewer,
    /// Only those that stand like this.
    pub status: Option<RecordingStatus>,
    /// Only those of this room.
    pub room: Option<RoomId>,
}

/// A message that cannot be read, kept for whoever looks (rule R6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message's id.
    pub id: String,
    /// The whole of it as it came.
    pub body: String,
    /// What reading it said.
    pub error: String,
    /// When it was set aside.
    pub at: Timestamp,
}
