//! Every step from the queue to the recording fails once, and all ends as if nothing had happened.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::MeetingId;
use reflector_core::recording::{
    Listing, Message, ObjectVersion, Receipt, RecordingSource, RecordingStatus, SourceError, Unacknowledged,
};
use reflector_core::store::RecordingStore;
use reflector_core::testing::{FakeSource, Fault, Flaky};

use super::archive::{Archive, recordings_on};

const MINUTE: Duration = Duration::from_secs(60);
const NEVER: (u64, Fault) = (u64::MAX, Fault::Before);

/// A source of which one call fails: before it is done, or after.
#[derive(Debug)]
struct FailsOnce {
    source: FakeSource,
    failing: u64,
    fault: Fault,
    calls: AtomicU64,
}

impl FailsOnce {
    async fn call<T: Send>(
        &self,
        work: impl Future<Output = Result<T, SourceError>> + Send,
    ) -> Result<T, SourceError> {
        let fails = self.calls.fetch_add(1, Ordering::SeqCst) == self.failing;
        if fails && self.fault == Fault::Before {
            return Err(SourceError::unavailable("it was made to fail before it"));
        }
        let answer = work.await;
        if fails { Err(SourceError::unavailable("it was made to fail after it")) } else { answer }
    }
}

#[async_trait]
impl RecordingSource for FailsOnce {
    async fn receive(&self) -> Result<Vec<Message>, SourceError> {
        self.call(self.source.receive()).await
    }

    fn in_hand(&self) -> Duration {
        self.source.in_hand()
    }

    async fn acknowledge(&self, receipts: &[Receipt]) -> Result<Vec<Unacknowledged>, SourceError> {
        self.call(self.source.acknowledge(receipts)).await
    }

    async fn give_back(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        self.call(self.source.give_back(receipts)).await
    }

    async fn extend(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        self.call(self.source.extend(receipts)).await
    }

    async fn sets_dead_letters_aside(&self) -> Result<bool, SourceError> {
        self.call(self.source.sets_dead_letters_aside()).await
    }

    async fn list(&self, page: Option<&str>) -> Result<Listing, SourceError> {
        self.call(self.source.list(page)).await
    }

    async fn erase(&self, object: &ObjectVersion) -> Result<(), SourceError> {
        self.call(self.source.erase(object)).await
    }
}

/// What fails.
#[derive(Clone, Copy, Debug)]
enum Fails {
    Nothing,
    Store(u64, Fault),
    Source(u64, Fault),
}

/// How it ends: what is kept, of which meeting, and what could not be read.
#[derive(Debug, PartialEq)]
struct End {
    kept: BTreeSet<(ObjectVersion, Option<MeetingId>, u32, &'static str, bool)>,
    letters: Vec<String>,
    queued: usize,
}

/// All that can happen to messages and objects, over a store or a source that fails once. Whoever meets an error dies,
/// with the messages that it had in hand. How it ends, and how many calls of the store and the source there were.
async fn story_with(fails: Fails) -> (End, u64, u64) {
    let mut archive = Archive::new().await;
    let (of_store, of_source) = match fails {
        Fails::Nothing => (NEVER, NEVER),
        Fails::Store(call, fault) => ((call, fault), NEVER),
        Fails::Source(call, fault) => (NEVER, (call, fault)),
    };
    let store = Arc::new(Flaky::failing_at(Arc::clone(&archive.town.store), of_store.0, of_store.1));
    archive.recordings = recordings_on(&archive.town, Arc::clone(&store));
    let (failing, fault) = of_source;
    let source = FailsOnce { source: archive.source.clone(), failing, fault, calls: AtomicU64::new(0) };

    let first = archive.town.meet().await;
    let late = archive.town.new_id();
    let key = archive.key(first, 0).await;
    let notice = archive.puts(&key);
    archive.source.announce(&notice);
    archive.puts("notes.txt");
    archive.source.send_garbage("{");
    archive.puts(&format!("{}0001-{}.mp4", archive.town.place(late), archive.now()));
    archive.puts("holiday.mp4");
    let silent = archive.source.put_silently(&format!("silent/{key}"), 7);
    turns(&mut archive, &source, 2).await;
    // There is a newer object of the first key, work on the silent one has failed, and the late meeting appears.
    archive.puts(&key);
    fails_to_be_worked_on(&archive, &silent.object).await;
    archive.appears(late).await;
    turns(&mut archive, &source, 7).await;

    let kept = archive.kept().await.into_iter().map(|recording| {
        let meeting = recording.belongs_to.map(|of| of.meeting);
        (recording.object, meeting, recording.revision, recording.status.as_str(), recording.error.is_some())
    });
    let letters = archive.letters().await.into_iter().map(|letter| letter.body).collect();
    let end = End { kept: kept.collect(), letters, queued: archive.source.queued() };
    (end, store.calls(), source.calls.load(Ordering::SeqCst))
}

/// So many turns of the loops, each later than a message is in hand. What fails is left to the next turn.
async fn turns(archive: &mut Archive, source: &FailsOnce, count: u32) {
    for _ in 0..count {
        let now = archive.now();
        for _ in 0..3 {
            let Ok(messages) = source.receive().await else { break };
            if archive.recordings.ingest_once(source, &messages, now, &*archive.ids).await.is_err() {
                break;
            }
        }
        let _ = archive.recordings.match_once(None, now).await;
        let mut page = None;
        while let Ok(found) =
            archive.recordings.reconcile_page(source, page.as_deref(), now, &*archive.ids).await
            && found.next.is_some()
        {
            page = found.next;
        }
        archive.pass(3 * MINUTE);
    }
}

/// The recording of this object has failed, if it is there by now.
async fn fails_to_be_worked_on(archive: &Archive, object: &ObjectVersion) {
    let kept = archive.kept().await;
    let recording = kept.iter().find(|recording| recording.object == *object).expect("two turns are enough");
    let mut loaded =
        archive.town.store.load_recording(recording.id).await.expect("sound").expect("it is there");
    loaded.recording.status = RecordingStatus::Failed;
    loaded.recording.error = Some("no audio track".to_owned());
    archive.town.store.commit_recording(loaded.version, &loaded.recording, None).await.expect("sound");
}

#[tokio::test]
async fn where_any_one_call_of_the_store_or_the_source_fails_all_ends_as_where_none_does() {
    let (sound, store_calls, source_calls) = story_with(Fails::Nothing).await;
    let statuses: Vec<_> = sound.kept.iter().map(|(object, .., status, _)| (&*object.key, *status)).collect();
    assert_eq!(statuses.iter().filter(|(_, status)| *status == "pending").count(), 4, "{sound:#?}");
    assert_eq!(
        statuses.iter().find(|(_, status)| *status == "unmatched"),
        Some(&("holiday.mp4", "unmatched"))
    );
    assert_eq!((statuses.len(), sound.letters.len(), sound.queued), (5, 1, 0), "{sound:#?}");
    assert!(store_calls > 30 && source_calls > 30, "the story is too short: {store_calls} {source_calls}");
    for failing in 0..store_calls {
        for fault in [Fault::Before, Fault::After, Fault::Conflict] {
            let fails = Fails::Store(failing, fault);
            assert_eq!(story_with(fails).await.0, sound, "{fails:?}");
        }
    }
    for failing in 0..source_calls {
        for fault in [Fault::Before, Fault::After] {
            let fails = Fails::Source(failing, fault);
            assert_eq!(story_with(fails).await.0, sound, "{fails:?}");
        }
    }
}
