//! The recordings, and the messages that cannot be read.

use async_trait::async_trait;
use reflector_core::recording::{Belongs, Candidate, Recording, SoughtRoom};
use reflector_core::store::document::Document;
use reflector_core::store::{
    Committed, DeadLetter, LoadedRecording, OwedNotice, Page, Paging, RecordingStore, StoreError, TakenIn,
    Viewer, WhichRecordings,
};
use reflector_core::{MeetingId, RecordingId, RoomId, Timestamp};
use sqlx::{AssertSqlSafe, FromRow, SqliteExecutor, query, query_as};
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::ill;
use crate::notices::owe;
use crate::rows::{self, Query, bits, clamped, unsigned};
use crate::take_in::Batch;

#[async_trait]
impl RecordingStore for SqliteStore {
    async fn take_in(&self, batch: Vec<Recording>) -> Result<Vec<TakenIn>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.line.write(Batch(batch)).await
    }

    async fn candidates(&self, rooms: &[SoughtRoom]) -> Result<Vec<Vec<Candidate>>, StoreError> {
        let mut read = self.readers.acquire().await.map_err(ill)?;
        let mut candidates = Vec::with_capacity(rooms.len());
        for room in rooms {
            let of_room: Vec<CandidateRow> = query_as(CANDIDATES)
                .bind(room.provider.as_str())
                .bind(&room.name)
                .bind(room.meeting.map(|meeting| meeting.0))
                .fetch_all(&mut *read)
                .await
                .map_err(ill)?;
            candidates.push(of_room.into_iter().map(CandidateRow::read).collect());
        }
        Ok(candidates)
    }

    async fn load_recording(&self, id: RecordingId) -> Result<Option<LoadedRecording>, StoreError> {
        load_recording(&self.readers, id).await
    }

    async fn commit_recording(
        &self,
        expected: u64,
        recording: &Recording,
        notice: Option<OwedNotice>,
    ) -> Result<Committed, StoreError> {
        // What stays as it is stands in the document.
        let before = self.load_recording(recording.id).await?;
        let Some(before) = before.filter(|before| before.version == expected) else {
            return Ok(Committed::Conflict);
        };
        let recording = before.recording.changed_to(recording);
        let mut write = self.writer.begin().await?;
        let change = change_recording(expected, &recording)?;
        let changed = change.execute(&mut *write).await.map_err(ill)?.rows_affected() > 0;
        if !changed {
            write.abandon().await?;
            return Ok(Committed::Conflict);
        }
        owe(&mut write, &notice).await?;
        write.commit().await?;
        Ok(Committed::Stored)
    }

    async fn list_recordings(
        &self,
        which: &WhichRecordings,
        paging: Paging,
    ) -> Result<Page<Recording>, StoreError> {
        let owner = match &which.viewer {
            Viewer::Operator => None,
            Viewer::User(user) => Some(user.as_str()),
        };
        let rows: Vec<(i64, Option<String>)> = query_as(AssertSqlSafe(listing(which)))
            .bind(clamped(paging.limit))
            .bind(clamped(paging.offset))
            .bind(owner)
            .bind(which.status.map(|status| status.as_str()))
            .bind(which.room.map(|room| room.0))
            .fetch_all(&self.readers)
            .await
            .map_err(ill)?;
        rows::page(rows, |document| Recording::from_document(&document))
    }

    async fn unmatched(
        &self,
        received_since: Timestamp,
        after: Option<(Timestamp, RecordingId)>,
        limit: usize,
    ) -> Result<Vec<LoadedRecording>, StoreError> {
        // The instant alone stands before all that were received in it.
        let since = (received_since.as_micros(), Vec::new());
        let after = after.map(|(at, id)| (at.as_micros(), id.0.as_bytes().to_vec()));
        let (at, id) = after.map_or(since.clone(), |after| after.max(since));
        let rows: Vec<RecordingRow> = query_as(UNMATCHED)
            .bind(at)
            .bind(id)
            .bind(rows::limit(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(ill)?;
        rows.into_iter().map(RecordingRow::read).collect()
    }

    async fn delete_recording(&self, id: RecordingId, now: Timestamp) -> Result<bool, StoreError> {
        let delete = "UPDATE recordings SET deleted_at = ?2 WHERE id = ?1 AND deleted_at IS NULL";
        Ok(self.writer.run(query(delete).bind(id.0).bind(now.as_micros())).await? > 0)
    }

    async fn set_aside(&self, letter: DeadLetter) -> Result<bool, StoreError> {
        let insert = "INSERT INTO dead_letters (id, set_aside_at, body, error) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO NOTHING";
        let query =
            query(insert).bind(letter.id).bind(letter.at.as_micros()).bind(letter.body).bind(letter.error);
        Ok(self.writer.run(query).await? > 0)
    }

    async fn dead_letters(&self, paging: Paging) -> Result<Page<DeadLetter>, StoreError> {
        let rows: Vec<LetterRow> = query_as(DEAD_LETTERS)
            .bind(clamped(paging.limit))
            .bind(clamped(paging.offset))
            .fetch_all(&self.readers)
            .await
            .map_err(ill)?;
        rows::page(rows.into_iter().map(|row| (row.total, row.letter())).collect(), Ok)
    }
}

/// A recording as it stands.
pub(crate) async fn load_recording(
    connection: impl SqliteExecutor<'_>,
    id: RecordingId,
) -> Result<Option<LoadedRecording>, StoreError> {
    let recording = "SELECT document, version FROM recordings WHERE id = ?1 AND deleted_at IS NULL";
    let row: Option<RecordingRow> =
        query_as(recording).bind(id.0).fetch_optional(connection).await.map_err(ill)?;
    row.map(RecordingRow::read).transpose()
}

/// What writes a recording over the version that it was read in.
pub(crate) fn change_recording(expected: u64, recording: &Recording) -> Result<Query<'_>, StoreError> {
    let update = "UPDATE recordings SET version = version + 1, room_id = ?3, status = ?4, document = ?5
        WHERE id = ?1 AND version = ?2 AND deleted_at IS NULL";
    Ok(query(update)
        .bind(recording.id.0)
        .bind(bits(expected))
        .bind(recording.belongs_to.map(|belongs| belongs.room.0))
        .bind(recording.status.as_str())
        .bind(recording.to_document()?))
}

