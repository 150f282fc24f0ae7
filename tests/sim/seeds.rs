//! Worlds in which something was wrong once. What was wrong is put right, and they stay.

use reflector_sim::{Setup, simulate};

/// The seed, and what was wrong in its world.
const SEEDS: &[(u64, &str)] = &[
    (
        6150,
        "a slow answer to the order of the room before came after another one was made, and the meeting took the old \
         room for its own; its true one was ended",
    ),
    (
        8496,
        "a slow answer to the first order of a room came after the second had made another one, and the meeting led \
         people to the room that had ended",
    ),
    (
        7932,
        "a recording that was queued again began its run over one that an operator had just restarted, under the same \
         number, and the owner would not have been told of the second",
    ),
    (16_867, "the message that a room had ended closed the meeting that held the room made after it"),
];

#[test]
fn what_was_wrong_once_is_not_wrong_again() {
    for (seed, what) in SEEDS {
        let told = simulate(&Setup::hostile(*seed), *seed);
        assert!(told.violations.is_empty(), "seed {seed}, {what}:\n{}", told.violations.join("\n"));
    }
}
