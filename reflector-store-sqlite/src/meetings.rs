//! The meetings as they are read, and their deadlines.

use async_trait::async_trait;
use reflector_core::provider::RoomAddress;
use reflector_core::store::document::Document;
use reflector_core::store::{
    Commit, Committed, Created, DueClaim, Entry, Loaded, MeetingStore, NewMeeting, StoreError, WhichMeetings,
};
use reflector_core::{Meeting, MeetingId, ProviderName, RoomId, Timestamp};
use sqlx::{AssertSqlSafe, query, query_as, query_scalar};
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::ill;
use crate::rows::{self, MeetingRow, bits, unsigned};

/// A meeting with the policy of its room, which counts also when the room is deleted.
macro_rules! loaded {
    ($where:literal) => {
        concat!(
            "SELECT m.document, m.version, m.entries, r.policy FROM meetings m JOIN rooms r ON r.id = m.room_id ",
            $where
        )
    };
}

#[async_trait]
impl MeetingStore for SqliteStore {
    async fn create(&self, new: NewMeeting) -> Result<Created, StoreError> {
        self.create_meeting(new).await
    }

    async fn load(&self, id: MeetingId) -> Result<Option<Loaded>, StoreError> {
        let row: Option<MeetingRow> = query_as(loaded!("WHERE m.id = ?1"))
            .bind(id.0)
            .fetch_optional(&self.readers)
            .await
            .map_err(ill)?;
        row.map(MeetingRow::read).transpose()
    }

    async fn find(&self, provider: &ProviderName, room: &RoomAddress) -> Result<Option<Loaded>, StoreError> {
        let row: Option<MeetingRow> = query_as(FOUND)
            .bind(provider.as_str())
            .bind(&room.external_id)
            .bind(&room.name)
            .fetch_optional(&self.readers)
            .await
            .map_err(ill)?;
        row.map(MeetingRow::read).transpose()
    }

    async fn open_meetings(&self, room: RoomId) -> Result<Vec<Loaded>, StoreError> {
        let rows: Vec<MeetingRow> =
            query_as(OPEN).bind(room.0).fetch_all(&self.readers).await.map_err(ill)?;
        rows.into_iter().map(MeetingRow::read).collect()
    }

    async fn list_meetings(
        &self,
        which: &WhichMeetings,
        after: Option<(Timestamp, MeetingId)>,
        limit: usize,
    ) -> Result<Vec<Meeting>, StoreError> {
        let (at, id) = first_place(which, after);
        let documents: Vec<String> = query_scalar(AssertSqlSafe(listing(which)))
            .bind(at)
            .bind(id)
            .bind(rows::limit(limit))
            .bind(which.room.map(|room| room.0))
            .fetch_all(&self.readers)
            .await
            .map_err(ill)?;
        documents.iter().map(|document| Meeting::from_document(document)).collect()
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.commit_meeting(commit).await
    }

    async fn due(&self, claim: DueClaim) -> Result<Vec<MeetingId>, StoreError> {
        // Most sweeps find nothing, and need not stand in line with those who write.
        if self.due_ids(&claim, &self.readers).await?.is_empty() {
            return Ok(Vec::new());
        }
        let mut write = self.writer.begin().await?;
        let ids = self.due_ids(&claim, &mut *write).await?;
        for id in &ids {
            let put_off = "UPDATE meetings SET wakes_at = max(?2, due_at) WHERE id = ?1";
            query(put_off)
                .bind(id.0)
                .bind(claim.until.as_micros())
                .execute(&mut *write)
                .await
                .map_err(ill)?;
        }
        write.commit().await?;
        Ok(ids)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> = query_scalar(NEXT_DUE).fetch_one(&self.readers).await.map_err(ill)?;
        Ok(next.map(Timestamp::from_micros))
    }

    async fn outdated(&self, fingerprint: u64, limit: usize) -> Result<Vec<MeetingId>, StoreError> {
        let ids: Vec<Uuid> = query_scalar(OUTDATED)
            .bind(bits(fingerprint))
            .bind(rows::limit(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(ill)?;
        Ok(ids.into_iter().map(MeetingId).collect())
    }

    async fn history(&self, id: MeetingId, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let some =
            "SELECT seq, document FROM history WHERE meeting_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        let entries: Vec<(i64, String)> = query_as(some)
            .bind(id.0)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(rows::limit(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(ill)?;
        let read = |(seq, document): (i64, String)| {
            Ok(Entry { seq: unsigned(seq), ..Entry::from_document(&document)? })
        };
        entries.into_iter().map(read).collect()
    }
}

/// Those without a fingerprint, those below it and those above it: each is a stretch of the index.
pub(crate) const OUTDATED: &str = "
    SELECT id FROM meetings WHERE due_at IS NOT NULL AND closed_at IS NULL AND fingerprint IS NULL
    UNION ALL
    SELECT id FROM meetings WHERE due_at IS NOT NULL AND closed_at IS NULL AND fingerprint < ?1
    UNION ALL
    SELECT id FROM meetings WHERE due_at IS NOT NULL AND closed_at IS NULL AND fingerprint > ?1
    LIMIT ?2";

/// Should two have the same, the one that was made later is meant.
pub(crate) const FOUND: &str = loaded!(
    "WHERE m.rowid = coalesce(
        (SELECT max(rowid) FROM meetings WHERE provider = ?1 AND external_id = ?2),
        (SELECT max(rowid) FROM meetings WHERE provider = ?1 AND room_name = ?3))"
);

pub(crate) const OPEN: &str =
    loaded!("WHERE m.room_id = ?1 AND m.closed_at IS NULL ORDER BY m.start_at, m.id");

pub(crate) const NEXT_DUE: &str = "SELECT min(wakes_at) FROM meetings WHERE wakes_at IS NOT NULL";

pub(crate) const DUE: &str = "SELECT id FROM meetings WHERE wakes_at <= ?1 ORDER BY wakes_at, id LIMIT ?2";

impl SqliteStore {
    async fn due_ids<'c>(
        &self,
        claim: &DueClaim,
        connection: impl sqlx::SqliteExecutor<'c>,
    ) -> Result<Vec<MeetingId>, StoreError> {
        let ids: Vec<Uuid> = query_scalar(DUE)
            .bind(claim.now.as_micros())
            .bind(rows::limit(claim.limit))
            .fetch_all(connection)
            .await
            .map_err(ill)?;
        Ok(ids.into_iter().map(MeetingId).collect())
    }
}

/// Before which place in the order of making nothing is wanted. The instant alone stands before all that were made in
/// it.
fn first_place(which: &WhichMeetings, after: Option<(Timestamp, MeetingId)>) -> (i64, Vec<u8>) {
    let after = after.map(|(at, id)| (at.as_micros(), id.0.as_bytes().to_vec()));
    let since = which.made_since.map(|since| (since.as_micros(), Vec::new()));
    after.max(since).unwrap_or((i64::MIN, Vec::new()))
}

/// The statement for a listing: each of the four has an index of its own.
pub(crate) fn listing(which: &WhichMeetings) -> String {
    let room = if which.room.is_some() { "AND room_id = ?4" } else { "" };
    let open = if which.closed { "" } else { "AND closed_at IS NULL" };
    format!(
        "SELECT document FROM meetings WHERE (created_at, id) > (?1, ?2) {room} {open} ORDER BY created_at, id LIMIT ?3"
    )
}
