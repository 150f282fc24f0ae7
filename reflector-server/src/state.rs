//! What the routes work with.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use reflector_core::engine::{Engine, Recordings};
use reflector_core::{Meeting, ProviderName, Timestamp};
use url::Url;

use crate::builtin::{self, Builtin};
use crate::clock::{self, Clock};
use crate::error::Problem;
use crate::metrics::Metrics;
use crate::recordings::Feed;
use crate::watched::Bell;

/// What the routes work with.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) engine: Arc<Engine>,
    pub(crate) recordings: Arc<Recordings>,
    pub(crate) feeds: Vec<Arc<Feed>>,
    /// Whether this process does, and not another one.
    pub(crate) takes_recordings_in: bool,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) builtin: Arc<Builtin>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) clock: Clock,
    pub(crate) public_url: Url,
    pub(crate) provider: ProviderName,
    pub(crate) stopping: Arc<AtomicBool>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("engine", &self.engine)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

impl App {
    /// What joining gives a participant: it opens the built-in provider's room once, and marks their answers.
    pub(crate) async fn participant_token(
        &self,
        meeting: &Meeting,
        now: Timestamp,
    ) -> Result<String, Problem> {
        match &meeting.room {
            Some(room) if meeting.provider.as_str() == builtin::NAME => {
                self.builtin.issue_token(&room.name, now).await.map_err(Problem::from)
            }
            _ => Ok(clock::new_secret()),
        }
    }
}
