//! A sweep with 1,000 due among 10,000 and among 1,000,000 active meetings.
//!
//! The two take turns, each round with meetings that are newly due. A sweep visits what is due and nothing else (a
//! test counts that), so what is left of the ratio is the processor's cache: 3 at most.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reflector_core::engine::{Engine, Settings};
use reflector_core::lifecycle::{Event, Life, Outcome, Policy, Schedule, Sighting, deadline, step};
use reflector_core::store::{DueRow, MeetingStore, NewMeeting, RoomStore};
use reflector_core::testing::{FakeProvider, sample};
use reflector_core::{Meeting, Participant, Room, Timestamp};
use reflector_store_memory::MemoryStore;

/// How many are due in a round.
const DUE: u32 = 1_000;
const ROUNDS: u32 = 7;
const MOST: f64 = 3.0;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(measure());
}

async fn measure() {
    let (small, large) = (Town::of(10_000).await, Town::of(1_000_000).await);
    let (mut small_times, mut large_times) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        small_times.push(small.sweep(round).await);
        large_times.push(large.sweep(round).await);
    }
    let (small, large) = (median(small_times), median(large_times));
    println!("a sweep with {DUE} due among    10,000 active: {:>8.3} ms", small.as_secs_f64() * 1e3);
    println!("a sweep with {DUE} due among 1,000,000 active: {:>8.3} ms", large.as_secs_f64() * 1e3);
    let ratio = large.as_secs_f64() / small.as_secs_f64();
    println!("ratio: {ratio:.2}, and {MOST} is allowed");
    assert!(ratio <= MOST, "a sweep must not become slower with the meetings that are not due");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// A server with many active meetings. The grace of every round's thousand is over a second after the last's.
struct Town {
    engine: Engine,
    store: Arc<MemoryStore>,
}

impl Town {
    async fn of(active: u32) -> Self {
        let store = Arc::new(MemoryStore::new());
        let rooms: Vec<_> = (0..=(active + DUE * ROUNDS) / 10).map(sample::room).collect();
        for room in &rooms {
            store.create_room(room.clone()).await.expect("it is kept");
        }
        let settings = Settings { deployment: "bench".parse().expect("it is a name"), policy: policy() };
        let engine = Engine::new(Arc::clone(&store) as _, settings)
            .with_provider(sample::provider(), Arc::new(FakeProvider::default()));
        // Those that come to be due lie scattered among the others, as they do in life.
        let (lasting, leaving) = (active - DUE, DUE * ROUNDS);
        let every = (lasting + leaving) / leaving;
        for n in 0..lasting + leaving {
            let round = (n % every == 0 && n / every < leaving).then_some(n / every % ROUNDS);
            let life = round.map_or_else(live, left);
            let at = deadline(&life, &policy()).map(|due| due.at).expect("it is open");
            let due = Some(DueRow { at, fingerprint: policy().fingerprint() });
            let meeting = meeting(n, &rooms[(n / 10) as usize], life);
            store.create(NewMeeting { due, ..sample::new_meeting(meeting) }).await.expect("it is kept");
        }
        Self { engine, store }
    }

    /// Sweeps until nothing is due any more.
    async fn sweep(&self, round: u32) -> Duration {
        let now = due_in(round);
        let visited = self.store.visited_by_due();
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
        let looked_at = self.store.visited_by_due() - visited;
        assert!(looked_at <= u64::from(DUE) + sweeps + 1, "{looked_at} were looked at");
        took
    }
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
