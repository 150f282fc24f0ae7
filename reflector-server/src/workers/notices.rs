//! The loop of notices: rooms' owners are told what happened, until they heard it or a day is over.

use std::sync::Arc;
use std::time::Duration;

use reflector_core::Timestamp;
use reflector_core::engine::{Brought, Notices};
use reflector_core::store::{ClaimedNotice, StoreError};
use tracing::{debug, error, warn};

use super::hands::Hands;
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
        let hands = Hands::new(SIDE_BY_SIDE);
        loop {
            let (next, rest) = match self.claim(&hands).await {
                Ok(next) => (next, LOOK),
                Err(error) => {
                    error!(error = %Chain(&error), "owed notices cannot be looked at; trying again");
                    (None, REST)
                }
            };
            if !self.worker.rest(&hands.bell, next, rest).await {
                return;
            }
        }
    }

    /// Sends off as many as there are hands for, and says when the next one is due.
    async fn claim(&self, hands: &Hands) -> Result<Option<Timestamp>, StoreError> {
        while let Some(hand) = hands.free() {
            let Some(claimed) = self.notices.claim(1, self.worker.now()).await?.pop() else {
                return self.notices.store().next_notice().await;
            };
            let post = self.clone();
            hands.work(&self.worker.tasks, hand, async move { post.bring(&claimed).await });
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
