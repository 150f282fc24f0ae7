//! What goes on, counted. Open meetings are found by an index, and each is read for its phase.

use async_trait::async_trait;
use reflector_core::store::{OpenMeetings, OwedWork, StoreError, TallyStore};
use reflector_core::{ProviderName, Timestamp};
use sqlx::query_as;

use crate::SqliteStore;
use crate::error::ill;

pub(crate) const OPEN: &str = "
    SELECT provider, document ->> '$.is.life.phase.phase' AS phase, count(*) FROM meetings
    INDEXED BY meetings_open_by_age WHERE closed_at IS NULL GROUP BY provider, phase";

pub(crate) const OWED: &str = "
    SELECT kind, count(*), min(owed_at) FROM effects INDEXED BY effects_ready
    WHERE settled_at IS NULL AND urgency IN (0, 1, 2) GROUP BY kind";

#[async_trait]
impl TallyStore for SqliteStore {
    async fn tally_meetings(&self) -> Result<Vec<OpenMeetings>, StoreError> {
        let open: Vec<(String, String, i64)> = query_as(OPEN).fetch_all(&self.readers).await.map_err(ill)?;
        let open = open.into_iter().map(|(provider, phase, meetings)| OpenMeetings {
            provider: ProviderName(provider),
            phase,
            meetings: meetings.unsigned_abs(),
        });
        Ok(open.collect())
    }

    async fn tally_work(&self) -> Result<Vec<OwedWork>, StoreError> {
        let owed: Vec<(String, i64, i64)> = query_as(OWED).fetch_all(&self.readers).await.map_err(ill)?;
        let owed = owed.into_iter().map(|(kind, pieces, oldest)| OwedWork {
            kind,
            pieces: pieces.unsigned_abs(),
            oldest: Timestamp::from_micros(oldest),
        });
        Ok(owed.collect())
    }
}
