//! The provider: what the engine asks of the built-in rooms.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::engine::{AnnounceError, Announcer};
use reflector_core::lifecycle::{Announcement, Presence};
use reflector_core::provider::{
    Capabilities, CloseAnswer, HowToClose, Known, PresenceAnswer, PresenceSource, ProviderError, RoomOrder,
    RoomRef, RoomsPage, VideoProvider, WebhookReader,
};
use reflector_core::recording::RecordingName;
use reflector_core::{Meeting, ProviderRoom, Timestamp};
use url::Url;

use super::audience::Audience;
use super::{Clock, NAME, token_hash};
use reflector_core::store::{Closing, ConnectionStore, RoomSeen, StoreError};

/// For how long after the start nothing is said of older rooms: those who were in are on their way back.
const RETURN: Duration = Duration::from_secs(30);
/// For how long a token can be spent.
const TOKEN_KEPT: Duration = Duration::from_secs(2 * 60);
const PAGE: usize = 100;

/// The built-in provider.
pub struct Builtin {
    pub(super) connections: Arc<dyn ConnectionStore>,
    pub(super) audience: Audience,
    public_url: String,
    clock: Clock,
    started_at: Timestamp,
}

/// No token is given. The variants are what a caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenRefused {
    /// The room is closed: there is nothing to join.
    #[error("this meeting has ended")]
    Closed,
    /// Try again later.
    #[error(transparent)]
    Connections(#[from] StoreError),
}

impl Builtin {
    /// A provider that starts now. Participants reach this server at `public_url`.
    pub fn new(connections: Arc<dyn ConnectionStore>, public_url: &Url, clock: Clock) -> Self {
        let started_at = clock();
        let public_url = public_url.as_str().trim_end_matches('/').to_owned();
        Self { connections, audience: Audience::default(), public_url, clock, started_at }
    }

    /// Lets the bearer of a token into this room, once, within two minutes. The token is a secret that nobody can guess.
    ///
    /// Ask only for rooms of meetings that can be joined: a room that is not known here was made before this process
    /// started, and comes back.
    ///
    /// # Errors
    ///
    /// [`TokenRefused::Closed`] for a room that is closed.
    pub async fn admit(&self, room_name: &str, token: &str, now: Timestamp) -> Result<(), TokenRefused> {
        match self.connections.look(room_name, now).await? {
            RoomSeen::Open { .. } => {}
            RoomSeen::Closed => return Err(TokenRefused::Closed),
            RoomSeen::Unknown => self.adopt(room_name).await?,
        }
        let taken = self.connections.admit(room_name, token_hash(token), now + TOKEN_KEPT, now).await?;
        if taken { Ok(()) } else { Err(TokenRefused::Closed) }
    }

    /// Takes a room for one that was made before this process started.
    async fn adopt(&self, room: &str) -> Result<(), StoreError> {
        self.connections.open(room, self.started_at - Duration::from_micros(1)).await
    }

    /// Whether those who were in before the start may still be on their way back.
    fn awaits_return(&self, now: Timestamp) -> bool {
        now < self.started_at + RETURN
    }

    /// The room as it stands; nothing as long as that cannot be said.
    async fn seen(&self, room: &str, now: Timestamp) -> Result<Option<RoomSeen>, StoreError> {
        let seen = self.connections.look(room, now).await?;
        let older = match seen {
            RoomSeen::Open { opened_at, .. } => opened_at < self.started_at,
            RoomSeen::Closed => false,
            RoomSeen::Unknown => true,
        };
        Ok(if older && self.awaits_return(now) { None } else { Some(seen) })
    }
}

#[async_trait]
impl VideoProvider for Builtin {
    fn capabilities(&self) -> Capabilities {
        let presence = PresenceSource::Snapshot { staleness: Duration::ZERO };
        Capabilities { presence, closes_if_empty_atomically: true }
    }

