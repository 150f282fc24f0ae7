//! The bytes of a connection, and how long the other side may take with them.

use std::io::{self, IoSlice};
use std::pin::Pin;
#[cfg(test)]
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

#[cfg(test)]
use super::Held;
use super::table::Place;

/// How long the head of a request may take, from its first byte to its last.
const HEAD: Duration = Duration::from_secs(10);
/// How long the other side may read nothing of what it is sent.
const READING: Duration = Duration::from_secs(30);

/// A connection whose other side is not waited for without end. It has its place for as long as it is there, whatever
/// it becomes.
#[derive(Debug)]
pub(super) struct Wire<S = TcpStream> {
    stream: S,
    place: Place,
    /// Runs from the first byte of a request until all of its head is there; and how many heads had come before it.
    head: Option<(u64, Pin<Box<Sleep>>)>,
    /// Runs while the other side reads nothing.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S, place: Place) -> Self {
        Self { stream, place, head: None, stuck: None }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.place.held)
    }

    /// What came of writing, and whether it takes too long.
    fn written<T>(&mut self, outcome: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            if self.stuck.take().is_some() {
                self.place.held.goes_on();
            }
            return outcome;
        }
        let stuck = self.stuck.get_or_insert_with(|| {
            self.place.held.is_stuck();
            Box::pin(sleep(READING))
        });
        ready!(stuck.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut this.stream).poll_read(context, buffer);
        let heads = this.place.held.heads();
        if this.head.as_ref().is_some_and(|(begun, _)| *begun != heads) {
            this.head = None;
        }
        if this.place.held.is_past_the_head() {
            return outcome;
        }
        if buffer.filled().len() > before {
            this.head.get_or_insert_with(|| (heads, Box::pin(sleep(HEAD))));
        }
        if let Some((_, head)) = &mut this.head
            && head.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.written(outcome, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(context, bytes);
        this.written(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What a socket has taken is on its way.
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
