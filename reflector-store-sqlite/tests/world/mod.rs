//! A store on a file of its own, in a folder that goes when the test is over.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use reflector_core::store::{NoticeStore, RecordingStore, Store, TallyStore, TranscriptStore};
use reflector_core::testing::notice_suite::NoticeHarness;
use reflector_core::testing::recording_suite::{DurableRecordings, RecordingHarness};
use reflector_core::testing::store_suite::{Durable, Harness};
use reflector_core::testing::tally_suite::TallyHarness;
use reflector_core::testing::transcript_suite::{DurableTranscripts, TranscriptHarness};
use reflector_store_sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;

pub(crate) struct OnFile {
    pub(crate) store: Arc<SqliteStore>,
    folder: TempDir,
}

impl OnFile {
    /// An empty store.
    pub(crate) async fn empty() -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        let store = open(folder.path().join("reflector.db")).await;
        store.migrate().await.expect("an empty file can be brought up to date");
        Self { store, folder }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("reflector.db")
    }

    /// The same file, as another process would open it.
    pub(crate) async fn again(&self) -> Arc<SqliteStore> {
        open(self.file()).await
    }
}

async fn open(file: PathBuf) -> Arc<SqliteStore> {
    let file = file.to_str().expect("the folder has a name of text");
    let store = SqliteStore::open(file, &SqliteOptions::default()).await;
    Arc::new(store.expect("the file can be opened"))
}

impl Deref for OnFile {
    type Target = SqliteStore;
    fn deref(&self) -> &SqliteStore {
        &self.store
    }
}

impl Harness for OnFile {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }
}

impl TallyHarness for OnFile {
    fn keeps(&self) -> Arc<dyn Store> {
        self.store()
    }

    fn counts(&self) -> Arc<dyn TallyStore> {
        Arc::clone(&self.store) as Arc<dyn TallyStore>
    }
}

#[async_trait]
impl Durable for OnFile {
    async fn reopen(&self) -> Arc<dyn Store> {
        self.again().await
    }
}

impl RecordingHarness for OnFile {
    fn meetings(&self) -> Arc<dyn Store> {
        self.store()
    }

    fn recordings(&self) -> Arc<dyn RecordingStore> {
        Arc::clone(&self.store) as Arc<dyn RecordingStore>
    }
}

#[async_trait]
impl DurableRecordings for OnFile {
    async fn reopen_recordings(&self) -> Arc<dyn RecordingStore> {
        self.again().await
    }
}

impl TranscriptHarness for OnFile {
    fn transcripts(&self) -> Arc<dyn TranscriptStore> {
        Arc::clone(&self.store) as Arc<dyn TranscriptStore>
    }
}

#[async_trait]
impl DurableTranscripts for OnFile {
    async fn reopen_transcripts(&self) -> Arc<dyn TranscriptStore> {
        self.again().await
    }
}

impl NoticeHarness for OnFile {
    fn notices(&self) -> Arc<dyn NoticeStore> {
        Arc::clone(&self.store) as Arc<dyn NoticeStore>
    }
}
