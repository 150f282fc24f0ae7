//! The port to the keys with which programs call.

use std::fmt::Debug;

use async_trait::async_trait;

use super::room::{Page, Paging};
use super::{StoreError, TokenHash};
use crate::ids::{ApiKeyId, UserId};
use crate::time::Timestamp;

/// Keeps API keys, each by the hash of its text: the text itself is kept nowhere.
///
/// # Contract
///
/// 1. `a_key_is_found_by_its_hash`: and by no other.
/// 2. `a_key_is_made_once`: the same id again is the same create.
/// 3. `a_revoked_key_is_found_no_more`: it stays in the listing with the instant at which it was revoked first; revoking
///    one that is not there says so.
/// 4. `keys_are_listed_newest_first_in_pages`: those of the same instant by id.
#[async_trait]
pub trait KeyStore: Send + Sync + Debug + 'static {
    /// Keeps a new key.
    async fn create_key(&self, key: ApiKey, hash: TokenHash) -> Result<(), StoreError>;

    /// The key of this hash, unless it was revoked.
    async fn find_key(&self, hash: TokenHash) -> Result<Option<ApiKey>, StoreError>;

    /// All keys, revoked ones too.
    async fn list_keys(&self, paging: Paging) -> Result<Page<ApiKey>, StoreError>;

    /// Revokes a key. `false` if there is none.
    async fn revoke_key(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError>;
}

/// A key with which a program calls, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is: whoever has it acts as this user.
    pub user: UserId,
    /// Whether whoever has it is an operator.
    pub is_operator: bool,
    /// When it was made.
    pub made_at: Timestamp,
    /// Since when it is of no use any more.
    pub revoked_at: Option<Timestamp>,
}
