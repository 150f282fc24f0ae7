//! What happens to recordings after they were taken in: they are matched late, attached by hand, and queued again.

use std::time::Duration;

use super::Recordings;
use crate::ids::{MeetingId, RecordingId};
use crate::notice::of_belonging;
use crate::recording::{Belongs, Recording, RecordingStatus};
use crate::store::{Committed, LoadedRecording, OwedNotice, StoreError};
use crate::time::Timestamp;

/// How long an unmatched recording is tried again by itself.
const TRIED_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How many are tried at once.
const BATCH: usize = 200;

/// What a look at unmatched recordings found.
#[derive(Debug, Default)]
pub struct Matched {
    /// The recordings whose meeting is known now.
    pub matched: Vec<(RecordingId, Belongs)>,
    /// Where the next look goes on, if there is more to look at.
    pub next: Option<(Timestamp, RecordingId)>,
}

/// What came of attaching a recording to a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// It is that meeting's now.
    Attached(Box<Recording>),
    /// There is no such recording.
    NoSuchRecording,
    /// There is no such meeting.
    NoSuchMeeting,
}

/// What came of queueing a recording again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requeued {
    /// It is worked on from the start.
    Queued(Box<Recording>),
    /// There is no such recording.
    NoSuchRecording,
    /// Nobody knows whose it is: attach it to a meeting first.
    Unmatched,
}

impl Recordings {
    /// Looks once more for the meetings of unmatched recordings, some at a time.
    ///
    /// # Errors
    ///
    /// When the store is ill.
    pub async fn match_once(
        &self,
        after: Option<(Timestamp, RecordingId)>,
        now: Timestamp,
    ) -> Result<Matched, StoreError> {
        let unmatched = self.store().unmatched(now - TRIED_FOR, after, BATCH).await?;
        let mut found = Matched::default();
        if unmatched.len() == BATCH {
            found.next = unmatched.last().map(|last| (last.recording.received_at, last.recording.id));
        }
        let whose = self.whose(unmatched.iter().map(|loaded| loaded.recording.object.key.as_str())).await?;
        for (loaded, whose) in unmatched.into_iter().zip(whose) {
            let Some(belongs) = whose.belongs_to else { continue };
            let id = loaded.recording.id;
            // Somebody who was faster has matched or attached it.
            if self.write(loaded, |recording| Some(give_to(recording, belongs, now))).await?.is_some() {
                found.matched.push((id, belongs));
            }
        }
        Ok(found)
    }

    /// Attaches a recording to a meeting, whosever it was, and queues it.
    ///
    /// # Errors
    ///
    /// When the store is ill.
    pub async fn attach(
        &self,
        id: RecordingId,
        meeting: MeetingId,
        now: Timestamp,
    ) -> Result<Attachment, StoreError> {
        let Some(loaded) = self.engine.store().load(meeting).await? else {
            return Ok(Attachment::NoSuchMeeting);
        };
        let belongs = Belongs { meeting, room: loaded.meeting.room_id };
        let attached = self.change(id, |recording| {
            (recording.belongs_to != Some(belongs)).then(|| give_to(recording, belongs, now))
        });
        Ok(attached
            .await?
            .map_or(Attachment::NoSuchRecording, |recording| Attachment::Attached(Box::new(recording))))
    }

    /// Queues a recording again, to be worked on from the start.
    ///
    /// # Errors
    ///
    /// When the store is ill.
    pub async fn requeue(&self, id: RecordingId) -> Result<Requeued, StoreError> {
        let queued = self.change(id, |recording| {
            if recording.belongs_to.is_some() {
                recording.status = RecordingStatus::Pending;
                recording.error = None;
            }
            None
        });
        Ok(match queued.await? {
            None => Requeued::NoSuchRecording,
            Some(recording) if recording.belongs_to.is_none() => Requeued::Unmatched,
            Some(recording) => Requeued::Queued(Box::new(recording)),
        })
    }

    /// Changes a recording, again and again until nobody has changed it in between, and owes what the change says is
    /// told of it. Nothing if it is gone.
    async fn change(
        &self,
        id: RecordingId,
        change: impl Fn(&mut Recording) -> Option<OwedNotice>,
    ) -> Result<Option<Recording>, StoreError> {
        while let Some(loaded) = self.store().load_recording(id).await? {
            if let Some(changed) = self.write(loaded, &change).await? {
                return Ok(Some(changed));
            }
        }
        Ok(None)
    }

    /// Writes a change of what was read; nothing if somebody else wrote since.
    async fn write(
        &self,
        loaded: LoadedRecording,
        change: impl Fn(&mut Recording) -> Option<OwedNotice>,
    ) -> Result<Option<Recording>, StoreError> {
        let LoadedRecording { mut recording, version } = loaded;
        let before = recording.clone();
        let notice = change(&mut recording);
        if recording == before {
            return Ok(Some(recording));
        }
        let committed = self.store().commit_recording(version, &recording, notice).await?;
        Ok((committed == Committed::Stored).then_some(recording))
    }
}

/// Gives it to a meeting, and says what the owner of the meeting's room is told.
fn give_to(recording: &mut Recording, belongs: Belongs, now: Timestamp) -> OwedNotice {
    recording.belongs_to = Some(belongs);
    recording.sought_room = None;
    recording.status = RecordingStatus::Pending;
    recording.error = None;
    of_belonging(recording, belongs, now)
}
