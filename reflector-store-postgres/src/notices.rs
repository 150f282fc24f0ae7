//! What rooms' owners are to be told: claimed, settled, dropped. It is owed by whatever writes what it tells of.

use async_trait::async_trait;
use reflector_core::store::{ClaimedNotice, NoticeStore, OwedNotice, Settled, Settlement, StoreError};
use reflector_core::{RoomId, Timestamp};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::PostgresStore;
use crate::key::{escaped, key, unescaped};
use crate::line::Question;
use crate::rows::{bind_settlement, column, instant, instant_or_none, limit, settled_or_lost};
use crate::statements::{CLAIM_NOTICES, DROP_NOTICES, NEXT_NOTICE, SETTLE_NOTICE_DONE, SETTLE_NOTICE_RETRY};

#[async_trait]
impl NoticeStore for PostgresStore {
    async fn claim_notices(
        &self,
        now: Timestamp,
        until: Timestamp,
        most: usize,
    ) -> Result<Vec<ClaimedNotice>, StoreError> {
        let question =
            sqlx::query(CLAIM_NOTICES).bind(now.as_micros()).bind(until.as_micros()).bind(limit(most));
        self.rows(question.persistent(false)).await?.iter().map(claimed).collect()
    }

    async fn settle_notice(
        &self,
        claimed: &ClaimedNotice,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let done = settlement == Settlement::Done;
        let question = sqlx::query(if done { SETTLE_NOTICE_DONE } else { SETTLE_NOTICE_RETRY })
            .bind(key(&claimed.notice.id))
            .bind(claimed.claimed_until.as_micros())
            .bind(claimed.attempts.cast_signed());
        Ok(settled_or_lost(self.changed(bind_settlement(question, &settlement, now)).await?))
    }

    async fn next_notice(&self) -> Result<Option<Timestamp>, StoreError> {
        instant_or_none(&self.one(sqlx::query(NEXT_NOTICE)).await?, "ready_at")
    }

    async fn drop_notices_before(&self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        let question = sqlx::query(DROP_NOTICES).bind(before.as_micros()).bind(limit(most)).persistent(false);
        let dropped = self.changed(question).await?;
        Ok(usize::try_from(dropped).unwrap_or(usize::MAX))
    }
}

fn claimed(row: &PgRow) -> Result<ClaimedNotice, StoreError> {
    let text = |name| column(row, name).map(unescaped);
    Ok(ClaimedNotice {
        notice: OwedNotice {
            id: text("whole_id")?,
            room: column::<Uuid>(row, "room_id").map(RoomId)?,
            event: text("event")?,
            body: text("body")?,
            owed_at: instant(row, "owed_at")?,
        },
        attempts: column(row, "attempts").map(i32::cast_unsigned)?,
        claimed_until: instant(row, "claimed_until")?,
        last_error: column::<Option<String>>(row, "last_error")?.map(unescaped),
    })
}

/// Owed notices, as one list for each column.
pub(crate) fn bind_notices<'q>(question: Question<'q>, notices: &[OwedNotice]) -> Question<'q> {
    question
        .bind(notices.iter().map(|notice| key(&notice.id).into_owned()).collect::<Vec<_>>())
        .bind(notices.iter().map(|notice| escaped(&notice.id).into_owned()).collect::<Vec<_>>())
        .bind(notices.iter().map(|notice| notice.room.0).collect::<Vec<_>>())
        .bind(notices.iter().map(|notice| escaped(&notice.event).into_owned()).collect::<Vec<_>>())
        .bind(notices.iter().map(|notice| escaped(&notice.body).into_owned()).collect::<Vec<_>>())
        .bind(notices.iter().map(|notice| notice.owed_at.as_micros()).collect::<Vec<_>>())
}
