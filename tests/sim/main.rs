//! Worlds in which everything goes wrong, told again exactly from a seed.
//!
//! `SIM_SEEDS` says how many of them (300), `SIM_FROM` from which seed on (0). A single one is told in full.

mod replay;
mod seeds;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use reflector_core::lifecycle::CloseReason;
use reflector_sim::{
    Faults, RUN_FAULTS, RUN_OUTCOMES, Report, RunFaults, Setup, Told, UPLOAD_FAULTS, UPLOAD_OUTCOMES,
    seeds_asked_for, simulate, simulate_traced,
};

/// From so many worlds on, each rule, each reason to close and all that can happen to recordings and to their runs must
/// have been reached.
const MANY: u64 = 300;
/// So many bad worlds are enough to look at.
const ENOUGH: usize = 5;

/// What many worlds saw together, and those in which something was violated.
#[derive(Default)]
struct Worlds {
    report: Report,
    violated: Vec<(u64, Vec<String>)>,
}

impl Worlds {
    /// Tells them on all cores. Whichever core tells which, the sum is the same.
    fn told(from: u64, count: u64) -> Self {
        let worlds = Mutex::new(Self::default());
        let next = AtomicU64::new(from);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    let mut report = Report::default();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        let seen_enough =
                            || worlds.lock().unwrap_or_else(PoisonError::into_inner).violated.len() >= ENOUGH;
                        if seed >= from + count || seen_enough() {
                            break;
                        }
                        let Told { report: of_one, violations, .. } = simulate(&Setup::hostile(seed), seed);
                        report.add(&of_one);
                        if !violations.is_empty() {
                            let mut worlds = worlds.lock().unwrap_or_else(PoisonError::into_inner);
                            worlds.violated.push((seed, violations));
                        }
                    }
                    worlds.lock().unwrap_or_else(PoisonError::into_inner).report.add(&report);
                });
            }
        });
        worlds.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, count: u64) {
        let Report { events, crashes, rules, .. } = &self.report;
        let each = |total: u64| total as f64 / count.max(1) as f64;
        println!("{}", self.report);
        println!("histories of a world      {count:>12}");
        println!("entries in them           {events:>12}   {:.1} each", each(*events));
        println!("crashes                   {crashes:>12}   {:.1} each", each(*crashes));
        let faults = self.report.faults_in_all();
        println!("injected faults           {faults:>12}   {:.1} each", each(faults));
        for rule in 1..=27 {
            println!("  rule L{rule:<3} was reached   {:>12}", rules.get(&rule).copied().unwrap_or(0));
        }
    }

    /// Rules, reasons, and faults and fates of recordings and of their runs that no world has reached: what is never
    /// reached is not tried.
    fn unreached(&self) -> Vec<String> {
        let rules = (1..=27_u8).filter(|rule| !self.report.rules.contains_key(rule));
        let reasons = CloseReason::ALL.into_iter().filter(|reason| !self.report.reasons.contains_key(reason));
        let of_recordings = (UPLOAD_FAULTS.iter().filter(|fault| !self.report.faults.contains_key(*fault)))
            .chain(UPLOAD_OUTCOMES.iter().filter(|fate| !self.report.recordings.contains_key(*fate)))
            .chain(RUN_FAULTS.iter().filter(|fault| !self.report.faults.contains_key(*fault)))
            .chain(RUN_OUTCOMES.iter().filter(|fate| !self.report.runs.contains_key(*fate)));
        let of_meetings =
            rules.map(|rule| format!("L{rule}")).chain(reasons.map(|reason| reason.to_string()));
        of_meetings.chain(of_recordings.map(|name| (*name).to_owned())).collect()
    }
}

/// What a violation is about, without ids and times.
fn gist(violation: &str) -> String {
    let (_, what) = violation.split_once("  ").unwrap_or(("", violation));
    let is_word = |word: &str| {
        word.starts_with(char::is_alphabetic)
            && word.chars().all(|letter| letter.is_alphanumeric() || "_,;'".contains(letter))
    };
    let mut words: Vec<_> = what.split(' ').map(|word| if is_word(word) { word } else { "…" }).collect();
    words.dedup();
    words.truncate(16);
    words.join(" ")
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in 0..3 {
        let setup = Setup::hostile(seed);
        assert_eq!(simulate_traced(&setup, seed), simulate_traced(&setup, seed));
    }
}

#[test]
fn meetings_are_the_same_whether_they_are_recorded_or_not() {
    for seed in 0..10 {
        let recorded = Setup::hostile(seed);
        let mut with = simulate(&recorded, seed).report;
        assert!(!with.recordings.is_empty());
        with.recordings.clear();
        with.runs.clear();
        with.faults.retain(|fault, _| !UPLOAD_FAULTS.contains(fault) && !RUN_FAULTS.contains(fault));
        let without = simulate(&Setup { recordings: false, ..recorded }, seed).report;
        assert_eq!(with, without, "seed {seed}");
    }
}

#[test]
fn recordings_are_the_same_whether_they_are_worked_on_or_not_as_long_as_no_run_fails() {
    let mut compared = 0;
    for seed in 0..12 {
        let hostile = Setup::hostile(seed);
        let faults = Faults { runs: RunFaults::NONE, ..hostile.faults };
        let worked_on = Setup { runs: true, faults, ..hostile };
        let mut with = simulate(&worked_on, seed).report;
        assert!(!with.runs.is_empty(), "seed {seed}");
        // Servers that die often enough are the end of a run.
        if with.runs.contains_key("run failed") {
            continue;
        }
        compared += 1;
        with.runs.clear();
        with.faults.retain(|fault, _| !RUN_FAULTS.contains(fault));
        let without = simulate(&Setup { runs: false, ..worked_on }, seed).report;
        assert_eq!(with, without, "seed {seed}");
    }
    assert!(compared >= 8, "only {compared} of the worlds had no run that failed");
}

#[test]
fn in_worlds_in_which_everything_goes_wrong_nothing_is_violated() {
    let asked_for = seeds_asked_for(MANY);
    let (from, count) = (asked_for.start, asked_for.end - asked_for.start);
    if count == 1 {
        let told = simulate_traced(&Setup::hostile(from), from);
        told.trace.iter().for_each(|line| println!("{line}"));
    }
    let mut worlds = Worlds::told(from, count);
    worlds.print(count);
    worlds.violated.sort();
    for (seed, violations) in &worlds.violated {
        println!("seed {seed}:\n  {}", violations.join("\n  "));
    }
    if let Some((seed, violations)) = worlds.violated.first() {
        println!("found: {}", gist(&violations[0]));
        panic!(
            "{} of {count} worlds are not as they should be; to be told one in full:\n  \
             SIM_FROM={seed} SIM_SEEDS=1 cargo test -p reflector-tests --test sim worlds -- --nocapture",
            worlds.violated.len()
        );
    }
    if count >= MANY {
        let unreached = worlds.unreached();
        if !unreached.is_empty() {
            println!("found: never reached: {}", unreached.join(", "));
        }
        assert!(unreached.is_empty(), "no world has reached {unreached:?}");
    }
}
