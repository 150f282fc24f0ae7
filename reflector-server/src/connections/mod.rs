//! The connections of a listener: how many there are, whose, and how long each may take. Whoever is slow holds a place
//! until somebody else needs it, and never a worker.
//!
//! A connection *waits* while its next request is not there yet, to the last byte of its body, and while its other side
//! does not read what it is answered. When there is no place left, the one that has waited longest gives way: whoever
//! dribbles is older than whoever sends what they have to say at once. What is in hand is finished, sockets of the
//! built-in provider's rooms and streams included.

mod body;
mod bounds;
mod held;
mod table;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use body::{Answered, Asked};
pub use bounds::Bounds;
pub(crate) use bounds::default_bound;
pub(crate) use held::Held;
use table::{Admission, Place, Table};
use wire::Wire;

use crate::metrics::ConnectionMetrics;

/// How long a connection may rest between two requests. Longer than the usual proxy lets one rest (60 s), so that none
/// sends a request into a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(75);
/// How much of a request's head is read before it is refused.
const HEAD: usize = 32 * 1024;
/// How long a new connection is left alone by a server that stops: its first request may be on the way.
const FIRST: Duration = Duration::from_secs(1);
/// How long nothing is taken after the system could give no connection.
const REST: Duration = Duration::from_millis(50);

/// A listener and what it serves.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) bounds: Bounds,
    pub(crate) metrics: ConnectionMetrics,
    /// From when on answers say that the connection ends with them, so that nobody sends another request into one that
    /// is about to be closed.
    pub(crate) stopping: Arc<AtomicBool>,
    /// From when on nothing new is taken, and what is there ends once it is answered.
    pub(crate) close: CancellationToken,
}

impl Door {
    /// Serves until it is closed and all that was taken is finished.
    pub(crate) async fn serve(self) {
        let table = Arc::new(Table::new(self.bounds.clone(), self.metrics.clone()));
        let lines = TaskTracker::new();
        loop {
            let taken = tokio::select! {
                taken = self.listener.accept() => taken,
                () = self.close.cancelled() => break,
            };
            match taken {
                Ok(taken) => {
                    self.take(taken, &table, &lines).await;
                    // It is listened to before the next one comes, for which it may have to give way.
                    yield_now().await;
                }
                Err(error) if is_the_callers(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "connections cannot be taken: are there too few open files?");
                    table.make_room();
                    sleep(REST).await;
                }
            }
        }
        // Whoever the system let in already has been told that we are here.
        while let Some(Ok(taken)) = self.listener.accept().now_or_never() {
            self.take(taken, &table, &lines).await;
        }
        drop(self.listener);
        lines.close();
        lines.wait().await;
    }

    async fn take(&self, (stream, peer): (TcpStream, SocketAddr), table: &Arc<Table>, lines: &TaskTracker) {
        let place = loop {
            match table.admit(peer.ip()) {
                Admission::In(place) => break place,
                Admission::Refused => return,
                // All are in hand: the next waits in the system's queue meanwhile.
                Admission::Full => tokio::select! {
                    () = table.freed() => {}
                    () = self.close.cancelled() => return,
                },
            }
        };
        let line = Line {
            peer,
            held: Arc::clone(&place.held),
            router: self.router.clone(),
            stopping: Arc::clone(&self.stopping),
            close: self.close.clone(),
        };
        lines.spawn(line.serve(stream, place));
    }
}

/// One connection.
struct Line {
    peer: SocketAddr,
    held: Arc<Held>,
    router: Router,
    stopping: Arc<AtomicBool>,
    close: CancellationToken,
}

impl Line {
    async fn serve(self, stream: TcpStream, place: Place) {
        // Without it a short answer may wait for the other side's acknowledgement.
        let _ = stream.set_nodelay(true);
        let (held, close, begun) = (Arc::clone(&self.held), self.close.clone(), Instant::now());
        let wire = Wire::new(stream, place);
        let line = Arc::new(self);
        let service = service_fn(move |request| Arc::clone(&line).answer(request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .max_buf_size(HEAD)
            .serve_connection(TokioIo::new(wire), service)
            .with_upgrades();
        tokio::pin!(connection);
        let closing = async {
            close.cancelled().await;
            // An older one that has asked nothing yet has had its time.
            let _ = timeout_at(begun + FIRST, held.asked()).await;
        };
        tokio::select! {
            // Why a connection ended is nobody's business but the caller's.
            _ = connection.as_mut() => return,
            () = held.gone() => return,
            () = closing => connection.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            _ = connection => {}
            () = held.gone() => {}
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> io::Result<Response> {
        let Some(asked) = Asked::begin(&self.held, &request) else {
            return Err(io::ErrorKind::ConnectionAborted.into());
        };
        let mut request = request.map(|body| Body::new(asked.reading(body)));
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(Arc::clone(&self.held));
        let Ok(mut answer) = self.router.clone().oneshot(request).await;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            // What it becomes has bounds of its own.
            self.held.stays();
            return Ok(answer);
        }
        if self.stopping.load(Ordering::SeqCst) {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let held = Arc::clone(&self.held);
        Ok(answer.map(|body| Body::new(Answered::new(body, held))))
    }
}

/// Whether nothing is wrong here: somebody hung up before they were let in.
fn is_the_callers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests;
