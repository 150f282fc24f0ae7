//! Worlds in which something was wrong once. What was wrong is put right, and they stay.

use reflector_sim::{Setup, simulate};

/// The seed, and what was wrong in its world.
const SEEDS: &[(u64, &str)] = &[];

#[test]
fn what_was_wrong_once_is_not_wrong_again() {
    for (seed, what) in SEEDS {
        let told = simulate(&Setup::hostile(*seed), *seed);
        assert!(told.violations.is_empty(), "seed {seed}, {what}:\n{}", told.violations.join("\n"));
    }
}