/// The meetings that had a room, by its name at its provider, or by the meeting.
pub(crate) const CANDIDATES: &str = "SELECT id, room_id, created_at, closed_at FROM meetings
    WHERE (provider = ?1 AND room_name = ?2) OR (id = ?3 AND provider = ?1)";

pub(crate) const UNMATCHED: &str = "SELECT document, version FROM recordings
    WHERE status = 'unmatched' AND deleted_at IS NULL AND (received_at, id) > (?1, ?2)
    ORDER BY received_at, id LIMIT ?3";

/// A page and how many there are in all, as they stand at one instant: also of a page that is empty.
pub(crate) const DEAD_LETTERS: &str = "
    SELECT (SELECT count(*) FROM dead_letters) AS total, page.id, page.body, page.error, page.set_aside_at
    FROM (SELECT 1) LEFT JOIN
        (SELECT * FROM dead_letters ORDER BY set_aside_at DESC, id DESC LIMIT ?1 OFFSET ?2) page ON true
    ORDER BY page.set_aside_at DESC, page.id DESC";

/// The statement for a listing. What it does not ask for is not in it, so that each finds its index.
pub(crate) fn listing(which: &WhichRecordings) -> String {
    let owner = match which.viewer {
        Viewer::Operator => "",
        Viewer::User(_) => "AND room_id IN (SELECT id FROM rooms WHERE owner = ?3 AND deleted_at IS NULL)",
    };
    let status = if which.status.is_some() { "AND status = ?4" } else { "" };
    let room = if which.room.is_some() { "AND room_id = ?5" } else { "" };
    let seen = format!("FROM recordings WHERE deleted_at IS NULL {owner} {status} {room}");
    format!(
        "SELECT (SELECT count(*) {seen}), page.document
        FROM (SELECT 1) LEFT JOIN (
            SELECT received_at, id, document {seen} ORDER BY received_at DESC, id DESC LIMIT ?1 OFFSET ?2
        ) page ON true
        ORDER BY page.received_at DESC, page.id DESC"
    )
}

#[derive(FromRow)]
pub(crate) struct RecordingRow {
    document: String,
    version: i64,
}

impl RecordingRow {
    pub(crate) fn read(self) -> Result<LoadedRecording, StoreError> {
        Ok(LoadedRecording {
            recording: Recording::from_document(&self.document)?,
            version: unsigned(self.version),
        })
    }
}

#[derive(FromRow)]
struct CandidateRow {
    id: Uuid,
    room_id: Uuid,
    created_at: i64,
    closed_at: Option<i64>,
}

impl CandidateRow {
    fn read(self) -> Candidate {
        Candidate {
            belongs: Belongs { meeting: MeetingId(self.id), room: RoomId(self.room_id) },
            began_at: Timestamp::from_micros(self.created_at),
            ended_at: self.closed_at.map(Timestamp::from_micros),
        }
    }
}

#[derive(FromRow)]
struct LetterRow {
    total: i64,
    id: Option<String>,
    body: Option<String>,
    error: Option<String>,
    set_aside_at: Option<i64>,
}

impl LetterRow {
    fn letter(self) -> Option<DeadLetter> {
        Some(DeadLetter {
            id: self.id?,
            body: self.body?,
            error: self.error?,
            at: Timestamp::from_micros(self.set_aside_at?),
        })
    }
}
