//! The loop that counts what goes on, for the metrics.

use std::sync::Arc;
use std::time::Duration;

use reflector_core::engine::Engine;
use reflector_core::store::{StoreError, TallyStore};
use tokio::time::Instant;
use tracing::warn;

use super::{Chain, Worker};
use crate::metrics::{Metrics, Shown};

/// How often it is counted, at the most.
const LEAST: Duration = Duration::from_secs(5);
/// Which part of its time the store is busy with that, at the most: the more there is to count, the rarer it is counted.
const PART: u32 = 100;

/// Counts what goes on.
#[derive(Clone)]
pub(crate) struct Counts {
    pub(crate) worker: Worker,
    pub(crate) engine: Arc<Engine>,
    pub(crate) tallies: Arc<dyn TallyStore>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Counts {
    /// Starts its loop.
    pub(crate) fn start(self) {
        let tasks = self.worker.tasks.clone();
        tasks.spawn(self.run());
    }

    async fn run(self) {
        let mut shown = Shown::with(self.engine.providers());
        loop {
            let begun = Instant::now();
            if let Err(error) = self.count(&mut shown).await {
                warn!(error = %Chain(&error), "what goes on cannot be counted; trying again later");
            }
            if !self.worker.pause(LEAST.max(begun.elapsed() * PART)).await {
                return;
            }
        }
    }

    async fn count(&self, shown: &mut Shown) -> Result<(), StoreError> {
        let due = self.engine.store().next_due().await?;
        self.metrics.life.next_due(due, self.worker.now());
        let open = self.tallies.tally_meetings().await?;
        let owed = self.tallies.tally_work().await?;
        self.metrics.life.counted(&open, &owed, shown, self.worker.now());
        Ok(())
    }
}
