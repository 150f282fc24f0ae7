//! What happens, as it happens: server-sent events of the history.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream};
use reflector_core::store::FeedPlace;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Client, Query};
use crate::contract::words;
use crate::error::Problem;
use crate::identity::Caller;
use crate::identity::access::{self, Wants};
use crate::live::{Listener, Which};
use crate::state::App;

/// The header in which a listener says what they heard last.
const LAST: &str = "last-event-id";

/// Which meetings somebody listens to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Listening {
    /// Those of this room alone, by its name or its id: needed for those who do not say who they are.
    #[param(nullable = false)]
    room: Option<String>,
}

/// What happens, as it happens: server-sent events of the history
///
/// To begin with an event `meeting` for each meeting that stands, and `ready`; from then on an `entry` of the history for
/// each change, to owners and operators, and to others the `meeting` as it is then. The data of both is a `Live`. Whoever
/// comes back sends the last `id` that they were given, and goes on from there; if that cannot be done any more, `reset`
/// comes first, and it begins anew. What came before may come again: it is known by its meeting and its `seq`. Operators
/// are sent `work` as well, when what is owed, or how far recordings and runs are, has changed.
#[utoipa::path(get, path = "/events", tag = "meetings", operation_id = "listen",
    security((), ("token" = []), ("api_key" = [])),
    params(Listening, ("last-event-id" = Option<String>, Header, nullable = false,
        description = "Where to go on: the last `id` that was given. Browsers send it by themselves.")),
    responses(
    (status = 200, description = "the events, each of this form", body = words::LiveEvent,
        content_type = "text/event-stream"),
    (status = 404, description = "there is no such room, or none that the caller may know of"),
    (status = 429, description = "they have 20 streams already")))]
pub(crate) async fn listen(
    State(app): State<App>,
    caller: Caller,
    Client(address): Client,
    headers: HeaderMap,
    Query(listening): Query<Listening>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let which = match &listening.room {
        Some(named) => Which::OfRoom(access::room(&app, &caller, named, Wants::Visit).await?.0.id),
        None => Which::OfViewer(caller.viewer()?),
    };
    let place = headers.get(LAST).and_then(|last| last.to_str().ok()).filter(|last| !last.is_empty());
    let place = place.map(|last| FeedPlace(last.to_owned()));
    let seat = app.seats.take(&caller, address)?;
    let listener = Listener::new(app, (caller, headers), which, place, seat);
    let events = stream::unfold(listener, async |mut listener| Some((Ok(listener.next().await?), listener)));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
