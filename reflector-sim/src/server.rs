//! A server: an engine over the shared store, a clock of its own, and the tasks that it has in hand.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use reflector_core::engine::{
    AnnounceError, Announcer, Applied, CarryOutcome, CurrentMeeting, Engine, EngineError, Input,
    NewScheduled, RoomRemoval, ScheduledMeeting, Settings, Taken,
};
use reflector_core::lifecycle::{Announcement, Event, Ignored};
use reflector_core::store::{ClaimedEffect, Source, Store};
use reflector_core::testing::FakeMessage;
use reflector_core::{Meeting, MeetingId, ProviderName, Room, RoomId, Timestamp};

use crate::provider::Distant;
use crate::tasks::Tasks;

/// What a task came to.
#[derive(Debug)]
pub(crate) enum Done {
    /// The loops went round once: when they want to again, what was claimed, and what was violated.
    Ticked {
        next: Option<Timestamp>,
        claimed: Vec<ClaimedEffect>,
        violated: Vec<&'static str>,
        refitted: usize,
    },
    /// A piece of owed work was carried out.
    Carried { retried: bool, violated: Vec<&'static str> },
    /// A message was taken in, or refused and to be sent again.
    Received { message: FakeMessage, tries: u8, taken: Option<Taken> },
    /// Somebody was led to a meeting, or to none.
    Led { person: usize, to: Option<MeetingId> },
    /// Something was asked of a meeting or a room.
    Asked { violated: Vec<&'static str>, ignored: Option<Ignored> },
    /// A room was deleted, or not.
    Removed { room: usize, deleted: bool },
    /// The provider's rooms were looked at.
    Reconciled,
}

pub(crate) fn provider_name() -> ProviderName {
    ProviderName::from("fake")
}

/// A server. Its tasks die with it.
pub(crate) struct Server {
    pub(crate) engine: Arc<Engine>,
    pub(crate) up: bool,
    /// How far its clock is ahead of the world's, in microseconds.
    pub(crate) ahead: i64,
    /// How often it was started.
    pub(crate) life: u32,
    tasks: Tasks<Done>,
}

/// Counts what is announced, and remembers what it was told of closes to come.
#[derive(Debug, Default)]
pub(crate) struct Crier {
    pub(crate) announced: AtomicU64,
    /// When the close is to come, and whether the meeting was active.
    told: Mutex<Vec<(Timestamp, bool)>>,
}

impl Crier {
    /// What it was told since it was last asked.
    pub(crate) fn take_told(&self) -> Vec<(Timestamp, bool)> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait::async_trait]
impl Announcer for Crier {
    async fn announce(&self, meeting: &Meeting, announcement: &Announcement) -> Result<(), AnnounceError> {
        self.announced.fetch_add(1, Ordering::Relaxed);
        if let Announcement::ClosingSoon { closes_at } = announcement {
            let told = (*closes_at, meeting.life.phase.is_active());
            self.told.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        }
        Ok(())
    }
}

impl Server {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        provider: Distant,
        settings: Settings,
        crier: Arc<Crier>,
    ) -> Self {
        let engine = Engine::new(store, settings)
            .with_provider(provider_name(), Arc::new(provider))
            .with_announcer(crier);
        Self { engine: Arc::new(engine), up: true, ahead: 0, life: 0, tasks: Tasks::default() }
    }

    pub(crate) fn clock(&self, world: Timestamp) -> Timestamp {
        Timestamp::from_micros(world.as_micros() + self.ahead)
    }

    /// Dies: whatever it had in hand is gone, wherever it was.
    pub(crate) fn dies(&mut self) -> usize {
        self.up = false;
        self.tasks.drop_all()
    }

    /// Goes on with a task until it halts. Nothing if it is gone, or halts.
    pub(crate) fn go_on(&mut self, task: u64) -> Option<Done> {
        self.tasks.go_on(task)
    }

    pub(crate) fn has(&self, task: u64) -> bool {
        self.tasks.has(task)
    }

    fn take_on(&mut self, number: u64, task: impl Future<Output = Done> + 'static) {
        self.tasks.take_on(number, task);
    }

    // What a server does, as the reference server does it.

    pub(crate) fn tick(&mut self, number: u64, now: Timestamp) {
        let engine = Arc::clone(&self.engine);
        self.take_on(number, async move {
            let (mut next, mut claimed, mut violated, mut refitted) = (None, Vec::new(), Vec::new(), 0);
            let went = async {
                engine.store().beat(now).await?;
                refitted = engine.refit_once().await?;
                violated = engine.sweep_once(now).await?.violated;
                claimed = engine.claim_owed(None, 8, now).await?;
                next = engine.next_wake().await?;
                Ok::<(), EngineError>(())
            };
            // What fails is left to the next round.
            let _ = went.await;
            Done::Ticked { next, claimed, violated, refitted }
        });
    }

    pub(crate) fn carry(&mut self, number: u64, claimed: ClaimedEffect, now: Timestamp) {
        let engine = Arc::clone(&self.engine);
        self.take_on(number, async move {
            let carried = engine.carry_out(&claimed, now).await;
            Done::Carried {
                retried: !matches!(carried.outcome, CarryOutcome::Done),
                violated: carried.violated,
            }
        });
    }

    pub(crate) fn receive(&mut self, number: u64, message: FakeMessage, tries: u8, now: Timestamp) {
        let engine = Arc::clone(&self.engine);
        self.take_on(number, async move {
            let taken = engine.receive(&provider_name(), &message, &message.body, now).await.ok();
            Done::Received { taken: taken.map(|(_, taken)| taken), message, tries }
        });
    }

    /// Somebody asks for the room's meeting.
    pub(crate) fn lead(&mut self, number: u64, person: usize, room: Room, new: MeetingId, now: Timestamp) {
        let engine = Arc::clone(&self.engine);
        self.take_on(number, async move {
            let to = match engine.current_meeting(&room, &provider_name(), new, now).await {
                Ok(CurrentMeeting::Is(loaded)) => Some(loaded.meeting.id),
                Ok(CurrentMeeting::NoSuchRoom) | Err(_) => None,
            };
            Done::Led { person, to }
        });
    }

    /// Somebody asks to join this meeting.
    pub(crate) fn join(&mut self, number: u64, person: usize, meeting: MeetingId, now: Timestamp) {
        let engine = Arc::clone(&self.engine);
        self.take_on(number, async move {
            let joined = engine.apply(meeting, &Input::of(Event::JoinRequested, Source::Api), now).await;
            let to = match joined {
                Ok(Applied::Taken { meeting, .. }) if meeting.life.phase.is_active() => Some(meeting.id),
                _ => None,
            };
            Done::Led { person, to }
        });
    }

    pub(crate) fn schedule(&mut self, number: u64, room: Room, new: NewScheduled, now: Timestamp) {
        let engine = Arc::clone(&self.engine);
        self.take_on(number, async move {
            match engine.schedule_meeting(&room, &provider_name(), &new, now).await {
                Ok(ScheduledMeeting::Was(Applied::Taken { violated, ignored, .. })) => {
                    Done::Asked { violated, ignored }
                }
                _ => Done::Asked { violated: Vec::new(), ignored: None },
            }
        });
    }

    pub(crate) fn tell(&mut self, number: u64, meeting: MeetingId, event: Event, now: Timestamp) {
        let engine = Arc::clone(&self.engine);
        self.take_on(number, async move {
            match engine.apply(meeting, &Input::of(event, Source::Api), now).await {
                Ok(Applied::Taken { violated, ignored, .. }) => Done::Asked { violated, ignored },
                _ => Done::Asked { violated: Vec::new(), ignored: None },
            }
        });
    }

    pub(crate) fn change_room(&mut self, number: u64, room: Room) {
        let engine = Arc::clone(&self.engine);
        self.take_on(number, async move {
            let _ = engine.store().update_room(room).await;
            Done::Asked { violated: Vec::new(), ignored: None }
        });
    }

    pub(crate) fn remove_room(&mut self, number: u64, room: usize, id: RoomId, now: Timestamp) {
        let engine = Arc::clone(&self.engine);
        self.take_on(number, async move {
            let removed = engine.remove_room(id, true, now).await;
            Done::Removed { room, deleted: matches!(removed, Ok(RoomRemoval::Deleted)) }
        });
    }

    pub(crate) fn reconcile(&mut self, number: u64) {
        let engine = Arc::clone(&self.engine);
        self.take_on(number, async move {
            let _ = engine.reconcile_once().await;
            Done::Reconciled
        });
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("up", &self.up).field("ahead", &self.ahead).finish_non_exhaustive()
    }
}
