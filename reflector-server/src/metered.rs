//! A provider whose calls are counted and timed.

use std::sync::Arc;

use async_trait::async_trait;
use reflector_core::provider::{
    Capabilities, CloseAnswer, HowToClose, Known, PresenceAnswer, ProviderError, RoomOrder, RoomRef,
    RoomsPage, VideoProvider, WebhookReader,
};
use reflector_core::recording::RecordingName;
use reflector_core::{ProviderName, ProviderRoom};
use tokio::time::Instant;

use crate::metrics::{LifeMetrics, OPERATIONS};

/// Any provider, with a count of its calls.
#[derive(Debug)]
pub(crate) struct Metered {
    name: ProviderName,
    provider: Arc<dyn VideoProvider>,
    metrics: LifeMetrics,
}

impl Metered {
    pub(crate) fn new(name: ProviderName, provider: Arc<dyn VideoProvider>, metrics: LifeMetrics) -> Self {
        Self { name, provider, metrics }
    }

    async fn timed<T>(
        &self,
        operation: &str,
        call: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let begun = Instant::now();
        let answer = call.await;
        let outcome = match &answer {
            Ok(_) => "answered",
            Err(ProviderError::Refused { .. }) => "refused",
            Err(_) => "unavailable",
        };
        self.metrics.called(&self.name, operation, outcome, begun.elapsed());
        answer
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl VideoProvider for Metered {
    fn capabilities(&self) -> Capabilities {
        self.provider.capabilities()
    }

    async fn open_room(&self, order: &RoomOrder) -> Result<ProviderRoom, ProviderError> {
        self.timed(OPERATIONS[0], self.provider.open_room(order)).await
    }

    async fn close_room(
        &self,
        room: &RoomRef,
        how: HowToClose,
        known: &Known,
    ) -> Result<CloseAnswer, ProviderError> {
        self.timed(OPERATIONS[1], self.provider.close_room(room, how, known)).await
    }

    async fn presence(&self, room: &RoomRef, known: &Known) -> Result<PresenceAnswer, ProviderError> {
        self.timed(OPERATIONS[2], self.provider.presence(room, known)).await
    }

    async fn rooms(&self, name_prefix: &str, page: Option<&str>) -> Result<RoomsPage, ProviderError> {
        self.timed(OPERATIONS[3], self.provider.rooms(name_prefix, page)).await
    }

    fn webhook(&self) -> Option<&dyn WebhookReader> {
        self.provider.webhook()
    }

    fn recording_name(&self, key: &str) -> Option<RecordingName> {
        self.provider.recording_name(key)
    }
}

#[cfg(test)]
mod tests {
    use reflector_core::testing::FakeProvider;

    use super::*;
    use crate::metrics::Metrics;

    #[tokio::test]
    async fn a_call_is_counted_by_how_it_ended() {
        let metrics = Metrics::new();
        let fake = FakeProvider::telling_facts();
        let provider = Metered::new("fake".into(), Arc::new(fake.clone()), metrics.life.clone());
        provider.rooms("ours", None).await.expect("it answers");
        let gone = RoomRef { name: "never".to_owned(), external_id: None };
        provider.close_room(&gone, HowToClose::IfEmpty, &Known::default()).await.expect("it answers");
        let text = metrics.text();
        for operation in ["rooms", "close_room"] {
            let line = format!(
                "reflector_provider_calls_total{{provider=\"fake\",operation=\"{operation}\",outcome=\"answered\"}} 1"
            );
            assert!(text.contains(&line), "{line} is not in: {text}");
        }
    }
}
