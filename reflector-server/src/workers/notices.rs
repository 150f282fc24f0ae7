//! The loop of notices: rooms' owners are told what happened, until they heard it or a day is over.

use std::sync::Arc;
use std::time::Duration;

use reflector_core::Timestamp;
use reflector_core::engine::{Brought, Notices};
use reflector_core::store::{ClaimedNotice, StoreError};
use tokio::sync::{Notify, Semaphore};
use tracing::{debug, error, warn};

use super::{Chain, REST, Worker};
use crate::metrics::Metrics;

/// How many are brought at once: a slow receiver holds up no other.
const SIDE_BY_SIDE: usize = 16;
/// How often those are looked for that other processes owe.
const LOOK: Duration = Duration::from_secs(1);

/// Brings notices.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) worker: Worker,
    pub(crate) notices: Arc<Notices>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Post {
    /// Starts its loop.
    pub(crate) fn start(self) {
        self.worker.tasks.clone().spawn(self.look());
    }

    async fn look(self) {
        let free = Arc::new(Semaphore::new(SIDE_BY_SIDE));
        let bell = Arc::new(Notify::new());
        loop {
            let (next, rest) = match self.claim(&free, &bell).await {
                Ok(next) => (next, LOOK),
                Err(error) => {
                    error!(error = %Chain(&error), "owed notices cannot be looked at; trying again");
                    (None, REST)
                }
            };
            if !self.worker.rest(&bell, next, rest).await {
                return;
            }
        }
    }

    /// Sends off as many as there are hands for, and says when the next one is due.
    async fn claim(
        &self,
        free: &Arc<Semaphore>,
        bell: &Arc<Notify>,
    ) -> Result<Option<Timestamp>, StoreError> {
        while let Ok(hand) = Arc::clone(free).try_acquire_owned() {
            let Some(claimed) = self.notices.claim(1, self.worker.now()).await?.pop() else {
                return self.notices.store().next_notice().await;
            };
            let (post, bell) = (self.clone(), Arc::clone(bell));
            self.worker.tasks.spawn(async move {
                post.bring(&claimed).await;
                drop(hand);
                bell.notify_one();
            });
        }
        // Whoever is free first rings.
        Ok(None)
    }

    async fn bring(&self, claimed: &ClaimedNotice) {
        let (notice, room_id) = (&claimed.notice.id, claimed.notice.room);
        let brought = match self.notices.bring(claimed, self.worker.now()).await {
            Ok(brought) => brought,
            Err(error) => {
                error!(notice, error = %Chain(&error), "that a notice was brought could not be noted: it is sent again");
                return;
            }
        };
        self.metrics.pipeline.brought(&brought);
        match brought {
            Brought::Taken | Brought::Unwanted | Brought::Lost => debug!(notice, "a notice is settled"),
            Brought::Later { at, error } => {
                warn!(notice, %room_id, error, retry_at = %at, "a room's owner could not be told");
            }
            Brought::GivenUp { error } => {
                error!(notice, %room_id, error, "a room's owner was not told within a day: given up");
            }
        }
    }
}
