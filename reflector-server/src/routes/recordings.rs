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

use super::meetings::Nothing;
use super::{PageQuery, Path, Query, room_asked_for};
use crate::api::{Listing, RecordingBody};
use crate::error::Problem;
use crate::identity::Caller;
use crate::identity::access::owns;
use crate::json::Input;
use crate::state::App;
use crate::workers::Chain;

#[derive(Debug, Deserialize)]
pub(crate) struct ListQuery {
    status: Option<RecordingStatus>,
    room: Option<String>,
}

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

pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RecordingBody>, Problem> {
    Ok(Json(RecordingBody::of(&owned(&app, &caller, &id).await?, app.line.runs.store()).await?))
}

/// Erases the object first: a recording whose object stays would be gone from sight and not from the bucket.
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

#[derive(Debug, Deserialize)]
pub(crate) struct AttachInput {
    meeting_id: MeetingId,
}

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
