//! What a meeting's owner does with it.

use axum::Json;
use axum::extract::State;
use reflector_core::engine::{Applied, Input as Told};
use reflector_core::lifecycle::{Event, Ignored};
use reflector_core::store::Source;
use reflector_core::{MeetingId, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Nothing, shown};
use crate::api::{EntryBody, Listing, MeetingBody};
use crate::contract::parameters::MeetingPath;
use crate::contract::words;
use crate::error::Problem;
use crate::identity::Caller;
use crate::identity::access::{Wants, meeting};
use crate::json::Input;
use crate::routes::rooms::minutes;
use crate::routes::{PageQuery, Path, Query};
use crate::state::App;

/// What can be said of a meeting. What is not named stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "end_date": "2126-11-22T10:30:00Z" })))]
pub(crate) struct MeetingChange {
    /// When it begins.
    #[schema(value_type = Option<words::Time>)]
    start_date: Option<Timestamp>,
    /// When it is to end.
    #[schema(value_type = Option<words::Time>)]
    end_date: Option<Timestamp>,
    /// For how long it waits when everybody has left; null for what its room says.
    #[serde(default, deserialize_with = "crate::routes::named")]
    #[schema(value_type = Option<words::MinutesAsked>)]
    grace_period_minutes: Option<Option<f64>>,
}

/// Changes a meeting
#[utoipa::path(patch, path = "/meetings/{meeting}", tag = "meetings", operation_id = "change_meeting",
    params(MeetingPath), request_body = MeetingChange, responses(
    (status = 200, description = "the meeting as it is now", body = MeetingBody),
    (status = 409, description = "it is over, or being closed, or its provider keeps its room no longer")))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Input(change): Input<MeetingChange>,
) -> Result<Json<MeetingBody>, Problem> {
    let (loaded, standing) = meeting(&app, &caller, &id, Wants::Own).await?;
    let id = loaded.meeting.id;
    let grace = match change.grace_period_minutes {
        Some(Some(grace)) => Some(Some(minutes("grace_period_minutes", grace)?)),
        Some(None) => Some(None),
        None => None,
    };
    if change.start_date.is_some() || change.end_date.is_some() {
        let moved = Event::Rescheduled { start: change.start_date, end: change.end_date };
        match tell(&app, id, moved).await {
            Err(TellError::Refused(Ignored::EndNotAfterStart)) if change.end_date.is_none() => {
                return Err(Problem::invalid("start_date", "the start must be before the end"));
            }
            told => told?,
        }
    }
    if let Some(grace) = grace {
        tell(&app, id, Event::GraceChanged { grace }).await?;
    }
    shown(&app, id, standing).await
}

/// A later end.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "until": "2126-11-22T11:00:00Z" })))]
pub(crate) struct Extension {
    /// After the meeting's end, and after now.
    #[schema(value_type = words::Time)]
    until: Timestamp,
}

/// Lets a meeting end later
#[utoipa::path(post, path = "/meetings/{meeting}/extend", tag = "meetings", operation_id = "extend_meeting",
    params(MeetingPath), request_body = Extension, responses(
    (status = 200, description = "the meeting as it is now", body = MeetingBody),
    (status = 409, description = "it is over, or being closed, or its provider keeps its room no longer")))]
pub(crate) async fn extend(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Input(extension): Input<Extension>,
) -> Result<Json<MeetingBody>, Problem> {
    let (loaded, standing) = meeting(&app, &caller, &id, Wants::Own).await?;
    let (schedule, now) = (loaded.meeting.life.schedule, (app.clock)());
    // The end of an unscheduled meeting is information only.
    let latest = if schedule.scheduled { schedule.end.max(now) } else { now };
    if extension.until <= latest {
        return Err(Problem::invalid("until", "use a time after the meeting's end and after now"));
    }
    tell(&app, loaded.meeting.id, Event::Rescheduled { start: None, end: Some(extension.until) }).await?;
    shown(&app, loaded.meeting.id, standing).await
}

/// Ends a meeting, whoever is in
///
/// To end what is ended is no mistake.
#[utoipa::path(post, path = "/meetings/{meeting}/end", tag = "meetings", operation_id = "end_meeting",
    params(MeetingPath), request_body = Nothing, responses(
    (status = 200, description = "the meeting, which is being closed", body = MeetingBody),
    (status = 409, description = "this deployment only observes: it closes nothing")))]
pub(crate) async fn end(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Input(Nothing {}): Input<Nothing>,
) -> Result<Json<MeetingBody>, Problem> {
    let (loaded, standing) = meeting(&app, &caller, &id, Wants::Own).await?;
    let id = loaded.meeting.id;
    match tell(&app, id, Event::EndRequested).await {
        // To end what is ended is no mistake.
        Err(TellError::Refused(Ignored::Closed | Ignored::Closing)) | Ok(()) => {
            shown(&app, id, standing).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives up a meeting's schedule: it closes, or goes on for as long as people are in
#[utoipa::path(delete, path = "/meetings/{meeting}", tag = "meetings", operation_id = "cancel_meeting",
    params(MeetingPath), responses(
    (status = 200, description = "the meeting as it is now", body = MeetingBody),
    (status = 409, description = "it is over, or being closed, or there is no schedule to cancel and people are in")))]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<MeetingBody>, Problem> {
    let (loaded, standing) = meeting(&app, &caller, &id, Wants::Own).await?;
    let id = loaded.meeting.id;
    tell(&app, id, Event::Cancelled).await?;
    shown(&app, id, standing).await
}

/// What happened to a meeting, in order
#[utoipa::path(get, path = "/meetings/{meeting}/history", tag = "meetings", operation_id = "history",
    params(MeetingPath, PageQuery), responses(
    (status = 200, description = "a page of the history", body = Listing<EntryBody>)))]
pub(crate) async fn history(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listing<EntryBody>>, Problem> {
    let (loaded, _) = meeting(&app, &caller, &id, Wants::Own).await?;
    let paging = query.paging()?;
    let limit = usize::try_from(paging.limit).unwrap_or(usize::MAX);
    let entries = app.engine.store().history(loaded.meeting.id, paging.offset, limit).await?;
    let items = entries.iter().map(EntryBody::from).collect();
    Ok(Json(Listing { items, total: loaded.entries, page: query.page, size: query.size }))
}

/// What a meeting could not be told.
enum TellError {
    Refused(Ignored),
    Problem(Problem),
}

impl From<TellError> for Problem {
    fn from(error: TellError) -> Self {
        match error {
            TellError::Refused(ignored) => Self::refused(ignored),
            TellError::Problem(problem) => problem,
        }
    }
}

async fn tell(app: &App, id: MeetingId, event: Event) -> Result<(), TellError> {
    let told = app.engine.apply(id, &Told::of(event, Source::Api), (app.clock)()).await;
    match told.map_err(|error| TellError::Problem(error.into()))? {
        Applied::Taken { ignored: None | Some(Ignored::NoChange), .. } | Applied::Duplicate => Ok(()),
        Applied::Taken { ignored: Some(ignored), .. } => Err(TellError::Refused(ignored)),
        Applied::NoSuchMeeting => Err(TellError::Problem(Problem::no_such("meeting"))),
    }
}
