//! What an operator does from a shell, beside a server that runs on the same database or without one.

pub(crate) mod explain;
pub(crate) mod meetings;
pub(crate) mod rooms;

use std::sync::Arc;

use reflector_core::Timestamp;
use reflector_core::engine::{Engine, EngineError};
use reflector_core::store::{Store, StoreError};

use crate::app;
use crate::builtin::Builtin;
use crate::clock;
use crate::config::{Config, Database};
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
    pub(crate) engine: Engine,
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
        let Kept { store, connections } = Kept::open(&config.database, Migrate::No).await?;
        let clock = clock::system();
        let builtin = Arc::new(Builtin::new(connections, &config.public_url, Arc::clone(&clock)));
        Ok(Self { engine: app::engine(config, store, &builtin)?, now: clock() })
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.engine.store()
    }
}

/// `reflector migrate`: brings the schema up to date.
pub(crate) async fn migrate(config: &Config) -> Result<(), CommandError> {
    Kept::open(&config.database, Migrate::Yes).await?;
    println!("the schema is up to date");
    Ok(())
}
