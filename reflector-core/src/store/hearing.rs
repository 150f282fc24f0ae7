//! The port to the memory of our own listening (rule L13), and to an operator's word that silence is to be believed no more.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::ids::ProviderName;
use crate::time::Timestamp;

/// The longest silence of our own heartbeat that does not count as a gap in listening.
pub const LISTENING_GAP: Duration = Duration::from_secs(60);

/// Remembers since when we have been listening without a gap, and which endpoints have proven themselves.
///
/// # Contract
///
/// 1. `listening_goes_on_while_the_heart_beats`: beats no more than [`LISTENING_GAP`] apart keep the beginning.
/// 2. `a_gap_begins_listening_anew`: also when the clock went back by more than a gap.
/// 3. `an_endpoint_is_heard_once_a_delivery_is_verified`: the newest counts, in whatever order they are told.
/// 4. `an_endpoint_that_is_configured_anew_must_prove_itself_again`
/// 5. `a_commit_that_takes_in_a_delivery_proves_the_endpoint`
/// 6. `a_hold_lasts_until_it_is_lifted`: put on again, it is the same hold.
#[async_trait]
pub trait HearingStore: Send + Sync + Debug + 'static {
    /// Notes that a server is listening.
    async fn beat(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Notes that a verified message has come to an endpoint configured like this.
    async fn heard(&self, provider: &ProviderName, endpoint: u64, at: Timestamp) -> Result<(), StoreError>;

    /// What is known of our listening to an endpoint configured like this.
    async fn hearing(&self, provider: &ProviderName, endpoint: u64) -> Result<Heard, StoreError>;

    /// Puts unforced closes on hold from this instant on, or with nothing lifts the hold: for all servers.
    async fn hold(&self, since: Option<Timestamp>) -> Result<(), StoreError>;

    /// Since when unforced closes are on hold, if they are.
    async fn held_since(&self) -> Result<Option<Timestamp>, StoreError>;
}

/// What is known of our listening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Since when the heart has beaten without a gap.
    pub listening_since: Option<Timestamp>,
    /// The last beat.
    pub last_beat: Option<Timestamp>,
    /// The newest verified message of this endpoint.
    pub verified_at: Option<Timestamp>,
}
