//! Recordings: which there are and whose, and what is done with those that stand still.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reflector_core::engine::{Attachment, Requeued};
use reflector_core::recording::{ObjectVersion, Recording, RecordingStatus, SourceError};
use reflector_core::store::WhichRecordings;
use reflector_core::{MeetingId, RecordingId};
use serde::Deserialize;
use tracing::warn;
use utoipa::{IntoParams, ToSchema};

use super::meetings::Nothing;
use super::{PageQuery, Path, Query, room_asked_for};
use crate::api::{Listing, RecordingBody};
use crate::contract::parameters::RecordingPath;
use crate::contract::words;
use crate::error::Problem;
use crate::identity::Caller;
use crate::identity::access::owns;
use crate::json::Input;
use crate::state::App;
use crate::workers::Chain;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Those of this status alone.
    #[param(value_type = Option<words::RecordingStatus>)]
    status: Option<RecordingStatus>,
    /// Those of this room alone, by its name or its id.
    #[param(nullable = false)]
    room: Option<String>,
}

/// Recordings of one's own rooms, newest first
///
/// Operators see all of them, also those of which nobody knows the meeting.
#[utoipa::path(get, path = "/recordings", tag = "recordings", operation_id = "list_recordings",
    params(ListQuery, PageQuery), responses(
    (status = 200, description = "a page of recordings", body = Listing<RecordingBody>)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(ListQuery { status, room }): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<RecordingBody>>, Problem> {
    let viewer = caller.viewer()?;
    let room = room_asked_for(&app, &caller, room.as_deref()).await?;
    let which = WhichRecordings { viewer, status, room };
    let found = app.recordings.store().list_recordings(&which, page.paging()?).await?;
    let items = RecordingBody::all_of(&found.items, app.line.runs.store()).await?;
    Ok(Json(Listing { items, total: found.total, page: page.page, size: page.size }))
}

/// A recording
#[utoipa::path(get, path = "/recordings/{recording}", tag = "recordings", operation_id = "show_recording",
    params(RecordingPath), responses((status = 200, description = "the recording", body = RecordingBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RecordingBody>, Problem> {
    Ok(Json(RecordingBody::of(&owned(&app, &caller, &id).await?, app.line.runs.store()).await?))
}

/// Erases a recording and its object
///
/// The object goes first: a recording whose object stays would be gone from sight and not from the bucket.
#[utoipa::path(delete, path = "/recordings/{recording}", tag = "recordings", operation_id = "delete_recording",
    params(RecordingPath), responses(
    (status = 204, description = "it is erased"),
    (status = 502, description = "its object could not be erased, so nothing was deleted")))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let recording = owned(&app, &caller, &id).await?;
    erase(&app, &recording.object).await?;
    if app.recordings.store().delete_recording(recording.id, (app.clock)()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(no_such())
    }
}

async fn erase(app: &App, object: &ObjectVersion) -> Result<(), Problem> {
    app.line.objects.erase(object).await.map_err(|error| {
        warn!(bucket = object.bucket, error = %Chain(&error), "an object could not be erased");
        let detail = match &error {
            SourceError::Refused { detail } => format!("nothing was deleted: {detail}"),
            error => format!("nothing was deleted, try again later: {error}"),
        };
        Problem::new(StatusCode::BAD_GATEWAY, detail)
    })
}

/// Has a recording worked on again, from the start
#[utoipa::path(post, path = "/recordings/{recording}/requeue", tag = "recordings",
    operation_id = "requeue_recording", params(RecordingPath), request_body = Nothing, responses(
    (status = 202, description = "it waits to be worked on", body = RecordingBody),
    (status = 409, description = "nobody knows which meeting it is of: attach it to one, which queues it too")))]
pub(crate) async fn requeue(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Input(Nothing {}): Input<Nothing>,
) -> Result<(StatusCode, Json<RecordingBody>), Problem> {
    let id = owned(&app, &caller, &id).await?.id;
    match app.recordings.requeue(id).await? {
        Requeued::Queued(recording) => {
            Ok((StatusCode::ACCEPTED, Json(RecordingBody::of(&recording, app.line.runs.store()).await?)))
        }
        Requeued::NoSuchRecording => Err(no_such()),
        Requeued::Unmatched => Err(Problem::new(
            StatusCode::CONFLICT,
            "nobody knows which meeting this recording is of: attach it to one, which queues it too",
        )),
    }
}

/// Which meeting a recording is of.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Attachment)]
pub(crate) struct AttachInput {
    /// The meeting's id.
    #[schema(value_type = uuid::Uuid)]
    meeting_id: MeetingId,
}

/// Says which meeting a recording is of; for operators
#[utoipa::path(post, path = "/recordings/{recording}/attach", tag = "recordings",
    operation_id = "attach_recording", params(RecordingPath), request_body = AttachInput, responses(
    (status = 202, description = "it waits to be worked on", body = RecordingBody)))]
pub(crate) async fn attach(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Input(AttachInput { meeting_id }): Input<AttachInput>,
) -> Result<(StatusCode, Json<RecordingBody>), Problem> {
    caller.operator()?;
    let id = owned(&app, &caller, &id).await?.id;
    match app.recordings.attach(id, meeting_id, (app.clock)()).await? {
        Attachment::Attached(recording) => {
            Ok((StatusCode::ACCEPTED, Json(RecordingBody::of(&recording, app.line.runs.store()).await?)))
        }
        Attachment::NoSuchRecording => Err(no_such()),
        Attachment::NoSuchMeeting => Err(Problem::invalid("meeting_id", "there is no such meeting")),
    }
}

/// The recording of this id, for whoever owns the room of its meeting; one without a meeting is the operators'.
async fn owned(app: &App, caller: &Caller, id: &str) -> Result<Recording, Problem> {
    let found = match id.parse::<RecordingId>() {
        Ok(id) => app.recordings.store().load_recording(id).await?,
        Err(_) => None,
    };
    let room = found.as_ref().and_then(|found| found.recording.belongs_to).map(|belongs| belongs.room);
    owns(app, caller, room, "recording").await?;
    found.map(|found| found.recording).ok_or_else(no_such)
}

fn no_such() -> Problem {
    Problem::no_such("recording")
}
