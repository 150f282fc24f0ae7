//! The port to owed notices: what a room's owner asked to be told, until it was.

use std::fmt::Debug;

use async_trait::async_trait;

use super::StoreError;
use super::effect::{Settled, Settlement};
use crate::ids::RoomId;
use crate::time::Timestamp;

/// Keeps owed notices. They are put there together with what they tell of, by
/// [`MeetingStore::commit`](super::MeetingStore::commit), [`RecordingStore`](super::RecordingStore) and
/// [`TranscriptStore::commit_run`](super::TranscriptStore::commit_run), and nothing else.
///
/// # Contract
///
/// 1. `a_notice_is_owed_with_what_it_tells_of`: once, however often its id is owed; a commit that is refused owes none.
/// 2. `a_notice_is_owed_where_somebody_listens`: of a room without a webhook none is kept, nor brought later.
/// 3. `a_commit_of_a_meeting_owes_its_notices`
/// 4. `a_recording_owes_its_notice_when_it_is_taken_in_or_given_away`: what is known or outdated owes none.
/// 5. `a_notice_is_claimed_by_one_worker_at_a_time`: those whose time has come, the longest-waiting first; each counts
///    as an attempt; also when many claim at once.
/// 6. `a_notice_whose_claim_runs_out_is_given_to_another`
/// 7. `a_settled_notice_is_not_given_out_again`: nor owed again under its id.
/// 8. `a_notice_that_failed_comes_again_at_its_time`: with its attempts and its error.
/// 9. `a_lost_claim_on_a_notice_settles_nothing`
/// 10. `the_next_owed_notice_is_told`: of those that are claimed, the end of the claim.
/// 11. `settled_notices_of_long_ago_are_dropped`: at most so many at once, the oldest first.
#[async_trait]
pub trait NoticeStore: Send + Sync + Debug + 'static {
    /// Gives out notices whose time has come, and keeps others from getting them until then.
    async fn claim_notices(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimedNotice>, StoreError>;

    /// Says what came of a claimed notice, and when. `Done` is also for what is given up.
    async fn settle_notice(
        &self,
        claimed: &ClaimedNotice,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Settled, StoreError>;

    /// The earliest instant at which `claim_notices` will have something to give.
    async fn next_notice(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Drops notices that were settled before this instant, and says how many.
    async fn drop_notices_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// Something that a room's owner is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedNotice {
    /// Its id, which follows from what it tells of: told twice, it is the same.
    pub id: String,
    /// Whose room. Where to, and how it is signed, the room says when it is sent.
    pub room: RoomId,
    /// What happened, such as `transcript.completed`.
    pub event: String,
    /// All that is told: JSON, without secrets.
    pub body: String,
    /// Since when it is owed.
    pub owed_at: Timestamp,
}

/// A notice in somebody's hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedNotice {
    /// The notice.
    pub notice: OwedNotice,
    /// How often it was claimed, this time included.
    pub attempts: u32,
    /// Until when it is claimed; also the proof of the claim.
    pub claimed_until: Timestamp,
    /// What went wrong the last time.
    pub last_error: Option<String>,
}
