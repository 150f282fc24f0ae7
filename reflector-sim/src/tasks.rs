//! What somebody has in hand: futures that are polled one step at a time, and are gone when their owner dies.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

type Task<D> = Pin<Box<dyn Future<Output = D>>>;

/// Tasks by their numbers; each comes to a `D`.
pub(crate) struct Tasks<D>(BTreeMap<u64, Task<D>>);

impl<D> Default for Tasks<D> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<D> Tasks<D> {
    pub(crate) fn take_on(&mut self, number: u64, task: impl Future<Output = D> + 'static) {
        self.0.insert(number, Box::pin(task));
    }

    /// Goes on with a task until it halts. Nothing if it is gone, or halts.
    pub(crate) fn go_on(&mut self, number: u64) -> Option<D> {
        match self.0.get_mut(&number)?.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => None,
            Poll::Ready(done) => {
                self.0.remove(&number);
                Some(done)
            }
        }
    }

    pub(crate) fn has(&self, number: u64) -> bool {
        self.0.contains_key(&number)
    }

    /// Drops a task, wherever it is.
    pub(crate) fn drop_one(&mut self, number: u64) {
        self.0.remove(&number);
    }

    /// Drops them all, wherever they are. How many there were.
    pub(crate) fn drop_all(&mut self) -> usize {
        std::mem::take(&mut self.0).len()
    }
}
