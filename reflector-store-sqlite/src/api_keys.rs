//! The keys with which programs call.

use async_trait::async_trait;
use reflector_core::store::{ApiKey, KeyStore, Page, Paging, StoreError, TokenHash};
use reflector_core::{ApiKeyId, Timestamp, UserId};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::ill;
use crate::rows::clamped;

/// A row: its id, whose it is, whether it is an operator's, when it was made, and when it was revoked.
type Row = (Uuid, String, bool, i64, Option<i64>);

#[async_trait]
impl KeyStore for SqliteStore {
    async fn create_key(&self, key: ApiKey, hash: TokenHash) -> Result<(), StoreError> {
        let insert = "INSERT INTO api_keys (id, hash, user, is_operator, made_at, revoked_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
        let query = query(insert)
            .bind(key.id.0)
            .bind(hash.as_bytes().as_slice())
            .bind(key.user.as_str())
            .bind(key.is_operator)
            .bind(key.made_at.as_micros())
            .bind(key.revoked_at.map(Timestamp::as_micros));
        self.writer.run(query).await.map(drop)
    }

    async fn find_key(&self, hash: TokenHash) -> Result<Option<ApiKey>, StoreError> {
        let row: Option<Row> = query_as(FIND)
            .bind(hash.as_bytes().as_slice())
            .fetch_optional(&self.readers)
            .await
            .map_err(ill)?;
        Ok(row.map(key))
    }

    async fn list_keys(&self, paging: Paging) -> Result<Page<ApiKey>, StoreError> {
        let total: i64 =
            query_scalar("SELECT count(*) FROM api_keys").fetch_one(&self.readers).await.map_err(ill)?;
        let list = "SELECT id, user, is_operator, made_at, revoked_at FROM api_keys
            ORDER BY made_at DESC, id LIMIT ?1 OFFSET ?2";
        let rows: Vec<Row> = query_as(list)
            .bind(clamped(paging.limit))
            .bind(clamped(paging.offset))
            .fetch_all(&self.readers)
            .await
            .map_err(ill)?;
        Ok(Page { items: rows.into_iter().map(key).collect(), total: total.unsigned_abs() })
    }

    async fn revoke_key(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        let revoke = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1";
        Ok(self.writer.run(query(revoke).bind(id.0).bind(now.as_micros())).await? > 0)
    }
}

pub(crate) const FIND: &str = "SELECT id, user, is_operator, made_at, revoked_at FROM api_keys
    WHERE hash = ?1 AND revoked_at IS NULL";

fn key((id, user, is_operator, made_at, revoked_at): Row) -> ApiKey {
    ApiKey {
        id: ApiKeyId(id),
        user: UserId::from(user.as_str()),
        is_operator,
        made_at: Timestamp::from_micros(made_at),
        revoked_at: revoked_at.map(Timestamp::from_micros),
    }
}
