//! The sockets: one for each tab that is in a room.
//!
//! A page says `{"token":"…","connection":"<of before>"}` and hears `{"connection":"…","humans":2}`, then
//! `{"humans":n}` and `{"closing_soon":"<instant>"}` when they change, and `{"closed":true}` at the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::future::BoxFuture;
use reflector_core::Timestamp;
use reflector_core::store::{Attach, Attached, Latest, Leaving, Left, Renewed, Seat};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use uuid::Uuid;

use super::audience::News;
use super::places::{ClientAddress, Place};
use super::report::Did;
use super::{Meet, page, token_hash};

/// How many connections may be in a room.
const CONNECTIONS_PER_ROOM: usize = 200;
/// How many sockets an address may hold.
const SOCKETS_PER_ADDRESS: usize = 20;
/// How long a message may be, in bytes.
const MESSAGE: usize = 1024;
/// For how long the other side may take to hear what it is told.
const SENDING: Duration = Duration::from_secs(5);
const GOODBYE: Duration = Duration::from_secs(1);

/// The pages of the rooms, and their sockets.
pub fn router(meet: Arc<Meet>) -> Router {
    Router::new()
        .route("/meet/{name}", get(page::room))
        .route("/meet/{name}/socket", get(open))
        .route("/meet/assets/{file}", get(page::asset))
        .with_state(meet)
}

async fn open(
    State(meet): State<Arc<Meet>>,
    Path(room): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !meet.welcomes(&headers) {
        return (StatusCode::FORBIDDEN, "pages of other origins may not come in").into_response();
    }
    let told = extensions.get::<ClientAddress>().map(|address| address.0);
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let Some(address) = told.or(peer) else {
        tracing::error!("the address of a socket is not known: serve with connect info");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Some(place) = meet.places.take(address, SOCKETS_PER_ADDRESS) else {
        return (StatusCode::TOO_MANY_REQUESTS, "too many connections from this address").into_response();
    };
    let upgrade = upgrade.max_message_size(MESSAGE).max_frame_size(MESSAGE);
    upgrade.on_upgrade(move |socket| {
        let tasks = meet.tasks.clone();
        tasks.track_future(attend(meet, room, socket, place))
    })
}

/// One tab in a room, from the first message until it is known to have left.
async fn attend(meet: Arc<Meet>, room: String, mut socket: WebSocket, place: Place) {
    let Some(hello) = hello(&mut socket, meet.timing.first_message).await else {
        return goodbye(socket, close_code::POLICY, "begin with the token that joining gave").await;
    };
    // Listening begins before joining, so that nothing is missed in between.
    let news = meet.builtin.audience.listen(&room);
    let now = (meet.clock)();
    let until = now + meet.timing.pong_within;
    let attach = Attach {
        room,
        token: token_hash(&hello.token),
        before: hello.connection.as_deref().and_then(|id| id.parse().ok()),
        fresh: Uuid::new_v4(),
        until,
        limit: CONNECTIONS_PER_ROOM,
    };
    let (seat, latest, joined) = match meet.builtin.connections.attach(attach, now).await {
        Ok(Attached::Joined { seat, latest }) => (seat, latest, true),
        Ok(Attached::Resumed { seat, latest }) => (seat, latest, false),
        Ok(Attached::BadToken) => {
            return goodbye(socket, close_code::POLICY, "join again for a new token").await;
        }
        Ok(Attached::Full) => return goodbye(socket, close_code::AGAIN, "the meeting is full").await,
        Ok(Attached::Closed) => return farewell(socket).await,
        Err(error) => {
            tracing::warn!(%error, "somebody could not come in");
            return goodbye(socket, close_code::AGAIN, "try again").await;
        }
    };
    meet.builtin.audience.counted(&seat.room, latest);
    let mut session = Session { meet: &meet, seat: &seat, socket, news, shown: None, until };
    let mut arrival: BoxFuture<'_, ()> = Box::pin(async {
        if joined {
            meet.report(&seat, Did::Join, latest).await;
        }
    });
    let ended = session.run(&mut arrival).await;
    let arrived = session.shown.is_some();
    let parting = async {
        session.part(ended).await;
        drop(place);
    };
    let leaving = async {
        if !arrived && ended.may_leave() {
            // A joining that is on its way must be told before the leaving.
            arrival.await;
        }
        depart(&meet, &seat, ended).await;
    };
    tokio::join!(leaving, parting);
}

