//! The port to how much there is of what goes on, for whoever watches a deployment.

use std::fmt::Debug;

use async_trait::async_trait;

use super::StoreError;
use crate::ids::ProviderName;
use crate::time::Timestamp;

/// Counts what goes on. It may read all of it: whoever asks often asks no more often than that is worth.
///
/// # Contract
///
/// 1. `open_meetings_are_counted_by_provider_and_phase`: closed ones are not.
/// 2. `owed_work_is_counted_by_kind_with_its_oldest`: what is settled or superseded is not.
#[async_trait]
pub trait TallyStore: Send + Sync + Debug + 'static {
    /// The meetings that are not closed, in no order.
    async fn tally_meetings(&self) -> Result<Vec<OpenMeetings>, StoreError>;

    /// The work that is owed, in no order.
    async fn tally_work(&self) -> Result<Vec<OwedWork>, StoreError>;
}

/// Meetings of a provider in a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenMeetings {
    /// Whose rooms they are in.
    pub provider: ProviderName,
    /// The name of their phase on the wire.
    pub phase: String,
    /// How many.
    pub meetings: u64,
}

/// Owed work of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedWork {
    /// The name of its kind.
    pub kind: String,
    /// How much.
    pub pieces: u64,
    /// Since when the oldest is owed.
    pub oldest: Timestamp,
}
