//! The bucket and its queue as a worker sees them: the truth, behind a line that fails and takes its time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::recording::{
    Listing, Message, ObjectVersion, Receipt, RecordingSource, SourceError, Unacknowledged,
};
use reflector_core::testing::{FakeSource, halt};

use super::names;
use crate::faults::Switch;

/// A source behind a line. Each call halts on its way there and on its way back.
#[derive(Debug)]
pub(super) struct DistantSource {
    pub(super) truth: FakeSource,
    switch: Arc<Switch>,
    /// After how many receives the queue sets a message aside, if it does.
    most_receives: Option<u32>,
    in_use: AtomicBool,
    seen: Mutex<Seen>,
}

/// What went over the line.
#[derive(Debug, Default)]
pub(super) struct Seen {
    handed: HashMap<Receipt, Message>,
    came_back: BTreeSet<String>,
    /// The messages that were acknowledged, and are gone, since it was last asked.
    removed: Vec<Message>,
    /// The messages that the queue has set aside.
    pub(super) dead: Vec<Message>,
    /// How often each message was received.
    pub(super) receives: BTreeMap<String, u32>,
    /// What went wrong, by its name.
    pub(super) faults: BTreeMap<&'static str, u64>,
}

impl Seen {
    fn fault(&mut self, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
    }
}

impl DistantSource {
    pub(super) fn new(truth: FakeSource, most_receives: Option<u32>, switch: &Arc<Switch>) -> Self {
        Self {
            truth: if most_receives.is_some() { truth.with_dead_letters() } else { truth },
            switch: Arc::clone(switch),
            most_receives,
            in_use: AtomicBool::new(false),
            seen: Mutex::default(),
        }
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the queue sets dead letters aside by itself.
    pub(super) fn sets_aside(&self) -> bool {
        self.most_receives.is_some()
    }

    /// Whether a call was on its way since it was last asked.
    pub(super) fn was_in_use(&self) -> bool {
        self.in_use.swap(false, Ordering::Relaxed)
    }

    pub(super) fn take_removed(&self) -> Vec<Message> {
        std::mem::take(&mut self.seen().removed)
    }

    async fn travel(&self) {
        self.in_use.store(true, Ordering::Relaxed);
        halt().await;
    }

    /// A call that fails as the switch says.
    async fn call<T: Send>(
        &self,
        act: impl Future<Output = Result<T, SourceError>> + Send,
    ) -> Result<T, SourceError> {
        self.travel().await;
        let answer = if self.switch.happens(|faults| faults.recordings.source_before) {
            self.seen().fault(names::SOURCE_BEFORE);
            Err(SourceError::unavailable("it is out"))
        } else {
            act.await
        };
        self.travel().await;
        if self.switch.happens(|faults| faults.recordings.source_after) {
            self.seen().fault(names::SOURCE_AFTER);
            return Err(SourceError::unavailable("its answer was lost"));
        }
        answer
    }

    /// What is received, without what the queue sets aside now.
    async fn take(&self) -> Result<Vec<Message>, SourceError> {
        let mut messages = Vec::new();
        for message in self.truth.receive().await? {
            if self.most_receives.is_some_and(|most| message.receives > most) {
                self.truth.acknowledge(std::slice::from_ref(&message.receipt)).await?;
                self.seen().dead.push(message);
            } else {
                messages.push(message);
            }
        }
        let mut seen = self.seen();
        for message in &messages {
            seen.handed.insert(message.receipt.clone(), message.clone());
            seen.receives.insert(message.id.clone(), message.receives);
        }
        if messages.len() > 1 && self.switch.happens(|faults| faults.recordings.disordered) {
            seen.fault(names::DISORDERED);
            messages.reverse();
        }
        Ok(messages)
    }

    async fn let_go(&self, receipt: &Receipt) -> Result<Vec<Unacknowledged>, SourceError> {
        if self.switch.happens(|faults| faults.recordings.refused) {
            self.seen().fault(names::REFUSED);
            let error = "it was made to fail".to_owned();
            return Ok(vec![Unacknowledged { receipt: receipt.clone(), error }]);
        }
        if self.comes_back(receipt) {
            return Ok(Vec::new());
        }
        let refused = self.truth.acknowledge(std::slice::from_ref(receipt)).await?;
        let mut seen = self.seen();
        let handed = seen.handed.remove(receipt);
        seen.removed.extend(handed.filter(|_| refused.is_empty()));
        Ok(refused)
    }

    /// Whether a message that is acknowledged now comes once more all the same.
    fn comes_back(&self, receipt: &Receipt) -> bool {
        let comes_back = self.switch.happens(|faults| faults.recordings.comes_back);
        let mut seen = self.seen();
        let id = seen.handed.get(receipt).map(|message| message.id.clone());
        let comes_back = comes_back && id.is_some_and(|id| seen.came_back.insert(id));
        if comes_back {
            seen.fault(names::CAME_BACK);
        }
        comes_back
    }
}

#[async_trait]
impl RecordingSource for DistantSource {
    async fn receive(&self) -> Result<Vec<Message>, SourceError> {
        self.call(self.take()).await
    }

    fn in_hand(&self) -> Duration {
        self.truth.in_hand()
    }

    async fn acknowledge(&self, receipts: &[Receipt]) -> Result<Vec<Unacknowledged>, SourceError> {
        let each = async {
            let mut refused = Vec::new();
            for receipt in receipts {
                refused.extend(self.let_go(receipt).await?);
            }
            Ok(refused)
        };
        self.call(each).await
    }

    async fn give_back(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        self.call(self.truth.give_back(receipts)).await
    }

    async fn extend(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        self.call(self.truth.extend(receipts)).await
    }

    async fn sets_dead_letters_aside(&self) -> Result<bool, SourceError> {
        self.call(self.truth.sets_dead_letters_aside()).await
    }

    async fn list(&self, page: Option<&str>) -> Result<Listing, SourceError> {
        self.call(self.truth.list(page)).await
    }

    async fn erase(&self, object: &ObjectVersion) -> Result<(), SourceError> {
        self.call(self.truth.erase(object)).await
    }
}
