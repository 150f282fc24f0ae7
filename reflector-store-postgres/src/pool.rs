//! The connections that a store has: opened when they are needed, used again, and closed when they are old.
//!
//! Not sqlx's own pool: that asks the server a question whenever a connection is given back, which would double the round
//! trips of a store whose every call is one. Ours is told by the line itself whether it can be used again.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Error, PgConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::PostgresOptions;

/// For how long a connection may have been idle to be used without asking whether it is still there.
const TRUSTED: Duration = Duration::from_secs(1);
/// For how long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(600);
/// For how long a connection is used: its process at the server grows.
const LIFETIME: Duration = Duration::from_secs(1_800);
/// How long to wait before knocking again at a server that is about to be there, at first and at the most.
const KNOCK: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(320));

pub(crate) struct Pool {
    address: PgConnectOptions,
    options: PostgresOptions,
    shared: Arc<Shared>,
}

struct Shared {
    /// One for each connection that there may be.
    permits: Arc<Semaphore>,
    /// What can be taken, the one used last at the end.
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: PgConnection,
    opened_at: Instant,
    since: Instant,
}

/// A connection that somebody has to himself.
pub(crate) struct Taken {
    /// There until it is given back.
    connection: Option<PgConnection>,
    opened_at: Instant,
    shared: Arc<Shared>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(address: PgConnectOptions, options: PostgresOptions) -> Self {
        let permits = Arc::new(Semaphore::new(options.connections as usize));
        Self { address, options, shared: Arc::new(Shared { permits, idle: Mutex::default() }) }
    }

    /// One that nobody else has: an idle one if there is one, or a new one if there may be another.
    pub(crate) async fn take(&self) -> Result<Taken, Error> {
        let begun = Instant::now();
        let taken = tokio::time::timeout(self.options.connect_within, self.take_or_open()).await;
        // Beside what sqlx tells of each statement: whether there are too few.
        tracing::debug!(waited_secs = begun.elapsed().as_secs_f64(), "a connection was asked for");
        taken.unwrap_or(Err(Error::PoolTimedOut))
    }

    async fn take_or_open(&self) -> Result<Taken, Error> {
        let permit = Arc::clone(&self.shared.permits).acquire_owned().await;
        let permit = permit.map_err(|_| Error::PoolClosed)?;
        let taken = |connection, opened_at| {
            let shared = Arc::clone(&self.shared);
            Taken { connection: Some(connection), opened_at, shared, _permit: permit }
        };
        while let Some(Idle { mut connection, opened_at, since }) = self.shared.newest_idle() {
            if since.elapsed() <= TRUSTED || connection.ping().await.is_ok() {
                return Ok(taken(connection, opened_at));
            }
        }
        let connection = self.open().await?;
        Ok(taken(connection, Instant::now()))
    }

    /// A new one. A server that is about to be there is waited for, as long as the caller does.
    async fn open(&self) -> Result<PgConnection, Error> {
        let (mut wait, longest) = KNOCK;
        let mut connection = loop {
            match PgConnection::connect_with(&self.address).await {
                Err(error) if is_passing(&error) => {
                    tokio::time::sleep(wait).await;
                    wait = longest.min(wait * 2);
                }
                answer => break answer?,
            }
        };
        let limit = self.options.answer_within.as_millis();
        // Not in the address: proxies refuse settings there. Whoever dies in the middle of a transaction holds its locks
        // no longer than a statement may take.
        let settings = format!(
            "SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit}; \
             SET default_transaction_isolation = 'read committed'"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(settings)).execute(&mut connection).await?;
        Ok(connection)
    }

    /// Closes all, once what is under way has been answered. Whoever asks for one after that is refused.
    pub(crate) async fn close(&self) {
        // It fails only if it is closed already.
        let all = self.shared.permits.acquire_many(self.options.connections).await;
        self.shared.permits.close();
        drop(all);
        while let Some(Idle { connection, .. }) = self.shared.newest_idle() {
            // It goes away whether the server hears of it or not.
            tokio::time::timeout(self.options.connect_within, connection.close()).await.ok();
        }
    }
}

impl Shared {
    /// The connection used last, which is the likeliest to be there. Those that are old go.
    fn newest_idle(&self) -> Option<Idle> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let unused = idle.iter().take_while(|idle| idle.since.elapsed() > IDLE).count();
        idle.drain(..unused);
        while let Some(newest) = idle.pop() {
            if newest.opened_at.elapsed() <= LIFETIME {
                return Some(newest);
            }
        }
        None
    }
}

impl Taken {
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("it is there until it is given back, and then nobody has it")
    }

    /// Gives it back, to be used again. One that is only dropped is cut, and the server undoes what was begun.
    pub(crate) fn give_back(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let mut idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Idle { connection, opened_at: self.opened_at, since: Instant::now() });
    }
}

/// Whether a server that does not let us in now may do so in a moment: it starts, or has no room for another yet.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        Error::Database(refused) => refused.is_transient_in_connect_phase(),
        _ => false,
    }
}
