//! What a source holds is compared with what is known (rule R8).

use std::sync::Arc;
use std::time::Duration;

use reflector_core::engine::ReconcileError;
use reflector_core::recording::SourceError;
use tracing::{info, warn};

use super::super::Chain;
use super::{Backoff, Intake, new_recording};
use crate::recordings::Feed;

/// When it is done for the first time, at the latest: a server that is restarted every day does it too.
const FIRST: Duration = Duration::from_secs(60 * 60);
/// The longest rest after a failure.
const LONGEST: Duration = Duration::from_secs(10 * 60);

impl Intake {
    pub(super) async fn compare_loop(self, feed: Arc<Feed>) {
        if !feed.can_be_listed() {
            info!(
                source = feed.name,
                "what was missed is not looked for: RECORDING_STORAGE_AWS_BUCKET_NAME names no bucket"
            );
            return;
        }
        let first = if self.reconcile_at_start { Duration::ZERO } else { FIRST.min(self.reconcile) };
        let mut go_on = self.worker.pause(first).await;
        while go_on {
            go_on = self.compare(&feed).await && self.worker.pause(self.reconcile).await;
        }
    }

    /// Goes through all pages; after a failure on with the page that failed. `false` when it is time to stop.
    async fn compare(&self, feed: &Feed) -> bool {
        let mut backoff = Backoff::up_to(LONGEST);
        let mut page: Option<String> = None;
        let (mut there, mut stored, mut requeued) = (0, 0, 0);
        loop {
            let now = self.worker.now();
            match self.recordings.reconcile_page(&*feed.source, page.as_deref(), now, &new_recording).await {
                Ok(found) => {
                    there += found.there;
                    stored += found.stored.len();
                    requeued += found.requeued.len();
                    feed.metrics.found(found.stored.len());
                    backoff = Backoff::up_to(LONGEST);
                    if found.next.is_none() {
                        info!(
                            source = feed.name,
                            there, stored, requeued, "looked for recordings that were missed"
                        );
                        return true;
                    }
                    page = found.next;
                    if self.worker.stop.is_cancelled() {
                        return false;
                    }
                }
                Err(error) => {
                    warn!(source = feed.name, error = %Chain(&error), "what was missed cannot be looked for; trying again");
                    // The page itself may be what is refused, and nothing is missed by beginning anew.
                    if matches!(error, ReconcileError::Source(SourceError::Refused { .. })) {
                        (page, there) = (None, 0);
                    }
                    if !self.worker.pause(backoff.next()).await {
                        return false;
                    }
                }
            }
        }
    }
}
