//! The provider as the engine sees it: the truth, behind a line that takes its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use reflector_core::provider::{
    Capabilities, CloseAnswer, Delivery, DeliveryError, Fact, Headers, HowToClose, Known, PresenceAnswer,
    ProviderError, RoomOrder, RoomRef, RoomsPage, VideoProvider, WebhookReader,
};
use reflector_core::recording::RecordingName;
use reflector_core::testing::{FakeProvider, halt};
use reflector_core::{ProviderRoom, Timestamp};

use crate::faults::Switch;

/// What goes over the line to the provider, for the world to look at.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// Set while a call is on its way: the world gives it more time than it gives the store.
    pub(crate) in_use: AtomicBool,
    /// The rooms that were to be closed by force, as they were named.
    forced: Mutex<Vec<String>>,
}

impl Line {
    fn closes_by_force(&self, room: &str) {
        self.forced.lock().unwrap_or_else(PoisonError::into_inner).push(room.to_owned());
    }

    /// Those that were to be closed by force since it was last asked.
    pub(crate) fn take_forced(&self) -> Vec<String> {
        std::mem::take(&mut *self.forced.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The provider behind a line: each call halts on its way there and on its way back.
#[derive(Clone, Debug)]
pub(crate) struct Distant {
    pub(crate) truth: FakeProvider,
    pub(crate) line: Arc<Line>,
    pub(crate) switch: Arc<Switch>,
    /// Whether it tells how many people are in.
    pub(crate) counts: bool,
}

impl Distant {
    async fn travel(&self) {
        self.line.in_use.store(true, Ordering::Relaxed);
        halt().await;
    }

    /// Some providers tell who came and went, and not how many are in.
    fn tells(&self, facts: &mut [Fact]) {
        for fact in facts {
            if let (false, Fact::Joined(movement) | Fact::Left(movement)) = (self.counts, fact) {
                movement.humans = None;
            }
        }
    }
}

#[async_trait]
impl VideoProvider for Distant {
    fn capabilities(&self) -> Capabilities {
        self.truth.capabilities()
    }

    async fn open_room(&self, order: &RoomOrder) -> Result<ProviderRoom, ProviderError> {
        self.travel().await;
        let answer = self.truth.open_room(order).await;
        self.travel().await;
        answer
    }

    async fn close_room(
        &self,
        room: &RoomRef,
        how: HowToClose,
        known: &Known,
    ) -> Result<CloseAnswer, ProviderError> {
        self.travel().await;
        if how == HowToClose::Force {
            self.line.closes_by_force(&room.name);
        }
        let mut answer = self.truth.close_room(room, how, known).await;
        if let Ok(CloseAnswer::StillOccupied { facts, .. }) = &mut answer {
            self.tells(facts);
        }
        self.travel().await;
        answer
    }

    async fn presence(&self, room: &RoomRef, known: &Known) -> Result<PresenceAnswer, ProviderError> {
        self.travel().await;
        let mut answer = if self.switch.slips(&room.name) {
            Ok(PresenceAnswer::Missing)
        } else {
            self.truth.presence(room, known).await
        };
        if let Ok(PresenceAnswer::Facts(facts)) = &mut answer {
            self.tells(facts);
        }
        self.travel().await;
        answer
    }

    async fn rooms(&self, name_prefix: &str, page: Option<&str>) -> Result<RoomsPage, ProviderError> {
        self.travel().await;
        let answer = self.truth.rooms(name_prefix, page).await;
        self.travel().await;
        answer
    }

    fn webhook(&self) -> Option<&dyn WebhookReader> {
        Some(self)
    }

    fn recording_name(&self, key: &str) -> Option<RecordingName> {
        RecordingName::read(key)
    }
}

impl WebhookReader for Distant {
    fn read(&self, headers: &dyn Headers, body: &[u8], now: Timestamp) -> Result<Delivery, DeliveryError> {
        let reader = self.truth.webhook().ok_or_else(|| DeliveryError::Unreadable("no reader".to_owned()))?;
        let mut delivery = reader.read(headers, body, now)?;
        self.tells(&mut delivery.facts);
        Ok(delivery)
    }

    fn endpoint(&self) -> u64 {
        self.truth.webhook().map_or(0, WebhookReader::endpoint)
    }
}
