//! What listeners are sent.

use reflector_core::{Meeting, Room};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{EntryBody, SeenMeeting};

/// Something that happened to a meeting, or how it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Live)]
pub(crate) struct LiveBody {
    /// The meeting.
    meeting_id: Uuid,
    /// Its room.
    room_id: Uuid,
    /// The room's name; null if it was deleted.
    #[schema(required)]
    room: Option<String>,
    /// What happened; not in an event `meeting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    entry: Option<EntryBody>,
    /// The meeting as it stands, unless a later entry of it follows at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    meeting: Option<SeenMeeting>,
}

impl LiveBody {
    pub(crate) fn of(
        meeting: &Meeting,
        room: Option<&Room>,
        entry: Option<EntryBody>,
        seen: Option<SeenMeeting>,
    ) -> Self {
        Self {
            meeting_id: meeting.id.0,
            room_id: meeting.room_id.0,
            room: room.map(|room| room.name.to_string()),
            entry,
            meeting: seen,
        }
    }
}
