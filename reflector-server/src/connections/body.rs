//! The bodies of a request and of its answer, which tell whether the connection waits for the other side.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use super::Held;

/// A request that has begun.
pub(super) struct Asked {
    held: Arc<Held>,
    has_body: bool,
}

impl Asked {
    /// None if its connection has given way meanwhile.
    pub(super) fn begin(held: &Arc<Held>, request: &Request<Incoming>) -> Option<Self> {
        held.has_head();
        let has_body = !request.body().is_end_stream();
        let goes_on = if has_body { held.begins_to_read() } else { held.begins() };
        goes_on.then(|| Self { held: Arc::clone(held), has_body })
    }

    /// Its body, which says when it is there, or that nobody wants it.
    pub(super) fn reading(self, body: Incoming) -> Reading {
        Reading { body, held: self.has_body.then_some(self.held) }
    }
}

/// The body of a request.
pub(super) struct Reading {
    body: Incoming,
    /// As long as it is waited for.
    held: Option<Arc<Held>>,
}

impl Reading {
    fn is_there(&mut self) {
        if let Some(held) = self.held.take() {
            held.begins();
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.is_there();
    }
}

impl http_body::Body for Reading {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) || self.body.is_end_stream() {
            self.is_there();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. Once it is sent, or given up, the next request is waited for.
pub(super) struct Answered {
    body: Body,
    held: Arc<Held>,
}

impl Answered {
    pub(super) fn new(body: Body, held: Arc<Held>) -> Self {
        Self { body, held }
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.held.ends();
    }
}

impl http_body::Body for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
