//! Since when we have been listening, and which endpoints have proven themselves.
//!
//! That a commit took a message in is its row among the messages: there is no row of the endpoint that every commit would
//! have to write, and wait for.

use async_trait::async_trait;
use reflector_core::store::{Heard, HearingStore, LISTENING_GAP, StoreError};
use reflector_core::{ProviderName, Timestamp};

use crate::PostgresStore;
use crate::key::key;
use crate::rows::instant_or_none;
use crate::statements::{BEAT, HEARD, HEARING, HELD_SINCE, HOLD, LIFT_HOLD};

#[async_trait]
impl HearingStore for PostgresStore {
    async fn beat(&self, now: Timestamp) -> Result<(), StoreError> {
        let gap = i64::try_from(LISTENING_GAP.as_micros()).unwrap_or(i64::MAX);
        self.changed(sqlx::query(BEAT).bind(now.as_micros()).bind(gap)).await.map(drop)
    }

    async fn heard(&self, provider: &ProviderName, endpoint: u64, at: Timestamp) -> Result<(), StoreError> {
        let question =
            sqlx::query(HEARD).bind(key(provider.as_str())).bind(endpoint.cast_signed()).bind(at.as_micros());
        self.changed(question).await.map(drop)
    }

    async fn hearing(&self, provider: &ProviderName, endpoint: u64) -> Result<Heard, StoreError> {
        let question = sqlx::query(HEARING).bind(key(provider.as_str())).bind(endpoint.cast_signed());
        let row = self.one(question).await?;
        Ok(Heard {
            listening_since: instant_or_none(&row, "since")?,
            last_beat: instant_or_none(&row, "last_beat")?,
            verified_at: instant_or_none(&row, "verified_at")?,
        })
    }
    async fn hold(&self, since: Option<Timestamp>) -> Result<(), StoreError> {
        let question = match since {
            Some(since) => sqlx::query(HOLD).bind(since.as_micros()),
            None => sqlx::query(LIFT_HOLD),
        };
        self.changed(question).await.map(drop)
    }

    async fn held_since(&self) -> Result<Option<Timestamp>, StoreError> {
        instant_or_none(&self.one(sqlx::query(HELD_SINCE)).await?, "since")
    }
}
