//! The simulator's worlds, told over PostgreSQL: the same story as in memory, to the last number.
//!
//! `SIM_SEEDS` says how many of them (2), `SIM_FROM` from which seed on (0).

use std::sync::Arc;

use reflector_core::testing::Flaky;
use reflector_sim::{assert_same_story_over, seeds_asked_for};
use reflector_store_postgres::{PostgresOptions, PostgresStore};
use tokio::runtime::Builder;

#[test]
fn a_world_over_postgresql_tells_the_same_story_as_one_in_memory() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let runtime = Arc::new(runtime);
    assert_same_story_over(seeds_asked_for(2), || {
        let schema = reflector_test_postgres::schema();
        let store = runtime.block_on(async {
            let store =
                PostgresStore::connect(&schema.url().to_owned().into(), PostgresOptions::default()).await?;
            store.migrate().await.map(|()| store)
        });
        let runtime = Arc::clone(&runtime);
        let carrier = move |call: std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>>| {
            let _in_its_schema = &schema;
            runtime.block_on(call);
        };
        Arc::new(Flaky::sound(Arc::new(store.expect("the cluster is up"))).carried_by(carrier))
    });
}
