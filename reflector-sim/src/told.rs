//! Running a world, and what comes of it.

use std::ops::Range;
use std::sync::Arc;

use reflector_core::history;
use reflector_core::store::{NoticeStore, RecordingStore, Store, TranscriptStore};
use reflector_store_memory::MemoryStore;

use crate::report::Report;
use crate::setup::Setup;
use crate::world::{HOUR, World};
use crate::{studio, uploads};

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

/// All that a world keeps: its meetings, their recordings, what becomes of these, and who is to be told.
pub trait Keeps: Store + RecordingStore + TranscriptStore + NoticeStore {}

impl<S: Store + RecordingStore + TranscriptStore + NoticeStore + ?Sized> Keeps for S {}

/// Runs a world to its end: the same setup and seed tell the same story.
pub fn simulate(setup: &Setup, seed: u64) -> Told {
    simulate_over(in_memory(), setup, seed)
}

/// The same over another store, which is empty and must answer whoever polls it at once:
/// [`Flaky::carried_by`](reflector_core::testing::Flaky::carried_by) makes one of a store that waits for a disk or a wire.
pub fn simulate_over(store: Arc<dyn Keeps>, setup: &Setup, seed: u64) -> Told {
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

fn in_memory() -> Arc<dyn Keeps> {
    Arc::new(MemoryStore::new())
}

/// The worlds that `SIM_SEEDS` (how many) and `SIM_FROM` (from which seed on) ask for.
///
/// # Panics
///
/// If one of them is no number.
pub fn seeds_asked_for(usually: u64) -> Range<u64> {
    let number = |name, otherwise| match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is to be a number, and is {text}")),
        Err(_) => otherwise,
    };
    let from = number("SIM_FROM", 0);
    from..from + number("SIM_SEEDS", usually)
}

/// Tells hostile worlds of an hour over another store, as [`simulate_over`] takes it, and in memory: it must be the same
/// story, to the last number.
///
/// # Panics
///
/// If it is not, or something is violated.
pub fn assert_same_story_over(seeds: Range<u64>, open: impl Fn() -> Arc<dyn Keeps>) {
    for seed in seeds {
        let setup = Setup { span: HOUR, ..Setup::hostile(seed) };
        let told = simulate_over(open(), &setup, seed);
        assert_eq!(told.violations, Vec::<String>::new(), "seed {seed}");
        assert_eq!(told.report, simulate(&setup, seed).report, "seed {seed}");
        let Report { events, crashes, recordings, runs, .. } = &told.report;
        let objects = recordings.get(uploads::names::PUT).copied().unwrap_or_default();
        let runs = runs.get(studio::names::BEGUN).copied().unwrap_or_default();
        println!("seed {seed}: {events} entries, {crashes} crashes, {objects} objects, {runs} runs");
    }
}
