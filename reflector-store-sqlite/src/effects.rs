//! Owed work, by when it can be claimed next.

use async_trait::async_trait;
use reflector_core::lifecycle::Effect;
use reflector_core::store::document::Document;
use reflector_core::store::{ClaimEffects, ClaimedEffect, EffectStore, Settled, Settlement, StoreError};
use reflector_core::{MeetingId, Timestamp};
use sqlx::{FromRow, SqliteExecutor, query, query_as, query_scalar};
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::ill;
use crate::rows::{self, bits, effect_id, micros, narrow, settled, settled_or_lost};

#[async_trait]
impl EffectStore for SqliteStore {
    async fn claim(&self, claim: ClaimEffects) -> Result<Vec<ClaimedEffect>, StoreError> {
        // Whoever finds nothing need not stand in line with those who write.
        if ready(&claim, &self.readers).await?.is_empty() {
            return Ok(Vec::new());
        }
        let mut write = self.writer.begin().await?;
        let mut claimed = Vec::new();
        for row in ready(&claim, &mut *write).await? {
            let update = "UPDATE effects SET ready_at = ?4, claimed_until = ?4, attempts = attempts + 1
                WHERE meeting_id = ?1 AND version = ?2 AND place = ?3";
            query(update)
                .bind(row.meeting_id)
                .bind(row.version)
                .bind(row.place)
                .bind(claim.until.as_micros())
                .execute(&mut *write)
                .await
                .map_err(ill)?;
            let before = row.read()?;
            let attempts = before.attempts.saturating_add(1);
            claimed.push(ClaimedEffect { attempts, claimed_until: Some(claim.until), ..before });
        }
        write.commit().await?;
        Ok(claimed)
    }

    async fn settle(
        &self,
        claimed: &ClaimedEffect,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let (settled_at, ready_at, error) = settled(settlement, now);
        let update = "UPDATE effects SET claimed_until = NULL, settled_at = ?6, ready_at = ?7,
                last_error = coalesce(?8, last_error)
            WHERE meeting_id = ?1 AND version = ?2 AND place = ?3 AND claimed_until = ?4 AND attempts = ?5
                AND settled_at IS NULL";
        let query = query(update)
            .bind(claimed.id.meeting.0)
            .bind(bits(claimed.id.version))
            .bind(claimed.id.index)
            .bind(micros(claimed.claimed_until))
            .bind(claimed.attempts)
            .bind(settled_at)
            .bind(ready_at)
            .bind(error);
        Ok(settled_or_lost(self.writer.run(query).await?))
    }

    async fn owed(&self, meeting: MeetingId) -> Result<Vec<ClaimedEffect>, StoreError> {
        let owed = "SELECT meeting_id, version, place, owed_at, claimed_until, attempts, last_error, document
            FROM effects WHERE meeting_id = ?1 AND settled_at IS NULL ORDER BY owed_at, version, place";
        let rows: Vec<EffectRow> =
            query_as(owed).bind(meeting.0).fetch_all(&self.readers).await.map_err(ill)?;
        rows.into_iter().map(EffectRow::read).collect()
    }

    async fn next_owed(&self) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> = query_scalar(NEXT).fetch_one(&self.readers).await.map_err(ill)?;
        Ok(next.map(Timestamp::from_micros))
    }
}

/// The first of each urgency, and the first of these.
pub(crate) const NEXT: &str = "SELECT min(first) FROM (
        SELECT min(ready_at) AS first FROM effects WHERE settled_at IS NULL AND urgency = 0
        UNION ALL SELECT min(ready_at) FROM effects WHERE settled_at IS NULL AND urgency = 1
        UNION ALL SELECT min(ready_at) FROM effects WHERE settled_at IS NULL AND urgency = 2)";

pub(crate) const READY: &str = "
    SELECT meeting_id, version, place, owed_at, claimed_until, attempts, last_error, document FROM effects
    WHERE settled_at IS NULL AND urgency IN (0, 1, 2) AND ready_at <= ?1
    ORDER BY urgency, ready_at, meeting_id, version, place LIMIT ?2";

const READY_OF_ONE: &str = "
    SELECT meeting_id, version, place, owed_at, claimed_until, attempts, last_error, document FROM effects
    WHERE settled_at IS NULL AND meeting_id = ?3 AND ready_at <= ?1
    ORDER BY urgency, ready_at, version, place LIMIT ?2";

/// The owed work whose time has come, in its order.
async fn ready(
    claim: &ClaimEffects,
    connection: impl SqliteExecutor<'_>,
) -> Result<Vec<EffectRow>, StoreError> {
    query_as(if claim.meeting.is_some() { READY_OF_ONE } else { READY })
        .bind(claim.now.as_micros())
        .bind(rows::limit(claim.limit))
        .bind(claim.meeting.map(|meeting| meeting.0))
        .fetch_all(connection)
        .await
        .map_err(ill)
}

#[derive(FromRow)]
struct EffectRow {
    meeting_id: Uuid,
    version: i64,
    place: i64,
    owed_at: i64,
    claimed_until: Option<i64>,
    attempts: i64,
    last_error: Option<String>,
    document: String,
}

impl EffectRow {
    fn read(self) -> Result<ClaimedEffect, StoreError> {
        Ok(ClaimedEffect {
            id: effect_id(self.meeting_id, self.version, self.place)?,
            effect: Effect::from_document(&self.document)?,
            owed_at: Timestamp::from_micros(self.owed_at),
            attempts: narrow(self.attempts)?,
            claimed_until: self.claimed_until.map(Timestamp::from_micros),
            last_error: self.last_error,
        })
    }
}
