//! The messages that wait for their meeting.

use async_trait::async_trait;
use reflector_core::provider::{Fact, RoomAddress};
use reflector_core::store::document::Document;
use reflector_core::store::{DeliveryKey, DeliveryStore, Kept, KeptDelivery, StoreError};
use reflector_core::{ProviderName, Timestamp};
use sqlx::{FromRow, query, query_as};

use crate::SqliteStore;
use crate::error::ill;
use crate::rows;

#[async_trait]
impl DeliveryStore for SqliteStore {
    async fn keep(&self, delivery: KeptDelivery) -> Result<Kept, StoreError> {
        let document = delivery.facts.to_document()?;
        let insert =
            "INSERT INTO kept_deliveries (provider, id, external_id, room_name, received_at, document)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6
            WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE provider = ?1 AND id = ?2)
            ON CONFLICT DO NOTHING";
        let query = query(insert)
            .bind(delivery.key.provider.as_str())
            .bind(&delivery.key.id)
            .bind(&delivery.room.external_id)
            .bind(&delivery.room.name)
            .bind(delivery.received_at.as_micros())
            .bind(document);
        let inserted = self.writer.run(query).await?;
        Ok(if inserted > 0 { Kept::Stored } else { Kept::Duplicate })
    }

    async fn kept_for(
        &self,
        provider: &ProviderName,
        room: &RoomAddress,
    ) -> Result<Vec<KeptDelivery>, StoreError> {
        let kept = "SELECT id, external_id, room_name, received_at, document FROM kept_deliveries
            WHERE (provider = ?1 AND external_id = ?2) OR (provider = ?1 AND room_name = ?3)
            ORDER BY received_at, id";
        let rows: Vec<KeptRow> = query_as(kept)
            .bind(provider.as_str())
            .bind(&room.external_id)
            .bind(&room.name)
            .fetch_all(&self.readers)
            .await
            .map_err(ill)?;
        rows.into_iter().map(|row| row.read(provider)).collect()
    }

    async fn forget(&self, key: &DeliveryKey) -> Result<(), StoreError> {
        let query = query("DELETE FROM kept_deliveries WHERE provider = ?1 AND id = ?2")
            .bind(key.provider.as_str())
            .bind(&key.id);
        self.writer.run(query).await.map(drop)
    }

    async fn drop_kept_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let delete = "DELETE FROM kept_deliveries WHERE (provider, id) IN (
            SELECT provider, id FROM kept_deliveries WHERE received_at < ?1
            ORDER BY received_at, provider, id LIMIT ?2)";
        let query = query(delete).bind(before.as_micros()).bind(rows::limit(limit));
        let deleted = self.writer.run(query).await?;
        Ok(usize::try_from(deleted).unwrap_or(usize::MAX))
    }
}

#[derive(FromRow)]
struct KeptRow {
    id: String,
    external_id: Option<String>,
    room_name: Option<String>,
    received_at: i64,
    document: String,
}

impl KeptRow {
    fn read(self, provider: &ProviderName) -> Result<KeptDelivery, StoreError> {
        Ok(KeptDelivery {
            key: DeliveryKey { provider: provider.clone(), id: self.id },
            room: RoomAddress { external_id: self.external_id, name: self.room_name },
            facts: Vec::<Fact>::from_document(&self.document)?,
            received_at: Timestamp::from_micros(self.received_at),
        })
    }
}
