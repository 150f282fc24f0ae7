//! Where things are kept: opening it, bringing its schema up to date, and the ports to it.

use std::sync::Arc;

use reflector_core::store::{
    ConnectionStore, ConsentStore, FeedStore, KeyStore, NoticeStore, RecordingStore, Schema, Store,
    TallyStore, TranscriptStore,
};
use reflector_store_memory::MemoryStore;
use reflector_store_postgres::{PostgresOptions, PostgresStore};
use reflector_store_sqlite::{SqliteOptions, SqliteStore};
use secrecy::SecretString;

use crate::config::Database;

/// What everything is kept in: one database, by each of its ports.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) feed: Arc<dyn FeedStore>,
    pub(crate) recordings: Arc<dyn RecordingStore>,
    pub(crate) transcripts: Arc<dyn TranscriptStore>,
    pub(crate) notices: Arc<dyn NoticeStore>,
    pub(crate) consents: Arc<dyn ConsentStore>,
    pub(crate) keys: Arc<dyn KeyStore>,
    pub(crate) connections: Arc<dyn ConnectionStore>,
    pub(crate) tallies: Arc<dyn TallyStore>,
}

/// Whether a schema that is older than this program is brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// It is.
    Yes,
    /// It is refused: somebody else does it.
    No,
}

impl Migrate {
    /// Whether this schema is to be changed.
    fn is_to_change(self, schema: Schema) -> Result<bool, DatabaseError> {
        match (self, schema) {
            (_, Schema::Current) => Ok(false),
            (Self::Yes, Schema::Behind) => Ok(true),
            (Self::No, Schema::Behind) => Err(DatabaseError::Behind),
        }
    }
}

/// The database cannot be used, in one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] reflector_store_postgres::OpenError),
    /// SQLite.
    #[error(transparent)]
    Sqlite(#[from] reflector_store_sqlite::OpenError),
    /// The schema is older than this program, and it was not to be changed.
    #[error(
        "the database has the schema of an older version: run `reflector migrate`, or leave out --no-migrate"
    )]
    Behind,
}

impl Kept {
    fn of<S>(store: S) -> Self
    where
        S: Store
            + FeedStore
            + RecordingStore
            + TranscriptStore
            + NoticeStore
            + ConsentStore
            + KeyStore
            + ConnectionStore
            + TallyStore,
    {
        let store = Arc::new(store);
        Self {
            store: Arc::clone(&store) as Arc<dyn Store>,
            feed: Arc::clone(&store) as Arc<dyn FeedStore>,
            recordings: Arc::clone(&store) as Arc<dyn RecordingStore>,
            transcripts: Arc::clone(&store) as Arc<dyn TranscriptStore>,
            notices: Arc::clone(&store) as Arc<dyn NoticeStore>,
            consents: Arc::clone(&store) as Arc<dyn ConsentStore>,
            keys: Arc::clone(&store) as Arc<dyn KeyStore>,
            connections: Arc::clone(&store) as Arc<dyn ConnectionStore>,
            tallies: store,
        }
    }

    /// Opens the database, and brings its schema up to date if that is wanted.
    pub(crate) async fn open(database: &Database, migrate: Migrate) -> Result<Self, DatabaseError> {
        match database {
            Database::Memory => Ok(Self::of(MemoryStore::new())),
            Database::Sqlite(url) => Self::sqlite(url, migrate).await,
            Database::Postgres(url) => Self::postgres(url, migrate).await,
        }
    }

    async fn sqlite(url: &str, migrate: Migrate) -> Result<Self, DatabaseError> {
        let store = SqliteStore::open(url, &SqliteOptions::default()).await?;
        if migrate.is_to_change(store.schema().await?)? {
            store.migrate().await?;
        }
        Ok(Self::of(store))
    }

    async fn postgres(url: &SecretString, migrate: Migrate) -> Result<Self, DatabaseError> {
        let store = PostgresStore::connect(url, PostgresOptions::default()).await?;
        if migrate.is_to_change(store.schema().await?)? {
            store.migrate().await?;
        }
        Ok(Self::of(store))
    }
}
