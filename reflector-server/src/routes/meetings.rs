//! Meetings: the current one, scheduled ones, joining, and, in [`owned`], what their owner does with them.

pub(crate) mod owned;

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reflector_core::engine::{Applied, CurrentMeeting, Input as Told, NewScheduled, ScheduledMeeting};
use reflector_core::lifecycle::{CloseReason, Event, Ignored, Phase};
use reflector_core::store::{Loaded, Source};
use reflector_core::{MeetingId, RoomId, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Path;
use super::rooms::minutes;
use crate::api::{MeetingBody, SeenMeeting, current_of};
use crate::clock::new_id;
use crate::contract::parameters::{MeetingPath, RoomPath};
use crate::contract::{examples, words};
use crate::error::Problem;
use crate::identity::Caller;
use crate::identity::access::{Standing, Wants, meeting, room};
use crate::json::Input;
use crate::state::App;

/// A body in which nothing is asked for; what it says is ignored, if it is an object.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Nothing {}

/// How long a caller waits for the provider to make a room.
const OPENING: Duration = Duration::from_secs(10);
/// How often it is looked whether another server has made it.
const LOOK: Duration = Duration::from_millis(250);

/// The room's current meeting, made if there is none
///
/// Callers at once get the same one, and the provider is asked for one room.
#[utoipa::path(post, path = "/rooms/{room}/meeting", tag = "meetings", operation_id = "current_meeting",
    params(RoomPath), request_body = Nothing, responses(
    (status = 429, description = "the user has opened too many meetings in the last minute"),
    (status = 200, description = "the meeting", body = MeetingBody),
    (status = 502, description = "the video provider refused to make a room"),
    (status = 503, description = "the video provider has not answered in ten seconds, or the store is away; try again")))]
pub(crate) async fn current(
    State(app): State<App>,
    caller: Caller,
    Path(named): Path<String>,
    Input(Nothing {}): Input<Nothing>,
) -> Result<Json<MeetingBody>, Problem> {
    let (room, standing) = room(&app, &caller, &named, Wants::Share).await?;
    if !caller.is_operator() && current_in(&app, room.id).await?.is_none() {
        app.limits.opens(&caller)?;
    }
    let id = MeetingId(new_id());
    let CurrentMeeting::Is(loaded) =
        app.engine.current_meeting(&room, &app.provider, id, (app.clock)()).await?
    else {
        return Err(Problem::no_such("room"));
    };
    let loaded = opened(&app, *loaded).await?;
    body(&app, &loaded, standing).await.map(Json)
}

/// Waits until the provider has made the meeting's room.
async fn opened(app: &App, mut loaded: Loaded) -> Result<Loaded, Problem> {
    let by = tokio::time::Instant::now() + OPENING;
    while loaded.meeting.life.phase.is_opening() {
        let wait = LOOK.min(by.saturating_duration_since(tokio::time::Instant::now()));
        if wait.is_zero() {
            return Err(Problem::later(2, "the video provider has not answered yet; try again"));
        }
        // Listened to before it is looked at, so that no change falls in between.
        let changed = app.bell.changed.notified();
        loaded = load(app, loaded.meeting.id).await?;
        if loaded.meeting.life.phase.is_opening() {
            // Another server may make it, and ring another bell.
            let _ = tokio::time::timeout(wait, changed).await;
        }
    }
    match loaded.meeting.life.phase.close_reason() {
        Some(CloseReason::ProviderRefused) => Err(Problem::new(
            StatusCode::BAD_GATEWAY,
            "the video provider refused to make a room; see the log",
        )),
        Some(CloseReason::ProviderUnavailable) => {
            Err(Problem::later(30, "the video provider is not available"))
        }
        Some(_) => Err(Problem::later(1, "the meeting has just ended; try again")),
        None => Ok(loaded),
    }
}

/// A meeting that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(examples::new_meeting))]
pub(crate) struct NewMeeting {
    /// When it begins.
    #[schema(value_type = words::Time)]
    start_date: Timestamp,
    /// When it is to end: after its start and after now.
    #[schema(value_type = words::Time)]
    end_date: Timestamp,
    /// A calendar event, of which a room has one open meeting at the most. 1024 bytes at the most.
    #[schema(min_length = 1, max_length = 1024)]
    calendar_event_id: Option<String>,
    /// What is to be kept with it, whatever it is.
    #[schema(value_type = Value, required = false)]
    calendar_metadata: Option<serde_json::Value>,
    /// For how long it waits when everybody has left; without it as its room says.
    #[schema(value_type = Option<words::MinutesAsked>)]
    grace_period_minutes: Option<f64>,
}

