#![doc = include_str!("../README.md")]

mod api;
mod budget;
mod news;
mod provider;
mod settings;
pub mod signature;
mod webhook;
mod wire;

pub use provider::Whereby;
pub use settings::{NotUsable, RecordingDestination, WherebySettings};
pub use webhook::WherebyWebhook;
