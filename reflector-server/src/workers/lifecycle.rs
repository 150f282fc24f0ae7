//! The loops of meetings: what is due, what is owed, what providers say is there, and what is old.

use std::sync::Arc;
use std::time::Duration;

use reflector_core::Timestamp;
use reflector_core::engine::{Carried, CarryOutcome, Engine, EngineError, Notices};
use reflector_core::store::{Dropped, StoreError};
use tokio::sync::Semaphore;
use tracing::{debug, error, info, warn};

use super::{Chain, REST, Worker};
use crate::metrics::Metrics;
use crate::watched::Bell;

/// How many calls to providers are under way at once: a slow one holds up no other.
const SIDE_BY_SIDE: usize = 32;
/// How often the providers' rooms are looked at, at the most: it costs calls.
const LEAST_RECONCILE: Duration = Duration::from_secs(1);
/// How long messages wait for a meeting that never comes.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often what is old is looked for, and how much of it is dropped at once.
const RETENTION: Duration = Duration::from_secs(10 * 60);
const BATCH: usize = 1000;
const BETWEEN_BATCHES: Duration = Duration::from_millis(200);

/// Runs the life of meetings.
#[derive(Clone)]
pub(crate) struct Lifecycle {
    pub(crate) worker: Worker,
    pub(crate) engine: Arc<Engine>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) sweep: Duration,
    pub(crate) reconcile: Duration,
    pub(crate) retention: Duration,
}

impl Lifecycle {
    /// Starts its loops.
    pub(crate) fn start(self) {
        let tasks = &self.worker.tasks;
        tasks.spawn(self.clone().sweep_loop());
        tasks.spawn(self.clone().dispatch_loop());
        tasks.spawn(self.clone().reconcile_loop());
        tasks.spawn(self.clone().retention_loop());
    }

    fn now(&self) -> Timestamp {
        self.worker.now()
    }

    async fn sweep_loop(self) {
        loop {
            let next = match self.sweep().await {
                Ok(next) => next,
                Err(error) => {
                    error!(error = %Chain(&error), "deadlines cannot be looked at; trying again");
                    Some(self.now() + REST)
                }
            };
            self.bell.await_due(next.unwrap_or(Timestamp::MAX));
            if !self.worker.rest(&self.bell.due, next, self.sweep).await {
                return;
            }
        }
    }

    async fn sweep(&self) -> Result<Option<Timestamp>, EngineError> {
        // Whatever changes from here on rings the bell.
        self.bell.await_due(Timestamp::MAX);
        while self.engine.refit_once().await? > 0 {}
        loop {
            let swept = self.engine.sweep_once(self.now()).await?;
            for failure in &swept.failed {
                warn!(meeting_id = %failure.meeting, error = %Chain(&failure.error), "a due meeting could not be woken");
            }
            self.metrics.life.woken(&swept.late);
            report_violations(&swept.violated);
            if swept.due == 0 {
                break;
            }
            debug!(due = swept.due, changed = swept.changed, "woke meetings");
        }
        Ok(self.engine.store().next_due().await?)
    }

    async fn dispatch_loop(self) {
        let permits = Arc::new(Semaphore::new(SIDE_BY_SIDE));
        loop {
            let next = match self.dispatch(&permits).await {
                Ok(next) => next,
                Err(error) => {
                    error!(error = %Chain(&error), "owed work cannot be looked at; trying again");
                    Some(self.now() + REST)
                }
            };
            if !self.worker.rest(&self.bell.owed, next, self.sweep).await {
                return;
            }
        }
    }

    async fn dispatch(&self, permits: &Arc<Semaphore>) -> Result<Option<Timestamp>, EngineError> {
        loop {
            // Work is claimed only by hands that are free.
            let Ok(first) = Arc::clone(permits).acquire_owned().await else { return Ok(None) };
            let mut hands = vec![first];
            while let Ok(hand) = Arc::clone(permits).try_acquire_owned() {
                hands.push(hand);
            }
            let claimed = self.engine.claim_owed(None, hands.len(), self.now()).await?;
            if claimed.is_empty() {
                break;
            }
            for (claimed, hand) in claimed.into_iter().zip(hands) {
                let workers = self.clone();
                self.worker.tasks.spawn(async move {
                    let carried = workers.engine.carry_out(&claimed, workers.now()).await;
                    report(&carried);
                    drop(hand);
                    workers.bell.owed.notify_one();
                });
            }
        }
        Ok(self.engine.store().next_owed().await?)
    }

    async fn reconcile_loop(self) {
        loop {
            match self.engine.reconcile_once().await {
                Ok(reconciled) => {
                    for (provider, room, fate) in &reconciled.rooms {
                        debug!(%provider, room, ?fate, "looked at a room");
                    }
                    for (provider, error) in &reconciled.failed {
                        warn!(%provider, error = %Chain(error), "the provider's rooms cannot be listed");
                    }
                }
                Err(error) => {
                    error!(error = %Chain(&error), "rooms cannot be reconciled; trying again later")
                }
            }
            if !self.worker.pause(self.reconcile.max(LEAST_RECONCILE)).await {
                return;
            }
        }
    }

    /// Forgets what nobody needs any more, in small batches with a rest after each: nobody waits for it.
    async fn retention_loop(self) {
        loop {
            let rest = match self.forget().await {
                Ok(true) => BETWEEN_BATCHES,
                Ok(false) => RETENTION,
                Err(error) => {
                    warn!(error = %Chain(&error), "what is old cannot be dropped; trying again later");
                    RETENTION
                }
            };
            if !self.worker.pause(rest).await {
                return;
            }
        }
    }

    /// Whether there may be more to forget.
    async fn forget(&self) -> Result<bool, StoreError> {
        let store = self.engine.store();
        let waiting = store.drop_kept_before(self.now() - KEPT_FOR, BATCH).await?;
        let before = self.now() - self.retention;
        let dropped = store.drop_before(before, BATCH).await?;
        let told = self.notices.store().drop_notices_before(before, BATCH).await?;
        if waiting > 0 || told > 0 || dropped != Dropped::default() {
            debug!(waiting, told, ?dropped, "dropped what is old");
        }
        Ok(waiting == BATCH || told == BATCH || dropped.may_be_more(BATCH))
    }
}

fn report(carried: &Carried) {
    report_violations(&carried.violated);
    let (meeting_id, effect) = (carried.meeting, carried.kind.as_str());
    if let Some(error) = &carried.unanswered {
        warn!(%meeting_id, effect, error, "the provider did not do what it was asked");
    }
    match &carried.outcome {
        CarryOutcome::Done => debug!(%meeting_id, effect, "did what was owed"),
        CarryOutcome::Lost => {
            info!(%meeting_id, effect, "what was owed is no longer, or somebody else does it")
        }
        CarryOutcome::Retried { at, error } => {
            warn!(%meeting_id, effect, error, retry_at = %at, "what is owed could not be done yet");
        }
        CarryOutcome::Unsettled(error) => {
            error!(%meeting_id, effect, error = %Chain(error), "what came of owed work could not be noted");
        }
    }
}

fn report_violations(violated: &[&str]) {
    for invariant in violated {
        error!(invariant, "a rule was violated: please report this with the meeting's history");
    }
}
