#![doc = include_str!("../README.md")]

mod adversity;
mod agenda;
mod checks;
mod closes;
mod dice;
mod faults;
mod people;
mod provider;
mod replay;
mod report;
mod server;
mod setup;
mod studio;
mod tasks;
mod told;
mod upkeep;
mod uploads;
mod work;
mod world;

pub use replay::{Closing, Figures, PolicyChange, Replayed, replay};
pub use report::Report;
pub use setup::{Faults, Pace, RecordingFaults, RunFaults, Setup, Shape};
pub use studio::{RUN_FAULTS, RUN_OUTCOMES};
pub use told::{
    Keeps, Told, assert_same_story_over, seeds_asked_for, simulate, simulate_over, simulate_recorded,
    simulate_traced,
};
pub use uploads::{UPLOAD_FAULTS, UPLOAD_OUTCOMES};