#[derive(Deserialize)]
struct Hello {
    token: String,
    connection: Option<String>,
}

async fn hello(socket: &mut WebSocket, patience: Duration) -> Option<Hello> {
    let first = async {
        loop {
            match socket.recv().await? {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                _ => return None,
            }
        }
    };
    timeout(patience, first).await.ok().flatten()
}

/// How a socket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// The page said that it leaves.
    Said,
    /// The socket broke: the page may come back in another one.
    Dropped,
    /// There was no sign of life for too long.
    Silent,
    /// The room is closed.
    Closed,
    /// The connection goes on in another socket, or has left.
    Gone,
    /// The server stops.
    Stopping,
}

impl Ended {
    fn may_leave(self) -> bool {
        matches!(self, Self::Said | Self::Dropped | Self::Silent)
    }
}

struct Session<'a> {
    meet: &'a Meet,
    seat: &'a Seat,
    socket: WebSocket,
    news: watch::Receiver<News>,
    /// What the page was told last; nothing before the welcome.
    shown: Option<Shown>,
    until: Timestamp,
}

#[derive(Clone, Copy)]
struct Shown {
    humans: u32,
    closing_soon: Option<Timestamp>,
}

impl Session<'_> {
    async fn run(&mut self, arrival: &mut BoxFuture<'_, ()>) -> Ended {
        let every = self.meet.timing.ping_every;
        let mut ping = interval_at(Instant::now() + every, every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // What the page says stands first: after a pause of ours its signs of life are waiting there.
            let done = tokio::select! { biased;
                () = self.meet.stopping.cancelled() => Err(Ended::Stopping),
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Pong(_))) => self.renew().await,
                    Some(Ok(Message::Close(_))) => Err(Ended::Said),
                    Some(Ok(_)) => Ok(()),
                    Some(Err(_)) | None => Err(Ended::Dropped),
                },
                () = &mut *arrival, if self.shown.is_none() => self.welcome().await,
                Ok(()) = self.news.changed() => self.tell().await,
                _ = ping.tick() => self.ask_for_life().await,
            };
            if let Err(ended) = done {
                return ended;
            }
        }
    }

    async fn welcome(&mut self) -> Result<(), Ended> {
        match self.meet.closing_soon(&self.seat.room).await {
            Ok(None) => {}
            Ok(soon) => self.meet.builtin.audience.closing_soon(&self.seat.room, soon),
            Err(error) => tracing::warn!(%error, "whether the meeting closes soon is not known"),
        }
        let humans = self.news.borrow_and_update().humans;
        self.shown = Some(Shown { humans, closing_soon: None });
        self.send(&json!({ "connection": self.seat.connection, "humans": humans })).await?;
        self.tell().await
    }

    /// Tells what has changed since the page was told last.
    async fn tell(&mut self) -> Result<(), Ended> {
        let news = *self.news.borrow_and_update();
        if news.closed {
            return Err(Ended::Closed);
        }
        let Some(shown) = self.shown else { return Ok(()) };
        self.shown = Some(Shown { humans: news.humans, closing_soon: news.closing_soon });
        if news.humans != shown.humans {
            self.send(&json!({ "humans": news.humans })).await?;
        }
        if news.closing_soon != shown.closing_soon {
            self.send(&json!({ "closing_soon": news.closing_soon })).await?;
        }
        Ok(())
    }

    async fn ask_for_life(&mut self) -> Result<(), Ended> {
        if self.until <= (self.meet.clock)() {
            return Err(Ended::Silent);
        }
        // A close that was announced may have been put off; nothing else says so.
        if self.shown.is_some_and(|shown| shown.closing_soon.is_some())
            && let Ok(soon) = self.meet.closing_soon(&self.seat.room).await
        {
            self.meet.builtin.audience.closing_soon(&self.seat.room, soon);
        }
        self.send_message(Message::Ping(Default::default())).await
    }

    async fn renew(&mut self) -> Result<(), Ended> {
        let now = (self.meet.clock)();
        self.until = now + self.meet.timing.pong_within;
        match self.meet.builtin.connections.renew(self.seat, self.until, now).await {
            Ok(Renewed::In(latest)) => self.meet.builtin.audience.counted(&self.seat.room, latest),
            Ok(Renewed::Gone) => return Err(Ended::Gone),
            Ok(Renewed::Closed) => return Err(Ended::Closed),
            Err(error) => tracing::warn!(%error, "a sign of life could not be kept"),
        }
        Ok(())
    }

    async fn send(&mut self, said: &serde_json::Value) -> Result<(), Ended> {
        self.send_message(Message::text(said.to_string())).await
    }

    async fn send_message(&mut self, message: Message) -> Result<(), Ended> {
        match timeout(SENDING, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Ended::Dropped),
        }
    }

    /// Says why the socket ends, to whoever still listens.
    async fn part(self, ended: Ended) {
        match ended {
            Ended::Closed => farewell(self.socket).await,
            Ended::Stopping => goodbye(self.socket, close_code::AWAY, "the server restarts").await,
            Ended::Said => drain(self.socket).await,
            Ended::Gone | Ended::Silent => goodbye(self.socket, close_code::AGAIN, "join again").await,
            Ended::Dropped => {
                goodbye(self.socket, close_code::POLICY, "messages are text of 1 KiB at most").await;
            }
        }
    }
}

