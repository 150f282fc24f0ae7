//! The engine: it feeds the rules and carries out what they say.
//!
//! ```text
//! webhook ─► intake ─┐
//! deadline ► sweep ──┤
//! poll ────► dispatch┼─► apply ─► step ─► commit ─► owed effects ─► dispatch ─► provider
//! owner ───► admin ──┘
//! ```
//!
//! It owns no loop, no clock and no task: whoever embeds it calls [`Engine::sweep_once`], [`Engine::dispatch_once`]
//! and [`Engine::reconcile_once`] with the present instant, as often as they like and on any number of machines, and
//! each answers with a report. So a simulator drives the very code that runs in production.

mod admin;
mod apply;
mod dispatch;
mod intake;
mod naming;
mod notices;
mod reconcile;
mod recordings;
mod runs;
mod sweep;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

pub use admin::{CurrentMeeting, NewScheduled, RoomRemoval, ScheduledMeeting};
pub use apply::{Applied, Input};
pub use dispatch::{Carried, CarryOutcome};
pub use intake::{IntakeError, Taken};
pub use naming::{Deployment, NotADeployment};
pub use notices::{Brought, Courier, Notices, Undelivered};
pub use reconcile::{Reconciled, RoomFate};
pub use recordings::{
    Attachment, Ingested, Matched, NewIds, ReconcileError, ReconciledPage, Recordings, Requeued,
};
pub use runs::{Begun, Claimed, RunError, Runs, Worked};
pub use sweep::{Failure, Swept};

use crate::ids::{MeetingId, ProviderName};
use crate::lifecycle::{Announcement, Hearing, Policy};
use crate::meeting::Meeting;
use crate::provider::{PresenceSource, VideoProvider};
use crate::room::RoomPolicy;
use crate::store::{LISTENING_GAP, Loaded, Store, StoreError};
use crate::time::Timestamp;

/// What the engine is set up with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name that begins every room made at a provider, and marks it as ours.
    pub deployment: Deployment,
    /// The deployment's policy; rooms and meetings set parts of it for themselves.
    pub policy: Policy,
}

/// Feeds the rules and carries out what they say.
#[derive(Clone, Debug)]
pub struct Engine {
    store: Arc<dyn Store>,
    providers: BTreeMap<ProviderName, Arc<dyn VideoProvider>>,
    announcer: Arc<dyn Announcer>,
    settings: Settings,
    /// Of the deployment's policy: every deadline row that is written carries it.
    fingerprint: u64,
}

/// Tells people what the rules announce.
#[async_trait]
pub trait Announcer: Send + Sync + Debug + 'static {
    /// Tells it. An error is tried again, as long as it is of use.
    async fn announce(&self, meeting: &Meeting, announcement: &Announcement) -> Result<(), AnnounceError>;
}

/// Somebody could not be told: try again.
#[derive(Debug, thiserror::Error)]
#[error("nobody could be told: {0}")]
pub struct AnnounceError(pub String);

/// Tells nobody: for programs that have nobody to tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

#[async_trait]
impl Announcer for Silent {
    async fn announce(&self, _: &Meeting, _: &Announcement) -> Result<(), AnnounceError> {
        Ok(())
    }
}

/// The engine could not do what it was asked. The variants are what a caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Try again later.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Try again at once: others kept writing to the same meeting.
    #[error("meeting {0} is being changed by many at once")]
    Contended(MeetingId),
    /// Configure the provider, or choose another one for the room.
    #[error("no provider is called {0} here: configure it, or choose another one for the room")]
    NoSuchProvider(ProviderName),
}

impl Engine {
    /// An engine over a store, with no provider yet, that announces to nobody.
    pub fn new(store: Arc<dyn Store>, settings: Settings) -> Self {
        let fingerprint = settings.policy.fingerprint();
        Self { store, providers: BTreeMap::new(), announcer: Arc::new(Silent), settings, fingerprint }
    }

    /// Adds a provider under a name that rooms can ask for.
    #[must_use]
    pub fn with_provider(mut self, name: ProviderName, provider: Arc<dyn VideoProvider>) -> Self {
        self.providers.insert(name, provider);
        self
    }

    /// Sets who is told what the rules announce.
    #[must_use]
    pub fn with_announcer(mut self, announcer: Arc<dyn Announcer>) -> Self {
        self.announcer = announcer;
        self
    }

    /// The store it works on.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// What it was set up with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The names of the providers it knows.
    pub fn providers(&self) -> impl Iterator<Item = &ProviderName> {
        self.providers.keys()
    }

    fn provider(&self, name: &ProviderName) -> Result<&dyn VideoProvider, EngineError> {
        self.providers
            .get(name)
            .map(|provider| &**provider)
            .ok_or_else(|| EngineError::NoSuchProvider(name.clone()))
    }

    /// The policy of a meeting: the deployment's, with what its room sets for itself and what its provider can do.
    pub fn policy_of(&self, loaded: &Loaded) -> Policy {
        self.policy_with(&loaded.room_policy, &loaded.meeting.provider)
    }

    fn policy_with(&self, room: &RoomPolicy, provider: &ProviderName) -> Policy {
        let provider = self.providers.get(provider);
        Policy {
            provider_answers: provider
                .is_some_and(|provider| provider.capabilities().presence != PresenceSource::Events),
            ..self.settings.policy.of_room(room)
        }
    }

    /// What silence of this provider is worth now (rule L13).
    pub async fn hearing(&self, name: &ProviderName, now: Timestamp) -> Result<Hearing, StoreError> {
        let Some(provider) = self.providers.get(name) else { return Ok(Hearing::Deaf) };
        if matches!(provider.capabilities().presence, PresenceSource::Snapshot { .. }) {
            return Ok(Hearing::Answered);
        }
        let Some(webhook) = provider.webhook() else { return Ok(Hearing::Deaf) };
        let heard = self.store.hearing(name, webhook.endpoint()).await?;
        Ok(match (heard.verified_at, heard.listening_since, heard.last_beat) {
            (Some(_), Some(since), Some(beat)) if now.since(beat) <= LISTENING_GAP => Hearing::Since(since),
            _ => Hearing::Deaf,
        })
    }

    /// What silence is worth now to whoever would close because of it: nothing while closes are on hold, which is how an
    /// operator freezes every unforced close.
    pub(super) async fn silence(&self, name: &ProviderName, now: Timestamp) -> Result<Hearing, StoreError> {
        match self.store.held_since().await? {
            Some(_) => Ok(Hearing::Deaf),
            None => self.hearing(name, now).await,
        }
    }
}
