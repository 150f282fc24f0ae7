//! Hands: so many things are worked on at once, and whoever hands them out hears when one is free.

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

/// So many hands.
pub(super) struct Hands {
    free: Arc<Semaphore>,
    /// One is free again.
    pub(super) bell: Arc<Notify>,
}

impl Hands {
    pub(super) fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), bell: Arc::default() }
    }

    /// One that is free, if one is. Dropped, it is free again without a sound.
    pub(super) fn free(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// Has a hand do some work, and rings when it is done.
    pub(super) fn work(
        &self,
        tasks: &TaskTracker,
        hand: OwnedSemaphorePermit,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let bell = Arc::clone(&self.bell);
        tasks.spawn(async move {
            work.await;
            drop(hand);
            bell.notify_one();
        });
    }
}
