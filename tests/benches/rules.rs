//! The time that the rules take, and a change that is kept: `step`, `deadline`, and `apply` on the memory store.

#[expect(dead_code, reason = "the runs of a scene are for counting instructions")]
mod lives;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use divan::{Bencher, black_box};
use lives::{Meeting, Scene, Told, at, scenes};
use reflector_core::engine::{Engine, Input, Settings};
use reflector_core::lifecycle::{Event, Policy, deadline};
use reflector_core::store::{NewMeeting, RoomStore, Source};
use reflector_core::testing::{FakeProvider, sample};
use reflector_core::{Meeting as Stored, MeetingId};
use reflector_store_memory::MemoryStore;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

fn names() -> Vec<String> {
    scenes().into_iter().map(|scene| scene.name).collect()
}

fn named(name: &str) -> Scene {
    scenes().into_iter().find(|scene| scene.name == name).expect("it is one of the names")
}

#[divan::bench(args = names())]
fn step(bencher: Bencher<'_, '_>, name: &str) {
    let scene = named(name);
    bencher.bench_local(|| black_box(&scene).play());
}

#[divan::bench(name = "deadline", args = names())]
fn next_deadline(bencher: Bencher<'_, '_>, name: &str) {
    let scene = named(name);
    bencher.bench_local(|| deadline(&black_box(&scene).life, &scene.policy));
}

/// Somebody joins and somebody leaves, by turns, in one meeting: read, stepped, and written with its history.
#[divan::bench]
fn apply(bencher: Bencher<'_, '_>) {
    let runtime = Runtime::new().expect("a runtime can be made");
    let (engine, id) = runtime.block_on(one_live_meeting());
    let mut live = Meeting::live(Told::ByCounts, 20);
    let turn = AtomicU64::new(0);
    bencher
        .with_inputs(|| {
            let event = if turn.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
                live.joining()
            } else {
                live.leaving()
            };
            live.tell(&event);
            (Input::of(event, Source::Webhook), live.next())
        })
        .bench_local_values(|(input, now)| {
            runtime.block_on(engine.apply(id, &input, now)).expect("it is kept")
        });
}

async fn one_live_meeting() -> (Engine, MeetingId) {
    let store = Arc::new(MemoryStore::new());
    let room = sample::room(1);
    store.create_room(room.clone()).await.expect("it is kept");
    let settings = Settings { deployment: "bench".parse().expect("it is a name"), policy: Policy::default() };
    let engine = Engine::new(Arc::clone(&store) as _, settings)
        .with_provider(sample::provider(), Arc::new(FakeProvider::default()));
    let life = Meeting::live(Told::ByCounts, 20).life;
    let meeting = Stored { life, ..sample::meeting(1, &room) };
    let id = meeting.id;
    let new = NewMeeting { due: Some(sample::due(86_400)), ..sample::new_meeting(meeting) };
    engine.store().create(new).await.expect("it is kept");
    engine.apply(id, &Input::of(Event::Knocked, Source::Api), at(0)).await.expect("it is kept");
    (engine, id)
}
