//! What happens, as it happens: server-sent events of the history.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream};
use reflector_core::store::FeedPlace;
use serde::Deserialize;

use super::{Client, Query};
use crate::error::Problem;
use crate::identity::Caller;
use crate::identity::access::{self, Wants};
use crate::live::{Listener, Which};
use crate::state::App;

/// The header in which a listener says what they heard last.
const LAST: &str = "last-event-id";

/// Which meetings somebody listens to.
#[derive(Debug, Deserialize)]
pub(crate) struct Listening {
    room: Option<String>,
}

/// What stands, and from then on each change; from where they were, for those who come back.
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
