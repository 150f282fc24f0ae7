//! The port to what participants said of being recorded.

use std::fmt;
use std::fmt::Debug;

use async_trait::async_trait;

use super::{StoreError, TokenHash};
use crate::ids::MeetingId;
use crate::time::Timestamp;

/// Keeps what participants of meetings said of being recorded.
///
/// # Contract
///
/// 1. `the_newest_answer_of_a_participant_counts`: by when it was given; of the same instant the denial, in whatever
///    order they come.
/// 2. `one_denial_is_enough`: whatever others answered.
/// 3. `answers_of_other_meetings_do_not_count`
/// 4. `a_deployment_has_one_key`: the first that was offered, also when many offer one.
#[async_trait]
pub trait ConsentStore: Send + Sync + Debug + 'static {
    /// Keeps an answer.
    async fn answer(&self, answer: ConsentAnswer) -> Result<(), StoreError>;

    /// Whether somebody denied it, and when the newest of these denials was given.
    async fn denied_at(&self, meeting: MeetingId) -> Result<Option<Timestamp>, StoreError>;

    /// The key with which this deployment marks what it hands out, kept from the first offer on.
    async fn key(&self, offered: DeploymentKey) -> Result<DeploymentKey, StoreError>;
}

/// What a participant said of being recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentAnswer {
    /// In which meeting.
    pub meeting: MeetingId,
    /// Who: the token that joining gave them. The token itself is kept nowhere.
    pub participant: TokenHash,
    /// Whether they agree.
    pub given: bool,
    /// When they said so.
    pub at: Timestamp,
}

/// The key of a deployment: whoever has it can make what only the deployment should.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DeploymentKey([u8; 32]);

impl DeploymentKey {
    /// A key of these bytes, which nobody can guess.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for signing and for a store.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Debug for DeploymentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
