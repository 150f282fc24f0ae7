#![doc = include_str!("../README.md")]

mod allowed;
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

pub use allowed::Tells;
pub use settings::{AccessKey, AwsSettings};
pub use source::AwsSource;
