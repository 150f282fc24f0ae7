//! A database that is away, ill or slow makes the store unavailable, and for no longer than that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reflector_core::store::{
    Commit, Committed, Created, Loaded, MeetingStore, RoomCreated, RoomStore, StoreError,
};
use reflector_core::testing::sample::{self, entry, meeting, meeting_id, new_meeting, room};
use reflector_store_postgres::{PostgresOptions, PostgresStore};
use reflector_test_postgres::{Cluster, Durability, Schema};

const QUICK: PostgresOptions = PostgresOptions {
    connections: 4,
    connect_within: Duration::from_millis(500),
    answer_within: Duration::from_millis(300),
};

async fn store_with_a_meeting(schema: &Schema) -> Arc<PostgresStore> {
    let url = schema.url().to_owned().into();
    let store = PostgresStore::connect(&url, QUICK).await.expect("the cluster is up");
    store.migrate().await.expect("an empty schema can be migrated");
    assert_eq!(store.create_room(room(1)).await.expect("it is there"), RoomCreated::Stored);
    let created = store.create(new_meeting(meeting(1, &room(1)))).await.expect("it is there");
    assert_eq!(created, Created::Stored);
    Arc::new(store)
}

async fn load(store: &PostgresStore) -> Result<Loaded, StoreError> {
    Ok(store.load(meeting_id(1)).await?.expect("the meeting was kept"))
}

/// The store is unavailable now, and says so in time.
async fn is_unavailable(store: &PostgresStore) {
    let begun = Instant::now();
    let answer = load(store).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// What was asked while the database was away may have cut each of the lines, which is told once for each.
async fn comes_back(store: &PostgresStore) -> Loaded {
    for _ in 0..=QUICK.connections {
        if let Ok(loaded) = load(store).await {
            return loaded;
        }
    }
    load(store).await.expect("the database is back")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_confirmed_under_load_is_there_after_restarts_and_crashes() {
    let cluster = Cluster::start(Durability::Full);
    let schema = cluster.schema();
    let store = store_with_a_meeting(&schema).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let writers: Vec<_> = (0..4)
        .map(|n| {
            let (store, stopped) = (Arc::clone(&store), stopped.clone());
            tokio::spawn(async move {
                let mut confirmed = Vec::new();
                while !*stopped.borrow() {
                    let Ok(loaded) = load(&store).await else { continue };
                    let commit = Commit { entries: vec![entry(n)], ..sample::commit(&loaded) };
                    if let Ok(Committed::Stored) = store.commit(commit).await {
                        confirmed.push((loaded.version + 1, n));
                    }
                }
                confirmed
            })
        })
        .collect();
    for _ in 0..2 {
        let versions = load(&store).await.map_or(1, |loaded| loaded.version);
        while load(&store).await.map_or(0, |loaded| loaded.version) < versions + 10 {}
        cluster.stop();
        is_unavailable(&store).await;
        cluster.resume();
        let versions = comes_back(&store).await.version;
        while load(&store).await.map_or(0, |loaded| loaded.version) < versions + 10 {}
        cluster.crash();
        is_unavailable(&store).await;
        cluster.resume();
        comes_back(&store).await;
    }
    stop.send(true).unwrap();
    let mut confirmed = Vec::new();
    for writer in writers {
        confirmed.extend(writer.await.unwrap());
    }

    let loaded = comes_back(&store).await;
    let history = store.history(meeting_id(1), 0, usize::MAX).await.unwrap();
    assert_eq!((loaded.version - 1, loaded.entries), (history.len() as u64, history.len() as u64));
    assert!(confirmed.len() > 20, "{} commits were confirmed", confirmed.len());
    for (version, n) in confirmed {
        let seq = version - 1;
        assert_eq!(
            history[usize::try_from(seq).unwrap() - 1],
            reflector_core::store::Entry { seq, ..entry(n) }
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_waits_too_long_is_given_up() {
    let cluster = Cluster::start(Durability::None);
    let schema = Arc::new(cluster.schema());
    let store = store_with_a_meeting(&schema).await;
    let before = load(&store).await.unwrap();
    let holder = {
        let schema = Arc::clone(&schema);
        tokio::task::spawn_blocking(move || schema.sql("BEGIN; LOCK TABLE meetings; SELECT pg_sleep(4)"))
    };
    let locks = "SELECT count(*) FROM pg_locks WHERE relation = 'meetings'::regclass AND mode = 'AccessExclusiveLock' AND granted";
    while schema.sql(locks) == "0" {}
    for _ in 0..2 * QUICK.connections {
        is_unavailable(&store).await;
    }
    let commit = store.commit(sample::commit(&before)).await;
    assert!(matches!(commit, Err(StoreError::Unavailable(_))), "{commit:?}");
    holder.await.unwrap();
    assert_eq!(
        load(&store).await.unwrap(),
        before,
        "nothing of it was written, and the store is there again"
    );
}

#[tokio::test]
async fn a_database_that_hangs_is_not_waited_for() {
    let cluster = Cluster::start(Durability::None);
    let schema = cluster.schema();
    let store = store_with_a_meeting(&schema).await;
    let before = load(&store).await.unwrap();
    cluster.freeze();
    let begun = Instant::now();
    let calls = (0..2 * QUICK.connections).map(|_| is_unavailable(&store));
    futures::future::join_all(calls).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "none waits for the others: {:?}", begun.elapsed());
    cluster.thaw();
    assert_eq!(comes_back(&store).await, before);
}

#[tokio::test]
async fn a_database_that_becomes_read_only_is_unavailable_for_writes() {
    let cluster = Cluster::start(Durability::None);
    let schema = cluster.schema();
    let store = store_with_a_meeting(&schema).await;
    let loaded = load(&store).await.unwrap();
    schema.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    schema.sql("SELECT pg_reload_conf()");
    // A server takes its new settings between two statements, after a signal that nobody sees arrive.
    let error = loop {
        match store.commit(sample::commit(&load(&store).await.unwrap())).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(load(&store).await.unwrap().version >= loaded.version, "it can still be read");
}
