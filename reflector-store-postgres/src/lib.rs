#![doc = include_str!("../README.md")]

mod api_keys;
mod commits;
mod connections;
mod consents;
mod deadlines;
mod deliveries;
mod effects;
mod error;
mod feed;
mod hearing;
mod key;
mod line;
mod meetings;
mod migrations;
mod notices;
mod pool;
mod recordings;
mod retention;
mod rooms;
mod rows;
mod runs;
pub mod statements;
mod take_in;
mod tally;
mod transcripts;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Row};

pub use error::OpenError;
use pool::Pool;
pub use reflector_core::store::Schema;

/// The oldest server that it works with, as PostgreSQL numbers them.
const OLDEST_SERVER: i32 = 140_000;

/// A store in PostgreSQL. It is shared behind an `Arc`, and any number of servers may use one database.
pub struct PostgresStore {
    pool: Pool,
    address: PgConnectOptions,
    options: PostgresOptions,
}

/// How the store behaves towards its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresOptions {
    /// How many connections it has at the most.
    pub connections: u32,
    /// How long a call waits for a connection before it answers that the store is unavailable.
    pub connect_within: Duration,
    /// How long a statement may take before it is given up and the call answers that the store is unavailable.
    pub answer_within: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections: 16,
            connect_within: Duration::from_secs(3),
            answer_within: Duration::from_secs(5),
        }
    }
}

impl PostgresStore {
    /// Connects to the database at this address, `postgres://user:password@host:port/database`, and looks whether a store
    /// can be in it. The tables are not touched: see [`schema`](Self::schema) and [`migrate`](Self::migrate).
    ///
    /// # Errors
    ///
    /// What an operator has to do before it can be opened.
    pub async fn connect(url: &SecretString, options: PostgresOptions) -> Result<Self, OpenError> {
        // What parsing it says could show a part of it, and a password may stand in any part.
        let address = PgConnectOptions::from_str(url.expose_secret()).map_err(|_| OpenError::BadUrl)?;
        let address = if address.get_application_name().is_none() {
            address.application_name("reflector")
        } else {
            address
        };
        let store = Self { pool: Pool::new(address.clone(), options), address, options };
        store.look_at_server().await?;
        Ok(store)
    }

    async fn look_at_server(&self) -> Result<(), OpenError> {
        // Not a line of the pool: that would try again and again what can be told at once.
        let limit = self.options.connect_within;
        let mut line = line::within(limit, sqlx::PgConnection::connect_with(&self.address)).await?;
        let question = "SELECT current_setting('server_version_num')::integer AS version,
            current_setting('transaction_read_only') = 'on' AS read_only";
        let row = line::within(limit, sqlx::query(question).fetch_one(&mut line)).await?;
        // It has answered; how it takes the good-bye does not matter.
        tokio::time::timeout(limit, line.close()).await.ok();
        let version: i32 = row.try_get("version")?;
        if version < OLDEST_SERVER {
            return Err(OpenError::ServerTooOld { version: version / 10_000 });
        }
        if row.try_get("read_only")? {
            return Err(OpenError::ReadOnly);
        }
        Ok(())
    }

    /// Closes all connections, once what is under way has been answered.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("options", &self.options).finish_non_exhaustive()
    }
}
