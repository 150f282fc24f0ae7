//! Owed work: claimed, settled, told.

use async_trait::async_trait;
use reflector_core::store::{
    ClaimEffects, ClaimedEffect, EffectId, EffectStore, Settled, Settlement, StoreError,
};
use reflector_core::{MeetingId, Timestamp};
use sqlx::postgres::PgRow;

use crate::PostgresStore;
use crate::key::unescaped;
use crate::rows::{
    bind_settlement, column, document, instant, instant_or_none, limit, meeting_id, number, settled_or_lost,
};
use crate::statements::{CLAIM, CLAIM_OF_MEETING, NEXT_OWED, OWED, SETTLE_DONE, SETTLE_RETRY};

#[async_trait]
impl EffectStore for PostgresStore {
    async fn claim(&self, claim: ClaimEffects) -> Result<Vec<ClaimedEffect>, StoreError> {
        let statement = if claim.meeting.is_some() { CLAIM_OF_MEETING } else { CLAIM };
        let mut question = sqlx::query(statement)
            .bind(claim.now.as_micros())
            .bind(claim.until.as_micros())
            .bind(limit(claim.limit));
        if let Some(meeting) = claim.meeting {
            question = question.bind(meeting.0);
        }
        self.rows(question.persistent(false)).await?.iter().map(claimed).collect()
    }

    async fn settle(
        &self,
        claimed: &ClaimedEffect,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let EffectId { meeting, version, index } = claimed.id;
        let statement = if settlement == Settlement::Done { SETTLE_DONE } else { SETTLE_RETRY };
        let question = sqlx::query(statement)
            .bind(meeting.0)
            .bind(version.cast_signed())
            .bind(i32::from(index))
            .bind(claimed.claimed_until.map(Timestamp::as_micros))
            .bind(claimed.attempts.cast_signed());
        Ok(settled_or_lost(self.changed(bind_settlement(question, &settlement, now)).await?))
    }

    async fn owed(&self, meeting: MeetingId) -> Result<Vec<ClaimedEffect>, StoreError> {
        self.rows(sqlx::query(OWED).bind(meeting.0)).await?.iter().map(claimed).collect()
    }

    async fn next_owed(&self) -> Result<Option<Timestamp>, StoreError> {
        instant_or_none(&self.one(sqlx::query(NEXT_OWED)).await?, "ready_at")
    }
}

fn claimed(row: &PgRow) -> Result<ClaimedEffect, StoreError> {
    let index = column::<i32>(row, "index")?;
    let out_of_range = |source| StoreError::Corrupt { what: "the number of owed work".to_owned(), source };
    Ok(ClaimedEffect {
        id: EffectId {
            meeting: meeting_id(row, "meeting")?,
            version: number(row, "version")?,
            index: u16::try_from(index).map_err(|error| out_of_range(Box::new(error)))?,
        },
        effect: document(row, "document")?,
        owed_at: instant(row, "owed_at")?,
        attempts: column(row, "attempts").map(i32::cast_unsigned)?,
        claimed_until: instant_or_none(row, "claimed_until")?,
        last_error: column::<Option<String>>(row, "last_error")?.map(unescaped),
    })
}
