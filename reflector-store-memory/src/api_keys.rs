//! The keys with which programs call.

use std::cmp::Reverse;
use std::collections::HashMap;

use async_trait::async_trait;
use reflector_core::store::{ApiKey, KeyStore, Page, Paging, StoreError, TokenHash};
use reflector_core::{ApiKeyId, Timestamp};

use crate::{MemoryStore, paged};

#[derive(Default)]
pub(crate) struct Keys(HashMap<TokenHash, ApiKey>);

#[async_trait]
impl KeyStore for MemoryStore {
    async fn create_key(&self, key: ApiKey, hash: TokenHash) -> Result<(), StoreError> {
        self.kept().keys.0.entry(hash).or_insert(key);
        Ok(())
    }

    async fn find_key(&self, hash: TokenHash) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.kept().keys.0.get(&hash).filter(|key| key.revoked_at.is_none()).cloned())
    }

    async fn list_keys(&self, paging: Paging) -> Result<Page<ApiKey>, StoreError> {
        let kept = self.kept();
        let mut keys: Vec<_> = kept.keys.0.values().collect();
        keys.sort_by_key(|key| (Reverse(key.made_at), key.id));
        Ok(paged(keys.into_iter(), paging))
    }

    async fn revoke_key(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        let mut kept = self.kept();
        let key = kept.keys.0.values_mut().find(|key| key.id == id);
        Ok(key.map(|key| key.revoked_at.get_or_insert(now)).is_some())
    }
}
