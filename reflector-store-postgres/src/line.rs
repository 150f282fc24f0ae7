//! How the store speaks with the database: a line of the pool on which every question is answered in time, or which is cut.

use std::future::Future;
use std::io;
use std::time::Duration;

use reflector_core::store::StoreError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Error, Postgres};

use crate::PostgresStore;
use crate::error::unavailable;
use crate::pool::Taken;

/// A statement with its values.
pub(crate) type Question<'q> = Query<'q, Postgres, PgArguments>;

/// How much longer than the server itself we wait for its answer: what it says of its time-out is better than silence.
const MARGIN: Duration = Duration::from_secs(1);

impl PostgresStore {
    /// The rows that a statement gives.
    pub(crate) async fn rows(&self, question: Question<'_>) -> Result<Vec<PgRow>, StoreError> {
        self.line().await?.rows(question).await
    }

    /// The one row that a statement gives, if it gives one.
    pub(crate) async fn row(&self, question: Question<'_>) -> Result<Option<PgRow>, StoreError> {
        Ok(self.rows(question).await?.pop())
    }

    /// The row of a statement that always gives one.
    pub(crate) async fn one(&self, question: Question<'_>) -> Result<PgRow, StoreError> {
        self.line().await?.one(question).await
    }

    /// How many rows a statement has changed.
    pub(crate) async fn changed(&self, question: Question<'_>) -> Result<u64, StoreError> {
        self.line().await?.changed(question).await
    }

    /// A line of its own, for a transaction or for whoever wants to know why a statement failed.
    pub(crate) async fn line(&self) -> Result<Line, StoreError> {
        let taken = self.pool.take().await.map_err(unavailable)?;
        Ok(Line { taken, patience: self.options.answer_within + MARGIN, busy: false })
    }
}

/// A connection of the pool.
pub(crate) struct Line {
    taken: Taken,
    patience: Duration,
    /// Whether somebody waits for an answer or is within a transaction.
    busy: bool,
}

impl Line {
    pub(crate) async fn begin(&mut self) -> Result<(), StoreError> {
        self.command("BEGIN").await?;
        self.busy = true;
        Ok(())
    }

    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        self.command("COMMIT").await?;
        self.busy = false;
        Ok(())
    }

    async fn command(&mut self, command: &'static str) -> Result<(), StoreError> {
        let in_transaction = std::mem::replace(&mut self.busy, true);
        let answer = within(self.patience, sqlx::raw_sql(command).execute(self.taken.connection())).await;
        self.busy = in_transaction || is_cut(&answer);
        answer.map(drop).map_err(unavailable)
    }

    pub(crate) async fn rows(&mut self, question: Question<'_>) -> Result<Vec<PgRow>, StoreError> {
        self.ask(question).await.map_err(unavailable)
    }

    pub(crate) async fn row(&mut self, question: Question<'_>) -> Result<Option<PgRow>, StoreError> {
        Ok(self.rows(question).await?.pop())
    }

    pub(crate) async fn one(&mut self, question: Question<'_>) -> Result<PgRow, StoreError> {
        self.row(question).await?.ok_or_else(|| unavailable(Error::RowNotFound))
    }

    /// The rows that a statement gives, or why it failed.
    pub(crate) async fn ask(&mut self, question: Question<'_>) -> Result<Vec<PgRow>, Error> {
        let in_transaction = std::mem::replace(&mut self.busy, true);
        let answer = within(self.patience, question.fetch_all(self.taken.connection())).await;
        self.busy = in_transaction || is_cut(&answer);
        answer
    }

    pub(crate) async fn changed(&mut self, question: Question<'_>) -> Result<u64, StoreError> {
        let in_transaction = std::mem::replace(&mut self.busy, true);
        let answer = within(self.patience, question.execute(self.taken.connection())).await;
        self.busy = in_transaction || is_cut(&answer);
        answer.map(|done| done.rows_affected()).map_err(unavailable)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Of one that is busy nobody knows what it would say next: it is cut.
        if !self.busy {
            self.taken.give_back();
        }
    }
}

/// Whether the line is of no use after this: anything but an answer, or the server's word that it refuses the statement.
fn is_cut<T>(answer: &Result<T, Error>) -> bool {
    match answer {
        Ok(_) => false,
        Err(Error::Database(refused)) => {
            refused.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_none_or(|refused| {
                use sqlx::postgres::PgSeverity::{Fatal, Panic};
                matches!(refused.severity(), Fatal | Panic)
            })
        }
        Err(_) => true,
    }
}

/// What comes of it in time.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let late = || Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database did not answer in time"));
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}
