//! A source that is slow, and a store that cannot read all it holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::recording::{
    Candidate, Listing, Message, ObjectBytes, ObjectVersion, Objects, Receipt, Recording, RecordingSource,
    SoughtRoom, SourceError, Unacknowledged,
};
use reflector_core::store::{
    Committed, DeadLetter, LoadedRecording, OwedNotice, Page, Paging, RecordingStore, StoreError, TakenIn,
    WhichRecordings,
};
use reflector_core::testing::FakeSource;
use reflector_core::{RecordingId, Timestamp};
use reflector_store_memory::MemoryStore;
use tokio::time::sleep;

/// A source whose messages take their time to come, and that counts how often it is asked for them.
#[derive(Debug)]
pub(super) struct Unruly {
    source: FakeSource,
    takes: AtomicU64,
    asked: AtomicUsize,
}

impl Unruly {
    pub(super) fn new(source: FakeSource) -> Self {
        Self { source, takes: AtomicU64::new(0), asked: AtomicUsize::new(0) }
    }

    /// From now on what comes takes that long.
    pub(super) fn takes(&self, span: Duration) {
        self.takes.store(span.as_secs(), Ordering::SeqCst);
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl RecordingSource for Unruly {
    async fn receive(&self) -> Result<Vec<Message>, SourceError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let received = self.source.receive().await;
        sleep(Duration::from_secs(self.takes.load(Ordering::SeqCst))).await;
        received
    }

    fn in_hand(&self) -> Duration {
        self.source.in_hand()
    }

    async fn acknowledge(&self, receipts: &[Receipt]) -> Result<Vec<Unacknowledged>, SourceError> {
        self.source.acknowledge(receipts).await
    }

    async fn give_back(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        self.source.give_back(receipts).await
    }

    async fn extend(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        self.source.extend(receipts).await
    }

    async fn sets_dead_letters_aside(&self) -> Result<bool, SourceError> {
        self.source.sets_dead_letters_aside().await
    }

    async fn list(&self, page: Option<&str>) -> Result<Listing, SourceError> {
        self.source.list(page).await
    }

    async fn erase(&self, object: &ObjectVersion) -> Result<(), SourceError> {
        self.source.erase(object).await
    }
}

#[async_trait]
impl Objects for Unruly {
    async fn open(
        &self,
        object: &ObjectVersion,
        from: u64,
    ) -> Result<Option<Box<dyn ObjectBytes>>, SourceError> {
        self.source.open(object, from).await
    }
}

/// A store that holds something unreadable, and comes upon it when it takes in a key that begins with this.
#[derive(Debug)]
pub(super) struct Picky {
    store: Arc<MemoryStore>,
    stumbles_over: &'static str,
}

impl Picky {
    pub(super) fn new(store: Arc<MemoryStore>, stumbles_over: &'static str) -> Self {
        Self { store, stumbles_over }
    }
}

#[async_trait]
impl RecordingStore for Picky {
    async fn take_in(&self, batch: Vec<Recording>) -> Result<Vec<TakenIn>, StoreError> {
        if batch.iter().any(|recording| recording.object.key.starts_with(self.stumbles_over)) {
            return Err(StoreError::Corrupt {
                what: "a meeting".to_owned(),
                source: "of another time".into(),
            });
        }
        self.store.take_in(batch).await
    }

    async fn candidates(&self, rooms: &[SoughtRoom]) -> Result<Vec<Vec<Candidate>>, StoreError> {
        self.store.candidates(rooms).await
    }

    async fn load_recording(&self, id: RecordingId) -> Result<Option<LoadedRecording>, StoreError> {
        self.store.load_recording(id).await
    }

    async fn commit_recording(
        &self,
        expected: u64,
        recording: &Recording,
        notice: Option<OwedNotice>,
    ) -> Result<Committed, StoreError> {
        self.store.commit_recording(expected, recording, notice).await
    }

    async fn list_recordings(
        &self,
        which: &WhichRecordings,
        paging: Paging,
    ) -> Result<Page<Recording>, StoreError> {
        self.store.list_recordings(which, paging).await
    }

    async fn unmatched(
        &self,
        received_since: Timestamp,
        after: Option<(Timestamp, RecordingId)>,
        limit: usize,
    ) -> Result<Vec<LoadedRecording>, StoreError> {
        self.store.unmatched(received_since, after, limit).await
    }

    async fn delete_recording(&self, id: RecordingId, now: Timestamp) -> Result<bool, StoreError> {
        self.store.delete_recording(id, now).await
    }

    async fn set_aside(&self, letter: DeadLetter) -> Result<bool, StoreError> {
        self.store.set_aside(letter).await
    }

    async fn dead_letters(&self, paging: Paging) -> Result<Page<DeadLetter>, StoreError> {
        self.store.dead_letters(paging).await
    }
}
