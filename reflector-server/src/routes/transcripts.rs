//! Transcripts: how far each has come, what it says, and doing it again.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reflector_core::TranscriptId;
use reflector_core::engine::RunError;
use reflector_core::pipeline::RestartAt;
use reflector_core::store::{LoadedTranscript, WhichTranscripts};
use reflector_pipeline::Published;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{PageQuery, Path, Query, room_asked_for};
use crate::api::{Listing, TranscriptBody};
use crate::contract::parameters::TranscriptPath;
use crate::error::Problem;
use crate::identity::Caller;
use crate::identity::access::owns;
use crate::json::Input;
use crate::state::App;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Those of this room alone, by its name or its id.
    #[param(nullable = false)]
    room: Option<String>,
}

/// Transcripts of one's own rooms, newest first
///
/// Without what was said, which is long.
#[utoipa::path(get, path = "/transcripts", tag = "transcripts", operation_id = "list_transcripts",
    params(ListQuery, PageQuery), responses(
    (status = 200, description = "a page of transcripts", body = Listing<TranscriptBody>)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(ListQuery { room }): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<TranscriptBody>>, Problem> {
    let viewer = caller.viewer()?;
    let room = room_asked_for(&app, &caller, room.as_deref()).await?;
    let which = WhichTranscripts { viewer, room, unfinished: false };
    let found = app.line.runs.store().list_transcripts(&which, page.paging()?).await?;
    let mut items = Vec::new();
    for loaded in &found.items {
        items.push(body(&app, loaded).await?.in_brief());
    }
    Ok(Json(Listing { items, total: found.total, page: page.page, size: page.size }))
}

/// A transcript, as far as it has come
#[utoipa::path(get, path = "/transcripts/{transcript}", tag = "transcripts", operation_id = "show_transcript",
    params(TranscriptPath), responses((status = 200, description = "the transcript", body = TranscriptBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TranscriptBody>, Problem> {
    Ok(Json(body(&app, &owned(&app, &caller, &id).await?).await?))
}

/// A transcript as captions
#[utoipa::path(get, path = "/transcripts/{transcript}/webvtt", tag = "transcripts", operation_id = "webvtt",
    params(TranscriptPath), responses(
    (status = 200, description = "the captions", body = String, content_type = "text/vtt"),
    (status = 404, description = "there is no such transcript, or it has no text, or none yet")))]
pub(crate) async fn webvtt(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    match said(&app, &owned(&app, &caller, &id).await?).await?.webvtt {
        Some(text) => Ok(([(header::CONTENT_TYPE, "text/vtt; charset=utf-8")], text).into_response()),
        None => Err(Problem::new(StatusCode::NOT_FOUND, "this transcript has no text, or none yet")),
    }
}

/// Where to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Restart, examples(json!({ "from": "publish" })))]
pub(crate) struct ProcessInput {
    /// A stage's name: what earlier ones made stays. Without it everything is done again.
    from: Option<String>,
}

/// Makes a transcript again: from the beginning, or from a stage
#[utoipa::path(post, path = "/transcripts/{transcript}/process", tag = "transcripts",
    operation_id = "process_transcript", params(TranscriptPath), request_body = ProcessInput, responses(
    (status = 202, description = "it waits to be worked on", body = TranscriptBody)))]
pub(crate) async fn process(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Input(ProcessInput { from }): Input<ProcessInput>,
) -> Result<(StatusCode, Json<TranscriptBody>), Problem> {
    let id = owned(&app, &caller, &id).await?.transcript.id;
    let from = from.as_deref().map_or(RestartAt::Beginning, RestartAt::Stage);
    match app.line.runs.restart(id, from, (app.clock)()).await {
        Ok(_) => Ok((StatusCode::ACCEPTED, Json(body(&app, &load(&app, id).await?).await?))),
        Err(RunError::NoSuchStage(error)) => Err(Problem::invalid("from", error)),
        Err(RunError::Store(ill)) => Err(ill.into()),
        Err(_) => Err(no_such()),
    }
}

/// Deletes what was made of a recording; the recording stays
#[utoipa::path(delete, path = "/transcripts/{transcript}", tag = "transcripts",
    operation_id = "delete_transcript", params(TranscriptPath), responses(
    (status = 204, description = "it is deleted")))]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = owned(&app, &caller, &id).await?.transcript.id;
    if app.line.runs.store().delete_transcript(id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(no_such())
    }
}

async fn body(app: &App, loaded: &LoadedTranscript) -> Result<TranscriptBody, Problem> {
    Ok(TranscriptBody::of(loaded, said(app, loaded).await?, (app.clock)()))
}

/// What its stages made so far.
async fn said(app: &App, loaded: &LoadedTranscript) -> Result<Published, Problem> {
    let made = app.line.runs.store().made(loaded.transcript.id).await?;
    Ok(Published::so_far(&loaded.transcript, &made))
}

/// The transcript of this id, for whoever owns the room of its meeting.
pub(crate) async fn owned(app: &App, caller: &Caller, id: &str) -> Result<LoadedTranscript, Problem> {
    let found = match id.parse() {
        Ok(id) => app.line.runs.store().load_transcript(id).await?,
        Err(_) => None,
    };
    let room = found.as_ref().map(|found| found.transcript.belongs_to.room);
    owns(app, caller, room, "transcript").await?;
    found.ok_or_else(no_such)
}

/// The transcript of this id, whosever it is.
pub(crate) async fn load(app: &App, id: TranscriptId) -> Result<LoadedTranscript, Problem> {
    app.line.runs.store().load_transcript(id).await?.ok_or_else(no_such)
}

fn no_such() -> Problem {
    Problem::no_such("transcript")
}
