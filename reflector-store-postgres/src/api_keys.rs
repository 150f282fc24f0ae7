//! The keys with which programs call.

use async_trait::async_trait;
use reflector_core::store::{ApiKey, KeyStore, Page, Paging, StoreError, TokenHash};
use reflector_core::{ApiKeyId, Timestamp};
use sqlx::postgres::PgRow;

use crate::PostgresStore;
use crate::rows::{clamped, column, instant, instant_or_none, page};
use crate::statements::{CREATE_KEY, FIND_KEY, LIST_KEYS, REVOKE_KEY};

#[async_trait]
impl KeyStore for PostgresStore {
    async fn create_key(&self, key: ApiKey, hash: TokenHash) -> Result<(), StoreError> {
        let question = sqlx::query(CREATE_KEY)
            .bind(key.id.0)
            .bind(hash.as_bytes().as_slice())
            .bind(serde_json::to_string(&key.user).map_err(unreadable)?)
            .bind(key.is_operator)
            .bind(key.made_at.as_micros())
            .bind(key.revoked_at.map(Timestamp::as_micros));
        self.changed(question).await.map(drop)
    }

    async fn find_key(&self, hash: TokenHash) -> Result<Option<ApiKey>, StoreError> {
        let question = sqlx::query(FIND_KEY).bind(hash.as_bytes().as_slice());
        self.row(question).await?.as_ref().map(read).transpose()
    }

    async fn list_keys(&self, paging: Paging) -> Result<Page<ApiKey>, StoreError> {
        let question = sqlx::query(LIST_KEYS).bind(clamped(paging.offset)).bind(clamped(paging.limit));
        page(&self.rows(question).await?, |row| match column::<Option<uuid::Uuid>>(row, "id")? {
            Some(_) => read(row).map(Some),
            None => Ok(None),
        })
    }

    async fn revoke_key(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        let question = sqlx::query(REVOKE_KEY).bind(id.0).bind(now.as_micros());
        Ok(self.changed(question).await? > 0)
    }
}

fn read(row: &PgRow) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: ApiKeyId(column(row, "id")?),
        user: serde_json::from_str(column(row, "owner")?).map_err(unreadable)?,
        is_operator: column(row, "is_operator")?,
        made_at: instant(row, "made_at")?,
        revoked_at: instant_or_none(row, "revoked_at")?,
    })
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Corrupt { what: "the owner of an API key".to_owned(), source: Box::new(error) }
}
