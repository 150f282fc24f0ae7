//! Nothing on the way of a recording calls its meeting's provider: one that never answers holds up none.

use std::sync::Arc;

use async_trait::async_trait;
use reflector_core::ProviderRoom;
use reflector_core::engine::{Attachment, Recordings, Requeued};
use reflector_core::lifecycle::Policy;
use reflector_core::provider::{
    Capabilities, CloseAnswer, HowToClose, Known, PresenceAnswer, ProviderError, RoomOrder, RoomRef,
    RoomsPage, VideoProvider, WebhookReader,
};
use reflector_core::recording::{RecordingName, Wanted};
use reflector_core::testing::{FakeProvider, let_through};

use super::archive::Archive;
use crate::town::engine_with;

/// A provider whose every call hangs. It reads messages and the names of recordings, as any does without a call.
#[derive(Debug)]
struct Silent(FakeProvider);

#[async_trait]
impl VideoProvider for Silent {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn open_room(&self, _: &RoomOrder) -> Result<ProviderRoom, ProviderError> {
        std::future::pending().await
    }

    async fn close_room(&self, _: &RoomRef, _: HowToClose, _: &Known) -> Result<CloseAnswer, ProviderError> {
        std::future::pending().await
    }

    async fn presence(&self, _: &RoomRef, _: &Known) -> Result<PresenceAnswer, ProviderError> {
        std::future::pending().await
    }

    async fn rooms(&self, _: &str, _: Option<&str>) -> Result<RoomsPage, ProviderError> {
        std::future::pending().await
    }

    fn webhook(&self) -> Option<&dyn WebhookReader> {
        self.0.webhook()
    }

    fn recording_name(&self, key: &str) -> Option<RecordingName> {
        self.0.recording_name(key)
    }
}

/// What comes of it without waiting for anybody.
async fn at_once<T>(work: impl Future<Output = T>) -> T {
    let_through(0, work).await.expect("it waits for nobody")
}

#[tokio::test]
async fn a_provider_that_never_answers_holds_up_no_recording() {
    let mut archive = Archive::new().await;
    let id = archive.town.meet().await;
    let silent = Arc::new(Silent(archive.town.video.clone()));
    let store = Arc::clone(&archive.town.store);
    let engine = Arc::new(engine_with(Arc::clone(&store) as _, silent, "town", Policy::default()));
    assert!(let_through(0, engine.reconcile_once()).await.is_none(), "who calls it waits");
    archive.recordings = Recordings::new(engine, store, Wanted::default());
    let announced = archive.records(id).await;
    archive.source.put_silently(&archive.key(id, 1).await, 7);
    let late = archive.town.new_id();
    archive.puts(&format!("{}0001-{}.mp4", archive.town.place(late), archive.now()));

    let sum = at_once(archive.takes_in()).await;
    assert_eq!((sum.stored, sum.unmatched, sum.acknowledged), (2, 1, 2));
    assert_eq!(at_once(archive.reconciles()).await.stored.len(), 1);
    archive.appears(late).await;
    assert_eq!(at_once(archive.matches()).await.len(), 1);
    let kept = archive.kept().await;
    assert!(kept.iter().all(|recording| recording.belongs_to.is_some()), "{kept:?}");
    let first = kept.iter().find(|recording| recording.object == announced).expect("it was announced");
    assert!(matches!(
        at_once(archive.recordings.attach(first.id, late, archive.town.now)).await,
        Ok(Attachment::Attached(_))
    ));
    assert!(matches!(at_once(archive.recordings.requeue(first.id)).await, Ok(Requeued::Queued(_))));
}