/// Schedules a meeting
#[utoipa::path(post, path = "/rooms/{room}/meetings", tag = "meetings", operation_id = "schedule_meeting",
    params(RoomPath), request_body = NewMeeting, responses(
    (status = 429, description = "the user has opened too many meetings in the last minute"),
    (status = 200, description = "the open meeting of this calendar event, with these dates", body = MeetingBody),
    (status = 201, description = "the meeting", body = MeetingBody),
    (status = 409, description = "the open meeting of this calendar event cannot take these dates any more"),
    (status = 502, description = "the video provider refused to make a room"),
    (status = 503, description = "the video provider has not answered in ten seconds, or the store is away; try again")))]
pub(crate) async fn schedule(
    State(app): State<App>,
    caller: Caller,
    Path(named): Path<String>,
    Input(new): Input<NewMeeting>,
) -> Result<(StatusCode, Json<MeetingBody>), Problem> {
    let (room, standing) = room(&app, &caller, &named, Wants::Own).await?;
    let now = (app.clock)();
    if new.end_date <= new.start_date {
        return Err(Problem::invalid("end_date", "the end must be after the start"));
    }
    if new.end_date <= now {
        return Err(Problem::invalid("end_date", "the end must be in the future"));
    }
    if new.calendar_event_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > 1024) {
        return Err(Problem::invalid("calendar_event_id", "use 1 to 1024 bytes of text"));
    }
    if !caller.is_operator() && !is_there(&app, room.id, new.calendar_event_id.as_deref()).await? {
        app.limits.opens(&caller)?;
    }
    let new = NewScheduled {
        id: MeetingId(new_id()),
        start: new.start_date,
        end: new.end_date,
        calendar_event_id: new.calendar_event_id,
        calendar_metadata: new.calendar_metadata,
        grace: new.grace_period_minutes.map(|grace| minutes("grace_period_minutes", grace)).transpose()?,
    };
    let (status, id) = match app.engine.schedule_meeting(&room, &app.provider, &new, now).await? {
        ScheduledMeeting::NoSuchRoom => return Err(Problem::no_such("room")),
        ScheduledMeeting::Made(loaded) => (StatusCode::CREATED, loaded.meeting.id),
        ScheduledMeeting::Was(applied) => (StatusCode::OK, accepted(applied)?),
    };
    let loaded = opened(&app, load(&app, id).await?).await?;
    Ok((status, Json(body(&app, &loaded, standing).await?)))
}

/// Whether a room has an open meeting for this date of a calendar: then none is made for it.
async fn is_there(app: &App, room: RoomId, occurrence: Option<&str>) -> Result<bool, Problem> {
    let Some(occurrence) = occurrence else { return Ok(false) };
    let open = app.engine.store().open_meetings(room).await?;
    Ok(open.iter().any(|loaded| loaded.meeting.calendar_event_id.as_deref() == Some(occurrence)))
}

/// Who meets now: every active meeting of a room, the one that ends last first
///
/// Meetings that run over their end are among them.
#[utoipa::path(get, path = "/rooms/{room}/meetings/active", tag = "meetings", operation_id = "active_meetings",
    security((), ("token" = []), ("api_key" = [])), params(RoomPath), responses(
    (status = 429, description = "too many calls of guests from this address"),
    (status = 200, description = "the meetings; guests see little of each", body = Vec<SeenMeeting>)))]
pub(crate) async fn active(
    State(app): State<App>,
    caller: Caller,
    Path(named): Path<String>,
) -> Result<Json<Vec<SeenMeeting>>, Problem> {
    let (room, standing) = room(&app, &caller, &named, Wants::Visit).await?;
    let mut open = app.engine.store().open_meetings(room.id).await?;
    let current = current_of(&open, (app.clock)());
    open.retain(|loaded| loaded.meeting.life.phase.is_active());
    open.sort_by_key(|loaded| (std::cmp::Reverse(loaded.meeting.life.schedule.end), loaded.meeting.id));
    let seen = open.iter().map(|loaded| SeenMeeting::of(loaded, &app, current, standing));
    Ok(Json(seen.collect()))
}

/// Where to go, and a token to enter with
///
/// The meeting is kept open for whoever asked, for a short while.
#[utoipa::path(post, path = "/rooms/{room}/meetings/{meeting}/join", tag = "meetings", operation_id = "join_meeting",
    security((), ("token" = []), ("api_key" = [])), params(RoomPath, MeetingPath), request_body = Nothing, responses(
    (status = 429, description = "too many calls of guests from this address"),
    (status = 200, description = "the meeting, with `room_url` and `participant_token`", body = SeenMeeting),
    (status = 400, description = "the meeting is not active, or the body is not a JSON object"),
    (status = 403, description = "the meeting belongs to another room, or a page of another origin asked")))]
