//! What a database holds, read with no server on it, and what must be true of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use reflector_core::Meeting;
use reflector_core::lifecycle::replay;
use reflector_core::store::{Entry, Loaded, Source, Store, WhichMeetings};
use reflector_store_postgres::{PostgresOptions, PostgresStore};
use reflector_store_sqlite::{SqliteOptions, SqliteStore};

/// A meeting with its whole history.
pub(crate) struct Book {
    pub(crate) loaded: Loaded,
    pub(crate) history: Vec<Entry>,
    /// How much work it still owes.
    pub(crate) owed: usize,
}

/// Every meeting that a database holds.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn read(database: &str) -> Vec<Book> {
    let store = open(database).await;
    let all = WhichMeetings { closed: true, ..WhichMeetings::default() };
    let meetings = store.list_meetings(&all, None, usize::MAX).await.expect("they can be listed");
    let mut books = Vec::new();
    for meeting in meetings {
        let loaded = store.load(meeting.id).await.expect("it can be read").expect("it was listed");
        let history = store.history(meeting.id, 0, usize::MAX).await.expect("it can be read");
        let owed = store.owed(meeting.id).await.expect("it can be read").len();
        books.push(Book { loaded, history, owed });
    }
    books
}

/// The meetings that have not ended, while servers run.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn open_meetings(database: &str) -> Vec<Meeting> {
    let listed = open(database).await.list_meetings(&WhichMeetings::default(), None, usize::MAX).await;
    listed.expect("they can be listed")
}

async fn open(database: &str) -> Arc<dyn Store> {
    if database.starts_with("sqlite:") {
        Arc::new(SqliteStore::open(database, &SqliteOptions::default()).await.expect("it can be opened"))
    } else {
        let options = PostgresOptions::default();
        Arc::new(PostgresStore::connect(&database.into(), options).await.expect("it can be opened"))
    }
}

impl Book {
    /// The history has no gap, the life that is kept is the one that it tells, and no write was lost or made twice.
    pub(crate) fn tells_its_life(&self) {
        let (id, history) = (self.loaded.meeting.id, &self.history);
        let numbers: Vec<_> = history.iter().map(|entry| entry.seq).collect();
        assert_eq!(numbers, (1..=self.loaded.entries).collect::<Vec<_>>(), "the history of {id} has a gap");
        let told = replay(history.iter().map(|entry| (&entry.event, entry.recorded_at, &entry.policy)));
        assert_eq!(told.as_ref(), Some(&self.loaded.meeting.life), "the history of {id} tells another life");
    }

    /// Its messages each made one write of their own.
    pub(crate) fn counts_its_writes(&self) {
        let messages = self.history.iter().filter(|entry| entry.source == Source::Webhook).count() as u64;
        let (version, entries) = (self.loaded.version, self.loaded.entries);
        assert_eq!(version, entries, "{}: one entry a write", self.loaded.meeting.id);
        assert!(messages < version, "{}", self.loaded.meeting.id);
    }
}

/// How often each message is in the histories.
pub(crate) fn deliveries(books: &[Book]) -> BTreeMap<&str, usize> {
    let mut deliveries = BTreeMap::new();
    for id in books.iter().flat_map(|book| &book.history).filter_map(|entry| entry.delivery_id.as_deref()) {
        *deliveries.entry(id).or_default() += 1;
    }
    deliveries
}

/// All that was acknowledged is in the histories once, and nothing else is.
pub(crate) fn hold_once(books: &[Book], acknowledged: impl Iterator<Item = String>) {
    let held = deliveries(books);
    let doubled: Vec<_> = held.iter().filter(|(_, times)| **times > 1).collect();
    assert!(doubled.is_empty(), "taken in twice: {doubled:?}");
    let acknowledged: Vec<_> = acknowledged.collect();
    let lost: Vec<_> = acknowledged.iter().filter(|id| !held.contains_key(id.as_str())).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert_eq!(held.len(), acknowledged.len(), "what is held was acknowledged");
}
