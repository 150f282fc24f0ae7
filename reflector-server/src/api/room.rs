//! A room on the wire.

use reflector_core::lifecycle::Overtime;
use reflector_core::{OnDenied, RecordingTrigger, RecordingType, Room, RoomMode, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Minutes;
use crate::contract::{examples, words};
use crate::identity::access::Standing;

/// A room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Room, examples(examples::room))]
pub(crate) struct RoomBody {
    /// Its id, by which it is found as well as by its name.
    id: Uuid,
    /// Its name, which it keeps.
    #[schema(value_type = words::RoomName)]
    name: String,
    /// The user whose it is.
    owner: String,
    /// Whether only a host can let people in.
    is_locked: bool,
    /// How many people it is built for.
    #[schema(value_type = words::RoomMode)]
    room_mode: RoomMode,
    /// Whether and where its meetings are recorded.
    #[schema(value_type = words::RecordingType)]
    recording_type: RecordingType,
    /// What starts a recording.
    #[schema(value_type = words::RecordingTrigger)]
    recording_trigger: RecordingTrigger,
    /// Whether every user sees it and may start meetings in it.
    is_shared: bool,
    /// Whether it takes in whoever comes, also those who do not say who they are.
    guests: bool,
    /// For how long its meetings wait when everybody has left; null for what the deployment says.
    #[schema(required)]
    grace_period_minutes: Option<Minutes>,
    /// For how long its scheduled meetings may run over their end; null for what the deployment says.
    #[schema(required)]
    overtime_minutes: Option<OvertimeBody>,
    /// The video provider of its meetings; null for the one that the deployment says.
    #[schema(required)]
    provider: Option<String>,
    /// What becomes of a recording when somebody denies their consent to it.
    #[schema(value_type = words::OnDenied)]
    on_denied: OnDenied,
    /// Where its owner is told what happens: shown to them alone. What messages to it are signed with is told to nobody.
    #[schema(required, format = "uri")]
    webhook_url: Option<String>,
    /// When it was made.
    #[schema(value_type = words::Time)]
    created_at: Timestamp,
}

/// A number of minutes, or the word `never`.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Overtime)]
#[serde(untagged)]
pub(crate) enum OvertimeBody {
    /// So many minutes.
    Minutes(Minutes),
    /// Without a bound of its own.
    #[schema(value_type = words::Never)]
    Word(&'static str),
}

impl RoomBody {
    /// A room as somebody sees it: where its owner listens is told to whom it belongs.
    pub(crate) fn of(room: &Room, standing: Standing) -> Self {
        let webhook =
            room.webhook.as_ref().filter(|_| matches!(standing, Standing::Owner | Standing::Operator));
        Self {
            id: room.id.0,
            name: room.name.to_string(),
            owner: room.owner.to_string(),
            is_locked: room.settings.is_locked,
            room_mode: room.settings.room_mode,
            recording_type: room.settings.recording_type,
            recording_trigger: room.settings.recording_trigger,
            is_shared: room.is_shared,
            guests: room.guests,
            grace_period_minutes: room.policy.grace.map(Minutes),
            overtime_minutes: room.policy.overtime.map(|overtime| match overtime {
                Overtime::For(overtime) => OvertimeBody::Minutes(Minutes(overtime)),
                Overtime::Never => OvertimeBody::Word("never"),
            }),
            provider: room.provider.as_ref().map(ToString::to_string),
            on_denied: room.on_denied,
            webhook_url: webhook.map(|webhook| webhook.url.clone()),
            created_at: room.created_at,
        }
    }
}
