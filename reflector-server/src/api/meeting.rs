//! A meeting on the wire, to its owner, to others, and to guests.

use reflector_core::engine::Engine;
use reflector_core::lifecycle::next_closing;
use reflector_core::store::Loaded;
use reflector_core::{Meeting, MeetingId, RecordingType, Timestamp, admission};
use serde::Serialize;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Minutes;
use crate::contract::{examples, words};
use crate::identity::access::Standing;
use crate::state::App;

/// A meeting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Meeting, examples(examples::meeting))]
pub(crate) struct MeetingBody {
    /// Its id.
    id: Uuid,
    /// The room that it is in.
    room_id: Uuid,
    /// What the video provider calls the room that it made; empty until it has.
    room_name: String,
    /// Where participants go; empty until the provider has made it.
    room_url: String,
    /// Where the host goes: it lets in whoever has it. Its owner sees it, everybody else the empty text.
    host_room_url: String,
    /// The page of its room, for people: who meets there now, and the way in.
    lobby_url: String,
    /// When it begins.
    #[schema(value_type = words::Time)]
    start_date: Timestamp,
    /// When it is to end.
    #[schema(value_type = words::Time)]
    end_date: Timestamp,
    /// Whether and where it is recorded.
    #[schema(value_type = words::RecordingType)]
    recording_type: RecordingType,
    /// How many people are in.
    num_clients: u32,
    /// Whether people are in, or may come: true in the phases waiting, live and grace.
    is_active: bool,
    /// Whether it is the room's current meeting.
    is_current: bool,
    /// Where it is in its life.
    #[schema(value_type = words::Phase)]
    phase: &'static str,
    /// The calendar event that it was scheduled for.
    #[schema(required)]
    calendar_event_id: Option<String>,
    /// What was said of that event, as it was given.
    #[schema(required, value_type = Value)]
    calendar_metadata: Option<serde_json::Value>,
    /// When the last of all who were in left.
    #[schema(required, value_type = Option<words::Time>)]
    last_participant_left_at: Option<Timestamp>,
    /// For how long it waits when everybody has left.
    grace_period_minutes: Minutes,
    /// When it closes next, unless something happens.
    #[schema(required, value_type = Option<words::Time>)]
    closes_at: Option<Timestamp>,
    /// Why it closes then.
    #[schema(required, value_type = Option<words::CloseReason>)]
    closes_because: Option<&'static str>,
    /// When it closed.
    #[schema(required, value_type = Option<words::Time>)]
    closed_at: Option<Timestamp>,
    /// Why it closed.
    #[schema(required, value_type = Option<words::CloseReason>)]
    close_reason: Option<&'static str>,
    /// The video provider that runs it.
    provider: String,
    /// What joining gave, and it alone: a secret of the participant, to enter a built-in room and to answer for consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    participant_token: Option<String>,
}

impl MeetingBody {
    /// A meeting as somebody sees it: the host's address lets in whoever has it, and is its owner's alone. `current` is
    /// the room's current meeting.
    pub(crate) fn of(
        loaded: &Loaded,
        engine: &Engine,
        public_url: &Url,
        current: Option<MeetingId>,
        standing: Standing,
    ) -> Self {
        let Loaded { meeting, .. } = loaded;
        let Meeting { life, room, .. } = meeting;
        let policy = engine.policy_of(loaded);
        let closing = next_closing(life, &policy);
        let closed_at = life.phase.closed_at();
        Self {
            id: meeting.id.0,
            room_id: meeting.room_id.0,
            room_name: room.as_ref().map(|room| room.name.clone()).unwrap_or_default(),
            room_url: room.as_ref().map(|room| room.url.clone()).unwrap_or_default(),
            host_room_url: room
                .as_ref()
                .filter(|_| standing == Standing::Owner)
                .and_then(|room| room.host_url.as_ref())
                .map(|url| url.expose().to_owned())
                .unwrap_or_default(),
            lobby_url: format!("{}/lobby/{}", public_url.as_str().trim_end_matches('/'), meeting.room_id),
            start_date: life.schedule.start,
            end_date: life.schedule.end,
            recording_type: meeting.settings.recording_type,
            num_clients: life.phase.humans(),
            is_active: life.phase.is_active(),
            is_current: current == Some(meeting.id),
            phase: life.phase.as_str(),
            calendar_event_id: meeting.calendar_event_id.clone(),
            calendar_metadata: meeting.calendar_metadata.clone(),
            last_participant_left_at: life.phase.last_left_at(),
            grace_period_minutes: Minutes(life.grace(&policy)),
            closes_at: closing.map(|(at, _)| at),
            closes_because: closing.map(|(_, reason)| reason.as_str()),
            closed_at,
            close_reason: closed_at.and(life.phase.close_reason()).map(|reason| reason.as_str()),
            provider: meeting.provider.to_string(),
            participant_token: None,
        }
    }

    /// A meeting as it may be shown to whoever is not its owner, or written to a file.
    pub(crate) fn without_secrets(loaded: &Loaded, engine: &Engine, public_url: &Url) -> Self {
        Self::of(loaded, engine, public_url, None, Standing::Operator)
    }
}

/// Which of a room's open meetings is the current one.
pub(crate) fn current_of(open: &[Loaded], now: Timestamp) -> Option<MeetingId> {
    admission::current(open.iter().map(|loaded| &loaded.meeting), now).map(|meeting| meeting.id)
}

/// A meeting, to whoever may see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum SeenMeeting {
    /// To those who said who they are.
    Whole(Box<MeetingBody>),
    /// To a guest.
    Guest(GuestMeetingBody),
}

/// What a guest sees of a meeting, and of the room's address when they join.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GuestMeeting, examples(examples::guest_meeting))]
pub(crate) struct GuestMeetingBody {
    /// Its id.
    id: Uuid,
    /// Where it is in its life.
    #[schema(value_type = words::Phase)]
    phase: &'static str,
    /// When it begins.
    #[schema(value_type = words::Time)]
    start_date: Timestamp,
    /// When it is to end.
    #[schema(value_type = words::Time)]
    end_date: Timestamp,
    /// How many people are in.
    num_clients: u32,
    /// Where to go, for those who joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    room_url: Option<String>,
    /// What joining gave, for those who did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    participant_token: Option<String>,
}

impl SeenMeeting {
    /// A meeting as somebody sees it who has not joined it.
    pub(crate) fn of(loaded: &Loaded, app: &App, current: Option<MeetingId>, standing: Standing) -> Self {
        let whole = MeetingBody::of(loaded, &app.engine, &app.public_url, current, standing);
        if standing != Standing::Guest {
            return Self::Whole(Box::new(whole));
        }
        let MeetingBody { id, phase, start_date, end_date, num_clients, .. } = whole;
        let (room_url, participant_token) = (None, None);
        Self::Guest(GuestMeetingBody {
            id,
            phase,
            start_date,
            end_date,
            num_clients,
            room_url,
            participant_token,
        })
    }

    /// With what joining gives: the token, and to guests the room's address.
    #[must_use]
    pub(crate) fn joined(self, url: &str, token: String) -> Self {
        match self {
            Self::Whole(whole) => {
                Self::Whole(Box::new(MeetingBody { participant_token: Some(token), ..*whole }))
            }
            Self::Guest(guest) => Self::Guest(GuestMeetingBody {
                room_url: Some(url.to_owned()),
                participant_token: Some(token),
                ..guest
            }),
        }
    }
}
