#![doc = include_str!("../README.md")]

mod api_keys;
mod commit;
mod connections;
mod consents;
mod deliveries;
mod effects;
mod error;
mod feed;
mod hearing;
mod line;
mod location;
mod meetings;
mod migrations;
mod notices;
#[cfg(test)]
mod plans;
mod recordings;
mod retention;
mod rooms;
mod rows;
mod runs;
mod take_in;
mod tally;
mod transcripts;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

pub use error::OpenError;
use line::Line;
pub use reflector_core::store::Schema;
use writer::Writer;

/// A store in one SQLite file. It is shared behind an `Arc`, and several processes may have the same file open.
pub struct SqliteStore {
    file: PathBuf,
    writer: Arc<Writer>,
    line: Arc<Line>,
    readers: SqlitePool,
}

/// How a file is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// How many connections read at once; writing has one of its own. Four, unless said otherwise.
    pub readers: u32,
    /// How long a call waits for whoever else has the file locked. Five seconds, unless said otherwise.
    pub patience: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { readers: 4, patience: Duration::from_secs(5) }
    }
}

impl SqliteStore {
    /// Opens a file and makes it if it is missing. It takes `sqlite://reflector.db`, which is relative to the working
    /// directory, `sqlite:///var/lib/reflector.db`, or a path.
    ///
    /// The schema is left as it is: see [`schema`](Self::schema) and [`migrate`](Self::migrate).
    ///
    /// # Errors
    ///
    /// [`OpenError`] when the file cannot be opened and written, or is no such database.
    pub async fn open(url_or_path: &str, options: &SqliteOptions) -> Result<Self, OpenError> {
        let connect = location::read(url_or_path)?
            .busy_timeout(options.patience)
            .foreign_keys(true)
            .disable_statement_logging();
        let file = connect.get_filename().to_path_buf();
        let write = connect
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            // What was acknowledged outlives a power cut: the log is synced at each commit.
            .synchronous(SqliteSynchronous::Full)
            .pragma("journal_size_limit", LOG_KEPT);
        let writer =
            Writer::open(write, options.patience).await.map_err(|error| location::why(&file, error))?;
        let (writer, readers) = (Arc::new(writer), readers(connect, options));
        Ok(Self { file, line: Arc::new(Line::to(Arc::clone(&writer))), writer, readers })
    }

    /// Where the file is.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Closes the file. Dropping the store does so too, a little later.
    pub async fn close_file(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// To how many bytes the write-ahead log shrinks again after it was longer.
const LOG_KEPT: &str = "67108864";

fn readers(connect: SqliteConnectOptions, options: &SqliteOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .acquire_timeout(options.patience)
        // They are threads of our own process: asking each whether it is still there is a waste.
        .test_before_acquire(false)
        .connect_lazy_with(connect.create_if_missing(false).pragma("query_only", "ON"))
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("file", &self.file).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sqlx::query_scalar;
    use tempfile::TempDir;

    use super::*;

    #[tokio::test]
    async fn what_is_acknowledged_is_synced_and_readers_cannot_write() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("reflector.db").display().to_string();
        let store = SqliteStore::open(&file, &SqliteOptions::default()).await.unwrap();
        let mut write = store.writer.alone().await.unwrap();
        let mode: String = query_scalar("PRAGMA journal_mode").fetch_one(&mut *write).await.unwrap();
        assert_eq!(mode, "wal");
        for (pragma, writer, reader) in [
            ("synchronous", 2, 2),
            ("foreign_keys", 1, 1),
            ("busy_timeout", 5_000, 5_000),
            ("query_only", 0, 1),
        ] {
            let pragma = || query_scalar::<_, i64>(sqlx::AssertSqlSafe(format!("PRAGMA {pragma}")));
            assert_eq!(pragma().fetch_one(&mut *write).await.unwrap(), writer);
            assert_eq!(pragma().fetch_one(&store.readers).await.unwrap(), reader);
        }
    }
}
