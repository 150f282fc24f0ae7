//! The simulator's worlds, told over a file: the same story as in memory, to the last number.
//!
//! `SIM_SEEDS` says how many of them (3), `SIM_FROM` from which seed on (0).

use std::sync::Arc;

use reflector_core::testing::Flaky;
use reflector_sim::{assert_same_story_over, seeds_asked_for};
use reflector_store_sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;
use tokio::runtime::Builder;

#[test]
fn a_world_over_a_file_tells_the_same_story_as_one_in_memory() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let runtime = Arc::new(runtime);
    assert_same_story_over(seeds_asked_for(3), || {
        let folder = quick_folder();
        let file = folder.path().join("sim.db").display().to_string();
        let store = runtime.block_on(async {
            let store = SqliteStore::open(&file, &SqliteOptions::default()).await?;
            store.migrate().await.map(|()| store)
        });
        let runtime = Arc::clone(&runtime);
        let carrier = move |call: std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>>| {
            let _in_its_folder = &folder;
            runtime.block_on(call);
        };
        Arc::new(Flaky::sound(Arc::new(store.expect("a file"))).carried_by(carrier))
    });
}

/// In memory where there is such a place: no power fails here, and thousands of syncs would be waited for.
fn quick_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}
