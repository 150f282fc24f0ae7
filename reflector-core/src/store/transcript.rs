//! The port to the transcripts: their runs, and what the stages made.

use std::collections::BTreeMap;
use std::fmt::Debug;

use async_trait::async_trait;

use super::notice::OwedNotice;
use super::recording::LoadedRecording;
use super::room::{Page, Paging, Viewer};
use super::{Committed, StoreError};
use crate::ids::{RecordingId, RoomId, TranscriptId};
use crate::pipeline::Transcript;
use crate::recording::RecordingStatus;
use crate::time::Timestamp;

/// Keeps transcripts.
///
/// # Contract
///
/// 1. `recordings_that_wait_for_a_run_are_found_oldest_first`: those that are pending.
/// 2. `a_run_begins_with_its_recording`: the recording is being processed from the same write on; the same again, or
///    after the recording or its transcript was changed, is a conflict and stores nothing, also when many begin at once.
/// 3. `a_recording_has_one_transcript`: beginning it anew keeps its id and its making, and drops what its stages made.
/// 4. `a_run_is_claimed_by_one_worker_at_a_time`: those that are ready, the longest-waiting first, or the one that is
///    asked for; also when many claim at once. What is over is not claimed.
/// 5. `a_run_whose_claim_runs_out_is_given_to_another`
/// 6. `a_heartbeat_keeps_a_claim`: and how far the stage is, until the next commit or claim; and says so when it is lost.
/// 7. `a_lost_claim_commits_nothing`: a commit from an older version is a conflict, also when the transcript was deleted
///    and begun anew since: its versions go on, as [`first_version`] tells.
/// 8. `a_commit_of_a_run_changes_everything_or_nothing`: the run, what its stage made, what is dropped, how its
///    recording stands, unless that was deleted or waits for another run, and the notices that are owed.
/// 9. `what_stages_made_is_kept_to_the_byte`
/// 10. `the_next_ready_instant_is_told`: of runs that are claimed, the end of the claim.
/// 11. `transcripts_are_listed_newest_first_in_pages`: all for an operator, else those of rooms of one's own that are
///     not deleted; of one room or of those that are not over, if asked.
/// 12. `a_deleted_transcript_is_gone`: with what its stages made, and nobody can commit to it.
#[async_trait]
pub trait TranscriptStore: Send + Sync + Debug + 'static {
    /// Recordings that wait for a run, by when they were taken in.
    async fn awaiting(&self, limit: usize) -> Result<Vec<LoadedRecording>, StoreError>;

    /// Keeps a new run of a recording, and with it that the recording is being processed. It takes the place of the
    /// transcript in the version `over`; with nothing, there is none yet.
    async fn begin(
        &self,
        recording: &LoadedRecording,
        transcript: &Transcript,
        over: Option<u64>,
    ) -> Result<Committed, StoreError>;

    /// A transcript as it stands.
    async fn load_transcript(&self, id: TranscriptId) -> Result<Option<LoadedTranscript>, StoreError>;

    /// The transcript of a recording.
    async fn transcript_of(&self, recording: RecordingId) -> Result<Option<LoadedTranscript>, StoreError>;

    /// What the stages of a transcript made, by their names: texts as they were given.
    async fn made(&self, id: TranscriptId) -> Result<BTreeMap<String, String>, StoreError>;

    /// Gives out runs that are ready, and keeps others from getting them until `claim.until`. Each is a new version.
    async fn claim_runs(&self, claim: ClaimRuns) -> Result<Vec<LoadedTranscript>, StoreError>;

    /// Prolongs a claim, and keeps how far its stage is. `false` if it is lost.
    async fn beat_run(&self, beat: RunBeat) -> Result<bool, StoreError>;

    /// Writes one change of a transcript: all of it or nothing.
    async fn commit_run(&self, commit: RunCommit) -> Result<Committed, StoreError>;

    /// The earliest instant at which `claim_runs` will have something to give.
    async fn next_run(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Transcripts by when they were made, newest first, those of the same instant by id.
    async fn list_transcripts(
        &self,
        which: &WhichTranscripts,
        paging: Paging,
    ) -> Result<Page<LoadedTranscript>, StoreError>;

    /// Deletes a transcript. `false` if there is none.
    async fn delete_transcript(&self, id: TranscriptId) -> Result<bool, StoreError>;
}

/// A transcript as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedTranscript {
    /// The transcript.
    pub transcript: Transcript,
    /// Which write of it this is: a commit must name it, and a claim is known by it.
    pub version: u64,
    /// Until when its run is in somebody's hands, if it is or was.
    pub claimed_until: Option<Timestamp>,
    /// How far the stage that is being worked on is, if somebody said so.
    pub progress: Option<StageProgress>,
}

/// The version of a transcript that is kept for the first time, or for the first time since it was deleted, with the
/// recording that it is begun with. Recordings are written when a run begins, so that it is above all that were before.
pub const fn first_version(recording: &LoadedRecording) -> u64 {
    // Between two writes of its recording a transcript is written less often than this leaves room for.
    recording.version << 32
}

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageProgress {
    /// So many parts are done.
    pub done: u64,
    /// Of so many.
    pub of: u64,
}

/// A sign of life of whoever works on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunBeat {
    /// Which transcript's.
    pub id: TranscriptId,
    /// The version that they hold.
    pub version: u64,
    /// Until when nobody else gets it.
    pub until: Timestamp,
    /// How far the stage is, if they know.
    pub progress: Option<StageProgress>,
}

/// How to give out runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimRuns {
    /// What time it is.
    pub now: Timestamp,
    /// Until when they are given to nobody else.
    pub until: Timestamp,
    /// How many at the most.
    pub limit: usize,
    /// Only the run of this transcript.
    pub only: Option<TranscriptId>,
}

/// One change of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunCommit {
    /// The version that the change was made from.
    pub expected: u64,
    /// The transcript after the change.
    pub transcript: Transcript,
    /// Until when it stays in the hands of whoever commits; with nothing, they let go of it.
    pub claimed_until: Option<Timestamp>,
    /// What a stage made: its name, and the text to be kept.
    pub made: Option<(String, String)>,
    /// Stages of which nothing is kept any more.
    pub dropped: Vec<String>,
    /// How its recording stands from now on, and what went wrong. One that is pending waits for another run: it stays so.
    pub recording: Option<(RecordingStatus, Option<String>)>,
    /// What its room's owner is to be told of it.
    pub notices: Vec<OwedNotice>,
}

/// Which transcripts a listing is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhichTranscripts {
    /// What this caller sees.
    pub viewer: Viewer,
    /// Only those of this room.
    pub room: Option<RoomId>,
    /// Only those whose run is not over.
    pub unfinished: bool,
}
