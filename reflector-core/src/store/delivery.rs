//! The port to messages that came before their meeting was known.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::ids::ProviderName;
use crate::provider::{Fact, RoomAddress};
use crate::time::Timestamp;

/// Keeps messages until their meeting is known.
///
/// # Contract
///
/// 1. `a_kept_delivery_waits_for_its_room`: it is found by external id or by name.
/// 2. `a_delivery_is_kept_once`: nor is one kept that a commit has taken in.
/// 3. `a_forgotten_delivery_is_gone`: and may be kept again, unless a commit has taken it in.
/// 4. `old_deliveries_are_dropped_in_batches`
#[async_trait]
pub trait DeliveryStore: Send + Sync + Debug + 'static {
    /// Keeps a message.
    async fn keep(&self, delivery: KeptDelivery) -> Result<Kept, StoreError>;

    /// The messages kept for a provider's room, oldest first.
    async fn kept_for(
        &self,
        provider: &ProviderName,
        room: &RoomAddress,
    ) -> Result<Vec<KeptDelivery>, StoreError>;

    /// Forgets a message that was taken in.
    async fn forget(&self, key: &DeliveryKey) -> Result<(), StoreError>;

    /// Drops up to `limit` messages received before this instant, the oldest first, and says how many.
    async fn drop_kept_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// Which message: the provider's own id of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryKey {
    /// Whose.
    pub provider: ProviderName,
    /// Its id there.
    pub id: String,
}

/// A message whose meeting is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDelivery {
    /// Which.
    pub key: DeliveryKey,
    /// The room it speaks of.
    pub room: RoomAddress,
    /// What it says.
    pub facts: Vec<Fact>,
    /// When it was received first.
    pub received_at: Timestamp,
}

/// What came of keeping a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is kept.
    Stored,
    /// It was kept or taken in before.
    Duplicate,
}
