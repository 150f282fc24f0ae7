//! How patient the rules are. Every number here can be set; the bounds that cannot stand as constants beside them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::fnv1a;
use crate::room::RoomPolicy;

const MINUTE: Duration = Duration::from_secs(60);

/// How long a room that is opening may be refused for passing reasons (rule L24).
pub const OPENING_PATIENCE: Duration = Duration::from_secs(2 * 60);
/// How far a leaving may lie before its receipt and still be believed (rule L3).
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// How many leases a deadline may be put off by (rule L6).
pub const LEASES_PER_DEADLINE: u32 = 4;
/// How long before a forced close it is announced (rule L25).
pub const ANNOUNCEMENTS: [Duration; 2] = [Duration::from_secs(10 * 60), Duration::from_secs(60)];
/// The longest that a silent meeting goes without being asked about (rule L20).
pub const LONGEST_SILENCE: Duration = Duration::from_secs(2 * 60 * 60);
/// How far apart two probes must be for "not found" to count (rule L23).
pub const SECOND_PROBE: Duration = Duration::from_secs(30);
/// How long after the provider's expiry a closing is given up on (rule L14).
pub const CONFIRMATION_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
/// What is added to the expiry asked of a provider.
pub const EXPIRY_MARGIN: Duration = Duration::from_secs(60 * 60);

/// How long a scheduled meeting may go on after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overtime {
    /// So long; then it is closed by force (rule L9).
    For(Duration),
    /// Without a bound of its own; only the lifetime bounds it (rule L10).
    Never,
}

/// What to do when a meeting should be closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseMode {
    /// Close it.
    #[default]
    Act,
    /// Only say and record what would be closed, and why.
    Observe,
}

/// The policy of one meeting: the deployment's, with what its room sets for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Policy {
    /// How long an empty meeting waits for somebody to come back (rule L5).
    pub grace: Duration,
    /// How long a scheduled meeting may run over (rule L9).
    pub overtime: Overtime,
    /// How long an unscheduled meeting waits for its first participant (rule L8).
    pub never_joined: Duration,
    /// How long an unscheduled meeting is said to last: information only (rule L10).
    pub unscheduled_length: Duration,
    /// The longest life of an unscheduled meeting, and of one whose overtime never ends (rule L10).
    pub max_lifetime: Duration,
    /// How long somebody who asked to join is expected (rule L6).
    pub lease: Duration,
    /// After how much silence the provider is asked who is in (rule L20).
    pub reconcile_after: Duration,
    /// Whether meetings are closed, or only said to be.
    pub close: CloseMode,
    /// Whether the provider can be asked who is in.
    pub provider_answers: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            grace: 15 * MINUTE,
            overtime: Overtime::For(30 * MINUTE),
            never_joined: 30 * MINUTE,
            unscheduled_length: 8 * 60 * MINUTE,
            max_lifetime: 24 * 60 * MINUTE,
            lease: Duration::from_secs(45),
            reconcile_after: 15 * MINUTE,
            close: CloseMode::Act,
            provider_answers: true,
        }
    }
}

impl Policy {
    /// This policy with what a room sets for itself.
    pub fn of_room(mut self, room: &RoomPolicy) -> Self {
        self.grace = room.grace.unwrap_or(self.grace);
        self.overtime = room.overtime.unwrap_or(self.overtime);
        self
    }

    /// A number that changes when a policy does: index rows that carry another one are computed anew (rule L17).
    pub fn fingerprint(&self) -> u64 {
        // The stored form is the stablest description of a policy there is.
        serde_json::to_vec(self).map_or(0, |bytes| fnv1a(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_sets_its_own_grace_and_keeps_the_rest() {
        let room = RoomPolicy { grace: Some(Duration::ZERO), overtime: None };
        let policy = Policy::default().of_room(&room);
        assert_eq!(policy.grace, Duration::ZERO);
        assert_eq!(policy.overtime, Policy::default().overtime);
    }

    #[test]
    fn another_policy_has_another_fingerprint() {
        let shorter = Policy { grace: Duration::from_secs(1), ..Policy::default() };
        assert_ne!(shorter.fingerprint(), Policy::default().fingerprint());
        assert_eq!(Policy::default().fingerprint(), Policy::default().fingerprint());
    }
}
