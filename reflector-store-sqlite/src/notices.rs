//! What rooms' owners are to be told: claimed, settled, dropped. It is owed by whatever writes what it tells of.

use async_trait::async_trait;
use reflector_core::store::{ClaimedNotice, NoticeStore, OwedNotice, Settled, Settlement, StoreError};
use reflector_core::{RoomId, Timestamp};
use sqlx::sqlite::SqliteConnection;
use sqlx::{FromRow, SqliteExecutor, query, query_as, query_scalar};
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::ill;
use crate::rows::{self, narrow, settled, settled_or_lost};

#[async_trait]
impl NoticeStore for SqliteStore {
    async fn claim_notices(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimedNotice>, StoreError> {
        // Whoever finds nothing need not stand in line with those who write.
        if ready(now, limit, &self.readers).await?.is_empty() {
            return Ok(Vec::new());
        }
        let mut write = self.writer.begin().await?;
        let mut claimed = Vec::new();
        for row in ready(now, limit, &mut *write).await? {
            let update = "UPDATE notices SET ready_at = ?2, claimed_until = ?2, attempts = attempts + 1
                WHERE id = ?1";
            query(update).bind(&row.id).bind(until.as_micros()).execute(&mut *write).await.map_err(ill)?;
            claimed.push(row.claimed(until)?);
        }
        write.commit().await?;
        Ok(claimed)
    }

    async fn settle_notice(
        &self,
        claimed: &ClaimedNotice,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let (settled_at, ready_at, error) = settled(settlement, now);
        let update = "UPDATE notices SET claimed_until = NULL, settled_at = ?4, ready_at = ?5,
                last_error = coalesce(?6, last_error)
            WHERE id = ?1 AND claimed_until = ?2 AND attempts = ?3 AND settled_at IS NULL";
        let query = query(update)
            .bind(&claimed.notice.id)
            .bind(claimed.claimed_until.as_micros())
            .bind(claimed.attempts)
            .bind(settled_at)
            .bind(ready_at)
            .bind(error);
        Ok(settled_or_lost(self.writer.run(query).await?))
    }

    async fn next_notice(&self) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> = query_scalar(NEXT).fetch_one(&self.readers).await.map_err(ill)?;
        Ok(next.map(Timestamp::from_micros))
    }

    async fn drop_notices_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let query = query(OLD).bind(before.as_micros()).bind(rows::limit(limit));
        let deleted = self.writer.run(query).await?;
        Ok(usize::try_from(deleted).unwrap_or(usize::MAX))
    }
}

pub(crate) const READY: &str = "
    SELECT id, room_id, event, body, owed_at, attempts, last_error FROM notices
    WHERE settled_at IS NULL AND ready_at <= ?1 ORDER BY ready_at, id LIMIT ?2";

pub(crate) const NEXT: &str = "SELECT min(ready_at) FROM notices WHERE settled_at IS NULL";

pub(crate) const OLD: &str = "DELETE FROM notices WHERE id IN (
    SELECT id FROM notices WHERE settled_at < ?1 ORDER BY settled_at, id LIMIT ?2)";

/// The notices whose time has come, the longest-waiting first.
async fn ready(
    now: Timestamp,
    limit: usize,
    connection: impl SqliteExecutor<'_>,
) -> Result<Vec<NoticeRow>, StoreError> {
    query_as(READY).bind(now.as_micros()).bind(rows::limit(limit)).fetch_all(connection).await.map_err(ill)
}

#[derive(FromRow)]
struct NoticeRow {
    id: String,
    room_id: Uuid,
    event: String,
    body: String,
    owed_at: i64,
    attempts: i64,
    last_error: Option<String>,
}

impl NoticeRow {
    /// The notice after it was claimed once more.
    fn claimed(self, claimed_until: Timestamp) -> Result<ClaimedNotice, StoreError> {
        let Self { id, room_id, event, body, owed_at, attempts, last_error } = self;
        let owed_at = Timestamp::from_micros(owed_at);
        Ok(ClaimedNotice {
            notice: OwedNotice { id, room: RoomId(room_id), event, body, owed_at },
            attempts: narrow(attempts + 1)?,
            claimed_until,
            last_error,
        })
    }
}

/// Writes down what the owners of rooms are to be told who listen. What is there already is owed once.
pub(crate) async fn owe(
    write: &mut SqliteConnection,
    notices: impl IntoIterator<Item = &OwedNotice>,
) -> Result<(), StoreError> {
    let insert = "INSERT INTO notices (id, room_id, event, body, owed_at, ready_at, attempts)
        SELECT ?1, id, ?3, ?4, ?5, ?5, 0 FROM rooms WHERE id = ?2 AND listens ON CONFLICT DO NOTHING";
    for OwedNotice { id, room, event, body, owed_at } in notices {
        let insert = query(insert).bind(id).bind(room.0).bind(event).bind(body).bind(owed_at.as_micros());
        insert.execute(&mut *write).await.map_err(ill)?;
    }
    Ok(())
}
