//! Pipelines: a recording becomes a transcript in stages that have names, are kept, and are done once.
//!
//! What is to be done next is told by pure functions over a [`Run`]: [`begin`], [`start`], [`advance`] and [`restart`].
//! What a stage does is told by whoever implements [`Pipeline`]. The engine's [`Runs`](crate::engine::Runs) bring the
//! two together over a store.

mod invariants;
mod port;
mod retry;
mod run;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use invariants::violated;
pub use port::{Inputs, Made, Pipeline, Progress, StageError, Unseen};
pub use retry::Retry;
pub use run::{NoSuchStage, Outcome, RestartAt, Start, advance, begin, give_back, restart, start};

use crate::ids::{RecordingId, TranscriptId};
use crate::recording::{Belongs, ObjectVersion, RecordingStatus};
use crate::time::Timestamp;

/// What a pipeline makes of a recording: which one, and how far the newest run of it has come. What its stages made is
/// kept beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// Its id.
    pub id: TranscriptId,
    /// The recording.
    pub recording: RecordingId,
    /// The object that it is.
    pub object: ObjectVersion,
    /// How many bytes it has.
    pub size: u64,
    /// Whose it is.
    pub belongs_to: Belongs,
    /// When it was begun first.
    pub created_at: Timestamp,
    /// The newest run.
    pub run: Run,
}

/// One execution of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which execution for its recording, from 1.
    pub number: u32,
    /// Its stages, in order.
    pub stages: Vec<Stage>,
    /// How far it has come.
    pub state: RunState,
    /// When it was begun.
    pub begun_at: Timestamp,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// Its next stage can be started.
    Waiting {
        /// Not before this.
        ready_at: Timestamp,
    },
    /// A stage was started, and nobody has said yet what came of it.
    Working {
        /// Since when.
        since: Timestamp,
    },
    /// All its stages are done or skipped.
    Done {
        /// Since when.
        at: Timestamp,
    },
    /// A stage failed for good.
    Failed {
        /// Since when.
        at: Timestamp,
    },
}

/// A named step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// How far it has come.
    pub status: StageStatus,
    /// How often it was started in this run.
    pub attempts: u32,
    /// Why it was skipped, or what went wrong the last time.
    pub reason: Option<String>,
    /// When it was started the last time.
    pub started_at: Option<Timestamp>,
    /// When it was done, skipped or failed.
    pub finished_at: Option<Timestamp>,
}

/// How far a stage has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    /// It is to be done.
    Pending,
    /// It was started, and nobody has said yet what came of it.
    Running,
    /// It is done, and what it made is kept.
    Done,
    /// It was left out, and its reason says why.
    Skipped,
    /// It failed for good, and its reason says why.
    Failed,
}

impl StageStatus {
    /// Every one there is.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Running, Self::Done, Self::Skipped, Self::Failed];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// Whether the run is past it.
    pub fn is_past(self) -> bool {
        matches!(self, Self::Done | Self::Skipped)
    }
}

impl fmt::Display for StageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a transcript stands, in the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TranscriptStatus {
    /// Nothing is there to work on.
    Idle,
    /// It waits for its first stage.
    Uploaded,
    /// It is worked on.
    Processing,
    /// It is done.
    Ended,
    /// It failed.
    Error,
}

impl TranscriptStatus {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Uploaded => "uploaded",
            Self::Processing => "processing",
            Self::Ended => "ended",
            Self::Error => "error",
        }
    }
}

impl Run {
    /// The first stage that the run is not past.
    pub fn current(&self) -> Option<&Stage> {
        self.stages.iter().find(|stage| !stage.status.is_past())
    }

    /// Whether nothing more happens to it by itself.
    pub fn is_over(&self) -> bool {
        matches!(self.state, RunState::Done { .. } | RunState::Failed { .. })
    }

    /// How it stands, in the words of the API.
    pub fn status(&self) -> TranscriptStatus {
        match self.state {
            RunState::Done { .. } => TranscriptStatus::Ended,
            RunState::Failed { .. } => TranscriptStatus::Error,
            RunState::Working { .. } => TranscriptStatus::Processing,
            RunState::Waiting { .. } if self.stages.iter().all(|stage| stage.started_at.is_none()) => {
                TranscriptStatus::Uploaded
            }
            RunState::Waiting { .. } => TranscriptStatus::Processing,
        }
    }

    /// How its recording stands meanwhile.
    pub fn recording_status(&self) -> RecordingStatus {
        match self.state {
            RunState::Waiting { .. } | RunState::Working { .. } => RecordingStatus::Processing,
            RunState::Done { .. } => RecordingStatus::Completed,
            RunState::Failed { .. } => RecordingStatus::Failed,
        }
    }

    /// When a worker can claim it next, if it is claimed until this instant; nothing once it is over.
    pub fn ready_at(&self, claimed_until: Option<Timestamp>) -> Option<Timestamp> {
        match self.state {
            RunState::Waiting { ready_at } => {
                Some(claimed_until.map_or(ready_at, |until| until.max(ready_at)))
            }
            RunState::Working { since } => Some(claimed_until.unwrap_or(since)),
            RunState::Done { .. } | RunState::Failed { .. } => None,
        }
    }

    /// Since when it stands still, if it does: it failed; or a stage was started by a worker whose claim has run out,
    /// or could be started, and nobody has taken it up.
    pub fn stuck_since(&self, claimed_until: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        match self.state {
            RunState::Done { .. } => None,
            RunState::Failed { at } => Some(at),
            RunState::Waiting { ready_at: since } | RunState::Working { since } => {
                let since = claimed_until.unwrap_or(since).max(since);
                (since < now).then_some(since)
            }
        }
    }
}
