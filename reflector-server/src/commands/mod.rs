//! What an operator does from a shell, beside a server that runs on the same database or without one.

mod bar;
pub(crate) mod doctor;
pub(crate) mod hold;
pub(crate) mod keys;
pub(crate) mod meetings;
pub(crate) mod pipeline;
pub(crate) mod recordings;
pub(crate) mod rooms;

use std::sync::Arc;

use reflector_core::Timestamp;
use reflector_core::engine::{Engine, EngineError, ReconcileError, Recordings};
use reflector_core::recording::SourceError;
use reflector_core::store::{KeyStore, Page, Paging, Store, StoreError, TranscriptStore};
use reflector_pipeline::PipelineSettings;
use serde::Serialize;
use url::Url;

use crate::app;
use crate::clock::{self, Clock};
use crate::config::{Config, Database, RecordingSettings};
use crate::database::{DatabaseError, Kept, Migrate};
use crate::metrics::Metrics;
use crate::pipeline::Line;

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
    /// The pipeline cannot be used with these settings.
    #[error(transparent)]
    Pipeline(#[from] reflector_pipeline::NotUsable),
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
    pub(crate) transcripts: Arc<dyn TranscriptStore>,
    pub(crate) keys: Arc<dyn KeyStore>,
    pub(crate) sources: RecordingSettings,
    pipeline: PipelineSettings,
    kept: Kept,
    pub(crate) public_url: Url,
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
        let builtin = app::builtin(config, &kept, &clock);
        let engine =
            Arc::new(app::engine(config, Arc::clone(&kept.store), &builtin, |_, provider| provider)?);
        let recordings = app::recordings(&config.recordings, &engine, Arc::clone(&kept.recordings));
        Ok(Self {
            engine,
            recordings,
            transcripts: Arc::clone(&kept.transcripts),
            keys: Arc::clone(&kept.keys),
            sources: config.recordings.clone(),
            pipeline: config.pipeline.clone(),
            public_url: config.public_url.clone(),
            now: clock(),
            clock,
            kept,
        })
    }

    /// The pipeline as the server has it.
    pub(crate) async fn line(&self) -> Result<Line, CommandError> {
        // Nobody reads what is measured here.
        let feeds = app::feeds(&self.sources, &Metrics::new(), &self.clock).await?;
        Ok(Line::new(self.pipeline.clone(), &self.kept, &feeds)?)
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
