//! The meetings: found, listed, and told.

use async_trait::async_trait;
use reflector_core::provider::RoomAddress;
use reflector_core::store::{
    Commit, Committed, Created, DueClaim, Entry, Loaded, MeetingStore, NewMeeting, StoreError, WhichMeetings,
};
use reflector_core::{Meeting, MeetingId, ProviderName, RoomId, Timestamp};

use crate::PostgresStore;
use crate::key::key;
use crate::rows::{document, limit, loaded, number};
use crate::statements::{FIND, HISTORY, LIST, LOAD, OPEN_MEETINGS};

#[async_trait]
impl MeetingStore for PostgresStore {
    async fn create(&self, new: NewMeeting) -> Result<Created, StoreError> {
        self.create_meeting(&new).await
    }

    async fn load(&self, id: MeetingId) -> Result<Option<Loaded>, StoreError> {
        self.row(sqlx::query(LOAD).bind(id.0)).await?.as_ref().map(loaded).transpose()
    }

    async fn find(&self, provider: &ProviderName, room: &RoomAddress) -> Result<Option<Loaded>, StoreError> {
        let question = sqlx::query(FIND)
            .bind(key(provider.as_str()))
            .bind(room.external_id.as_deref().map(key))
            .bind(room.name.as_deref().map(key));
        self.row(question).await?.as_ref().map(loaded).transpose()
    }

    async fn open_meetings(&self, room: RoomId) -> Result<Vec<Loaded>, StoreError> {
        self.rows(sqlx::query(OPEN_MEETINGS).bind(room.0)).await?.iter().map(loaded).collect()
    }

    async fn list_meetings(
        &self,
        which: &WhichMeetings,
        after: Option<(Timestamp, MeetingId)>,
        most: usize,
    ) -> Result<Vec<Meeting>, StoreError> {
        let question = sqlx::query(LIST)
            .bind(which.room.map(|room| room.0))
            .bind(which.closed)
            .bind(which.made_since.map(Timestamp::as_micros))
            .bind(after.map(|(made_at, _)| made_at.as_micros()))
            .bind(after.map(|(_, id)| id.0))
            .bind(limit(most));
        self.rows(question.persistent(false)).await?.iter().map(|row| document(row, "document")).collect()
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.commit_meeting(&commit).await
    }

    async fn due(&self, claim: DueClaim) -> Result<Vec<MeetingId>, StoreError> {
        self.give_out_due(claim).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.next_deadline().await
    }

    async fn outdated(&self, fingerprint: u64, limit: usize) -> Result<Vec<MeetingId>, StoreError> {
        self.outdated_deadlines(fingerprint, limit).await
    }

    async fn history(&self, id: MeetingId, after: u64, most: usize) -> Result<Vec<Entry>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let question = sqlx::query(HISTORY).bind(id.0).bind(after).bind(limit(most));
        let entry = |row| Ok(Entry { seq: number(row, "seq")?, ..document(row, "document")? });
        self.rows(question).await?.iter().map(entry).collect()
    }
}
