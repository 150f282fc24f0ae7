//! Since when we have been listening, and which endpoints have proven themselves.

use async_trait::async_trait;
use reflector_core::store::{Heard, HearingStore, LISTENING_GAP, StoreError};
use reflector_core::{ProviderName, Timestamp};
use sqlx::{query, query_as, query_scalar};

use crate::SqliteStore;
use crate::error::ill;
use crate::rows::bits;

#[async_trait]
impl HearingStore for SqliteStore {
    async fn beat(&self, now: Timestamp) -> Result<(), StoreError> {
        // The clocks of several servers differ a little: the last beat does not go back with one of them.
        let beat = "INSERT INTO listening (one, since, last_beat) VALUES (1, ?1, ?1)
            ON CONFLICT DO UPDATE SET
                since = iif(abs(last_beat - ?1) <= ?2, since, ?1),
                last_beat = iif(abs(last_beat - ?1) <= ?2, max(last_beat, ?1), ?1)";
        let query = query(beat)
            .bind(now.as_micros())
            .bind(i64::try_from(LISTENING_GAP.as_micros()).unwrap_or(i64::MAX));
        self.writer.run(query).await.map(drop)
    }

    async fn heard(&self, provider: &ProviderName, endpoint: u64, at: Timestamp) -> Result<(), StoreError> {
        let heard = "INSERT INTO heard (provider, endpoint, heard_at) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET heard_at = max(heard_at, excluded.heard_at)";
        let query = query(heard).bind(provider.as_str()).bind(bits(endpoint)).bind(at.as_micros());
        self.writer.run(query).await.map(drop)
    }

    async fn hearing(&self, provider: &ProviderName, endpoint: u64) -> Result<Heard, StoreError> {
        // What a commit takes in proves its endpoint by being there: no row is written by every message.
        let heard =
            "SELECT (SELECT since FROM listening), (SELECT last_beat FROM listening), max(proof) FROM (
                SELECT heard_at AS proof FROM heard WHERE provider = ?1 AND endpoint = ?2
                UNION ALL
                SELECT max(received_at) FROM deliveries WHERE provider = ?1 AND endpoint = ?2)";
        let (since, last_beat, proof): (Option<i64>, Option<i64>, Option<i64>) = query_as(heard)
            .bind(provider.as_str())
            .bind(bits(endpoint))
            .fetch_one(&self.readers)
            .await
            .map_err(ill)?;
        Ok(Heard {
            listening_since: since.map(Timestamp::from_micros),
            last_beat: last_beat.map(Timestamp::from_micros),
            verified_at: proof.map(Timestamp::from_micros),
        })
    }
    async fn hold(&self, since: Option<Timestamp>) -> Result<(), StoreError> {
        let query = match since {
            Some(since) => query("INSERT INTO hold (one, since) VALUES (1, ?1) ON CONFLICT DO NOTHING")
                .bind(since.as_micros()),
            None => query("DELETE FROM hold"),
        };
        self.writer.run(query).await.map(drop)
    }

    async fn held_since(&self) -> Result<Option<Timestamp>, StoreError> {
        let since: Option<i64> =
            query_scalar("SELECT since FROM hold").fetch_optional(&self.readers).await.map_err(ill)?;
        Ok(since.map(Timestamp::from_micros))
    }
}
