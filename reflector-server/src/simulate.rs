//! `reflector simulate`: a policy tried on a virtual office.

use std::time::{Duration, Instant};

use clap::Args;
use reflector_core::lifecycle::Overtime;
use reflector_sim::{Faults, Setup, Told, simulate};

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
}

fn overtime(text: &str) -> Result<Overtime, humantime::DurationError> {
    if text == "never" { Ok(Overtime::Never) } else { humantime::parse_duration(text).map(Overtime::For) }
}

fn faults(text: &str) -> Result<Faults, String> {
    Faults::named(text).map_err(|unknown| {
        format!("`{unknown}` is none: use messages, store, provider, crashes, clocks, people, all or none")
    })
}

/// Runs the office and prints its report. `false` if a rule was violated.
pub(crate) fn run(flags: &Flags) -> bool {
    let mut setup = Setup::office(flags.rooms, flags.days);
    setup.policy.grace = flags.grace;
    setup.policy.overtime = flags.overtime;
    setup.policy.lease = flags.lease;
    setup.faults = flags.faults;
    let started = Instant::now();
    let told = simulate(&setup, flags.seed);
    print(flags, &told, started.elapsed());
    told.violations.is_empty()
}

fn print(flags: &Flags, told: &Told, took: Duration) {
    let overtime = match flags.overtime {
        Overtime::For(overtime) => humantime::format_duration(overtime).to_string(),
        Overtime::Never => "never".to_owned(),
    };
    println!("{} rooms over {} days, seed {}", flags.rooms, flags.days, flags.seed);
    let (grace, lease) = (humantime::format_duration(flags.grace), humantime::format_duration(flags.lease));
    println!("grace {grace}, overtime {overtime}, lease {lease}");
    println!();
    print!("{}", told.report);
    println!();
    println!("told in {:.1} s", took.as_secs_f64());
    for violation in &told.violations {
        eprintln!("violated: {violation}");
    }
}
