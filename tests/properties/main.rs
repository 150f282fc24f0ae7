//! What must hold of the pure rules, for every history.
//!
//! `rules` and `regressions` tell single stories with exact instants; the others are properties over random
//! histories, and `coverage` shows that those histories reach every corner they are meant to reach.

mod invariants;
mod stories;
mod coverage;
