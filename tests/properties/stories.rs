//! Words to tell a meeting's story in, and what all properties share.

use proptest::test_runner::Config;

/// At least 2,000 cases; more if `PROPTEST_CASES` says so. What fails becomes a named test in `regressions`, not a
/// file of seeds.
pub(crate) fn cases() -> Config {
    let config = Config::default();
    Config { cases: config.cases.max(2_000), failure_persistence: None, ..config }
}