    async fn open_room(&self, order: &RoomOrder) -> Result<ProviderRoom, ProviderError> {
        let name = bare(&order.name).to_owned();
        self.connections.open(&name, (self.clock)()).await?;
        Ok(ProviderRoom {
            url: format!("{}/meet/{name}", self.public_url),
            external_id: name.clone(),
            name,
            host_url: None,
            expires_at: None,
        })
    }

    async fn close_room(
        &self,
        room: &RoomRef,
        how: HowToClose,
        _: &Known,
    ) -> Result<CloseAnswer, ProviderError> {
        let (name, now) = (bare(&room.name), (self.clock)());
        if how == HowToClose::IfEmpty && self.seen(name, now).await?.is_none() {
            return Ok(CloseAnswer::Unknown);
        }
        Ok(match self.connections.close(name, how, now).await? {
            Closing::Occupied(humans) => CloseAnswer::StillOccupied { humans, facts: Vec::new() },
            Closing::Closed | Closing::NotOpen => {
                self.audience.closed(name);
                CloseAnswer::Gone
            }
        })
    }

    async fn presence(&self, room: &RoomRef, known: &Known) -> Result<PresenceAnswer, ProviderError> {
        let (name, now) = (bare(&room.name), (self.clock)());
        // Whoever has been told of people in it tells us that it was there: it is empty now, not missing, and its
        // meeting still has its grace.
        if known.newest_event_at.is_some() && self.connections.look(name, now).await? == RoomSeen::Unknown {
            self.adopt(name).await?;
        }
        Ok(match self.seen(name, now).await? {
            None => PresenceAnswer::Snapshot(Presence::Unknown),
            Some(RoomSeen::Open { humans: 0, .. }) => PresenceAnswer::Snapshot(Presence::Empty),
            Some(RoomSeen::Open { humans, .. }) => PresenceAnswer::Snapshot(Presence::Occupied(humans)),
            Some(RoomSeen::Closed | RoomSeen::Unknown) => PresenceAnswer::Missing,
        })
    }

    async fn rooms(&self, name_prefix: &str, page: Option<&str>) -> Result<RoomsPage, ProviderError> {
        let names = self.connections.rooms(name_prefix, page, PAGE).await?;
        let next = if names.len() == PAGE { names.last().cloned() } else { None };
        let room = |name: String| RoomRef { external_id: Some(name.clone()), name };
        Ok(RoomsPage { rooms: names.into_iter().map(room).collect(), next })
    }

    fn webhook(&self) -> Option<&dyn WebhookReader> {
        None
    }

    fn recording_name(&self, key: &str) -> Option<RecordingName> {
        RecordingName::read(key)
    }
}

#[async_trait]
impl Announcer for Builtin {
    /// Tells those who are in a built-in room, and for every provider the log.
    async fn announce(&self, meeting: &Meeting, announcement: &Announcement) -> Result<(), AnnounceError> {
        let (id, provider) = (meeting.id, &meeting.provider);
        match announcement {
            Announcement::ClosingSoon { closes_at } => {
                tracing::info!(meeting = %id, %provider, %closes_at, "the meeting will be closed soon, whoever is in");
                if provider.as_str() == NAME
                    && let Some(room) = &meeting.room
                {
                    self.audience.closing_soon(&room.name, Some(*closes_at));
                }
            }
            Announcement::CloseUnconfirmed => {
                let room = meeting.room.as_ref().map(|room| room.name.as_str());
                tracing::error!(
                    meeting = %id, %provider, room,
                    "the provider never confirmed that the room of this meeting is gone: look for it there and end it"
                );
            }
            other => tracing::warn!(meeting = %id, %provider, ?other, "there is nobody here to tell this to"),
        }
        Ok(())
    }
}

impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builtin").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// What an order's name begins with, without the dash that ends it: what a room here is called in full.
fn bare(name: &str) -> &str {
    name.trim_end_matches('-')
}
