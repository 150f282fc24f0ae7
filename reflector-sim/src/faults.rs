//! What goes wrong between a server and its store, and the switch that ends all faults.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use reflector_core::store::{NoticeStore, RecordingStore, Store, TranscriptStore};
use reflector_core::testing::{Call, Fault, Flaky};

use crate::setup::Faults;
use crate::told::Keeps;

/// Whether things go wrong now, and how often they did.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) faults: Faults,
    seed: u64,
    on: AtomicBool,
    calls: AtomicU64,
    /// How often recordings were written, or may have been.
    writes: AtomicU64,
    pub(crate) before: AtomicU64,
    pub(crate) after: AtomicU64,
    pub(crate) conflicts: AtomicU64,
    /// The rooms that the provider once did not know although they were there.
    slipped: Mutex<BTreeSet<String>>,
}

impl Switch {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            faults,
            seed,
            on: AtomicBool::new(true),
            calls: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            before: AtomicU64::new(0),
            after: AtomicU64::new(0),
            conflicts: AtomicU64::new(0),
            slipped: Mutex::default(),
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    pub(crate) fn off(&self) {
        self.on.store(false, Ordering::Relaxed);
    }

    /// What goes wrong at this time.
    pub(crate) fn now(&self) -> Faults {
        if self.is_on() { self.faults } else { Faults::NONE }
    }

    /// Whether something of this probability happens; nothing does once faults are off.
    pub(crate) fn happens(&self, chance: impl Fn(&Faults) -> f64) -> bool {
        let chance = chance(&self.now());
        chance > 0.0 && self.lot() < chance
    }

    fn lot(&self) -> f64 {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut mixed =
            self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ call.wrapping_mul(0xd1b5_4a32_d192_ed03);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether the provider does not know this room now. Of each room it happens once at the most: a room that is
    /// missed twice counts as ended.
    pub(crate) fn slips(&self, room: &str) -> bool {
        self.happens(|faults| faults.slips)
            && self.slipped.lock().unwrap_or_else(PoisonError::into_inner).insert(room.to_owned())
    }

    /// How many rooms the provider has once not known.
    pub(crate) fn slipped(&self) -> u64 {
        self.slipped.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    /// How often recordings were written, or may have been.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// What goes wrong with a call now; a conflict only where one may be met.
    fn fault(&self, may_conflict: bool) -> Option<Fault> {
        let faults = self.now();
        let lot = self.lot();
        let kinds = [
            (faults.store_before, Fault::Before, &self.before),
            (faults.store_after, Fault::After, &self.after),
            (faults.store_conflict, Fault::Conflict, &self.conflicts),
        ];
        let mut upper = 0.0;
        for (probability, fault, count) in kinds {
            upper += probability;
            if lot < upper && (may_conflict || fault != Fault::Conflict) {
                count.fetch_add(1, Ordering::Relaxed);
                return Some(fault);
            }
        }
        None
    }
}

/// A store that fails as the switch says, and halts around every call.
pub(crate) struct FaultyStore;

impl FaultyStore {
    pub(crate) fn around(store: Arc<dyn Store>, switch: &Arc<Switch>) -> Arc<dyn Store> {
        let switch = Arc::clone(switch);
        Arc::new(Flaky::new(store, move |_| switch.fault(true)).halting())
    }

    /// The recordings alone, which have a switch of their own.
    pub(crate) fn of_recordings(store: Arc<dyn Keeps>, switch: &Arc<Switch>) -> Arc<dyn RecordingStore> {
        let switch = Arc::clone(switch);
        let plan = move |call: &Call| {
            if matches!(call.method, "take_in" | "commit_recording" | "set_aside") {
                switch.writes.fetch_add(1, Ordering::Relaxed);
            }
            switch.fault(call.method == "commit_recording")
        };
        Arc::new(Flaky::new(store, plan).halting())
    }

    /// The transcripts alone, as whoever watches what is done to them gives them.
    pub(crate) fn of_runs<S: TranscriptStore>(
        store: Arc<S>,
        switch: &Arc<Switch>,
    ) -> Arc<dyn TranscriptStore> {
        let switch = Arc::clone(switch);
        let plan = move |call: &Call| switch.fault(matches!(call.method, "begin" | "commit_run"));
        Arc::new(Flaky::new(store, plan).halting())
    }

    /// What rooms' owners are to be told, and the rooms, on one line.
    pub(crate) fn of_notices(
        store: Arc<dyn Keeps>,
        switch: &Arc<Switch>,
    ) -> (Arc<dyn NoticeStore>, Arc<dyn Store>) {
        let switch = Arc::clone(switch);
        let line = Arc::new(Flaky::new(store, move |_| switch.fault(false)).halting());
        (Arc::clone(&line) as _, line)
    }
}
