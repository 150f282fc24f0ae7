//! A small world around an engine: a store, a provider that knows the truth, and time that is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use reflector_core::engine::{
    Applied, CurrentMeeting, Engine, Input, NewScheduled, ScheduledMeeting, Settings, Taken,
};
use reflector_core::lifecycle::{Event, Ignored, Phase, Policy};
use reflector_core::provider::VideoProvider;
use reflector_core::store::{HearingStore, Loaded, MeetingStore, RoomStore, Source, Store};
use reflector_core::testing::{FakeMessage, FakeProvider};
use reflector_core::{MeetingId, ProviderName, Role, Room, RoomId, Timestamp, UserId};
use reflector_store_memory::MemoryStore;
use uuid::Uuid;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) struct Town {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) video: FakeProvider,
    pub(crate) engine: Engine,
    pub(crate) room: Room,
    pub(crate) now: Timestamp,
    made: u128,
}

impl Town {
    pub(crate) async fn new() -> Self {
        Self::with(FakeProvider::default(), Policy::default()).await
    }

    pub(crate) async fn with(video: FakeProvider, policy: Policy) -> Self {
        let store = Arc::new(MemoryStore::new());
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().expect("this is a time");
        let engine = engine_on(Arc::clone(&store) as Arc<dyn Store>, &video, "town", policy);
        let room = room(1, "standup", now);
        store.create_room(room.clone()).await.expect("a store in memory does not fail");
        store.beat(now).await.expect("a store in memory does not fail");
        Self { store, video, engine, room, now, made: 0 }
    }

    pub(crate) fn name() -> ProviderName {
        ProviderName::from("fake")
    }

    /// The name of a meeting's room at the provider.
    pub(crate) fn place(&self, id: MeetingId) -> String {
        self.engine.settings().deployment.room(id, 0)
    }

    pub(crate) fn new_id(&mut self) -> MeetingId {
        self.made += 1;
        MeetingId(Uuid::from_u128(0x1000 + self.made))
    }

    /// Somebody wants to meet now; the provider makes the room if it can.
    pub(crate) async fn meet(&mut self) -> MeetingId {
        let id = self.new_id();
        let current =
            self.engine.current_meeting(&self.room, &Self::name(), id, self.now).await.expect("sound");
        let CurrentMeeting::Is(loaded) = current else { panic!("the room is there") };
        self.work().await;
        loaded.meeting.id
    }

    pub(crate) async fn schedule(
        &mut self,
        start: Duration,
        end: Duration,
        occurrence: Option<&str>,
    ) -> MeetingId {
        let new = NewScheduled {
            id: self.new_id(),
            start: self.now + start,
            end: self.now + end,
            calendar_event_id: occurrence.map(str::to_owned),
            calendar_metadata: None,
            grace: None,
        };
        let made =
            self.engine.schedule_meeting(&self.room, &Self::name(), &new, self.now).await.expect("sound");
        self.work().await;
        match made {
            ScheduledMeeting::Made(loaded) => loaded.meeting.id,
            ScheduledMeeting::Was(Applied::Taken { meeting, .. }) => meeting.id,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn joins(&mut self, id: MeetingId, who: &str) -> Taken {
        let message =
            self.video.join(&self.place(id), who, Role::Human, self.now).expect("the room is there");
        self.receive(&message).await
    }

    pub(crate) async fn leaves(&mut self, id: MeetingId, who: &str) -> Taken {
        let message = self.video.leave(&self.place(id), who, self.now).expect("they were in");
        self.receive(&message).await
    }

    pub(crate) async fn receive(&self, message: &FakeMessage) -> Taken {
        let received = self.engine.receive(&Self::name(), message, &message.body, self.now).await;
        received.expect("the message is sound").1
    }

    pub(crate) async fn tell(&self, id: MeetingId, event: Event) -> Option<Ignored> {
        match self.engine.apply(id, &Input::of(event, Source::Api), self.now).await.expect("sound") {
            Applied::Taken { ignored, violated, .. } => {
                assert_eq!(violated, Vec::<&str>::new());
                ignored
            }
            other => panic!("{other:?}"),
        }
    }

    /// Everything that is due and owed now, until nothing is.
    pub(crate) async fn work(&self) {
        for _ in 0..32 {
            let swept = self.engine.sweep_once(self.now).await.expect("sound");
            assert_eq!(swept.violated, Vec::<&str>::new());
            let carried = self.engine.dispatch_once(self.now).await.expect("sound");
            assert!(carried.iter().all(|carried| carried.violated.is_empty()), "{carried:?}");
            if swept.due == 0 && carried.is_empty() {
                return;
            }
        }
        panic!("there is always something to do");
    }

    /// Time passes; whatever becomes due on the way is done at its instant, and we listen all the while.
    pub(crate) async fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        loop {
            let next =
                self.engine.next_wake().await.expect("sound").map_or(until, |at| at.max(self.now).min(until));
            while self.now + MINUTE / 2 < next {
                self.now = self.now + MINUTE / 2;
                self.store.beat(self.now).await.expect("sound");
            }
            self.now = next;
            self.store.beat(self.now).await.expect("sound");
            self.work().await;
            if self.now >= until {
                return;
            }
        }
    }

    /// Time passes and nobody is there to notice: no sweep, no heartbeat.
    pub(crate) fn sleep(&mut self, span: Duration) {
        self.now = self.now + span;
    }

    pub(crate) async fn load(&self, id: MeetingId) -> Loaded {
        self.store.load(id).await.expect("sound").expect("it is kept")
    }

    pub(crate) async fn phase(&self, id: MeetingId) -> Phase {
        self.load(id).await.meeting.life.phase
    }

    /// The history in words: what happened, and the phase after it.
    pub(crate) async fn story(&self, id: MeetingId) -> Vec<String> {
        let history = self.store.history(id, 0, 1000).await.expect("sound");
        history.iter().map(|entry| format!("{} → {}", entry.event.name(), entry.phase.as_str())).collect()
    }
}

pub(crate) fn engine_on(
    store: Arc<dyn Store>,
    video: &FakeProvider,
    deployment: &str,
    policy: Policy,
) -> Engine {
    engine_with(store, Arc::new(video.clone()), deployment, policy)
}

pub(crate) fn engine_with(
    store: Arc<dyn Store>,
    video: Arc<dyn VideoProvider>,
    deployment: &str,
    policy: Policy,
) -> Engine {
    let settings = Settings { deployment: deployment.parse().expect("this is a name"), policy };
    Engine::new(store, settings).with_provider(Town::name(), video)
}

pub(crate) fn room(n: u128, name: &str, now: Timestamp) -> Room {
    Room::new(RoomId(Uuid::from_u128(n)), name.parse().expect("this is a name"), UserId::from("ann"), now)
}
