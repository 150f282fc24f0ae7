//! A transcript on the wire.

use reflector_core::Timestamp;
use reflector_core::pipeline::{Stage, StageStatus, Transcript, TranscriptStatus};
use reflector_core::store::{LoadedTranscript, StageProgress};
use reflector_pipeline::{ActionItem, Offset, Published, Segment, Topic};
use serde::Serialize;
use uuid::Uuid;

/// A transcript.
#[derive(Debug, Serialize)]
pub(crate) struct TranscriptBody {
    id: Uuid,
    recording_id: Uuid,
    meeting_id: Uuid,
    room_id: Uuid,
    status: TranscriptStatus,
    title: Option<String>,
    short_summary: Option<String>,
    long_summary: Option<String>,
    action_items: Vec<ActionItem>,
    topics: Vec<Topic>,
    participants: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<Vec<Segment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webvtt: Option<Option<String>>,
    language: Option<String>,
    duration: Option<Offset>,
    audio_deleted: bool,
    created_at: Timestamp,
    stuck_since: Option<Timestamp>,
    stages: Vec<StageBody>,
}

/// A stage of its run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct StageBody {
    pub(crate) name: String,
    pub(crate) status: StageStatus,
    attempts: u32,
    reason: Option<String>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    progress: Option<ProgressBody>,
}

/// How far a stage is that is being worked on: so many parts of so many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct ProgressBody {
    done: u64,
    of: u64,
}

impl TranscriptBody {
    /// A transcript with what its stages made so far.
    pub(crate) fn of(loaded: &LoadedTranscript, said: Published, now: Timestamp) -> Self {
        let Transcript { id, recording, belongs_to, created_at, run, .. } = &loaded.transcript;
        Self {
            id: id.0,
            recording_id: recording.0,
            meeting_id: belongs_to.meeting.0,
            room_id: belongs_to.room.0,
            status: run.status(),
            title: said.title,
            short_summary: said.short_summary,
            long_summary: said.long_summary,
            action_items: said.action_items,
            topics: said.topics,
            participants: said.participants,
            segments: Some(said.segments),
            webvtt: Some(said.webvtt),
            language: said.language,
            duration: said.duration,
            audio_deleted: said.audio_deleted,
            created_at: *created_at,
            stuck_since: run.stuck_since(loaded.claimed_until, now),
            stages: StageBody::all_of(loaded),
        }
    }

    /// Without what was said, which is long: as listings have it.
    #[must_use]
    pub(crate) fn in_brief(self) -> Self {
        Self { segments: None, webvtt: None, ..self }
    }
}

impl StageBody {
    /// The stages of a transcript's newest run, in order.
    pub(crate) fn all_of(loaded: &LoadedTranscript) -> Vec<Self> {
        loaded.transcript.run.stages.iter().map(|stage| Self::of(stage, loaded.progress)).collect()
    }

    fn of(stage: &Stage, progress: Option<StageProgress>) -> Self {
        let is_running = stage.status == StageStatus::Running;
        let progress =
            progress.filter(|_| is_running).map(|StageProgress { done, of }| ProgressBody { done, of });
        Self {
            name: stage.name.clone(),
            status: stage.status,
            attempts: stage.attempts,
            reason: stage.reason.clone(),
            started_at: stage.started_at,
            finished_at: stage.finished_at,
            progress,
        }
    }
}
