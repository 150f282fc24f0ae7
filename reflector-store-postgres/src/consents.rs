//! What participants said of being recorded, and the key of the deployment.

use async_trait::async_trait;
use reflector_core::store::{ConsentAnswer, ConsentStore, DeploymentKey, StoreError};
use reflector_core::{MeetingId, Timestamp};

use crate::PostgresStore;
use crate::rows::{column, instant_or_none};
use crate::statements::{ANSWER, DENIED_AT, KEY};

#[async_trait]
impl ConsentStore for PostgresStore {
    async fn answer(&self, answer: ConsentAnswer) -> Result<(), StoreError> {
        let question = sqlx::query(ANSWER)
            .bind(answer.meeting.0)
            .bind(answer.participant.as_bytes().as_slice())
            .bind(answer.given)
            .bind(answer.at.as_micros());
        self.changed(question).await.map(drop)
    }

    async fn denied_at(&self, meeting: MeetingId) -> Result<Option<Timestamp>, StoreError> {
        instant_or_none(&self.one(sqlx::query(DENIED_AT).bind(meeting.0)).await?, "denied_at")
    }

    async fn key(&self, offered: DeploymentKey) -> Result<DeploymentKey, StoreError> {
        let row = self.one(sqlx::query(KEY).bind(offered.expose().as_slice())).await?;
        let of_another_length = |error| StoreError::Corrupt {
            what: "the key of the deployment".to_owned(),
            source: Box::new(error),
        };
        column::<&[u8]>(&row, "key")?.try_into().map(DeploymentKey::new).map_err(of_another_length)
    }
}
