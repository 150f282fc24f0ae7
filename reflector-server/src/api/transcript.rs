//! A transcript on the wire.

use reflector_core::Timestamp;
use reflector_core::pipeline::{Stage, StageStatus, Transcript, TranscriptStatus};
use reflector_core::store::{LoadedTranscript, StageProgress};
use reflector_pipeline::{ActionItem, Offset, Published, Segment, Topic};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::contract::{examples, words};

/// A transcript.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transcript, examples(examples::transcript))]
pub(crate) struct TranscriptBody {
    /// Its id.
    id: Uuid,
    /// The recording that it was made of.
    recording_id: Uuid,
    /// The meeting that was recorded.
    meeting_id: Uuid,
    /// The room of that meeting.
    room_id: Uuid,
    /// How it stands.
    #[schema(value_type = words::TranscriptStatus)]
    status: TranscriptStatus,
    /// What the meeting is called.
    #[schema(required)]
    title: Option<String>,
    /// What it came to, in a few sentences.
    #[schema(required)]
    short_summary: Option<String>,
    /// The same in some paragraphs.
    #[schema(required)]
    long_summary: Option<String>,
    /// What is to be done.
    #[schema(value_type = Vec<words::ActionItem>)]
    action_items: Vec<ActionItem>,
    /// What was talked about.
    #[schema(value_type = Vec<words::Topic>)]
    topics: Vec<Topic>,
    /// Who took part, by the names that were said.
    participants: Vec<String>,
    /// What was said. Not in listings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<words::Segment>, required = false)]
    segments: Option<Vec<Segment>>,
    /// The same as captions. Not in listings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    webvtt: Option<Option<String>>,
    /// The language that was spoken, as the endpoint names it.
    #[schema(required)]
    language: Option<String>,
    /// How long the recording is.
    #[schema(required, value_type = Option<words::Seconds>)]
    duration: Option<Offset>,
    /// Whether the audio was deleted, because a participant denied consent.
    audio_deleted: bool,
    /// When it was begun.
    #[schema(value_type = words::Time)]
    created_at: Timestamp,
    /// Since when nobody has worked on it although somebody should.
    #[schema(required, value_type = Option<words::Time>)]
    stuck_since: Option<Timestamp>,
    /// The stages of its newest run, in order.
    stages: Vec<StageBody>,
}

/// A stage of its run.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Stage)]
pub(crate) struct StageBody {
    /// Its name, which `process` takes to go on from there.
    pub(crate) name: String,
    /// How far it has come.
    #[schema(value_type = words::StageStatus)]
    pub(crate) status: StageStatus,
    /// How often it was started.
    attempts: u32,
    /// Why it was left out, or failed.
    #[schema(required)]
    reason: Option<String>,
    /// When it was started the last time.
    #[schema(required, value_type = Option<words::Time>)]
    started_at: Option<Timestamp>,
    /// When it was done, skipped or failed.
    #[schema(required, value_type = Option<words::Time>)]
    finished_at: Option<Timestamp>,
    /// How far it is, while it is worked on and says so.
    #[schema(required)]
    progress: Option<ProgressBody>,
}

/// How far a stage is that is being worked on: so many parts of so many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Progress)]
struct ProgressBody {
    /// How many are done.
    done: u64,
    /// Of how many.
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
