//! What the routes work with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::HeaderValue;
use ipnet::IpNet;
use reflector_core::engine::{Engine, Recordings};
use reflector_core::{Meeting, ProviderName, Timestamp};
use url::Url;

use crate::builtin::{self, Builtin};
use crate::clock::Clock;
use crate::error::Problem;
use crate::identity::{Identity, Sessions};
use crate::limits::Limits;
use crate::live::{Newsroom, Seats, Works};
use crate::metrics::Metrics;
use crate::outgoing::Reach;
use crate::pipeline::{Line, ParticipantTokens};
use crate::recordings::Feed;
use crate::watched::Bell;

/// What the routes work with.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) engine: Arc<Engine>,
    pub(crate) recordings: Arc<Recordings>,
    pub(crate) feeds: Vec<Arc<Feed>>,
    pub(crate) line: Line,
    pub(crate) identity: Identity,
    pub(crate) sessions: Sessions,
    pub(crate) tokens: ParticipantTokens,
    /// Where addresses that users give may lead.
    pub(crate) reach: Reach,
    /// Whether this process does, and not another one.
    pub(crate) takes_recordings_in: bool,
    pub(crate) limits: Arc<Limits>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) builtin: Arc<Builtin>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) newsroom: Arc<Newsroom>,
    pub(crate) seats: Seats,
    pub(crate) works: Arc<Works>,
    pub(crate) clock: Clock,
    pub(crate) public_url: Url,
    /// Whose word counts for where a request came from.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// The origins whose pages may call, beside our own.
    pub(crate) cors_origins: Vec<HeaderValue>,
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
    /// Whether somebody asked this process to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// What joining gives a participant: it opens the built-in provider's room once, and marks their answers.
    pub(crate) async fn participant_token(
        &self,
        meeting: &Meeting,
        now: Timestamp,
    ) -> Result<String, Problem> {
        let token = self.tokens.issue(meeting.id);
        if let Some(room) = &meeting.room
            && meeting.provider.as_str() == builtin::NAME
        {
            self.builtin.admit(&room.name, &token, now).await?;
        }
        Ok(token)
    }
}
