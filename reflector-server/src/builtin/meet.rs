//! What the pages and sockets of the built-in rooms share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use reflector_core::Timestamp;
use reflector_core::engine::Engine;
use reflector_core::lifecycle::{ANNOUNCEMENTS, hard_deadline};
use reflector_core::store::{Loaded, StoreError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::{Host, Url};

use super::places::Places;
use super::{Builtin, Clock, NAME};

/// What the pages and sockets of the built-in rooms share. Hand it to [`router`](super::router).
pub struct Meet {
    pub(super) builtin: Arc<Builtin>,
    pub(super) engine: Arc<Engine>,
    pub(super) clock: Clock,
    pub(super) timing: Timing,
    pub(super) places: Places,
    pub(super) stopping: CancellationToken,
    pub(super) tasks: TaskTracker,
    public_url: Url,
}

/// How patient the sockets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How soon the first message must come.
    pub first_message: Duration,
    /// How often a sign of life is asked for.
    pub ping_every: Duration,
    /// How long a connection is in after its last sign of life.
    pub pong_within: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            first_message: Duration::from_secs(5),
            ping_every: Duration::from_secs(10),
            pong_within: Duration::from_secs(20),
        }
    }
}

impl Meet {
    /// The rooms of a provider, whose comings and goings are told to an engine.
    pub fn new(builtin: Arc<Builtin>, engine: Arc<Engine>, clock: Clock, public_url: &Url) -> Self {
        Self {
            builtin,
            engine,
            clock,
            timing: Timing::default(),
            places: Places::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            public_url: public_url.clone(),
        }
    }

    /// Sets how patient the sockets are.
    #[must_use]
    pub fn with_timing(self, timing: Timing) -> Self {
        Self { timing, ..self }
    }

    /// Sends everybody away to come back soon, and waits until they are told. Nobody is reported as having left:
    /// their pages return to whoever serves next.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// The meeting that a room was made for, if this is its room still.
    pub(super) async fn meeting_in(&self, room: &str) -> Result<Option<Loaded>, StoreError> {
        let Some((id, _)) = self.engine.settings().deployment.meeting_of(room) else { return Ok(None) };
        let loaded = self.engine.store().load(id).await?;
        Ok(loaded.filter(|loaded| {
            let meeting = &loaded.meeting;
            meeting.provider.as_str() == NAME && meeting.room.as_ref().is_some_and(|held| held.name == room)
        }))
    }

    /// When the meeting in a room is closed by force, if that is to be announced by now (rule L25).
    pub(super) async fn closing_soon(&self, room: &str) -> Result<Option<Timestamp>, StoreError> {
        let Some(loaded) = self.meeting_in(room).await? else { return Ok(None) };
        let (life, now) = (&loaded.meeting.life, (self.clock)());
        let (closes_at, _) = hard_deadline(life, &self.engine.policy_of(&loaded));
        let runs_over = !life.schedule.scheduled || life.schedule.end <= now;
        let soon =
            life.phase.is_active() && runs_over && now < closes_at && closes_at <= now + ANNOUNCEMENTS[0];
        Ok(soon.then_some(closes_at))
    }

    /// Whether a socket may be opened by a page of this origin: our own, or none at all (no browser).
    ///
    /// A host that only *says* it is this one is not believed, unless it is this machine's own loopback.
    pub(super) fn welcomes(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Some(origin) = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()) else {
            return false;
        };
        let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let itself = named.and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
        origin.origin() == self.public_url.origin()
            || (is_loopback(&origin) && itself.is_some_and(|itself| itself.origin() == origin.origin()))
    }

    /// Waits a while; `false` if the server stops meanwhile.
    pub(super) async fn wait(&self, span: Duration) -> bool {
        self.stopping.run_until_cancelled(tokio::time::sleep(span)).await.is_some()
    }
}

impl fmt::Debug for Meet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meet")
            .field("builtin", &self.builtin)
            .field("timing", &self.timing)
            .finish_non_exhaustive()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
