//! Listing a room's active meetings, which is one round trip, beside the bare statement sent by `pgbench`: at least 0.4 on
//! one connection. With many, all of the machine is busy, and what is shown is what reading rows costs of it.

#[expect(dead_code, reason = "the scenes are for measuring the rules")]
mod lives;

use std::sync::Arc;
use std::time::{Duration, Instant};

use lives::{Meeting, Told};
use reflector_core::Meeting as Stored;
use reflector_core::store::{MeetingStore, RoomStore};
use reflector_core::testing::sample;
use reflector_store_postgres::{PostgresOptions, PostgresStore, statements};
use reflector_test_postgres::{Cluster, Durability, Schema};

const ROOMS: u32 = 200;
/// How many active meetings a room has.
const MEETINGS: u32 = 10;
const ROUNDS: usize = 5;
/// How long a round is, of each.
const SECONDS: u32 = 2;
const LEAST: f64 = 0.4;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let ratio = runtime.block_on(async {
        let cluster = Cluster::start(Durability::None);
        let schema = cluster.schema();
        let store = town(&schema).await;
        let ratio = measure(&schema, &store, 1).await;
        println!("ratio: {ratio:.2}, and {LEAST} is asked for");
        println!("ratio: {:.2}", measure(&schema, &store, 16).await);
        ratio
    });
    assert!(ratio >= LEAST, "reading rows must not cost much more than asking for them");
}

/// Rooms in which a dozen people have come and gone, in ten meetings at once.
async fn town(schema: &Schema) -> Arc<PostgresStore> {
    let url = schema.url().to_owned().into();
    let store = PostgresStore::connect(&url, PostgresOptions::default()).await.expect("it is up");
    store.migrate().await.expect("the schema is empty");
    let life = Meeting::live(Told::ByCounts, 14).life;
    for n in 0..ROOMS {
        let room = sample::room(n);
        store.create_room(room.clone()).await.expect("it is kept");
        for n in n * MEETINGS..(n + 1) * MEETINGS {
            let provider_room = Some(sample::provider_room(n));
            let meeting = Stored { room: provider_room, life: life.clone(), ..sample::meeting(n, &room) };
            store.create(sample::new_meeting(meeting)).await.expect("it is kept");
        }
    }
    schema.sql("VACUUM ANALYZE");
    Arc::new(store)
}

async fn measure(schema: &Schema, store: &Arc<PostgresStore>, connections: u32) -> f64 {
    let (mut bare, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(bare_statement(schema, connections));
        whole.push(through_store(store, connections).await);
    }
    let (bare, whole) = (median(bare), median(whole));
    println!(
        "{connections:>2} connections, pgbench, the bare SELECT: {bare:>7.0} rooms of {MEETINGS} meetings a second"
    );
    println!("{connections:>2} connections, `open_meetings`:          {whole:>7.0} rooms a second");
    whole / bare
}

fn bare_statement(schema: &Schema, connections: u32) -> f64 {
    let id = "('00000000-0000-0b00-0000-' || lpad(to_hex(:n::integer), 12, '0'))::uuid";
    let statement = statements::OPEN_MEETINGS.replace("$1", id);
    let script = format!("\\set n random(0, {ROOMS} - 1)\n{statement};\n");
    let (connections, threads) = (connections.to_string(), connections.min(2).to_string());
    let seconds = SECONDS.to_string();
    let ran =
        schema.pgbench(&script, &["-M", "prepared", "-c", &connections, "-j", &threads, "-T", &seconds]);
    ran.per_second
}

async fn through_store(store: &Arc<PostgresStore>, connections: u32) -> f64 {
    let begun = Instant::now();
    let end = begun + Duration::from_secs(SECONDS.into());
    let askers: Vec<_> = (0..connections)
        .map(|asker| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut listed = 0_u32;
                while Instant::now() < end {
                    let room = sample::room((asker + listed * 7) % ROOMS);
                    let meetings = store.open_meetings(room.id).await.expect("it is up");
                    assert_eq!(meetings.len(), MEETINGS as usize);
                    listed += 1;
                }
                listed
            })
        })
        .collect();
    let mut listed = 0;
    for asker in askers {
        listed += asker.await.expect("every listing is whole");
    }
    f64::from(listed) / begun.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
