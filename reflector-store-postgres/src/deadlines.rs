//! The deadline index: what is due, and what has to be computed anew.

use reflector_core::store::{DueClaim, StoreError};
use reflector_core::{MeetingId, Timestamp};

use crate::PostgresStore;
use crate::rows::{instant_or_none, limit, meeting_id};
use crate::statements::{DUE, NEXT_DUE, OUTDATED};

impl PostgresStore {
    pub(crate) async fn give_out_due(&self, claim: DueClaim) -> Result<Vec<MeetingId>, StoreError> {
        let question = sqlx::query(DUE)
            .bind(claim.now.as_micros())
            .bind(claim.until.as_micros())
            .bind(limit(claim.limit))
            .persistent(false);
        self.rows(question).await?.iter().map(|row| meeting_id(row, "meeting")).collect()
    }

    pub(crate) async fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        instant_or_none(&self.one(sqlx::query(NEXT_DUE)).await?, "next_at")
    }

    pub(crate) async fn outdated_deadlines(
        &self,
        fingerprint: u64,
        most: usize,
    ) -> Result<Vec<MeetingId>, StoreError> {
        let question =
            sqlx::query(OUTDATED).bind(fingerprint.cast_signed()).bind(limit(most)).persistent(false);
        self.rows(question).await?.iter().map(|row| meeting_id(row, "meeting")).collect()
    }
}
