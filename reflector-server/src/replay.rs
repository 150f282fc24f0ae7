//! `reflector replay`: a policy tried on a recorded history.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use reflector_core::history::{Line, Unreadable, read};
use reflector_core::lifecycle::Overtime;
use reflector_sim::{Figures, PolicyChange, Replayed, replay};

use crate::simulate::{overtime, policy_line};

/// What is told again, and what is to be otherwise.
#[derive(Clone, Debug, Args)]
pub(crate) struct Flags {
    /// The history, as `reflector meetings export` and `simulate --export` write it; `-` reads standard input.
    file: PathBuf,
    /// How long an empty meeting waits; as recorded if not given.
    #[arg(long, value_parser = humantime::parse_duration)]
    grace: Option<Duration>,
    /// How long a scheduled meeting may run over, or never; as recorded if not given.
    #[arg(long, value_parser = overtime)]
    overtime: Option<Overtime>,
    /// How long somebody who asked to join is expected; as recorded if not given.
    #[arg(long, value_parser = humantime::parse_duration)]
    lease: Option<Duration>,
}

/// Replays the file and prints what it comes to.
///
/// # Errors
///
/// One line that says what is wrong with the file, and in which of its lines.
pub(crate) fn run(flags: &Flags) -> Result<(), String> {
    let lines = lines_of(&flags.file).map_err(|error| {
        let file = flags.file.display();
        match error {
            Unreadable::Source(error) => format!("{file} cannot be read: {error}"),
            error => format!("{file}: {error}"),
        }
    })?;
    let change = PolicyChange { grace: flags.grace, overtime: flags.overtime, lease: flags.lease };
    print(&change, &replay(&lines, &change));
    Ok(())
}

fn lines_of(file: &Path) -> Result<Vec<Line>, Unreadable> {
    if file == Path::new("-") { read(io::stdin().lock()) } else { read(BufReader::new(File::open(file)?)) }
}

fn print(change: &PolicyChange, replayed: &Replayed) {
    let Replayed { recorded, replayed: retold, entries, rooms, span, .. } = replayed;
    let when = span.map_or(String::new(), |(first, last)| format!(", from {first} to {last}"));
    println!("{entries} entries of {} meetings in {rooms} rooms{when}", recorded.meetings);
    println!("{}", policy_line(change.grace, change.overtime, change.lease));
    println!();
    println!("{:<34}{:>12}{:>12}", "", "recorded", "replayed");
    let row = |name: &str, of: &dyn Fn(&Figures) -> u64| {
        println!("{name:<34}{:>12}{:>12}", of(recorded), of(retold));
    };
    row("meetings", &|figures| figures.meetings);
    row("people coming in", &|figures| figures.joins);
    let note = "   at most: a recording does not tell whether it was the same person";
    println!("{:<34}{:>12}{:>12}{note}", "splits", recorded.splits, retold.splits);
    row("minutes that rooms stood empty", &|figures| (figures.empty.as_secs() + 30) / 60);
    row("people put out by force", &|figures| figures.put_out_by_force);
    let reasons = recorded.reasons.keys().chain(retold.reasons.keys());
    for reason in reasons.collect::<std::collections::BTreeSet<_>>() {
        row(&format!("  closed: {reason}"), &|figures| figures.reasons.get(reason).copied().unwrap_or(0));
    }
    row("  open at the end", &|figures| figures.open);
}
