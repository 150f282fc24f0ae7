//! Messages that came before their meeting was known.

use async_trait::async_trait;
use reflector_core::provider::{Fact, RoomAddress};
use reflector_core::store::document::Document;
use reflector_core::store::{DeliveryKey, DeliveryStore, Kept, KeptDelivery, StoreError};
use reflector_core::{ProviderName, Timestamp};
use sqlx::postgres::PgRow;

use crate::PostgresStore;
use crate::key::{escaped, key, unescaped};
use crate::rows::{column, document, instant, limit};
use crate::statements::{DROP_KEPT, FORGET, KEEP, KEPT_FOR};

#[async_trait]
impl DeliveryStore for PostgresStore {
    async fn keep(&self, delivery: KeptDelivery) -> Result<Kept, StoreError> {
        let RoomAddress { external_id, name } = &delivery.room;
        let question = sqlx::query(KEEP)
            .bind(key(delivery.key.provider.as_str()))
            .bind(key(&delivery.key.id))
            .bind(external_id.as_deref().map(key))
            .bind(name.as_deref().map(key))
            .bind(delivery.received_at.as_micros())
            .bind(escaped(&delivery.key.id))
            .bind(external_id.as_deref().map(escaped))
            .bind(name.as_deref().map(escaped))
            .bind(delivery.facts.to_document()?);
        let kept = self.changed(question).await? > 0;
        Ok(if kept { Kept::Stored } else { Kept::Duplicate })
    }

    async fn kept_for(
        &self,
        provider: &ProviderName,
        room: &RoomAddress,
    ) -> Result<Vec<KeptDelivery>, StoreError> {
        let question = sqlx::query(KEPT_FOR)
            .bind(key(provider.as_str()))
            .bind(room.external_id.as_deref().map(key))
            .bind(room.name.as_deref().map(key));
        self.rows(question).await?.iter().map(|row| kept(provider, row)).collect()
    }

    async fn forget(&self, delivery: &DeliveryKey) -> Result<(), StoreError> {
        let question = sqlx::query(FORGET).bind(key(delivery.provider.as_str())).bind(key(&delivery.id));
        self.changed(question).await.map(drop)
    }

    async fn drop_kept_before(&self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        let question = sqlx::query(DROP_KEPT).bind(before.as_micros()).bind(limit(most)).persistent(false);
        let dropped = self.changed(question).await?;
        Ok(usize::try_from(dropped).unwrap_or(usize::MAX))
    }
}

fn kept(provider: &ProviderName, row: &PgRow) -> Result<KeptDelivery, StoreError> {
    let whole = |name| Ok::<_, StoreError>(column::<Option<String>>(row, name)?.map(unescaped));
    Ok(KeptDelivery {
        key: DeliveryKey { provider: provider.clone(), id: unescaped(column(row, "whole_id")?) },
        room: RoomAddress { external_id: whole("whole_external_id")?, name: whole("whole_room_name")? },
        facts: document::<Vec<Fact>>(row, "document")?,
        received_at: instant(row, "received_at")?,
    })
}
