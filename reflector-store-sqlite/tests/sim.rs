//! The simulator's worlds, told over a file: the same story as in memory, to the last number.
//!
//! `SIM_SEEDS` says how many of them (3), `SIM_FROM` from which seed on (0).

use std::sync::Arc;
use std::time::Duration;

use reflector_core::testing::Flaky;
use reflector_sim::{Setup, simulate, simulate_over};
use reflector_store_sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;
use tokio::runtime::Builder;

/// How long people come and go in a world.
const SPAN: Duration = Duration::from_secs(60 * 60);

#[test]
fn a_world_over_a_file_tells_the_same_story_as_one_in_memory() {
    let number = |name, otherwise| match std::env::var(name) {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => otherwise,
    };
    let runtime =
        Arc::new(Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime"));
    let from: u64 = number("SIM_FROM", 0);
    for seed in from..from + number("SIM_SEEDS", 3) {
        let setup = Setup { span: SPAN, ..Setup::hostile(seed) };
        let folder = quick_folder();
        let file = folder.path().join("sim.db");
        let store = runtime.block_on(async {
            let store = SqliteStore::open(&file.display().to_string(), &SqliteOptions::default()).await?;
            store.migrate().await.map(|()| store)
        });
        let carrier = Arc::clone(&runtime);
        let store =
            Flaky::sound(Arc::new(store.expect("a file"))).carried_by(move |call| carrier.block_on(call));
        let told = simulate_over(Arc::new(store), &setup, seed);
        assert_eq!(told.violations, Vec::<String>::new(), "seed {seed}");
        assert_eq!(told.report, simulate(&setup, seed).report, "seed {seed}");
        println!("seed {seed}: {} entries, {} crashes", told.report.events, told.report.crashes);
    }
}

/// In memory where there is such a place: no power fails here, and thousands of syncs would be waited for.
fn quick_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}
