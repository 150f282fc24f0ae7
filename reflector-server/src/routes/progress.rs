//! How far a transcript is, as it comes along: server-sent events until its run is over.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream};
use reflector_core::TranscriptId;
use reflector_core::pipeline::TranscriptStatus;
use reflector_core::store::LoadedTranscript;
use serde::Serialize;

use super::transcripts::{load, owned};
use super::{Client, Path};
use crate::api::StageBody;
use crate::contract::parameters::TranscriptPath;
use crate::contract::words;
use crate::error::Problem;
use crate::identity::Caller;
use crate::live::Seat;
use crate::state::App;

/// How often it is looked whether something has changed.
const LOOK: Duration = Duration::from_millis(500);

/// How far a transcript is.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct ProgressEvent {
    status: TranscriptStatus,
    stages: Vec<StageBody>,
}

/// What one listener has seen.
struct Watch {
    app: App,
    id: TranscriptId,
    seen: Option<ProgressEvent>,
    is_over: bool,
    _seat: Seat,
}

/// How far a transcript is, as server-sent events
///
/// One event `progress` with all stages at once, one at each change, and the end of the stream at the end of the run. A
/// listener that comes back is told how it stands.
#[utoipa::path(get, path = "/transcripts/{transcript}/events", tag = "transcripts",
    operation_id = "watch_transcript", params(TranscriptPath), responses(
    (status = 200, description = "the events, each of this form", body = words::ProgressEvent,
        content_type = "text/event-stream"),
    (status = 429, description = "they have 20 streams already")))]
pub(crate) async fn watch(
    State(app): State<App>,
    caller: Caller,
    Client(address): Client,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let id = owned(&app, &caller, &id).await?.transcript.id;
    let _seat = app.seats.take(&caller, address)?;
    let watch = Watch { app, id, seen: None, is_over: false, _seat };
    let events = stream::unfold(watch, |mut watch| async move { Some((Ok(watch.next().await?), watch)) });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

impl Watch {
    /// The next event. Nothing once the run is over, the transcript gone, or this process to stop.
    async fn next(&mut self) -> Option<Event> {
        while !self.is_over && !self.app.is_stopping() {
            // A store that is away for a moment ends it: listeners come back by themselves.
            let loaded = load(&self.app, self.id).await.ok()?;
            self.is_over = loaded.transcript.run.is_over();
            if let Some(event) = self.changed(&loaded) {
                return Some(event);
            }
            tokio::time::sleep(LOOK).await;
        }
        None
    }

    fn changed(&mut self, loaded: &LoadedTranscript) -> Option<Event> {
        let now = ProgressEvent { status: loaded.transcript.run.status(), stages: StageBody::all_of(loaded) };
        if self.seen.as_ref() == Some(&now) {
            return None;
        }
        let event = Event::default().event("progress").json_data(&now).ok()?;
        self.seen = Some(now);
        Some(event)
    }
}
