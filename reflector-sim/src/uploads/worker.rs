//! A recordings worker: it stands beside a server, dies with it, and dies by itself.

use std::sync::Arc;

use reflector_core::engine::{Ingested, Matched, NewIds, ReconciledPage, Recordings};
use reflector_core::recording::{Message, Receipt, RecordingSource};
use reflector_core::{RecordingId, Timestamp};

use crate::tasks::Tasks;

/// What a task came to.
pub(super) enum Done {
    /// So many messages are in hand, or the source did not answer.
    Received(Option<Vec<Message>>),
    /// Messages were left to others.
    GivenBack,
    /// A batch was taken in, or not.
    TakenIn { messages: Vec<Message>, ingested: Option<Ingested> },
    /// Unmatched recordings were looked at.
    Matched(Option<Matched>),
    /// A page of the bucket was looked at.
    Reconciled { page: Option<String>, found: Option<ReconciledPage> },
}

/// A worker. Its tasks die with it.
#[derive(Default)]
pub(super) struct Worker {
    recordings: Option<Recordings>,
    /// How often it was started.
    pub(super) life: u32,
    /// Whether it has messages in hand, or waits for some.
    pub(super) is_busy: bool,
    /// When it looks at the queue next.
    pub(super) looks: Option<(Timestamp, u64)>,
    pub(super) tasks: Tasks<Done>,
}

impl Worker {
    pub(super) fn is_up(&self) -> bool {
        self.recordings.is_some()
    }

    pub(super) fn starts(&mut self, recordings: Recordings) {
        *self = Self { recordings: Some(recordings), life: self.life + 1, ..Self::default() };
    }

    /// Dies: whatever it had in hand is gone, wherever it was. How much that was.
    pub(super) fn dies(&mut self) -> usize {
        self.recordings = None;
        self.tasks.drop_all()
    }

    // What a worker does, as that of the reference server does it.

    pub(super) fn receive(&mut self, number: u64, source: Arc<dyn RecordingSource>) {
        self.tasks.take_on(number, async move { Done::Received(source.receive().await.ok()) });
    }

    pub(super) fn give_back(&mut self, number: u64, source: Arc<dyn RecordingSource>, messages: &[Message]) {
        let receipts = receipts(messages);
        self.tasks.take_on(number, async move {
            let _ = source.give_back(&receipts).await;
            Done::GivenBack
        });
    }

    /// Takes messages in; those that were tried before are kept in hand meanwhile.
    pub(super) fn take_in(
        &mut self,
        number: u64,
        (source, ids): (Arc<dyn RecordingSource>, Arc<NewIds>),
        (messages, again): (Vec<Message>, bool),
        now: Timestamp,
    ) {
        let Some(recordings) = self.recordings.clone() else { return };
        self.tasks.take_on(number, async move {
            if again {
                let _ = source.extend(&receipts(&messages)).await;
            }
            let ingested = recordings.ingest_once(&*source, &messages, now, &*ids).await.ok();
            Done::TakenIn { messages, ingested }
        });
    }

    pub(super) fn match_once(
        &mut self,
        number: u64,
        after: Option<(Timestamp, RecordingId)>,
        now: Timestamp,
    ) {
        let Some(recordings) = self.recordings.clone() else { return };
        self.tasks
            .take_on(number, async move { Done::Matched(recordings.match_once(after, now).await.ok()) });
    }

    pub(super) fn reconcile(
        &mut self,
        number: u64,
        (source, ids): (Arc<dyn RecordingSource>, Arc<NewIds>),
        page: Option<String>,
        now: Timestamp,
    ) {
        let Some(recordings) = self.recordings.clone() else { return };
        self.tasks.take_on(number, async move {
            let found = recordings.reconcile_page(&*source, page.as_deref(), now, &*ids).await.ok();
            Done::Reconciled { page, found }
        });
    }
}

fn receipts(messages: &[Message]) -> Vec<Receipt> {
    messages.iter().map(|message| message.receipt.clone()).collect()
}
