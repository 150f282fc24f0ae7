//! The provider as the engine sees it: the truth, behind a line that takes its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use reflector_core::ProviderRoom;
use reflector_core::provider::{
    Capabilities, CloseAnswer, HowToClose, Known, PresenceAnswer, ProviderError, RoomOrder, RoomRef,
    RoomsPage, VideoProvider, WebhookReader,
};
use reflector_core::testing::{FakeProvider, halt};

/// The provider behind a line: each call halts on its way there and on its way back.
#[derive(Clone, Debug)]
pub(crate) struct Distant {
    pub(crate) truth: FakeProvider,
    /// Set while a call is on its way: the world gives it more time than it gives the store.
    pub(crate) on_the_line: Arc<AtomicBool>,
}

impl Distant {
    async fn travel(&self) {
        self.on_the_line.store(true, Ordering::Relaxed);
        halt().await;
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
        let answer = self.truth.close_room(room, how, known).await;
        self.travel().await;
        answer
    }

    async fn presence(&self, room: &RoomRef, known: &Known) -> Result<PresenceAnswer, ProviderError> {
        self.travel().await;
        let answer = self.truth.presence(room, known).await;
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
        self.truth.webhook()
    }
}
