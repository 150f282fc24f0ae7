//! The connections of a store: no more than allowed, used again, and gone when it is closed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reflector_core::store::{MeetingStore, StoreError};
use reflector_core::testing::sample::meeting_id;
use reflector_store_postgres::{PostgresOptions, PostgresStore};
use reflector_test_postgres::{Schema, schema};

const TWO: PostgresOptions = PostgresOptions {
    connections: 2,
    connect_within: Duration::from_secs(3),
    answer_within: Duration::from_secs(5),
};

/// A store whose connections the server knows by this name.
async fn store(schema: &Schema, name: &str) -> Arc<PostgresStore> {
    let url = format!("{}&application_name={name}", schema.url()).into();
    let store = PostgresStore::connect(&url, TWO).await.expect("the cluster is up");
    store.migrate().await.expect("an empty schema can be migrated");
    Arc::new(store)
}

/// The numbers of its processes at the server, but for those that are going away.
fn processes(schema: &Schema, name: &str) -> BTreeSet<String> {
    let which = format!("SELECT pid FROM pg_stat_activity WHERE application_name = '{name}'");
    schema.sql(&which).lines().map(str::to_owned).collect()
}

async fn ask(store: &Arc<PostgresStore>, times: usize) {
    let calls = (0..times).map(|_| {
        let store = Arc::clone(store);
        async move { store.load(meeting_id(1)).await }
    });
    for answer in futures::future::join_all(calls).await {
        assert_eq!(answer.expect("whoever waits has its turn"), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_share_the_connections_that_there_may_be() {
    let (schema, name) = (schema(), "pool-shared");
    let store = store(&schema, name).await;
    ask(&store, 100).await;
    // That of the migrations may still be on its way out.
    let mut there = processes(&schema, name);
    while there.len() > 2 {
        there = processes(&schema, name);
    }
    ask(&store, 100).await;
    assert_eq!(processes(&schema, name), there, "they are used again");
    assert_eq!(there.len(), 2);
}

#[tokio::test]
async fn a_store_that_was_closed_has_no_connections_and_opens_none() {
    let (schema, name) = (schema(), "pool-closed");
    let store = store(&schema, name).await;
    ask(&store, 4).await;
    store.close().await;
    let answer = store.load(meeting_id(1)).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    // The server takes the good-bye when it comes to it.
    while !processes(&schema, name).is_empty() {}
    store.close().await;
}

#[tokio::test]
async fn a_call_that_is_given_up_takes_no_connection_with_it() {
    let (schema, name) = (schema(), "pool-given-up");
    let store = store(&schema, name).await;
    for _ in 0..20 {
        let call = store.load(meeting_id(1));
        // It is dropped at once, wherever it is.
        let given_up = tokio::time::timeout(Duration::ZERO, call).await;
        assert!(given_up.is_err() || given_up.is_ok_and(|answer| answer.is_ok()));
    }
    ask(&store, 10).await;
}
