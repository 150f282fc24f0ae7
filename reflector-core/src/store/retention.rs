//! The port to forgetting what nobody needs any more.

use std::fmt::Debug;

use async_trait::async_trait;

use super::StoreError;
use crate::time::Timestamp;

/// Drops what is older than it needs to be.
///
/// Meetings and rooms stay, and so does everything about what is still going on.
///
/// # Contract
///
/// 1. `the_history_of_meetings_closed_long_ago_is_dropped`: not of one that is open, however old; the meeting stays,
///    and later entries of it would be numbered on.
/// 2. `delivery_ids_of_long_ago_are_dropped`: such a message would be taken in again, but the endpoint stays heard.
/// 3. `settled_work_of_long_ago_is_dropped`: owed work is not, however old.
/// 4. `what_is_old_is_dropped_in_batches`: of each kind at most so much at a time, the oldest first.
#[async_trait]
pub trait RetentionStore: Send + Sync + Debug + 'static {
    /// Drops at most `limit` pieces of each kind that are older than `before`.
    async fn drop_before(&self, before: Timestamp, limit: usize) -> Result<Dropped, StoreError>;
}

/// How much was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Entries of the history of meetings that closed before.
    pub entries: usize,
    /// Ids of messages that were taken in before.
    pub deliveries: usize,
    /// Work that was settled as done before.
    pub settled: usize,
}

impl Dropped {
    /// Whether there may be more of some kind: as much was dropped as was allowed.
    pub fn may_be_more(&self, limit: usize) -> bool {
        [self.entries, self.deliveries, self.settled].contains(&limit)
    }
}
