//! What an operator does from a shell, beside a server that runs on the same database or without one.

pub(crate) mod explain;
pub(crate) mod meetings;
pub(crate) mod recordings;
pub(crate) mod rooms;

use std::sync::Arc;

use reflector_core::Timestamp;
use reflector_core::engine::{Engine, EngineError, ReconcileError, Recordings};
use reflector_core::recording::SourceError;
use reflector_core::store::{Page, Paging, Store, StoreError};
use serde::Serialize;

use crate::app;
use crate::builtin::Builtin;
use crate::clock::{self, Clock};
use crate::config::{Config, Database, RecordingSettings};
use crate::database::{DatabaseError, Kept, Migrate};

/// A command cannot be done, in one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The store is ill.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked of the engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A source of recordings cannot be used with these settings.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What is at a source could not be compared with what is known.
    #[error(transparent)]
    Reconcile(#[from] ReconcileError),
    /// Whereby cannot be used with these settings.
    #[error(transparent)]
    Whereby(#[from] reflector_whereby::NotUsable),
    /// It cannot be done as it was asked.
    #[error("{0}")]
    Refused(String),
    /// What was to be said could not be written down.
    #[error("the output cannot be written")]
    Output(#[from] std::io::Error),
}

impl CommandError {
    pub(crate) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }
}

/// What the commands work with: the engine on the database, without any loop.
pub(crate) struct Office {
    pub(crate) engine: Arc<Engine>,
    pub(crate) recordings: Recordings,
    pub(crate) sources: RecordingSettings,
    pub(crate) clock: Clock,
    pub(crate) now: Timestamp,
}

impl Office {
    /// Opens the database as the server would. A schema that is not up to date is left alone.
    pub(crate) async fn open(config: &Config) -> Result<Self, CommandError> {
        if matches!(config.database, Database::Memory) {
            let why = "DATABASE_URL is memory: what a server keeps there no other process can see; use its HTTP \
                       interface, or sqlite: or postgres:";
            return Err(CommandError::refused(why));
        }
        let kept = Kept::open(&config.database, Migrate::No).await?;
        let clock = clock::system();
        let builtin = Arc::new(Builtin::new(kept.connections, &config.public_url, Arc::clone(&clock)));
        let engine = Arc::new(app::engine(config, kept.store, &builtin)?);
        let recordings = app::recordings(&config.recordings, &engine, kept.recordings);
        Ok(Self { engine, recordings, sources: config.recordings.clone(), now: clock(), clock })
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.engine.store()
    }
}

/// How much of a listing is read at once.
const PAGE: u64 = 200;

/// All that a listing has, read page by page.
async fn whole<T>(page: impl AsyncFn(Paging) -> Result<Page<T>, StoreError>) -> Result<Vec<T>, CommandError> {
    let mut all = Vec::new();
    loop {
        let Page { items, total } = page(Paging { offset: all.len() as u64, limit: PAGE }).await?;
        let is_last = items.is_empty();
        all.extend(items);
        if is_last || all.len() as u64 >= total {
            return Ok(all);
        }
    }
}

/// Prints what a listing has, as JSON.
fn print_json(bodies: &impl Serialize) -> Result<(), CommandError> {
    println!("{}", serde_json::to_string_pretty(bodies).map_err(std::io::Error::from)?);
    Ok(())
}

/// `reflector migrate`: brings the schema up to date.
pub(crate) async fn migrate(config: &Config) -> Result<(), CommandError> {
    Kept::open(&config.database, Migrate::Yes).await?;
    println!("the schema is up to date");
    Ok(())
}
