//! What must hold of the pure rules, for every history.
//!
//! `rules` and `regressions` tell single stories with exact instants; `admission` and `fake_provider` look at what
//! stands around the rules. The others are properties over random histories, and `coverage` shows that those
//! histories reach every corner they are meant to reach. `pipeline` is about the second machine, the runs of a pipeline.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told is a failed test, in its helpers too")]

mod admission;
mod coverage;
mod exports;
mod fake_provider;
mod invariants;
mod observations;
mod pipeline;
mod regressions;
mod rules;
mod safety;
mod stored_forms;
mod stories;
mod time;
mod violations;