/// Ends the connection, at once or when its lease has run out, and tells the engine.
async fn depart(meet: &Meet, seat: &Seat, ended: Ended) {
    if !ended.may_leave() {
        return;
    }
    let leaving = if ended == Ended::Said { Leaving::Now } else { Leaving::IfLapsed };
    let connections = &meet.builtin.connections;
    if ended == Ended::Dropped
        && let Err(error) = connections.detach(seat).await
    {
        tracing::warn!(%error, "a broken socket could not be noted");
    }
    loop {
        let now = (meet.clock)();
        let wait = match connections.leave(seat, leaving, now).await {
            Ok(Left::Left(latest)) => return left(meet, seat, latest).await,
            Ok(Left::Gone) => return,
            Ok(Left::NotYet { until }) => until.since(now).min(meet.timing.ping_every),
            Err(error) => {
                tracing::warn!(%error, "a leaving could not be noted; trying again");
                meet.timing.ping_every
            }
        };
        if !meet.wait(wait).await {
            return;
        }
    }
}

async fn left(meet: &Meet, seat: &Seat, latest: Latest) {
    meet.builtin.audience.counted(&seat.room, latest);
    meet.report(seat, Did::Leave, latest).await;
}

/// The meeting is over.
async fn farewell(mut socket: WebSocket) {
    let _ = timeout(GOODBYE, socket.send(Message::text(json!({ "closed": true }).to_string()))).await;
    goodbye(socket, close_code::NORMAL, "the meeting has ended").await;
}

async fn goodbye(mut socket: WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: reason.into() };
    let _ = timeout(GOODBYE, socket.send(Message::Close(Some(frame)))).await;
    drain(socket).await;
}

/// Reads on until the other side has closed as well, or the goodbye may be lost.
async fn drain(mut socket: WebSocket) {
    let _ = timeout(GOODBYE, async { while let Some(Ok(_)) = socket.recv().await {} }).await;
}
