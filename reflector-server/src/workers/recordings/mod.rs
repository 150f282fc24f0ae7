//! The loops of recordings: they take in what sources announce, look for the meetings of those without one, and compare
//! what is there with what is known. None of them calls a provider.

mod compare;
mod poll;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use reflector_core::RecordingId;
use reflector_core::engine::Recordings;
use reflector_core::recording::RecordingStatus;
use reflector_core::store::{Paging, StoreError, Viewer, WhichRecordings};
use tracing::{debug, info, warn};

use super::{Chain, Worker};
use crate::clock::new_id;
use crate::metrics::Metrics;
use crate::recordings::Feed;

/// How many take in from one source at once.
const POLLERS: usize = 4;
/// How often the meetings of recordings without one are looked for.
const MATCH: Duration = Duration::from_secs(30);

/// Takes recordings in.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) worker: Worker,
    pub(crate) recordings: Arc<Recordings>,
    pub(crate) feeds: Vec<Arc<Feed>>,
    pub(crate) metrics: Arc<Metrics>,
    /// How often what is there is compared with what is known.
    pub(crate) reconcile: Duration,
    /// Whether that is also done at the start.
    pub(crate) reconcile_at_start: bool,
}

impl Intake {
    /// Starts its loops. Without a source there is nothing to do.
    pub(crate) fn start(self) {
        if self.feeds.is_empty() {
            info!(
                "no recordings are taken in: neither AWS_PROCESS_RECORDING_QUEUE_URL nor REFLECTOR_RECORDINGS_DIR is set"
            );
            return;
        }
        let tasks = &self.worker.tasks;
        for feed in &self.feeds {
            for _ in 0..POLLERS {
                tasks.spawn(self.clone().poll_loop(Arc::clone(feed)));
            }
            tasks.spawn(self.clone().compare_loop(Arc::clone(feed)));
        }
        tasks.spawn(self.clone().match_loop());
    }

    async fn match_loop(self) {
        loop {
            if let Err(error) = self.match_all().await {
                warn!(error = %Chain(&error), "meetings of recordings cannot be looked for; trying again later");
            }
            if !self.worker.pause(MATCH).await {
                return;
            }
        }
    }

    async fn match_all(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let found = self.recordings.match_once(after, self.worker.now()).await?;
            for (recording_id, belongs) in &found.matched {
                info!(%recording_id, meeting_id = %belongs.meeting, "the meeting of a recording was found");
            }
            after = found.next;
            if after.is_none() || self.worker.stop.is_cancelled() {
                break;
            }
        }
        let which = WhichRecordings {
            viewer: Viewer::Operator,
            status: Some(RecordingStatus::Unmatched),
            room: None,
        };
        let unmatched =
            self.recordings.store().list_recordings(&which, Paging { offset: 0, limit: 1 }).await?.total;
        self.metrics.unmatched.set(i64::try_from(unmatched).unwrap_or(i64::MAX));
        debug!(unmatched, "looked for the meetings of recordings");
        Ok(())
    }
}

/// An id for a recording that may be new.
pub(crate) fn new_recording() -> RecordingId {
    RecordingId(new_id())
}

/// How long to rest after each failure in a row.
struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    fn up_to(longest: Duration) -> Self {
        Self { next: super::REST, longest }
    }

    fn next(&mut self) -> Duration {
        let rest = self.next;
        self.next = (rest * 2).min(self.longest);
        rest
    }
}
