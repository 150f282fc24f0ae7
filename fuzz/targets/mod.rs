//! What is fuzzed: each target takes bytes and panics if a promise is broken.
//!
//! They stand apart from cargo-fuzz, so that the tests can play them as well (`tests/fuzz_replay`).

pub mod bytes;
pub mod configuration;
pub mod history;
pub mod names;
pub mod recordings;
pub mod whereby_webhook;

/// A target, and what is told of it.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const ALL: &[(&str, Target)] = &[
    ("whereby_webhook", whereby_webhook::run),
    ("configuration", configuration::run),
    ("room_name", names::room_name),
    ("meeting_of", names::meeting_of),
    ("history", history::run),
    ("s3_notice", recordings::s3_notice),
    ("object_key", recordings::object_key),
];
