//! The port to owed work: claimed by one worker at a time, carried out at least once, then settled.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::ids::MeetingId;
use crate::lifecycle::Effect;
use crate::time::Timestamp;

/// Keeps owed work. It is put there by [`MeetingStore::commit`](super::MeetingStore::commit) and nothing else.
///
/// # Contract
///
/// 1. `owed_work_is_claimed_by_one_worker_at_a_time`: also when many claim at once.
/// 2. `a_claim_that_runs_out_is_given_to_another`
/// 3. `settled_work_is_not_given_out_again`
/// 4. `work_that_failed_comes_again_at_its_time`: with its attempts and its error.
/// 5. `superseded_work_is_not_given_out`: nor does settling it bring it back.
/// 6. `a_lost_claim_settles_nothing`: settling answers `Lost` when somebody else has claimed it since. A claim
///    that has run out settles as long as nobody has.
/// 7. `the_next_owed_instant_is_told`
#[async_trait]
pub trait EffectStore: Send + Sync + Debug + 'static {
    /// Gives out owed work whose time has come, closes first, then opens, then the rest, the oldest of each first;
    /// each counts as an attempt. New work's time is `owed_at`.
    async fn claim(&self, claim: ClaimEffects) -> Result<Vec<ClaimedEffect>, StoreError>;

    /// Says what came of claimed work, and when. What is done is kept for whoever looks into the store, until
    /// [`RetentionStore`](super::RetentionStore) drops it.
    async fn settle(
        &self,
        claimed: &ClaimedEffect,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Settled, StoreError>;

    /// What a meeting owes, oldest first.
    async fn owed(&self, meeting: MeetingId) -> Result<Vec<ClaimedEffect>, StoreError>;

    /// The earliest instant at which `claim` will have something to give.
    async fn next_owed(&self) -> Result<Option<Timestamp>, StoreError>;
}

/// Which piece of owed work. It follows from the commit that owes it, so a repeated commit owes it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectId {
    /// Whose.
    pub meeting: MeetingId,
    /// The version of the meeting that owed it.
    pub version: u64,
    /// Which of that version's.
    pub index: u16,
}

/// Work that becomes owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedEffect {
    /// Which.
    pub id: EffectId,
    /// What.
    pub effect: Effect,
    /// Since when.
    pub owed_at: Timestamp,
}

/// How to give out owed work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimEffects {
    /// What time it is.
    pub now: Timestamp,
    /// Until when it is given to nobody else.
    pub until: Timestamp,
    /// How much at the most.
    pub limit: usize,
    /// Only what this meeting owes.
    pub meeting: Option<MeetingId>,
}

/// Owed work in somebody's hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedEffect {
    /// Which.
    pub id: EffectId,
    /// What.
    pub effect: Effect,
    /// Since when it is owed.
    pub owed_at: Timestamp,
    /// How often it was claimed, this time included.
    pub attempts: u32,
    /// Until when it is claimed, if it is; also the proof of the claim.
    pub claimed_until: Option<Timestamp>,
    /// What went wrong the last time.
    pub last_error: Option<String>,
}

/// What came of owed work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It is done, or needs doing no more.
    Done,
    /// It is to be tried again.
    Retry {
        /// When.
        at: Timestamp,
        /// What went wrong, for whoever looks. It holds no secrets.
        error: String,
    },
}

/// What came of settling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is settled.
    Settled,
    /// Somebody else has it by now, or it is owed no more.
    Lost,
}
