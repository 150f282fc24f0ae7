//! Running a world, and what comes of it.

use std::sync::Arc;

use reflector_core::history;
use reflector_core::store::Store;
use reflector_store_memory::MemoryStore;

use crate::report::Report;
use crate::setup::Setup;
use crate::world::World;

/// What a run saw, and what it found.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The numbers.
    pub report: Report,
    /// What was violated: always nothing.
    pub violations: Vec<String>,
    /// What happened, a line each, if it was asked for.
    pub trace: Vec<String>,
    /// The history of every meeting as it would be exported, if it was asked for.
    pub recorded: Vec<history::Line>,
}

/// Runs a world to its end: the same setup and seed tell the same story.
pub fn simulate(setup: &Setup, seed: u64) -> Told {
    simulate_over(in_memory(), setup, seed)
}

/// The same over another store, which is empty and must answer whoever polls it at once:
/// [`Flaky::carried_by`](reflector_core::testing::Flaky::carried_by) makes one of a store that waits for a disk or a wire.
pub fn simulate_over(store: Arc<dyn Store>, setup: &Setup, seed: u64) -> Told {
    World::new(setup, seed, store).run()
}

/// The same, with a readable trace of everything that happened.
pub fn simulate_traced(setup: &Setup, seed: u64) -> Told {
    let mut world = World::new(setup, seed, in_memory());
    world.trace = Some(Vec::new());
    world.run()
}

/// The same, with the histories that it leaves behind.
pub fn simulate_recorded(setup: &Setup, seed: u64) -> Told {
    let mut world = World::new(setup, seed, in_memory());
    world.recorded = Some(Vec::new());
    world.run()
}

fn in_memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}
