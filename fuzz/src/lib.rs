//! What is fuzzed. `scripts/fuzz.sh` runs it; the tests play it without a fuzzer (`tests/fuzz_replay`).

#[path = "../targets/mod.rs"]
pub mod targets;
