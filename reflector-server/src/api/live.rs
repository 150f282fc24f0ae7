//! What listeners are sent.

use reflector_core::{Meeting, Room};
use serde::Serialize;
use uuid::Uuid;

use super::{EntryBody, SeenMeeting};

/// Something that happened to a meeting, or how it stands.
#[derive(Debug, Serialize)]
pub(crate) struct LiveBody {
    meeting_id: Uuid,
    room_id: Uuid,
    /// The room's name; nothing if it was deleted.
    room: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<EntryBody>,
    /// The meeting as it stands, unless a later entry of it follows at once.
    #[serde(skip_serializing_if = "Option::is_none")]
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
