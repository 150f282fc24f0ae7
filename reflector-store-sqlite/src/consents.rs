//! What participants said of being recorded, and the key of the deployment.

use async_trait::async_trait;
use reflector_core::store::{ConsentAnswer, ConsentStore, DeploymentKey, StoreError};
use reflector_core::{MeetingId, Timestamp};
use sqlx::{query, query_scalar};

use crate::SqliteStore;
use crate::error::{corrupt, ill};

#[async_trait]
impl ConsentStore for SqliteStore {
    async fn answer(&self, answer: ConsentAnswer) -> Result<(), StoreError> {
        // Of the same instant the denial counts.
        let insert =
            "INSERT INTO consents (meeting_id, participant, is_given, given_at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET is_given = ?3, given_at = ?4
            WHERE (?4, NOT ?3) > (given_at, NOT is_given)";
        let query = query(insert)
            .bind(answer.meeting.0)
            .bind(answer.participant.as_bytes().as_slice())
            .bind(answer.given)
            .bind(answer.at.as_micros());
        self.writer.run(query).await.map(drop)
    }

    async fn denied_at(&self, meeting: MeetingId) -> Result<Option<Timestamp>, StoreError> {
        let denied: Option<i64> =
            query_scalar(DENIED).bind(meeting.0).fetch_one(&self.readers).await.map_err(ill)?;
        Ok(denied.map(Timestamp::from_micros))
    }

    async fn key(&self, offered: DeploymentKey) -> Result<DeploymentKey, StoreError> {
        let mut key: Option<Vec<u8>> = query_scalar(KEY).fetch_optional(&self.readers).await.map_err(ill)?;
        if key.is_none() {
            let mut write = self.writer.begin().await?;
            let insert = "INSERT INTO deployment (one, key) VALUES (1, ?1) ON CONFLICT DO NOTHING";
            let insert = query(insert).bind(offered.expose().as_slice());
            insert.execute(&mut *write).await.map_err(ill)?;
            key = query_scalar(KEY).fetch_optional(&mut *write).await.map_err(ill)?;
            write.commit().await?;
        }
        let of_another_length = |key: Vec<u8>| format!("it has {} bytes", key.len());
        let key = key.unwrap_or_default().try_into().map(DeploymentKey::new);
        key.map_err(|key| corrupt("the key of the deployment", of_another_length(key)))
    }
}

pub(crate) const DENIED: &str = "SELECT max(given_at) FROM consents WHERE meeting_id = ?1 AND NOT is_given";

const KEY: &str = "SELECT key FROM deployment";
