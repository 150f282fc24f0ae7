//! Forgetting what nobody needs any more.

use async_trait::async_trait;
use reflector_core::Timestamp;
use reflector_core::store::{Dropped, RetentionStore, StoreError};

use crate::PostgresStore;
use crate::rows::{column, limit};
use crate::statements::{DROP_DELIVERIES, DROP_HISTORY, DROP_SETTLED};

#[async_trait]
impl RetentionStore for PostgresStore {
    async fn drop_before(&self, before: Timestamp, most: usize) -> Result<Dropped, StoreError> {
        let ask =
            |statement| sqlx::query(statement).bind(before.as_micros()).bind(limit(most)).persistent(false);
        let entries = column::<i64>(&self.one(ask(DROP_HISTORY)).await?, "dropped")?;
        let deliveries = column::<i64>(&self.one(ask(DROP_DELIVERIES)).await?, "dropped")?;
        let settled = self.changed(ask(DROP_SETTLED)).await?;
        Ok(Dropped {
            entries: usize::try_from(entries).unwrap_or(usize::MAX),
            deliveries: usize::try_from(deliveries).unwrap_or(usize::MAX),
            settled: usize::try_from(settled).unwrap_or(usize::MAX),
        })
    }
}
