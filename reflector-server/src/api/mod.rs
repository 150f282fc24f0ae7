//! What goes over the wire, and nothing that is kept looks like it by accident.

mod live;
mod transcript;

use reflector_core::engine::Engine;
use reflector_core::lifecycle::{CloseMode, Overtime, Wake, next_closing};
use reflector_core::recording::Recording;
use reflector_core::store::{Entry, Loaded, StoreError, TranscriptStore};
use reflector_core::{Meeting, OnDenied, RecordingTrigger, RecordingType, Room, RoomMode, Timestamp};
use serde::Serialize;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

use crate::explain;
use crate::identity::access::Standing;
use crate::state::App;

pub(crate) use live::LiveBody;
pub(crate) use transcript::{StageBody, TranscriptBody};

/// A room.
#[derive(Debug, Serialize)]
pub(crate) struct RoomBody {
    id: Uuid,
    name: String,
    owner: String,
    is_locked: bool,
    room_mode: RoomMode,
    recording_type: RecordingType,
    recording_trigger: RecordingTrigger,
    is_shared: bool,
    guests: bool,
    grace_period_minutes: Option<Minutes>,
    overtime_minutes: Option<OvertimeBody>,
    provider: Option<String>,
    on_denied: OnDenied,
    /// What messages to it are signed with is told to nobody.
    webhook_url: Option<String>,
    created_at: Timestamp,
}

/// A number of minutes, or the word `never`.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum OvertimeBody {
    /// So many minutes.
    Minutes(Minutes),
    /// Without a bound of its own.
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

/// A meeting.
#[derive(Debug, Serialize)]
pub(crate) struct MeetingBody {
    id: Uuid,
    room_id: Uuid,
    room_name: String,
    room_url: String,
    host_room_url: String,
    lobby_url: String,
    start_date: Timestamp,
    end_date: Timestamp,
    recording_type: RecordingType,
    num_clients: u32,
    is_active: bool,
    is_current: bool,
    phase: &'static str,
    calendar_event_id: Option<String>,
    calendar_metadata: Option<serde_json::Value>,
    last_participant_left_at: Option<Timestamp>,
    grace_period_minutes: Minutes,
    closes_at: Option<Timestamp>,
    closes_because: Option<&'static str>,
    closed_at: Option<Timestamp>,
    close_reason: Option<&'static str>,
    provider: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    participant_token: Option<String>,
}

impl MeetingBody {
    /// A meeting as somebody sees it: the host's address lets in whoever has it, and is its owner's alone. `current` is
    /// the room's current meeting.
    pub(crate) fn of(
        loaded: &Loaded,
        engine: &Engine,
        public_url: &Url,
        current: Option<reflector_core::MeetingId>,
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

/// A meeting, to whoever may see it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum SeenMeeting {
    /// To those who said who they are.
    Whole(Box<MeetingBody>),
    /// To a guest.
    Guest(GuestMeetingBody),
}

/// What a guest sees of a meeting, and of the room's address when they join.
#[derive(Debug, Serialize)]
pub(crate) struct GuestMeetingBody {
    id: Uuid,
    phase: &'static str,
    start_date: Timestamp,
    end_date: Timestamp,
    num_clients: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    participant_token: Option<String>,
}

impl SeenMeeting {
    /// A meeting as somebody sees it who has not joined it.
    pub(crate) fn of(
        loaded: &Loaded,
        app: &App,
        current: Option<reflector_core::MeetingId>,
        standing: Standing,
    ) -> Self {
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

/// A recording.
#[derive(Debug, Serialize)]
pub(crate) struct RecordingBody {
    id: Uuid,
    bucket_name: String,
    object_key: String,
    version: String,
    revision: u32,
    size: u64,
    recorded_at: Option<Timestamp>,
    meeting_id: Option<Uuid>,
    room_id: Option<Uuid>,
    status: &'static str,
    error: Option<String>,
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

/// A line of a meeting's history.
#[derive(Debug, Serialize)]
pub(crate) struct EntryBody {
    seq: u64,
    at: Timestamp,
    recorded_at: Timestamp,
    source: reflector_core::store::Source,
    event: &'static str,
    delivery_id: Option<String>,
    outcome: &'static str,
    reason: Option<String>,
    phase: &'static str,
    num_clients: u32,
    /// The same for a person to read.
    sentence: String,
}

impl From<&Entry> for EntryBody {
    fn from(entry: &Entry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at,
            recorded_at: entry.recorded_at,
            source: entry.source,
            event: entry.event.name(),
            delivery_id: entry.delivery_id.clone(),
            outcome: if entry.ignored.is_some() { "ignored" } else { "applied" },
            reason: reason(entry),
            phase: entry.phase.as_str(),
            num_clients: entry.phase.humans(),
            sentence: explain::sentence(entry),
        }
    }
}

/// Why an event changed nothing, or what a deadline was for.
fn reason(entry: &Entry) -> Option<String> {
    if let Some(ignored) = entry.ignored {
        return Some(ignored.to_string());
    }
    let wake = entry.wake?;
    let kept_open = entry.phase.is_active();
    Some(match wake {
        Wake::OpeningGivenUp => "provider_unavailable".to_owned(),
        Wake::Close(reason) | Wake::Force(reason) if kept_open => {
            let observing = entry.policy.close == CloseMode::Observe;
            format!(
                "{} {reason}",
                if observing {
                    "would close:"
                } else {
                    "withheld, because we do not hear the provider or closes are on hold:"
                }
            )
        }
        Wake::Close(reason) | Wake::Force(reason) => reason.to_string(),
        Wake::Unconfirmed => "unconfirmed".to_owned(),
        Wake::Announce => "closing_soon".to_owned(),
        Wake::Ask => "asked the provider who is in".to_owned(),
    })
}

/// A listing.
#[derive(Debug, Serialize)]
pub(crate) struct Listing<T> {
    /// The items of this page.
    pub(crate) items: Vec<T>,
    /// How many there are in all.
    pub(crate) total: u64,
    /// Which page this is, from 1.
    pub(crate) page: u64,
    /// How many items a page has at the most.
    pub(crate) size: u64,
}

/// A span in minutes: a whole number where it is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Minutes(pub(crate) Duration);

impl Serialize for Minutes {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        if self.0.subsec_nanos() == 0 && self.0.as_secs().is_multiple_of(60) {
            out.serialize_u64(self.0.as_secs() / 60)
        } else {
            out.serialize_f64(self.0.as_secs_f64() / 60.0)
        }
    }
}
