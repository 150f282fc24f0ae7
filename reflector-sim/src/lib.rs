#![doc = include_str!("../README.md")]

mod adversity;
mod checks;
mod closes;
mod dice;
mod faults;
mod people;
mod provider;
mod report;
mod server;
mod setup;
mod upkeep;
mod work;
mod world;

pub use report::Report;
pub use setup::{Faults, Pace, Setup, Shape};
pub use world::{Told, simulate, simulate_traced};
