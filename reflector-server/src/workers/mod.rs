//! The only loops: each waits for the next thing to do, or for the store's bell, and calls the engine.

mod counts;
mod hands;
mod heartbeat;
mod lifecycle;
mod notices;
mod recordings;
mod runs;

use std::time::Duration;

use reflector_core::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use counts::Counts;
pub(crate) use heartbeat::Heartbeat;
pub(crate) use lifecycle::Lifecycle;
pub(crate) use notices::Post;
pub(crate) use recordings::{Intake, new_recording};
pub(crate) use runs::{Pipelines, Told};

use crate::clock::Clock;

const MICROSECOND: Duration = Duration::from_micros(1);
/// How long a loop rests when the store is ill.
const REST: Duration = Duration::from_secs(1);

/// What every loop needs.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) clock: Clock,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Worker {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, stop: CancellationToken::new(), tasks: TaskTracker::new() }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Waits until `at`, or for the bell, or for the longest rest, spread a little so that servers don't march in
    /// step. `false` when it is time to stop.
    async fn rest(&self, bell: &Notify, at: Option<Timestamp>, longest: Duration) -> bool {
        let spread = longest / 10;
        let jitter = spread.mul_f64(f64::from(crate::clock::new_id().as_fields().1 % 100) / 100.0);
        let until_due = at.map_or(longest, |at| at.since(self.now()) + MICROSECOND);
        tokio::select! {
            () = tokio::time::sleep(until_due.min(longest - jitter)) => true,
            () = bell.notified() => true,
            () = self.stop.cancelled() => false,
        }
    }

    /// Waits for the longest rest, with nothing that could ring.
    async fn pause(&self, longest: Duration) -> bool {
        self.rest(&Notify::new(), None, longest).await
    }
}

/// An error with all that lies beneath it, in one line.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(beneath) = source {
            write!(f, ": {beneath}")?;
            source = beneath.source();
        }
        Ok(())
    }
}
