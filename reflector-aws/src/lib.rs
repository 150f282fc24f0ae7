#![doc = include_str!("../README.md")]

pub mod key;
pub mod notice;
mod objects;
mod queue;
mod read;
mod settings;
mod settle;
mod source;
mod time_outs;
mod trouble;

pub use settings::{AccessKey, AwsSettings};
pub use source::AwsSource;
