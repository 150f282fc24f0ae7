//! `reflector simulate`: a policy tried on a virtual office.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use reflector_core::history::write;
use reflector_core::lifecycle::Overtime;
use reflector_sim::{Faults, Setup, Told, simulate, simulate_recorded};

/// What a virtual office is made of.
#[derive(Clone, Debug, Args)]
pub(crate) struct Flags {
    /// How many rooms; four people use each.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rooms: u32,
    /// How many days.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// The same seed tells the same story.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How long an empty meeting waits.
    #[arg(long, default_value = "15m", value_parser = humantime::parse_duration)]
    grace: Duration,
    /// How long a scheduled meeting may run over, or never.
    #[arg(long, default_value = "30m", value_parser = overtime)]
    overtime: Overtime,
    /// How long somebody who asked to join is expected.
    #[arg(long, default_value = "45s", value_parser = humantime::parse_duration)]
    lease: Duration,
    /// What goes wrong, with commas between: messages, store, provider, crashes, clocks, people; or all, or none.
    #[arg(long, default_value = "none", value_parser = faults)]
    faults: Faults,
    /// Writes the history of every meeting to this file, for `reflector replay`.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

pub(crate) fn overtime(text: &str) -> Result<Overtime, humantime::DurationError> {
    if text == "never" { Ok(Overtime::Never) } else { humantime::parse_duration(text).map(Overtime::For) }
}

fn faults(text: &str) -> Result<Faults, String> {
    Faults::named(text).map_err(|unknown| {
        format!("`{unknown}` is none: use messages, store, provider, crashes, clocks, people, all or none")
    })
}

/// Runs the office and prints its report. `false` if a rule was violated.
///
/// # Errors
///
/// One line, if the histories cannot be written.
pub(crate) fn run(flags: &Flags) -> Result<bool, String> {
    let mut setup = Setup::office(flags.rooms, flags.days);
    setup.policy.grace = flags.grace;
    setup.policy.overtime = flags.overtime;
    setup.policy.lease = flags.lease;
    setup.faults = flags.faults;
    let started = Instant::now();
    let told = match &flags.export {
        None => simulate(&setup, flags.seed),
        Some(file) => {
            let told = simulate_recorded(&setup, flags.seed);
            export(&told, file).map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
            told
        }
    };
    print(flags, &told, started.elapsed());
    Ok(told.violations.is_empty())
}

fn export(told: &Told, file: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    write(&told.recorded, &mut out)?;
    out.flush()
}

fn print(flags: &Flags, told: &Told, took: Duration) {
    println!("{} rooms over {} days, seed {}", flags.rooms, flags.days, flags.seed);
    println!("{}", policy_line(Some(flags.grace), Some(flags.overtime), Some(flags.lease)));
    println!();
    print!("{}", told.report);
    println!();
    println!("told in {:.1} s", took.as_secs_f64());
    for violation in &told.violations {
        eprintln!("violated: {violation}");
    }
}

/// The policy that is tried; what is not given is as it was recorded.
pub(crate) fn policy_line(
    grace: Option<Duration>,
    overtime: Option<Overtime>,
    lease: Option<Duration>,
) -> String {
    let as_recorded = || "as recorded".to_owned();
    let span = |span: Duration| humantime::format_duration(span).to_string();
    let overtime = overtime.map_or_else(as_recorded, |overtime| match overtime {
        Overtime::For(overtime) => span(overtime),
        Overtime::Never => "never".to_owned(),
    });
    let (grace, lease) = (grace.map_or_else(as_recorded, span), lease.map_or_else(as_recorded, span));
    format!("grace {grace}, overtime {overtime}, lease {lease}")
}
