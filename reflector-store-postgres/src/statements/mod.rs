//! The statements exactly as the store sends them, for tests and benchmarks that look at their plans.
//!
//! Every operation that happens often is one statement, and so one round trip and one transaction. Those of a row or two are
//! prepared once for each connection; those that give a part of an ordered index are planned anew with their values each
//! time, because a plan for any number of rows would read the whole table.

mod connections;
mod effects;
mod meetings;
mod notices;
mod others;
mod recordings;
mod tally;
mod transcripts;

pub use connections::*;
pub use effects::*;
pub use meetings::*;
pub use notices::*;
pub use others::*;
pub use recordings::*;
pub use tally::*;
pub use transcripts::*;
