//! Consent: what was denied is sent nowhere, and is gone.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::pipeline::{RestartAt, RunState, StageError, StageStatus};
use reflector_core::recording::ObjectVersion;
use reflector_core::testing::sample;
use reflector_core::{MeetingId, OnDenied};
use reflector_pipeline::{Consents, Offset, PipelineSettings, Published};
use wiremock::MockServer;

use crate::bucket::Bucket;
use crate::endpoints::{TRANSCRIPTIONS, Tones, answers, both, requests};
use crate::media;
use crate::world::{World, endpoint, reason_of};

/// What participants answer, and a bucket to erase from.
#[derive(Debug)]
struct Answers {
    bucket: Arc<Bucket>,
    denied: Mutex<Option<OnDenied>>,
    /// How often it may still be asked before somebody denies.
    until: AtomicU32,
    may_erase: bool,
}

impl Answers {
    fn new(world: &World, denied: Option<OnDenied>) -> Self {
        let until = AtomicU32::new(0);
        Self { bucket: Arc::clone(&world.bucket), denied: Mutex::new(denied), until, may_erase: true }
    }
}

#[async_trait]
impl Consents for Answers {
    async fn denied(&self, meeting: MeetingId) -> Result<Option<OnDenied>, StageError> {
        assert_eq!(meeting, sample::meeting_id(1));
        let earlier = self.until.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        Ok(if earlier.is_ok() { None } else { *self.denied.lock().unwrap() })
    }

    async fn erase(&self, object: &ObjectVersion) -> Result<(), StageError> {
        if !self.may_erase {
            return Err(StageError::failed("grant s3:DeleteObjectVersion"));
        }
        self.bucket.erase(object);
        Ok(())
    }
}

async fn published(world: &World) -> Published {
    serde_json::from_value(world.made("publish").await.unwrap()).unwrap()
}

#[tokio::test]
async fn audio_that_was_denied_is_sent_nowhere_and_is_gone() {
    for on_denied in [OnDenied::DeleteAudio, OnDenied::DeleteAll] {
        let server = both().await;
        let world = World::with_file(&media::mp4()).await;
        let runs =
            world.runs_with(world.settings_at(&server), Arc::new(Answers::new(&world, Some(on_denied))));
        world.begin(&runs).await;
        world.until(&runs, |next| next == "transcribe").await.unwrap();
        assert!(world.bucket.holds_nothing() && world.has_no_working_files(), "{on_denied:?}");
        assert_eq!(world.made("waveform").await, None, "it shows how it sounded");

        world.claims_run_out(&runs);
        let transcript = world.to_the_end(&runs).await;
        assert!(matches!(transcript.run.state, RunState::Done { .. }));
        assert!(server.received_requests().await.unwrap().is_empty());
        assert!(reason_of(&transcript, "transcribe").contains("denied consent"));
        assert_eq!(reason_of(&transcript, "title"), "there is no text: the recording was not transcribed");
        let published = published(&world).await;
        assert!(published.audio_deleted && published.segments.is_empty());
        assert_eq!(published.duration.is_some(), on_denied == OnDenied::DeleteAudio);
        assert!(world.has_no_working_files());
    }
}

#[tokio::test]
async fn a_denial_while_pieces_are_sent_stops_them() {
    let server = MockServer::start().await;
    answers(&server, TRANSCRIPTIONS, Tones).await;
    let world = World::with_file(&media::tones("denied.wav", 60, &[])).await;
    let consents = Answers::new(&world, Some(OnDenied::DeleteAudio));
    // Asked by its own stage, by the next one, before the first piece and before the second one.
    consents.until.store(4, Ordering::SeqCst);
    let (piece, overlap) = (Duration::from_secs(20), Duration::from_secs(5));
    let settings = PipelineSettings { stt: Some(endpoint(&server)), piece, overlap, ..world.settings() };
    let transcript = world.to_the_end(&world.runs_with(settings, Arc::new(consents))).await;
    assert_eq!(requests(&server, TRANSCRIPTIONS).await.len(), 2);
    assert!(reason_of(&transcript, "transcribe").contains("denied consent meanwhile"));
    assert!(world.bucket.holds_nothing() && world.has_no_working_files());
    assert!(published(&world).await.segments.is_empty());
}

#[tokio::test]
async fn a_late_denial_publishes_anew_with_the_text_or_without() {
    let server = both().await;
    let world = World::with_file(&media::mp4()).await;
    let consents = Arc::new(Answers::new(&world, None));
    let runs = world.runs_with(world.settings_at(&server), Arc::clone(&consents) as _);
    let transcript = world.to_the_end(&runs).await;
    let before = published(&world).await;
    assert!(!before.audio_deleted && !world.bucket.holds_nothing());

    *consents.denied.lock().unwrap() = Some(OnDenied::DeleteAudio);
    runs.restart(transcript.id, RestartAt::Stage("publish"), world.now()).await.unwrap();
    world.to_the_end(&runs).await;
    assert!(world.bucket.holds_nothing());
    assert_eq!(published(&world).await, Published { audio_deleted: true, ..before });
    assert_eq!(world.made("waveform").await, None);
    assert!(world.made("transcribe").await.is_some());

    *consents.denied.lock().unwrap() = Some(OnDenied::DeleteAll);
    runs.restart(transcript.id, RestartAt::Stage("publish"), world.now()).await.unwrap();
    world.to_the_end(&runs).await;
    assert_eq!(published(&world).await, Published { audio_deleted: true, ..Published::default() });
    let texts =
        [world.made("transcribe").await, world.made("title").await, world.made("final-summaries").await];
    assert!(texts.iter().all(Option::is_none), "{texts:?}");
}

#[tokio::test]
async fn without_the_right_to_erase_the_run_fails_and_nothing_is_sent() {
    let server = both().await;
    let world = World::with_file(&media::mp4()).await;
    let consents = Answers { may_erase: false, ..Answers::new(&world, Some(OnDenied::DeleteAudio)) };
    let transcript = world.to_the_end(&world.runs_with(world.settings_at(&server), Arc::new(consents))).await;
    let stage = &transcript.run.stages[3];
    assert_eq!((stage.name.as_str(), stage.status), ("consent", StageStatus::Failed));
    assert_eq!(stage.reason.as_deref(), Some("grant s3:DeleteObjectVersion"));
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn without_answers_nobody_denied() {
    let server = both().await;
    let world = World::with_file(&media::mp4()).await;
    world.to_the_end(&world.runs(world.settings_at(&server))).await;
    assert_eq!(world.made("consent").await.unwrap(), serde_json::json!({ "denied": null }));
    let published = published(&world).await;
    assert!(!published.audio_deleted && published.duration > Some(Offset::default()));
}
