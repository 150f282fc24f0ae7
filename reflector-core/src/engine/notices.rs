//! Owed notices are sent to the rooms' owners, at least once each, until they were heard or a day is over.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::room::RoomWebhook;
use crate::store::{
    ClaimedNotice, NoticeStore, OwedNotice, RoomStore, Settled, Settlement, Store, StoreError,
};
use crate::time::{Timestamp, doubled};

/// How long a notice is tried.
const TRIED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How long it waits after the first failure, and at the most.
const FIRST_RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(60 * 60);
/// How long a claim lasts: longer than sending takes.
const CLAIM: Duration = Duration::from_secs(60);

/// Brings notices to their receivers.
#[async_trait]
pub trait Courier: Send + Sync + Debug + 'static {
    /// Brings one, signed with the room's secret. An error is tried again.
    async fn bring(&self, to: &RoomWebhook, notice: &OwedNotice, now: Timestamp) -> Result<(), Undelivered>;
}

/// A notice was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Undelivered {
    /// What went wrong, without secrets.
    pub reason: String,
    /// How long the receiver wants to be left alone: a day at most.
    pub after: Option<Duration>,
}

/// Sends what is owed to rooms' owners.
#[derive(Clone, Debug)]
pub struct Notices {
    store: Arc<dyn NoticeStore>,
    rooms: Arc<dyn Store>,
    courier: Arc<dyn Courier>,
}

/// What came of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It was taken.
    Taken,
    /// Nobody wants it: the room is gone, or has no webhook.
    Unwanted,
    /// It is tried again.
    Later {
        /// When.
        at: Timestamp,
        /// Why.
        error: String,
    },
    /// It was tried for a day, and is given up.
    GivenUp {
        /// What went wrong the last time.
        error: String,
    },
    /// Somebody else has it by now.
    Lost,
}

impl Notices {
    /// Notices kept in this store, of rooms kept in that one, brought by this courier.
    pub fn new(store: Arc<dyn NoticeStore>, rooms: Arc<dyn Store>, courier: Arc<dyn Courier>) -> Self {
        Self { store, rooms, courier }
    }

    /// The store it works on.
    pub fn store(&self) -> &dyn NoticeStore {
        &*self.store
    }

    /// Claims notices whose time has come.
    ///
    /// # Errors
    ///
    /// When the store is ill.
    pub async fn claim(&self, limit: usize, now: Timestamp) -> Result<Vec<ClaimedNotice>, StoreError> {
        self.store.claim_notices(now, now + CLAIM, limit).await
    }

    /// Brings a claimed notice, and says so in the store.
    ///
    /// # Errors
    ///
    /// When the store is ill: the claim runs out, and the notice is brought again.
    pub async fn bring(&self, claimed: &ClaimedNotice, now: Timestamp) -> Result<Brought, StoreError> {
        let room = RoomStore::load_room(&*self.rooms, claimed.notice.room).await?;
        let (brought, settlement) = match room.and_then(|room| room.webhook) {
            None => (Brought::Unwanted, Settlement::Done),
            Some(webhook) => match self.courier.bring(&webhook, &claimed.notice, now).await {
                Ok(()) => (Brought::Taken, Settlement::Done),
                Err(undelivered) => after_failure(claimed, &undelivered, now),
            },
        };
        Ok(match self.store.settle_notice(claimed, settlement, now).await? {
            Settled::Settled => brought,
            Settled::Lost => Brought::Lost,
        })
    }
}

fn after_failure(
    claimed: &ClaimedNotice,
    undelivered: &Undelivered,
    now: Timestamp,
) -> (Brought, Settlement) {
    let error = undelivered.reason.clone();
    if now.since(claimed.notice.owed_at) >= TRIED_FOR {
        return (Brought::GivenUp { error }, Settlement::Done);
    }
    // Whoever wants to be left alone for longer would keep it owed for as long.
    let wanted = undelivered.after.unwrap_or_default().min(TRIED_FOR);
    let at = now + doubled(FIRST_RETRY, claimed.attempts, LONGEST_RETRY).max(wanted);
    (Brought::Later { at, error: error.clone() }, Settlement::Retry { at, error })
}
