//! Several that take in objects of one key at the same time: all of a batch is written in one piece, and in its turn.

mod rival;

use std::sync::Arc;

use reflector_core::recording::{ObjectVersion, Recording, Version};
use reflector_core::store::{RecordingStore, StoreError, TakenIn};
use reflector_core::testing::sample::{object, recording, recording_id};
use reflector_store_postgres::{PostgresOptions, PostgresStore, statements};
use reflector_test_postgres::{Cluster, Durability};
use rival::World;
use tokio::sync::Barrier;
use tokio::task::{JoinHandle, JoinSet};

/// Somebody else's recordings of the same keys, as they would be taken in at the same time.
const RIVAL: [&str; 2] = [
    "INSERT INTO recordings (bucket, key, revision, object, id, version, received_at, status, document)
    VALUES ('sample-bucket', 'a folder/Größe+1%.mp4', 1, 'x', gen_random_uuid(), 1, 0, 'pending', '')",
    "INSERT INTO recordings (bucket, key, revision, object, id, version, received_at, status, document)
    VALUES ('sample-bucket', 'a folder/Größe+2%.mp4', 1, 'y', gen_random_uuid(), 1, 0, 'pending', '')",
];

/// Takes in two new objects, and comes back once that has to wait.
fn take_in(world: &World) -> JoinHandle<Result<Vec<TakenIn>, StoreError>> {
    let store = Arc::clone(&world.store);
    world.waiting(async move { store.take_in(vec![recording(2, 2), recording(1, 1)]).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_loses_a_race_for_a_revision_takes_the_next_one() {
    let mut world = World::begin("turns-lost").await;
    world.rival(RIVAL[0]).await;
    let taking = take_in(&world);
    // Keys are written in their order: whoever waits for the first one has not written the other yet.
    world.rival(RIVAL[1]).await;
    world.rival("COMMIT").await;
    let answers = taking.await.unwrap().unwrap();
    assert_eq!(answers, [TakenIn::Stored { revision: 2 }; 2]);
    for n in [1, 2] {
        let loaded = world.store.load_recording(recording_id(n)).await.unwrap().unwrap();
        assert_eq!(loaded.recording.revision, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_its_turn_alone_is_waited_for() {
    let mut world = World::begin("turns-alone").await;
    world.rival(statements::TAKE_TURNS).await;
    let taking = take_in(&world);
    world.rival(RIVAL[0]).await;
    world.rival("COMMIT").await;
    let answers = taking.await.unwrap().unwrap();
    assert_eq!(answers, [TakenIn::Stored { revision: 1 }, TakenIn::Stored { revision: 2 }]);
}

const RACERS: usize = 16;
const KEYS: u32 = 20;

/// Two versions of each of some keys, in an order and under ids of one's own.
fn batch_of(racer: usize, race: u32) -> Vec<Recording> {
    let mut batch: Vec<_> = (0..2 * KEYS).collect();
    batch.rotate_left(racer * 2);
    if racer % 2 == 1 {
        batch.reverse();
    }
    let first = 100_000 * race + 1_000 * u32::try_from(racer).expect("they are few");
    let new = |n: u32| {
        let version = Version::Tag((n % 2).to_string());
        let object = ObjectVersion { version, ..object(1_000 * race + n / 2) };
        Recording { object, ..recording(first + n, 1) }
    };
    batch.into_iter().map(new).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_of_the_same_keys_in_other_orders_are_all_taken_in_without_a_deadlock() {
    // Deadlocks are counted for all of a database.
    let cluster = Cluster::start(Durability::None);
    let schema = cluster.schema();
    let url = format!("{}&application_name=turns-orders", schema.url());
    let store = PostgresStore::connect(&url.into(), PostgresOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    let store = Arc::new(store);
    for race in 1..=10 {
        let (mut racers, gate) = (JoinSet::new(), Arc::new(Barrier::new(RACERS)));
        for racer in 0..RACERS {
            let (store, gate) = (Arc::clone(&store), Arc::clone(&gate));
            let batch = batch_of(racer, race);
            racers.spawn(async move {
                gate.wait().await;
                store.take_in(batch).await
            });
        }
        let answers = racers.join_all().await;
        let answers: Vec<_> = answers.into_iter().flat_map(|answers| answers.unwrap()).collect();
        for revision in [1, 2] {
            let stored = answers.iter().filter(|answer| **answer == TakenIn::Stored { revision }).count();
            assert_eq!(stored, KEYS as usize, "{answers:?}");
        }
    }
    store.close().await;
    // A process has told what it counted when it is gone.
    while schema.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'turns-orders'") != "0" {
    }
    let deadlocks = schema.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
    assert_eq!(deadlocks, "0");
}

#[tokio::test]
async fn a_batch_that_cannot_be_written_leaves_nothing() {
    let world = World::begin("turns-refused").await;
    world.store.take_in(vec![recording(1, 1)]).await.unwrap();
    // Ids are given once; one that is given again stands for what fails in the middle.
    let again = Recording { object: object(7), ..recording(1, 1) };
    let answer = world.store.take_in(vec![recording(5, 1), again, recording(6, 1)]).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    assert_eq!(world.store.load_recording(recording_id(5)).await.unwrap(), None);
    let answers = world.store.take_in(vec![recording(5, 1), recording(6, 1)]).await.unwrap();
    assert_eq!(answers, [TakenIn::Stored { revision: 1 }; 2], "and the line goes on");
}
