//! A town beside a source of recordings, with one time for both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reflector_core::engine::{Ingested, NewIds, NewScheduled, ReconciledPage, Recordings, ScheduledMeeting};
use reflector_core::recording::{
    Belongs, Notice, ObjectVersion, Recording, RecordingSource, RecordingStatus, Wanted,
};
use reflector_core::store::{Committed, DeadLetter, Paging, RecordingStore, Store, Viewer, WhichRecordings};
use reflector_core::testing::FakeSource;
use reflector_core::{MeetingId, RecordingId, Timestamp};
use uuid::Uuid;

use crate::town::Town;

/// More than any story has.
const ALL: Paging = Paging { offset: 0, limit: 10_000 };

pub(super) struct Archive {
    pub(super) town: Town,
    pub(super) source: FakeSource,
    pub(super) recordings: Recordings,
    pub(super) ids: Arc<NewIds>,
}

/// What came of many batches.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) stored: usize,
    pub(super) unmatched: u32,
    pub(super) known: u32,
    pub(super) others: u32,
    pub(super) set_aside: u32,
    pub(super) unreadable: usize,
    pub(super) acknowledged: u32,
}

impl Sum {
    fn add(&mut self, ingested: &Ingested) {
        self.stored += ingested.stored.len();
        self.unmatched += ingested.unmatched;
        self.known += ingested.known;
        self.others += ingested.others;
        self.set_aside += ingested.set_aside;
        self.unreadable += ingested.unreadable.len();
        self.acknowledged += ingested.acknowledged;
    }
}

impl Archive {
    pub(super) async fn new() -> Self {
        let town = Town::new().await;
        let recordings = recordings_on(&town, Arc::clone(&town.store));
        let given = AtomicU64::new(0);
        let ids = move || RecordingId(Uuid::from_u128(u128::from(given.fetch_add(1, Ordering::Relaxed))));
        Self { town, source: FakeSource::new(), recordings, ids: Arc::new(ids) }
    }

    /// The key under which the provider would put what is recorded now in the meeting's present room.
    pub(super) async fn key(&self, id: MeetingId, minutes: u64) -> String {
        let room = self.town.load(id).await.meeting.room.expect("it has a room");
        format!("{}-{}.mp4", room.name, self.town.now + Duration::from_secs(60 * minutes))
    }

    pub(super) fn puts(&self, key: &str) -> Notice {
        self.source.put(key, 7)
    }

    /// The meeting is recorded now.
    pub(super) async fn records(&self, id: MeetingId) -> ObjectVersion {
        self.puts(&self.key(id, 0).await).object
    }

    pub(super) fn pass(&mut self, span: Duration) {
        self.town.sleep(span);
        self.source.pass(span);
    }

    /// A meeting is made under an id that was known before.
    pub(super) async fn appears(&self, id: MeetingId) {
        let (town, now) = (&self.town, self.now());
        let new = NewScheduled {
            id,
            start: now,
            end: now + Duration::from_secs(60 * 60),
            calendar_event_id: None,
            calendar_metadata: None,
            grace: None,
        };
        let made = town.engine.schedule_meeting(&town.room, &Town::name(), &new, now).await;
        assert!(matches!(made, Ok(ScheduledMeeting::Made(_))), "{made:?}");
    }

    /// Takes in whatever can be received now.
    pub(super) async fn takes_in(&self) -> Sum {
        let mut sum = Sum::default();
        loop {
            let messages = self.source.receive().await.expect("sound");
            if messages.is_empty() {
                return sum;
            }
            let ingested = self.recordings.ingest_once(&self.source, &messages, self.town.now, &*self.ids);
            sum.add(&ingested.await.expect("sound"));
        }
    }

    /// Looks at all pages of the bucket.
    pub(super) async fn reconciles(&self) -> ReconciledPage {
        let (mut all, mut page) = (ReconciledPage::default(), None);
        loop {
            let looked =
                self.recordings.reconcile_page(&self.source, page.as_deref(), self.town.now, &*self.ids);
            let found = looked.await.expect("sound");
            all.there += found.there;
            all.stored.extend(found.stored);
            all.requeued.extend(found.requeued);
            page = found.next;
            if page.is_none() {
                return all;
            }
        }
    }

    /// Looks at all that are unmatched.
    pub(super) async fn matches(&self) -> Vec<(RecordingId, Belongs)> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let matched = self.recordings.match_once(after, self.town.now).await.expect("sound");
            all.extend(matched.matched);
            after = matched.next;
            if after.is_none() {
                return all;
            }
        }
    }

    /// What is kept, in the order of its ids.
    pub(super) async fn kept(&self) -> Vec<Recording> {
        let which = WhichRecordings { viewer: Viewer::Operator, status: None, room: None };
        let mut kept = self.town.store.list_recordings(&which, ALL).await.expect("sound").items;
        kept.sort_by_key(|recording| recording.id);
        kept
    }

    pub(super) async fn only(&self) -> Recording {
        let kept = self.kept().await;
        assert_eq!(kept.len(), 1, "{kept:?}");
        kept[0].clone()
    }

    pub(super) async fn letters(&self) -> Vec<DeadLetter> {
        self.town.store.dead_letters(ALL).await.expect("sound").items
    }

    /// The only recording has come so far.
    pub(super) async fn stands(&self, status: RecordingStatus, error: Option<&str>) -> Recording {
        let id = self.only().await.id;
        let loaded = self.town.store.load_recording(id).await.expect("sound").expect("it is kept");
        let recording = Recording { status, error: error.map(str::to_owned), ..loaded.recording };
        let committed =
            self.town.store.commit_recording(loaded.version, &recording, None).await.expect("sound");
        assert_eq!(committed, Committed::Stored);
        recording
    }

    pub(super) fn now(&self) -> Timestamp {
        self.town.now
    }
}

/// The recordings of a town's meetings, over this store.
pub(super) fn recordings_on<S: Store + RecordingStore>(town: &Town, store: Arc<S>) -> Recordings {
    Recordings::new(Arc::new(town.engine.clone()), store, Wanted::default())
}
