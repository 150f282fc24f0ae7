//! For whoever tests an adapter, or code that uses one (feature `testing`).
//!
//! Nothing in here is promised to stay as it is: a version of the core may add a case to a suite, and a store that
//! keeps the contract passes it.

pub mod connection_suite;
pub mod consent_suite;
#[cfg(test)]
mod contract;
mod fake_provider;
mod fake_source;
pub mod feed_suite;
mod flaky;
pub mod key_suite;
pub mod notice_suite;
pub mod objects_suite;
pub mod pipeline_suite;
pub mod provider_suite;
pub mod recording_suite;
pub mod sample;
pub mod source_suite;
pub mod store_suite;
pub mod strategies;
pub mod tally_suite;
pub mod transcript_suite;

pub use fake_provider::{Failure, FakeMessage, FakeProvider, ProviderCall, PutOut};
pub use fake_source::FakeSource;
pub use flaky::{Call, Fault, Flaky, halt, let_through};