pub(crate) async fn join(
    State(app): State<App>,
    caller: Caller,
    Path((named, id)): Path<(String, String)>,
    Input(Nothing {}): Input<Nothing>,
) -> Result<Json<SeenMeeting>, Problem> {
    let (room, standing) = room(&app, &caller, &named, Wants::Visit).await?;
    let loaded = found(&app, &id).await?;
    if loaded.meeting.room_id != room.id {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the meeting belongs to another room"));
    }
    let now = (app.clock)();
    app.engine.apply(loaded.meeting.id, &Told::of(Event::JoinRequested, Source::Api), now).await?;
    let loaded = load(&app, loaded.meeting.id).await?;
    if !loaded.meeting.life.phase.is_active() {
        let detail = format!("the meeting is not active: it is {}", loaded.meeting.life.phase.as_str());
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    let token = app.participant_token(&loaded.meeting, now).await?;
    let current = current_in(&app, room.id).await?;
    let url = loaded.meeting.room.as_ref().map(|room| room.url.as_str()).unwrap_or_default();
    Ok(Json(SeenMeeting::of(&loaded, &app, current, standing).joined(url, token)))
}

/// A meeting
#[utoipa::path(get, path = "/meetings/{meeting}", tag = "meetings", operation_id = "show_meeting",
    params(MeetingPath), responses((status = 200, description = "the meeting", body = MeetingBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<MeetingBody>, Problem> {
    let (loaded, standing) = meeting(&app, &caller, &id, Wants::Share).await?;
    body(&app, &loaded, standing).await.map(Json)
}

fn accepted(applied: Applied) -> Result<MeetingId, Problem> {
    match applied {
        Applied::Taken { ignored: None | Some(Ignored::NoChange), meeting, .. } => Ok(meeting.id),
        Applied::Taken { ignored: Some(ignored), .. } => Err(Problem::refused(ignored)),
        Applied::Duplicate | Applied::NoSuchMeeting => Err(Problem::no_such("meeting")),
    }
}

/// The meeting of this id, whosever it is.
pub(super) async fn found(app: &App, id: &str) -> Result<Loaded, Problem> {
    load(app, id.parse().map_err(|_| Problem::no_such("meeting"))?).await
}

async fn load(app: &App, id: MeetingId) -> Result<Loaded, Problem> {
    app.engine.store().load(id).await?.ok_or_else(|| Problem::no_such("meeting"))
}

async fn shown(app: &App, id: MeetingId, standing: Standing) -> Result<Json<MeetingBody>, Problem> {
    let loaded = load(app, id).await?;
    body(app, &loaded, standing).await.map(Json)
}

async fn body(app: &App, loaded: &Loaded, standing: Standing) -> Result<MeetingBody, Problem> {
    let current = match loaded.meeting.life.phase {
        Phase::Closed { .. } => None,
        _ => current_in(app, loaded.meeting.room_id).await?,
    };
    Ok(MeetingBody::of(loaded, &app.engine, &app.public_url, current, standing))
}

async fn current_in(app: &App, room: RoomId) -> Result<Option<MeetingId>, Problem> {
    Ok(current_of(&app.engine.store().open_meetings(room).await?, (app.clock)()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::Body;
    use axum::http::{Request, header};
    use reflector_core::Timestamp;
    use tower::ServiceExt as _;

    use super::*;
    use crate::app::Server;
    use crate::config::{Config, Sources};
    use crate::database::Migrate;

    /// Of a server whose workers don't run, so that nobody makes a room. Time jumps to whatever is waited for.
    #[tokio::test(start_paused = true)]
    async fn whoever_asks_for_a_meeting_is_told_after_ten_seconds_to_try_again_later() {
        let environment = [("DATABASE_URL".to_owned(), "memory:".to_owned())].into();
        let config = Config::read(&Sources { environment, ..Sources::default() }).unwrap();
        let now = Timestamp::from_micros(1_790_000_000_000_000);
        let server = Server::new(&config, Migrate::Yes, Arc::new(move || now)).await.unwrap();
        let post = |path: &str, body: &'static str| {
            Request::post(path)
                .header(header::HOST, "127.0.0.1:1250")
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body))
                .unwrap()
        };
        let made = server.router().oneshot(post("/rooms", r#"{"name":"standup"}"#)).await.unwrap();
        assert_eq!(made.status(), StatusCode::CREATED);

        let asked_at = tokio::time::Instant::now();
        let answer = server.router().oneshot(post("/rooms/standup/meeting", "{}")).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "2");
        assert_eq!(asked_at.elapsed().as_secs(), 10);
    }
}
