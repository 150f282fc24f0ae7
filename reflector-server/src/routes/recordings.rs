//! Recordings: which there are and whose, and what is done with those that stand still.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reflector_core::engine::{Attachment, Requeued};
use reflector_core::recording::{ObjectVersion, RecordingStatus, SourceError};
use reflector_core::store::{LoadedRecording, Viewer, WhichRecordings};
use reflector_core::{MeetingId, RecordingId, RoomId};
use serde::Deserialize;
use tracing::warn;

use super::meetings::Nothing;
use super::{PageQuery, Path, Query};
use crate::api::{Listing, RecordingBody};
use crate::error::Problem;
use crate::json::Input;
use crate::named::room_named;
use crate::state::App;
use crate::workers::Chain;

#[derive(Debug, Deserialize)]
pub(crate) struct ListQuery {
    status: Option<RecordingStatus>,
    room: Option<String>,
}

pub(crate) async fn list(
    State(app): State<App>,
    Query(ListQuery { status, room }): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<RecordingBody>>, Problem> {
    let room = match room {
        Some(named) => Some(room_id(&app, &named).await?),
        None => None,
    };
    let which = WhichRecordings { viewer: Viewer::Operator, status, room };
    let found = app.recordings.store().list_recordings(&which, page.paging()?).await?;
    let items = found.items.iter().map(RecordingBody::from).collect();
    Ok(Json(Listing { items, total: found.total, page: page.page, size: page.size }))
}

/// A room to look for recordings of: by its id also one that was deleted.
async fn room_id(app: &App, named: &str) -> Result<RoomId, Problem> {
    if let Ok(id) = named.parse() {
        return Ok(id);
    }
    let room = room_named(app.engine.store(), named).await?;
    room.map(|room| room.id).ok_or_else(|| Problem::invalid("room", "there is no such room"))
}

pub(crate) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<RecordingBody>, Problem> {
    Ok(Json(RecordingBody::from(&loaded(&app, id_of(&id)?).await?.recording)))
}

/// Erases the object first: a recording whose object stays would be gone from sight and not from the bucket.
pub(crate) async fn delete(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let LoadedRecording { recording, .. } = loaded(&app, id_of(&id)?).await?;
    erase(&app, &recording.object).await?;
    if app.recordings.store().delete_recording(recording.id, (app.clock)()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(no_such())
    }
}

async fn erase(app: &App, object: &ObjectVersion) -> Result<(), Problem> {
    let Some(feed) = app.feeds.iter().find(|feed| feed.holds(object)) else {
        return Err(Problem::new(
            StatusCode::BAD_GATEWAY,
            format!(
                "nothing was deleted: this server has no source that holds {}; set REFLECTOR_RECORDINGS_DIR for a \
                 folder, AWS_PROCESS_RECORDING_QUEUE_URL for a bucket",
                object.bucket
            ),
        ));
    };
    feed.source.erase(object).await.map_err(|error| {
        warn!(source = feed.name, error = %Chain(&error), "an object could not be erased");
        let detail = match &error {
            SourceError::Refused { detail } => format!("nothing was deleted: {detail}"),
            error => format!("nothing was deleted, try again later: {error}"),
        };
        Problem::new(StatusCode::BAD_GATEWAY, detail)
    })
}

pub(crate) async fn requeue(
    State(app): State<App>,
    Path(id): Path<String>,
    Input(Nothing {}): Input<Nothing>,
) -> Result<(StatusCode, Json<RecordingBody>), Problem> {
    match app.recordings.requeue(id_of(&id)?).await? {
        Requeued::Queued(recording) => Ok((StatusCode::ACCEPTED, Json(RecordingBody::from(&*recording)))),
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
    Path(id): Path<String>,
    Input(AttachInput { meeting_id }): Input<AttachInput>,
) -> Result<(StatusCode, Json<RecordingBody>), Problem> {
    let id = loaded(&app, id_of(&id)?).await?.recording.id;
    match app.recordings.attach(id, meeting_id).await? {
        Attachment::Attached(recording) => Ok((StatusCode::ACCEPTED, Json(RecordingBody::from(&*recording)))),
        Attachment::NoSuchRecording => Err(no_such()),
        Attachment::NoSuchMeeting => Err(Problem::invalid("meeting_id", "there is no such meeting")),
    }
}

fn id_of(id: &str) -> Result<RecordingId, Problem> {
    id.parse().map_err(|_| no_such())
}

async fn loaded(app: &App, id: RecordingId) -> Result<LoadedRecording, Problem> {
    app.recordings.store().load_recording(id).await?.ok_or_else(no_such)
}

fn no_such() -> Problem {
    Problem::no_such("recording")
}
