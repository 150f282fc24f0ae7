//! Counts the instructions of `step` and `deadline` with callgrind. A join, a leave and a deadline may take 1,000.
//!
//! It runs itself under valgrind, once for each scene, and counts what is between entering and leaving `counted` or
//! `counted_deadline`: cloning the life, and whatever the allocator does, are in it. A join or a leave is counted in
//! a run of sixteen, because every eighth settles the oldest observations for all eight: the mean of the run is held
//! to the limit, and the largest of the sixteen is shown beside it. A late observation tells the last eight anew, and
//! is shown without being held to the limit. With `--strict` more than the limit is a failure.

mod lives;

use std::hint::black_box;
use std::process::{Command, ExitCode};

use lives::{Scene, scenes};
use reflector_core::lifecycle::{Deadline, Outcome, deadline};

/// The most instructions that a join, a leave or a deadline may take.
const MOST: u64 = 1_000;
/// How often each scene is played: the mean of all is shown.
const ROUNDS: u64 = 100;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().collect();
    match arguments.as_slice() {
        [_, flag, number, place] if flag == "--scene" => {
            play(number.parse().unwrap_or(0), place.parse().unwrap_or(0))
        }
        // `cargo test --benches` builds and starts it; there is nothing to test.
        _ if !arguments.iter().any(|argument| argument == "--bench") => ExitCode::SUCCESS,
        _ => print_table(arguments.iter().any(|argument| argument == "--strict")),
    }
}

#[inline(never)]
fn counted(scene: &Scene) -> Outcome {
    scene.play()
}

#[inline(never)]
fn counted_deadline(scene: &Scene) -> Option<Deadline> {
    deadline(&scene.life, &scene.policy)
}

/// What runs under callgrind.
fn play(number: usize, place: usize) -> ExitCode {
    let scene = scenes().into_iter().nth(number).and_then(|scene| scene.run().into_iter().nth(place));
    let Some(scene) = &scene else { return ExitCode::FAILURE };
    for _ in 0..ROUNDS {
        drop(black_box(counted(black_box(scene))));
        black_box(counted_deadline(black_box(scene)));
    }
    ExitCode::SUCCESS
}

fn print_table(strict: bool) -> ExitCode {
    println!("{:<48}{:>12}{:>12}{:>14}", "instructions", "step", "largest", "deadline()");
    let mut worst = 0;
    for (number, scene) in scenes().iter().enumerate() {
        let steps: Option<Vec<_>> =
            (0..=scene.then.len()).map(|place| instructions(number, place, "counted")).collect();
        let (Some(steps), Some(deadline)) = (steps, instructions(number, 0, "counted_deadline")) else {
            println!("valgrind could not be run: install it (Debian: valgrind) to count instructions");
            return ExitCode::SUCCESS;
        };
        let mean = steps.iter().sum::<u64>() / steps.len() as u64;
        let largest = steps.iter().max().unwrap_or(&0);
        if !scene.name.starts_with("late") {
            worst = worst.max(mean).max(deadline);
        }
        println!("{:<48}{mean:>12}{largest:>12}{deadline:>14}", scene.name);
    }
    println!("the most: {worst}, and {MOST} are allowed");
    if worst <= MOST || !strict { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many instructions a function takes at a place in the run of a scene, in the mean of all rounds.
fn instructions(scene: usize, place: usize, function: &str) -> Option<u64> {
    let this = std::env::current_exe().ok()?;
    let said = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect=instructions::{function}"))
        .arg(this)
        .args(["--scene", &scene.to_string(), &place.to_string()])
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    let collected = said.lines().find_map(|line| line.split_once("Collected :"))?.1;
    Some(collected.trim().parse::<u64>().ok()? / ROUNDS)
}
