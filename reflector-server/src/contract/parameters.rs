//! What paths name, for the document.

use utoipa::IntoParams;

/// A room.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "for the document alone: handlers take their paths apart themselves")]
pub(crate) struct RoomPath {
    /// A room's name, or its id.
    #[param(example = "standup")]
    room: String,
}

/// A meeting.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "for the document alone: handlers take their paths apart themselves")]
pub(crate) struct MeetingPath {
    /// A meeting's id.
    meeting: uuid::Uuid,
}

/// A recording.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "for the document alone: handlers take their paths apart themselves")]
pub(crate) struct RecordingPath {
    /// A recording's id.
    recording: uuid::Uuid,
}

/// A transcript.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "for the document alone: handlers take their paths apart themselves")]
pub(crate) struct TranscriptPath {
    /// A transcript's id.
    transcript: uuid::Uuid,
}
