//! The provider port, kept by Whereby's calls.

use std::time::Duration;

use async_trait::async_trait;
use reflector_core::ProviderRoom;
use reflector_core::provider::{
    Capabilities, CloseAnswer, HowToClose, Known, PresenceAnswer, PresenceSource, ProviderError, RoomOrder,
    RoomRef, RoomsPage, VideoProvider, WebhookReader,
};
use reflector_core::recording::RecordingName;

use crate::api::Api;
use crate::budget::Purpose;
use crate::news;
use crate::settings::{NotUsable, RecordingDestination, WherebySettings};
use crate::webhook::WherebyWebhook;
use crate::wire::{Meeting, MeetingOrder};

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How many calls' time an answer of several calls may take: what was read first must still hold when a room is
/// deleted for it, and the claim of whoever asked must not have run out.
const PATIENCE: u32 = 3;

/// Runs rooms at Whereby.
///
/// Whereby tells who is in by webhooks alone. Asked, it gives single facts from its insights, 10 to 15 minutes late;
/// silence of theirs is no news. Its rooms cannot be changed once they are made, and deleting one is the only way to
/// end it. It cannot ask and close in one piece: between the two somebody may join.
#[derive(Debug)]
pub struct Whereby {
    api: Api,
    destination: Option<RecordingDestination>,
    webhook: WherebyWebhook,
    patience: Duration,
}

impl Whereby {
    /// The adapter, with a call budget of its own. A call is given up after 10 s, an answer that takes several
    /// after 30 s.
    ///
    /// # Errors
    ///
    /// Which setting is wrong, and what it should be.
    pub fn new(settings: WherebySettings) -> Result<Self, NotUsable> {
        Self::with_timeout(settings, TIMEOUT)
    }

    /// The adapter, with another patience for a call; an answer that takes several has three times that.
    ///
    /// # Errors
    ///
    /// Which setting is wrong, and what it should be.
    pub fn with_timeout(settings: WherebySettings, timeout: Duration) -> Result<Self, NotUsable> {
        let api = Api::new(&settings, timeout)?;
        let webhook = WherebyWebhook::new(settings.webhook_secrets, settings.subdomain)?;
        let patience = timeout.saturating_mul(PATIENCE);
        Ok(Self { api, destination: settings.recording_destination, webhook, patience })
    }
}

#[async_trait]
impl VideoProvider for Whereby {
    fn capabilities(&self) -> Capabilities {
        Capabilities { presence: PresenceSource::EventsAndFacts, closes_if_empty_atomically: false }
    }

    async fn open_room(&self, order: &RoomOrder) -> Result<ProviderRoom, ProviderError> {
        self.in_time(self.open(order)).await
    }

    async fn close_room(
        &self,
        room: &RoomRef,
        how: HowToClose,
        known: &Known,
    ) -> Result<CloseAnswer, ProviderError> {
        self.in_time(self.close(room, how, known)).await
    }

    async fn presence(&self, room: &RoomRef, known: &Known) -> Result<PresenceAnswer, ProviderError> {
        self.in_time(self.ask(room, known)).await
    }

    async fn rooms(&self, name_prefix: &str, page: Option<&str>) -> Result<RoomsPage, ProviderError> {
        let page = self.api.meetings_page(name_prefix, page, Purpose::Read).await?;
        Ok(RoomsPage { rooms: page.results.iter().map(Meeting::to_ref).collect(), next: page.cursor })
    }

    fn webhook(&self) -> Option<&dyn WebhookReader> {
        Some(&self.webhook)
    }

    fn recording_name(&self, key: &str) -> Option<RecordingName> {
        RecordingName::read(key)
    }
}

impl Whereby {
    async fn open(&self, order: &RoomOrder) -> Result<ProviderRoom, ProviderError> {
        if order.asked_before {
            let there = self.api.meetings(&order.name, Purpose::Open).await?;
            let first = there.into_iter().min_by(|one, other| one.made().cmp(&other.made()));
            if let Some(meeting) = first {
                return meeting.into_room();
            }
        }
        self.api.create(&MeetingOrder::new(order, self.destination.as_ref())).await?.into_room()
    }

    async fn close(
        &self,
        room: &RoomRef,
        how: HowToClose,
        known: &Known,
    ) -> Result<CloseAnswer, ProviderError> {
        if let (HowToClose::Force, Some(id)) = (how, &room.external_id) {
            self.api.delete(id).await?;
            return Ok(CloseAnswer::Gone);
        }
        for meeting in self.find(room, Purpose::Close).await? {
            match how {
                HowToClose::Force => self.api.delete(&meeting.meeting_id).await?,
                HowToClose::IfEmpty => match self.close_if_empty(&meeting, known).await? {
                    CloseAnswer::Gone => {}
                    not_closed => return Ok(not_closed),
                },
            }
        }
        Ok(CloseAnswer::Gone)
    }

    /// Closes a room if nobody has come of whom we know nothing.
    async fn close_if_empty(&self, meeting: &Meeting, known: &Known) -> Result<CloseAnswer, ProviderError> {
        let Some(attendances) = self.api.attendances(meeting.name(), known, Purpose::Close).await? else {
            return Ok(CloseAnswer::Unknown);
        };
        let facts = news::arrivals(attendances, known);
        if facts.is_empty() {
            self.api.delete(&meeting.meeting_id).await?;
            return Ok(CloseAnswer::Gone);
        }
        Ok(CloseAnswer::StillOccupied { humans: u32::try_from(facts.len()).unwrap_or(u32::MAX), facts })
    }

    /// What the insights tell of a room that is new.
    async fn ask(&self, room: &RoomRef, known: &Known) -> Result<PresenceAnswer, ProviderError> {
        let meetings = self.find(room, Purpose::Read).await?;
        if meetings.is_empty() {
            return Ok(PresenceAnswer::Missing);
        }
        let mut facts = Vec::new();
        for meeting in meetings {
            let attendances = self.api.attendances(meeting.name(), known, Purpose::Read).await?;
            facts.extend(news::news(attendances.unwrap_or_default(), known));
        }
        Ok(PresenceAnswer::Facts(facts))
    }

    /// The rooms that are spoken of: one by its id, or those whose name begins as its order says.
    async fn find(&self, room: &RoomRef, purpose: Purpose) -> Result<Vec<Meeting>, ProviderError> {
        match &room.external_id {
            Some(id) => Ok(self.api.meeting(id, purpose).await?.into_iter().collect()),
            None => self.api.meetings(&room.name, purpose).await,
        }
    }

    /// Gives up an answer that takes too long, wherever it is.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, ProviderError>> + Send,
    ) -> Result<T, ProviderError> {
        let late = |_| Err(ProviderError::unavailable("Whereby took too long over several calls"));
        tokio::time::timeout(self.patience, answer).await.unwrap_or_else(late)
    }
}
