//! The one connection that writes.
//!
//! SQLite lets one writer in at a time, whatever we do: waiting in line here is fair, and nobody polls the file's lock.
//! The connection is taken out of its place for each write and put back when that came to a clean end. A write that
//! failed, or whose caller went away in the middle, leaves the place empty: its connection is closed, which rolls back
//! what it had begun, and the next write opens another one. So no transaction is ever left open, whatever state the
//! lost one was in, such as after a full disk.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use reflector_core::store::StoreError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::sync::{Mutex, MutexGuard};

use crate::error::{BUSY, code, ill};
use crate::rows::Query;

/// How soon a file that is locked is tried again.
const AGAIN: Duration = Duration::from_millis(10);

pub(crate) struct Writer {
    connect: SqliteConnectOptions,
    place: Mutex<Option<SqliteConnection>>,
}

impl Writer {
    /// Opens the file, and tries whether it can be written. Whoever else has it locked is waited for.
    pub(crate) async fn open(connect: SqliteConnectOptions, patience: Duration) -> Result<Self, sqlx::Error> {
        let begun = Instant::now();
        let mut connection = loop {
            match connect.connect().await {
                // Giving a new file its log is what SQLite does not wait for by itself: several may begin with one.
                Err(error) if code(&error) == Some(BUSY) && begun.elapsed() < patience => {
                    tokio::time::sleep(AGAIN).await;
                }
                opened => break opened?,
            }
        };
        // Beginning a transaction does not tell: SQLite lets a reader begin one too.
        connection.execute("BEGIN IMMEDIATE; CREATE TABLE can_be_written (it); ROLLBACK").await?;
        // A missing file is made by opening it, and by nothing later: one that went away is not made anew, empty.
        Ok(Self { connect: connect.create_if_missing(false), place: Mutex::new(Some(connection)) })
    }

    /// Begins a transaction that is going to write.
    pub(crate) async fn begin(&self) -> Result<Write<'_>, StoreError> {
        let mut write = self.alone().await?;
        // Taking the lock at once and waiting for it is the only way: a reader that wants to write later is refused.
        write.execute("BEGIN IMMEDIATE").await.map_err(ill)?;
        Ok(write)
    }

    /// The connection for a single statement, which is a transaction of its own. The statement must be run to its end:
    /// see [`Write::finish`].
    pub(crate) async fn alone(&self) -> Result<Write<'_>, StoreError> {
        let mut place = self.place.lock().await;
        let connection = match place.take() {
            Some(connection) => connection,
            None => self.connect.connect().await.map_err(ill)?,
        };
        Ok(Write { place, connection })
    }

    /// Runs a single statement, and says how many rows it has changed.
    pub(crate) async fn run(&self, query: Query<'_>) -> Result<u64, StoreError> {
        let mut write = self.alone().await?;
        let done = query.execute(&mut *write).await.map_err(ill)?;
        write.finish();
        Ok(done.rows_affected())
    }

    pub(crate) async fn close(&self) {
        if let Some(connection) = self.place.lock().await.take() {
            // What it could not tidy up, the next one to open the file will.
            connection.close().await.ok();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// A write in hand. Dropped before it came to its end, it has not taken place.
pub(crate) struct Write<'a> {
    place: MutexGuard<'a, Option<SqliteConnection>>,
    connection: SqliteConnection,
}

impl Write<'_> {
    /// Ends the transaction: all of it is written, and synced.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        self.execute("COMMIT").await.map_err(ill)?;
        self.finish();
        Ok(())
    }

    /// Ends the transaction: nothing of it is written.
    pub(crate) async fn abandon(mut self) -> Result<(), StoreError> {
        self.execute("ROLLBACK").await.map_err(ill)?;
        self.finish();
        Ok(())
    }

    /// Gives the connection back, on which nothing is open any more.
    pub(crate) fn finish(self) {
        let Self { mut place, connection } = self;
        *place = Some(connection);
    }
}

impl Deref for Write<'_> {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Write<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

#[cfg(test)]
mod tests {
    use sqlx::query;
    use tempfile::TempDir;

    use super::*;

    #[tokio::test]
    async fn a_connection_on_which_something_failed_is_not_used_again() {
        let folder = TempDir::new().unwrap();
        let file = SqliteConnectOptions::new().filename(folder.path().join("it.db")).create_if_missing(true);
        let writer = Writer::open(file, Duration::ZERO).await.unwrap();
        let mut write = writer.begin().await.unwrap();
        write.execute("CREATE TABLE lines (it)").await.unwrap();
        write.commit().await.unwrap();

        // Room for four pages and no more, as far as this connection is concerned.
        let mut limited = writer.alone().await.unwrap();
        limited.execute("PRAGMA max_page_count = 4").await.unwrap();
        limited.finish();
        let long = "INSERT INTO lines VALUES (randomblob(100000))";
        let mut write = writer.begin().await.unwrap();
        let error = query(long).execute(&mut *write).await.unwrap_err();
        assert!(error.to_string().contains("full"), "{error}");
        drop(write);

        let mut write = writer.begin().await.unwrap();
        query(long).execute(&mut *write).await.unwrap();
        write.commit().await.unwrap();
    }
}
