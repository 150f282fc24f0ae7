//! Forgetting what nobody needs any more.

use async_trait::async_trait;
use reflector_core::Timestamp;
use reflector_core::store::{Dropped, RetentionStore, StoreError};
use sqlx::sqlite::SqliteConnection;
use sqlx::{query, query_as};
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::ill;
use crate::rows;

#[async_trait]
impl RetentionStore for SqliteStore {
    async fn drop_before(&self, before: Timestamp, limit: usize) -> Result<Dropped, StoreError> {
        let (before, limit) = (before.as_micros(), rows::limit(limit));
        let mut write = self.writer.begin().await?;
        let entries = drop_history(&mut write, before, limit).await?;
        let deliveries = drop_deliveries(&mut write, before, limit).await?;
        let settled = drop_settled(&mut write, before, limit).await?;
        write.commit().await?;
        Ok(Dropped { entries, deliveries, settled })
    }
}

/// Drops entries of meetings that closed before this instant, of the one that closed first first.
async fn drop_history(write: &mut SqliteConnection, before: i64, limit: i64) -> Result<usize, StoreError> {
    let closed: Vec<(Uuid, i64, i64)> =
        query_as(TO_FORGET).bind(before).bind(limit).fetch_all(&mut *write).await.map_err(ill)?;
    let mut left = limit;
    for (id, forgotten, entries) in closed {
        let up_to = entries.min(forgotten + left);
        let forget = "UPDATE meetings SET forgotten = ?2 WHERE id = ?1;
            DELETE FROM history WHERE meeting_id = ?1 AND seq <= ?2";
        query(forget).bind(id).bind(up_to).execute(&mut *write).await.map_err(ill)?;
        left -= up_to - forgotten;
        if left == 0 {
            break;
        }
    }
    Ok(usize::try_from(limit - left).unwrap_or(usize::MAX))
}

/// Drops which messages were taken in, after noting what they prove.
async fn drop_deliveries(write: &mut SqliteConnection, before: i64, limit: i64) -> Result<usize, StoreError> {
    let prove = "INSERT INTO heard (provider, endpoint, heard_at)
        SELECT provider, endpoint, max(received_at) FROM (
            SELECT provider, endpoint, received_at FROM deliveries WHERE received_at < ?1
            ORDER BY received_at, provider, id LIMIT ?2)
        WHERE true GROUP BY provider, endpoint
        ON CONFLICT DO UPDATE SET heard_at = max(heard_at, excluded.heard_at)";
    query(prove).bind(before).bind(limit).execute(&mut *write).await.map_err(ill)?;
    let deleted = query(OLD_DELIVERIES).bind(before).bind(limit).execute(write).await.map_err(ill)?;
    Ok(usize::try_from(deleted.rows_affected()).unwrap_or(usize::MAX))
}

async fn drop_settled(write: &mut SqliteConnection, before: i64, limit: i64) -> Result<usize, StoreError> {
    let deleted = query(OLD_WORK).bind(before).bind(limit).execute(write).await.map_err(ill)?;
    Ok(usize::try_from(deleted.rows_affected()).unwrap_or(usize::MAX))
}

pub(crate) const TO_FORGET: &str = "SELECT id, forgotten, entries FROM meetings
    WHERE closed_at IS NOT NULL AND forgotten < entries AND closed_at < ?1 ORDER BY closed_at, id LIMIT ?2";

pub(crate) const OLD_DELIVERIES: &str = "DELETE FROM deliveries WHERE (provider, id) IN (
    SELECT provider, id FROM deliveries WHERE received_at < ?1 ORDER BY received_at, provider, id LIMIT ?2)";

pub(crate) const OLD_WORK: &str = "DELETE FROM effects WHERE (meeting_id, version, place) IN (
    SELECT meeting_id, version, place FROM effects WHERE settled_at < ?1 ORDER BY settled_at LIMIT ?2)";
