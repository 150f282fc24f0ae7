//! Examples of Reflector: run one with `cargo run -p reflector-examples --example quickstart`.
//!
//! - `rules_only`: the pure rules, with nothing around them
//! - `quickstart`: an engine over a store in memory, with time that is moved by hand
//! - `my_provider`: a video provider of one's own, checked with the suite
//! - `my_store`: a store of one's own around another one, checked with the suite
//! - `my_pipeline`: a pipeline of one's own, from a recording to its minutes, checked with the suite
//! - `own_policy`: a policy of one's own, held to a promise of one's own over random histories
