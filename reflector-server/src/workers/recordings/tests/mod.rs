//! The loops of recordings, with stores and sources that are ill, and time that is moved.

mod doubles;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reflector_core::engine::{Deployment, Engine, Recordings, Settings};
use reflector_core::lifecycle::Policy;
use reflector_core::recording::{RecordingSource, RecordingStatus, Wanted};
use reflector_core::store::{MeetingStore, Paging, RecordingStore, RoomStore, Viewer, WhichRecordings};
use reflector_core::testing::sample::{self, meeting, new_meeting, provider_room, room};
use reflector_core::testing::{FakeProvider, FakeSource, Fault, Flaky};
use reflector_core::{Meeting, ProviderName};
use reflector_store_memory::MemoryStore;
use tokio::time::{Instant, sleep};

use super::super::Worker;
use super::{Intake, POLLERS};
use crate::metrics::Metrics;
use crate::recordings::{Feed, Holds};
use doubles::{Picky, Unruly};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// How many messages the fake source gives out at once.
const BATCH: usize = 10;

/// A source, a store, and the loops between them.
struct World {
    source: FakeSource,
    unruly: Arc<Unruly>,
    memory: Arc<MemoryStore>,
    is_ill: Arc<AtomicBool>,
    intake: Intake,
}

impl World {
    /// With nothing in it, and a store that can be ill.
    fn new(source: FakeSource) -> Self {
        let (memory, is_ill) = (Arc::new(MemoryStore::new()), Arc::new(AtomicBool::new(false)));
        let ill = Arc::clone(&is_ill);
        let plan = move |_: &_| ill.load(Ordering::SeqCst).then_some(Fault::Before);
        let flaky = Flaky::new(Arc::clone(&memory), plan);
        Self { is_ill, ..Self::keeping_in(Arc::new(flaky), memory, source) }
    }

    /// With a store of recordings around the one in memory.
    fn keeping_in(store: Arc<dyn RecordingStore>, memory: Arc<MemoryStore>, source: FakeSource) -> Self {
        let settings = Settings {
            deployment: "test".parse::<Deployment>().expect("it is a name"),
            policy: Policy::default(),
        };
        let engine = Engine::new(Arc::clone(&memory) as Arc<_>, settings)
            .with_provider(sample::provider(), Arc::new(FakeProvider::default()));
        let began = Instant::now();
        let worker = Worker::new(Arc::new(move || sample::at(0) + began.elapsed()));
        let metrics = Arc::new(Metrics::new());
        let unruly = Arc::new(Unruly::new(source.clone()));
        let holds = Holds::Buckets { named: true };
        let feed = Feed::new("queue", Arc::clone(&unruly), holds, metrics.of_feed("queue"));
        let intake = Intake {
            worker,
            recordings: Arc::new(Recordings::new(Arc::new(engine), store, Wanted::default())),
            feeds: vec![Arc::new(feed)],
            metrics,
            reconcile: 24 * HOUR,
            reconcile_at_start: false,
        };
        Self { source, unruly, memory, is_ill: Arc::default(), intake }
    }

    /// Starts the loops, and the source's clock with the time of the test.
    fn start(&self) {
        let source = self.source.clone();
        tokio::spawn(async move {
            loop {
                sleep(SECOND).await;
                source.pass(SECOND);
            }
        });
        self.intake.clone().start();
    }

    /// Ends them, as the server does.
    async fn stop(&self) {
        self.intake.worker.stop.cancel();
        self.intake.worker.tasks.close();
        self.intake.worker.tasks.wait().await;
    }

    fn put(&self, count: usize) {
        for n in 0..count {
            self.source.put(&format!("{n}.mp4"), 1);
        }
    }

    async fn kept(&self, status: Option<RecordingStatus>) -> u64 {
        let which = WhichRecordings { viewer: Viewer::Operator, status, room: None };
        let paging = Paging { offset: 0, limit: 1 };
        self.memory.list_recordings(&which, paging).await.expect("memory is never ill").total
    }

