//! How often, and how long apart, a stage that failed is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::doubled;

/// How often, and how long apart, a stage that failed is tried again (rule S3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// How often a stage is started in a run at the most; at least once.
    pub attempts: u32,
    /// How long it waits after the first failure; twice as long after each further one.
    pub first: Duration,
    /// How long it waits at the most, apart from what a failure itself asks for.
    pub longest: Duration,
}

impl Default for Retry {
    /// Eight times, which are 21 to 26 minutes of waiting.
    fn default() -> Self {
        Self { attempts: 8, first: Duration::from_secs(10), longest: Duration::from_secs(30 * 60) }
    }
}

impl Retry {
    /// How long to wait after so many attempts: doubling up to the longest, and up to a quarter more, spread by the
    /// seed so that many that failed together don't come back together.
    pub fn wait_after(&self, attempts: u32, seed: u64) -> Duration {
        let doubled = doubled(self.first, attempts, self.longest);
        let spread = u32::try_from((seed ^ u64::from(attempts).wrapping_mul(0x9E37_79B9_7F4A_7C15)) % 32);
        doubled.saturating_add(doubled / 128 * spread.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_the_longest_and_is_spread_by_a_quarter_at_most() {
        let retry = Retry::default();
        for (attempts, seconds) in [(1, 10), (2, 20), (3, 40), (8, 1_280), (9, 1_800), (u32::MAX, 1_800)] {
            let least = Duration::from_secs(seconds);
            let waits: Vec<_> = (0..200).map(|seed| retry.wait_after(attempts, seed)).collect();
            assert!(waits.iter().all(|wait| (least..=least * 5 / 4).contains(wait)), "{attempts}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "{attempts}: they come back together");
        }
    }
}
