//! What goes on, counted.

use async_trait::async_trait;
use reflector_core::ProviderName;
use reflector_core::store::{OpenMeetings, OwedWork, StoreError, TallyStore};
use sqlx::postgres::PgRow;

use crate::PostgresStore;
use crate::key::unescaped;
use crate::rows::{column, instant, number};
use crate::statements::{TALLY_MEETINGS, TALLY_WORK};

#[async_trait]
impl TallyStore for PostgresStore {
    async fn tally_meetings(&self) -> Result<Vec<OpenMeetings>, StoreError> {
        self.rows(sqlx::query(TALLY_MEETINGS)).await?.iter().map(open).collect()
    }

    async fn tally_work(&self) -> Result<Vec<OwedWork>, StoreError> {
        self.rows(sqlx::query(TALLY_WORK)).await?.iter().map(owed).collect()
    }
}

fn open(row: &PgRow) -> Result<OpenMeetings, StoreError> {
    Ok(OpenMeetings {
        provider: ProviderName(unescaped(column(row, "provider")?)),
        phase: column(row, "phase")?,
        meetings: number(row, "meetings")?,
    })
}

fn owed(row: &PgRow) -> Result<OwedWork, StoreError> {
    Ok(OwedWork {
        kind: column(row, "kind")?,
        pieces: number(row, "pieces")?,
        oldest: instant(row, "oldest")?,
    })
}
