//! A server with many active meetings, of which a thousand are due in each round. The grace of every round's thousand is
//! over a second after the last's.

mod postgres;

use std::sync::Arc;
use std::time::{Duration, Instant};

use reflector_core::engine::{Engine, Settings};
use reflector_core::lifecycle::{Event, Life, Outcome, Policy, Schedule, Sighting, deadline, step};
use reflector_core::store::{DueRow, MeetingStore, NewMeeting, RoomStore, Store};
use reflector_core::testing::{FakeProvider, sample};
use reflector_core::{Meeting, Participant, Room, Timestamp};
use reflector_store_memory::MemoryStore;

/// How many are due in a round.
pub(crate) const DUE: u32 = 1_000;
pub(crate) const ROUNDS: u32 = 7;
/// How many meetings a room has.
const OF_A_ROOM: u32 = 10;

pub(crate) struct Town {
    engine: Engine,
    /// Says what it has looked at.
    memory: Option<Arc<MemoryStore>>,
}

impl Town {
    pub(crate) async fn in_memory(active: u32) -> Self {
        let store = Arc::new(MemoryStore::new());
        let count = Count::of(active);
        let rooms = rooms(&*store, count.all / OF_A_ROOM + 1).await;
        for n in 0..count.all {
            let new = new_meeting(n, &rooms, count.round_of(n));
            store.create(new).await.expect("it is kept");
        }
        Self { engine: engine(Arc::clone(&store) as _), memory: Some(store) }
    }

    /// Sweeps until nothing is due any more.
    pub(crate) async fn sweep(&self, round: u32) -> Duration {
        let now = due_in(round);
        let visited = self.memory.as_ref().map(|memory| memory.visited_by_due());
        let begun = Instant::now();
        let (mut sweeps, mut changed) = (0, 0);
        loop {
            let swept = self.engine.sweep_once(now).await.expect("the store is well");
            assert!(swept.failed.is_empty() && swept.violated.is_empty(), "{swept:?}");
            changed += swept.changed;
            if swept.due == 0 {
                break;
            }
            sweeps += 1;
        }
        let took = begun.elapsed();
        assert_eq!(changed, DUE as usize, "these were due");
        if let (Some(memory), Some(before)) = (&self.memory, visited) {
            let looked_at = memory.visited_by_due() - before;
            assert!(looked_at <= u64::from(DUE) + sweeps + 1, "{looked_at} were looked at");
        }
        took
    }
}

/// How many meetings there are. Those that come to be due lie scattered among the others, as they do in life.
#[derive(Clone, Copy)]
struct Count {
    /// All of them.
    all: u32,
    /// One in so many comes to be due.
    every: u32,
}

impl Count {
    fn of(active: u32) -> Self {
        let all = active - DUE + DUE * ROUNDS;
        Self { all, every: all / (DUE * ROUNDS) }
    }

    /// In which round a meeting is due, if it comes to be.
    fn round_of(self, n: u32) -> Option<u32> {
        let comes_to_be = n.is_multiple_of(self.every) && n / self.every < DUE * ROUNDS;
        comes_to_be.then_some(n / self.every % ROUNDS)
    }
}

fn engine(store: Arc<dyn Store>) -> Engine {
    let settings = Settings { deployment: "bench".parse().expect("it is a name"), policy: policy() };
    Engine::new(store, settings).with_provider(sample::provider(), Arc::new(FakeProvider::default()))
}

async fn rooms(store: &dyn RoomStore, count: u32) -> Vec<Room> {
    let rooms: Vec<_> = (0..count).map(sample::room).collect();
    for room in &rooms {
        store.create_room(room.clone()).await.expect("it is kept");
    }
    rooms
}

/// A meeting that somebody is in, or that everybody leaves in time for a round.
fn new_meeting(n: u32, rooms: &[Room], round: Option<u32>) -> NewMeeting {
    let life = round.map_or_else(live, left);
    let at = deadline(&life, &policy()).map(|due| due.at).expect("it is open");
    let due = Some(DueRow { at, fingerprint: policy().fingerprint() });
    let room = &rooms[n as usize / OF_A_ROOM as usize % rooms.len()];
    NewMeeting { due, ..sample::new_meeting(meeting(n, room, life)) }
}

/// Nobody is asked who is in while the rounds last.
fn policy() -> Policy {
    Policy { reconcile_after: Duration::from_secs(7_200), ..Policy::default() }
}

/// When every meeting is made and joined.
fn begun() -> Timestamp {
    sample::at(0)
}

/// When everybody leaves those that are due in a round.
fn left_in(round: u32) -> Timestamp {
    begun() + Duration::from_secs(60 + u64::from(round))
}

fn due_in(round: u32) -> Timestamp {
    left_in(round) + policy().grace
}

fn live() -> Life {
    let life = Life::begin(Schedule::from_now(begun(), &policy()), begun(), &policy()).life;
    let life = told(&life, &Event::RoomOpened { generation: 0, expires_at: None }, begun());
    let sighting = sighting(begun(), 1);
    told(&life, &Event::ParticipantJoined(sighting), begun())
}

fn left(round: u32) -> Life {
    let at = left_in(round);
    told(&live(), &Event::ParticipantLeft(sighting(at, 0)), at)
}

fn sighting(at: Timestamp, humans: u32) -> Sighting {
    Sighting { participant: Participant::human("ada"), at, received_at: at, humans: Some(humans) }
}

fn told(life: &Life, event: &Event, now: Timestamp) -> Life {
    match step(life, event, now, &policy()) {
        Outcome::Changed(change) => change.life,
        Outcome::Ignored(why) => panic!("{event:?} was ignored: {why}"),
    }
}

fn meeting(n: u32, room: &Room, life: Life) -> Meeting {
    Meeting { room: Some(sample::provider_room(n)), life, ..sample::meeting(n, room) }
}
