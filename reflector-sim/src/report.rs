//! What a world saw.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use reflector_core::lifecycle::CloseReason;

/// Who comes back sooner than this after leaving has come back to the same meeting, as they see it.
pub(crate) const SOON: Duration = Duration::from_secs(15 * 60);

/// What a world saw, in numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// How many meetings were made.
    pub meetings: u64,
    /// How many times somebody came in.
    pub joins: u64,
    /// How often somebody came back to a room just after its meeting had closed for emptiness: within one grace.
    pub splits: u64,
    /// How long rooms at the provider stood empty.
    pub empty: Duration,
    /// Forced closes with people in, and how many people.
    pub put_out_by_force: u64,
    /// People put out by a close that was to happen only if nobody is in: accidents.
    pub put_out_by_accident: u64,
    /// Calls to the provider.
    pub calls: u64,
    /// How long the world lasted.
    pub span: Duration,
    /// Entries of all histories.
    pub events: u64,
    /// How often a server died.
    pub crashes: u64,
    /// How meetings closed.
    pub reasons: BTreeMap<CloseReason, u64>,
    /// What went wrong, how often, by its name.
    pub faults: BTreeMap<&'static str, u64>,
    /// What came of recordings, how often, by its name.
    pub recordings: BTreeMap<&'static str, u64>,
    /// What came of the runs of a pipeline, how often, by its name.
    pub runs: BTreeMap<&'static str, u64>,
    /// How often each rule was reached, by its number.
    pub rules: BTreeMap<u8, u64>,
}

impl Report {
    pub(crate) fn fault(&mut self, name: &'static str) {
        self.faults_of(name, 1);
    }

    /// So many of one kind, unless there were none.
    pub(crate) fn faults_of(&mut self, name: &'static str, count: u64) {
        if count > 0 {
            *self.faults.entry(name).or_default() += count;
        }
    }

    /// What came of so many recordings, unless it came of none.
    pub(crate) fn recordings(&mut self, name: &'static str, count: u64) {
        if count > 0 {
            *self.recordings.entry(name).or_default() += count;
        }
    }

    /// What came of so many runs, unless it came of none.
    pub(crate) fn runs(&mut self, name: &'static str, count: u64) {
        if count > 0 {
            *self.runs.entry(name).or_default() += count;
        }
    }

    pub(crate) fn rule(&mut self, number: u8) {
        *self.rules.entry(number).or_default() += 1;
    }

    /// Faults of every kind.
    pub fn faults_in_all(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Adds what another world saw.
    pub fn add(&mut self, other: &Self) {
        self.meetings += other.meetings;
        self.joins += other.joins;
        self.splits += other.splits;
        self.empty += other.empty;
        self.put_out_by_force += other.put_out_by_force;
        self.put_out_by_accident += other.put_out_by_accident;
        self.calls += other.calls;
        self.span += other.span;
        self.events += other.events;
        self.crashes += other.crashes;
        for (reason, count) in &other.reasons {
            *self.reasons.entry(*reason).or_default() += count;
        }
        for (fault, count) in &other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        for (outcome, count) in &other.recordings {
            *self.recordings.entry(*outcome).or_default() += count;
        }
        for (outcome, count) in &other.runs {
            *self.runs.entry(*outcome).or_default() += count;
        }
        for (rule, count) in &other.rules {
            *self.rules.entry(*rule).or_default() += count;
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = (self.span.as_secs_f64() / 86_400.0).max(f64::EPSILON);
        let each = |total: f64| if self.meetings == 0 { 0.0 } else { total / self.meetings as f64 };
        writeln!(f, "{:<34}{:>12}", "meetings", self.meetings)?;
        writeln!(f, "{:<34}{:>12}", "people coming in", self.joins)?;
        writeln!(
            f,
            "{:<34}{:>12}   came back just too late, and met in another meeting",
            "splits", self.splits
        )?;
        let empty = self.empty.as_secs_f64() / 60.0;
        writeln!(
            f,
            "{:<34}{:>12.0}   {:.1} a meeting",
            "minutes that rooms stood empty",
            empty,
            each(empty)
        )?;
        writeln!(f, "{:<34}{:>12}   people put out by force", "forced closes", self.put_out_by_force)?;
        writeln!(f, "{:<34}{:>12}   people put out by accident", "accidents", self.put_out_by_accident)?;
        writeln!(
            f,
            "{:<34}{:>12.0}   {:.1} a meeting",
            "provider calls a day",
            self.calls as f64 / days,
            each(self.calls as f64)
        )?;
        for (reason, count) in &self.reasons {
            writeln!(f, "  closed: {:<24}{:>12}", reason.as_str(), count)?;
        }
        for (fault, count) in &self.faults {
            writeln!(f, "  went wrong: {fault:<25}{count:>7}")?;
        }
        for (outcome, count) in &self.recordings {
            writeln!(f, "  recordings: {outcome:<25}{count:>7}")?;
        }
        for (outcome, count) in &self.runs {
            writeln!(f, "  runs: {outcome:<31}{count:>7}")?;
        }
        Ok(())
    }
}
