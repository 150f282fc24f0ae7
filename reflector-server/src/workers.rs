//! The only loops: each waits for the next thing to do, or for the store's bell, and calls the engine.

use std::sync::Arc;
use std::time::Duration;

use reflector_core::Timestamp;
use reflector_core::engine::{Carried, CarryOutcome, Engine, EngineError};
use reflector_core::store::{Dropped, StoreError};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, info, warn};

use crate::clock::Clock;
use crate::watched::Bell;

/// How many calls to providers are under way at once: a slow one holds up no other.
const SIDE_BY_SIDE: usize = 32;
/// Our own heartbeat: several in the gap that counts as not listening.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a loop rests when the store is ill.
const REST: Duration = Duration::from_secs(1);
/// How often the providers' rooms are looked at, at the most: it costs calls.
const LEAST_RECONCILE: Duration = Duration::from_secs(1);
/// How long messages wait for a meeting that never comes.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often what is old is looked for, and how much of it is dropped at once.
const RETENTION: Duration = Duration::from_secs(10 * 60);
const BATCH: usize = 1000;
const BETWEEN_BATCHES: Duration = Duration::from_millis(200);
const MICROSECOND: Duration = Duration::from_micros(1);

/// What the loops work with.
#[derive(Clone)]
pub(crate) struct Workers {
    pub(crate) engine: Arc<Engine>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) clock: Clock,
    pub(crate) sweep: Duration,
    pub(crate) reconcile: Duration,
    pub(crate) retention: Duration,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Workers {
    /// Starts every loop.
    pub(crate) fn start(&self) {
        self.tasks.spawn(self.clone().sweep_loop());
        self.tasks.spawn(self.clone().dispatch_loop());
        self.tasks.spawn(self.clone().reconcile_loop());
        self.tasks.spawn(self.clone().heartbeat_loop());
        self.tasks.spawn(self.clone().retention_loop());
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
            if !self.rest(&self.bell.due, next, self.sweep).await {
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
            if !self.rest(&self.bell.owed, next, self.sweep).await {
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
                self.tasks.spawn(async move {
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
        let never = Notify::new();
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
            if !self.rest(&never, None, self.reconcile.max(LEAST_RECONCILE)).await {
                return;
            }
        }
    }

    /// Forgets what nobody needs any more, in small batches with a rest after each: nobody waits for it.
    async fn retention_loop(self) {
        let never = Notify::new();
        loop {
            let rest = match self.forget().await {
                Ok(true) => BETWEEN_BATCHES,
                Ok(false) => RETENTION,
                Err(error) => {
                    warn!(error = %Chain(&error), "what is old cannot be dropped; trying again later");
                    RETENTION
                }
            };
            if !self.rest(&never, None, rest).await {
                return;
            }
        }
    }

    /// Whether there may be more to forget.
    async fn forget(&self) -> Result<bool, StoreError> {
        let store = self.engine.store();
        let waiting = store.drop_kept_before(self.now() - KEPT_FOR, BATCH).await?;
        let dropped = store.drop_before(self.now() - self.retention, BATCH).await?;
        if waiting > 0 || dropped != Dropped::default() {
            debug!(waiting, ?dropped, "dropped what is old");
        }
        Ok(waiting == BATCH || dropped.may_be_more(BATCH))
    }

    async fn heartbeat_loop(self) {
        loop {
            let beaten = self.engine.store().beat(self.now()).await;
            self.bell.store_takes_in(beaten.is_ok());
            let rest = match beaten {
                Ok(()) => HEARTBEAT,
                Err(error) => {
                    warn!(error = %Chain(&error), "the store takes nothing in; trying again");
                    REST
                }
            };
            if !self.rest(&self.bell.ill, None, rest).await {
                return;
            }
        }
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