    fn measured(&self, name: &str) -> f64 {
        let text = self.intake.metrics.text();
        let beginning = format!("reflector_recordings_{name}");
        let line = text.lines().find(|line| line.starts_with(&beginning)).expect("it is measured");
        line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_ill_what_is_in_hand_stays_there_and_nothing_more_is_received() {
    let world = World::new(FakeSource::new());
    world.put(100);
    world.is_ill.store(true, Ordering::SeqCst);
    world.start();
    sleep(10 * MINUTE).await;
    let in_hand = POLLERS * BATCH;
    assert_eq!((world.measured("messages_received_total"), world.kept(None).await), (in_hand as f64, 0));

    // Somebody else gets what was in nobody's hand, and no more.
    let mut others = 0;
    while let Some(more) = Some(world.source.receive().await.unwrap().len()).filter(|more| *more > 0) {
        others += more;
    }
    assert_eq!(others, 100 - in_hand);

    world.is_ill.store(false, Ordering::SeqCst);
    sleep(5 * MINUTE).await;
    assert_eq!((world.source.queued(), world.kept(None).await), (0, 100));
    assert_eq!(world.measured("acknowledged_total"), 100.0);
    assert_eq!(world.measured("messages_received_total"), 100.0, "each once: none of ours came twice");
    assert_eq!(world.measured("known_total"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_they_give_back_what_is_not_kept() {
    let world = World::new(FakeSource::new());
    world.put(30);
    world.is_ill.store(true, Ordering::SeqCst);
    world.start();
    sleep(MINUTE).await;
    assert_eq!(world.source.receive().await.unwrap(), [], "all of it is in hand");
    let asked = Instant::now();
    world.stop().await;
    assert!(asked.elapsed() < 2 * SECOND, "it took {:?}", asked.elapsed());
    for _ in 0..3 {
        let given_back = world.source.receive().await.unwrap();
        assert_eq!(given_back.iter().map(|message| message.receives).collect::<Vec<_>>(), [2; BATCH]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_read_holds_up_none_of_five_hundred_and_is_set_aside() {
    let world = World::new(FakeSource::new());
    world.put(250);
    world.source.send_garbage("poison");
    world.source.send_test();
    world.put(250);
    world.start();
    sleep(MINUTE).await;
    assert_eq!((world.kept(None).await, world.source.queued()), (500, 1));
    sleep(10 * MINUTE).await;
    assert_eq!(world.source.queued(), 0);
    let letters = world.memory.dead_letters(Paging { offset: 0, limit: 10 }).await.unwrap();
    assert_eq!((letters.total, letters.items[0].body.as_str()), (1, "poison"));
    let measured = ["stored", "others", "unreadable", "set_aside", "acknowledged", "unacknowledged"]
        .map(|name| world.measured(&format!("{name}_total")));
    assert_eq!(measured, [500.0, 1.0, 4.0, 1.0, 502.0, 0.0]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_somebody_else_sets_aside_is_left_to_them() {
    let world = World::new(FakeSource::new().with_dead_letters());
    world.source.send_garbage("poison");
    world.start();
    sleep(30 * MINUTE).await;
    assert_eq!((world.source.queued(), world.measured("set_aside_total")), (1, 0.0));
    assert!(world.measured("unreadable_total") > 10.0);
}

#[tokio::test(start_paused = true)]
async fn a_message_about_what_the_store_cannot_read_holds_up_no_other() {
    let memory = Arc::new(MemoryStore::new());
    let store = Arc::new(Picky::new(Arc::clone(&memory), "poison"));
    let world = World::keeping_in(store, memory, FakeSource::new());
    for n in 0..2 * POLLERS {
        world.source.put(&format!("poison-{n}.mp4"), 1);
    }
    world.put(500);
    world.start();
    sleep(MINUTE).await;
    assert_eq!((world.kept(None).await, world.source.queued()), (500, 2 * POLLERS));
    sleep(30 * MINUTE).await;
    world.source.put("later.mp4", 1);
    sleep(MINUTE).await;
    assert_eq!((world.kept(None).await, world.source.queued()), (501, 2 * POLLERS), "nothing of it is lost");
}

#[tokio::test(start_paused = true)]
async fn what_took_so_long_to_come_that_it_may_be_in_another_hand_is_given_back() {
    let world = World::new(FakeSource::new());
    world.put(5);
    world.unruly.takes(world.source.in_hand() / 2 + SECOND);
    world.start();
    sleep(10 * MINUTE).await;
    assert_eq!(world.kept(None).await, 0);
    world.unruly.takes(world.source.in_hand() / 2 - SECOND);
    sleep(10 * MINUTE).await;
    assert_eq!((world.kept(None).await, world.source.queued()), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_away_is_asked_less_and_less_and_taken_from_when_it_is_back() {
    let world = World::new(FakeSource::new());
    world.source.fail(true);
    world.start();
    sleep(30 * MINUTE).await;
    let asked = world.unruly.asked();
    assert!((20 * POLLERS..50 * POLLERS).contains(&asked), "it was asked {asked} times");
    assert_eq!(world.measured("source_up"), 0.0);
    let away_since = world.intake.feeds[0].away_since();
    assert!(away_since.is_some_and(|since| sample::at(0) + SECOND > since), "{away_since:?}");

    world.put(5);
    world.source.fail(false);
    sleep(MINUTE + SECOND).await;
    assert_eq!((world.kept(None).await, world.measured("source_up")), (5, 1.0));
    assert_eq!(world.intake.feeds[0].away_since(), None);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_answers_at_once_that_there_is_nothing_is_not_asked_in_a_circle() {
    let world = World::new(FakeSource::new());
    world.start();
    sleep(MINUTE).await;
    assert!(world.unruly.asked() <= 70 * POLLERS, "it was asked {} times", world.unruly.asked());
}

#[tokio::test(start_paused = true)]
async fn a_recording_without_a_meeting_finds_it_when_it_appears() {
    let world = World::new(FakeSource::new());
    let room_name = provider_room(1).name;
    world.source.put(&format!("{room_name}-{}.mp4", sample::at(60)), 1);
    world.start();
    sleep(MINUTE).await;
    assert_eq!(world.kept(Some(RecordingStatus::Unmatched)).await, 1);
    assert_eq!(world.measured("unmatched"), 1.0);

    world.memory.create_room(room(1)).await.unwrap();
    let held = Meeting { room: Some(provider_room(1)), ..meeting(1, &room(1)) };
    assert_eq!(held.provider, ProviderName::from("sample"));
    world.memory.create(new_meeting(held)).await.unwrap();
    sleep(MINUTE).await;
    assert_eq!(world.kept(Some(RecordingStatus::Pending)).await, 1);
    assert_eq!(world.measured("unmatched"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn what_was_never_announced_is_found_within_the_hour_page_by_page() {
    let mut world = World::new(FakeSource::new());
    world.intake.reconcile = 3 * HOUR;
    for n in 0..10 {
        world.source.put_silently(&format!("{n}.mp4"), 1);
    }
    world.start();
    sleep(50 * MINUTE).await;
    assert_eq!(world.kept(None).await, 0);
    world.source.fail(true);
    sleep(HOUR).await;
    world.source.fail(false);
    sleep(11 * MINUTE).await;
    assert_eq!((world.kept(None).await, world.measured("stored_total")), (10, 10.0));

    world.source.put_silently("later.mp4", 1);
    sleep(2 * HOUR).await;
    assert_eq!(world.kept(None).await, 10);
    sleep(HOUR).await;
    assert_eq!(world.kept(None).await, 11, "and every three hours from then on");
}

#[tokio::test(start_paused = true)]
async fn what_was_never_announced_is_found_at_the_start_if_that_is_asked() {
    let mut world = World::new(FakeSource::new());
    world.intake.reconcile_at_start = true;
    world.source.put_silently("a.mp4", 1);
    world.is_ill.store(true, Ordering::SeqCst);
    world.start();
    sleep(MINUTE).await;
    world.is_ill.store(false, Ordering::SeqCst);
    sleep(2 * MINUTE).await;
    assert_eq!(world.kept(None).await, 1);
}
