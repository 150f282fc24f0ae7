//! A recording on the wire.

use reflector_core::Timestamp;
use reflector_core::recording::Recording;
use reflector_core::store::{StoreError, TranscriptStore};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::contract::{examples, words};

/// A recording.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recording, examples(examples::recording))]
pub(crate) struct RecordingBody {
    /// Its id.
    id: Uuid,
    /// The bucket that holds its object.
    bucket_name: String,
    /// The key of its object.
    object_key: String,
    /// The version of its object.
    version: String,
    /// How many recordings of this key came before this one, and 1.
    revision: u32,
    /// How many bytes it has.
    size: u64,
    /// When it began, as its key says.
    #[schema(required, value_type = Option<words::Time>)]
    recorded_at: Option<Timestamp>,
    /// The meeting that it is of.
    #[schema(required)]
    meeting_id: Option<Uuid>,
    /// The room of that meeting.
    #[schema(required)]
    room_id: Option<Uuid>,
    /// How far it has come.
    #[schema(value_type = words::RecordingStatus)]
    status: &'static str,
    /// Why it failed, if it did.
    #[schema(required)]
    error: Option<String>,
    /// What it became.
    #[schema(required)]
    transcript_id: Option<Uuid>,
}

impl RecordingBody {
    /// All of these, as a listing has them.
    pub(crate) async fn all_of(
        recordings: &[Recording],
        transcripts: &dyn TranscriptStore,
    ) -> Result<Vec<Self>, StoreError> {
        let mut bodies = Vec::new();
        for recording in recordings {
            bodies.push(Self::of(recording, transcripts).await?);
        }
        Ok(bodies)
    }

    /// A recording, with the transcript of it if one is kept.
    pub(crate) async fn of(
        recording: &Recording,
        transcripts: &dyn TranscriptStore,
    ) -> Result<Self, StoreError> {
        let transcript = transcripts.transcript_of(recording.id).await?;
        Ok(Self {
            id: recording.id.0,
            bucket_name: recording.object.bucket.clone(),
            object_key: recording.object.key.clone(),
            version: recording.object.version.to_string(),
            revision: recording.revision,
            size: recording.size,
            recorded_at: recording.recorded_at,
            meeting_id: recording.belongs_to.map(|belongs| belongs.meeting.0),
            room_id: recording.belongs_to.map(|belongs| belongs.room.0),
            status: recording.status.as_str(),
            error: recording.error.clone(),
            transcript_id: transcript.map(|loaded| loaded.transcript.id.0),
        })
    }
}
