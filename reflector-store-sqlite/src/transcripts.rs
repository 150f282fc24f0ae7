//! The transcripts: found, claimed, listed, and told.

use std::collections::BTreeMap;

use async_trait::async_trait;
use reflector_core::pipeline::Transcript;
use reflector_core::store::document::Document;
use reflector_core::store::{
    ClaimRuns, Committed, LoadedRecording, LoadedTranscript, Page, Paging, RunBeat, RunCommit, StageProgress,
    StoreError, TranscriptStore, Viewer, WhichTranscripts,
};
use reflector_core::{RecordingId, Timestamp, TranscriptId};
use sqlx::{AssertSqlSafe, FromRow, SqliteExecutor, query, query_as, query_scalar};
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::ill;
use crate::recordings::RecordingRow;
use crate::rows::{self, bits, clamped, unsigned};

#[async_trait]
impl TranscriptStore for SqliteStore {
    async fn awaiting(&self, limit: usize) -> Result<Vec<LoadedRecording>, StoreError> {
        let rows: Vec<RecordingRow> =
            query_as(AWAITING).bind(rows::limit(limit)).fetch_all(&self.readers).await.map_err(ill)?;
        rows.into_iter().map(RecordingRow::read).collect()
    }

    async fn begin(
        &self,
        recording: &LoadedRecording,
        transcript: &Transcript,
        over: Option<u64>,
    ) -> Result<Committed, StoreError> {
        self.begin_run(recording, transcript, over).await
    }

    async fn load_transcript(&self, id: TranscriptId) -> Result<Option<LoadedTranscript>, StoreError> {
        self.transcript("SELECT * FROM transcripts WHERE id = ?1", id.0).await
    }

    async fn transcript_of(&self, recording: RecordingId) -> Result<Option<LoadedTranscript>, StoreError> {
        self.transcript("SELECT * FROM transcripts WHERE recording = ?1", recording.0).await
    }

    async fn made(&self, id: TranscriptId) -> Result<BTreeMap<String, String>, StoreError> {
        let made = "SELECT stage, text FROM made WHERE transcript = ?1";
        let made: Vec<(String, String)> =
            query_as(made).bind(id.0).fetch_all(&self.readers).await.map_err(ill)?;
        Ok(made.into_iter().collect())
    }

    async fn claim_runs(&self, claim: ClaimRuns) -> Result<Vec<LoadedTranscript>, StoreError> {
        // Whoever finds nothing need not stand in line with those who write.
        if ready(&claim, &self.readers).await?.is_empty() {
            return Ok(Vec::new());
        }
        let mut write = self.writer.begin().await?;
        let mut claimed = Vec::new();
        for row in ready(&claim, &mut *write).await? {
            let update = "UPDATE transcripts SET version = version + 1, claimed_until = ?2,
                    ready_at = max(coalesce(waits_until, ?2), ?2), progress_done = NULL, progress_of = NULL
                WHERE id = ?1";
            query(update)
                .bind(row.id)
                .bind(claim.until.as_micros())
                .execute(&mut *write)
                .await
                .map_err(ill)?;
            let before = row.read()?;
            let (version, claimed_until) = (before.version + 1, Some(claim.until));
            claimed.push(LoadedTranscript { version, claimed_until, progress: None, ..before });
        }
        write.commit().await?;
        Ok(claimed)
    }

    async fn beat_run(&self, beat: RunBeat) -> Result<bool, StoreError> {
        // A run that is over does not become ready by it.
        let update = "UPDATE transcripts SET claimed_until = ?3,
                ready_at = iif(ready_at IS NULL, NULL, max(coalesce(waits_until, ?3), ?3)),
                progress_done = ?4, progress_of = ?5
            WHERE id = ?1 AND version = ?2 AND claimed_until IS NOT NULL";
        let query = query(update)
            .bind(beat.id.0)
            .bind(bits(beat.version))
            .bind(beat.until.as_micros())
            .bind(beat.progress.map(|progress| bits(progress.done)))
            .bind(beat.progress.map(|progress| bits(progress.of)));
        Ok(self.writer.run(query).await? > 0)
    }

    async fn commit_run(&self, commit: RunCommit) -> Result<Committed, StoreError> {
        self.commit_change(commit).await
    }

    async fn next_run(&self) -> Result<Option<Timestamp>, StoreError> {
        let next: Option<i64> = query_scalar(NEXT).fetch_one(&self.readers).await.map_err(ill)?;
        Ok(next.map(Timestamp::from_micros))
    }

    async fn list_transcripts(
        &self,
        which: &WhichTranscripts,
        paging: Paging,
    ) -> Result<Page<LoadedTranscript>, StoreError> {
        let owner = match &which.viewer {
            Viewer::Operator => None,
            Viewer::User(user) => Some(user.as_str()),
        };
        let rows: Vec<PageRow> = query_as(AssertSqlSafe(listing(which)))
            .bind(clamped(paging.limit))
            .bind(clamped(paging.offset))
            .bind(owner)
            .bind(which.room.map(|room| room.0))
            .fetch_all(&self.readers)
            .await
            .map_err(ill)?;
        rows::page(rows.into_iter().map(|row| (row.total, row.item())).collect(), TranscriptRow::read)
    }

    async fn delete_transcript(&self, id: TranscriptId) -> Result<bool, StoreError> {
        Ok(self.writer.run(query("DELETE FROM transcripts WHERE id = ?1").bind(id.0)).await? > 0)
    }
}

pub(crate) const AWAITING: &str = "SELECT document, version FROM recordings
    WHERE status = 'pending' AND deleted_at IS NULL ORDER BY received_at, id LIMIT ?1";

pub(crate) const NEXT: &str = "SELECT min(ready_at) FROM transcripts WHERE ready_at IS NOT NULL";

pub(crate) const READY: &str =
    "SELECT * FROM transcripts WHERE ready_at <= ?1 ORDER BY ready_at, id LIMIT ?2";

const READY_OF_ONE: &str = "SELECT * FROM transcripts WHERE id = ?3 AND ready_at <= ?1 LIMIT ?2";

/// The statement for a listing. What it does not ask for is not in it, so that each finds its index.
pub(crate) fn listing(which: &WhichTranscripts) -> String {
    let owner = match which.viewer {
        Viewer::Operator => "",
        Viewer::User(_) => "AND room_id IN (SELECT id FROM rooms WHERE owner = ?3 AND deleted_at IS NULL)",
    };
    let room = if which.room.is_some() { "AND room_id = ?4" } else { "" };
    let unfinished = if which.unfinished { "AND ready_at IS NOT NULL" } else { "" };
    let seen = format!("FROM transcripts WHERE true {owner} {room} {unfinished}");
    format!(
        "SELECT (SELECT count(*) {seen}) AS total, page.*
        FROM (SELECT 1) LEFT JOIN (
            SELECT * {seen} ORDER BY created_at DESC, id DESC LIMIT ?1 OFFSET ?2
        ) page ON true
        ORDER BY page.created_at DESC, page.id DESC"
    )
}

impl SqliteStore {
    async fn transcript(&self, sql: &'static str, id: Uuid) -> Result<Option<LoadedTranscript>, StoreError> {
        let row: Option<TranscriptRow> =
            query_as(sql).bind(id).fetch_optional(&self.readers).await.map_err(ill)?;
        row.map(TranscriptRow::read).transpose()
    }
}

/// The runs that are ready, the longest-waiting first.
async fn ready(
    claim: &ClaimRuns,
    connection: impl SqliteExecutor<'_>,
) -> Result<Vec<TranscriptRow>, StoreError> {
    query_as(if claim.only.is_some() { READY_OF_ONE } else { READY })
        .bind(claim.now.as_micros())
        .bind(rows::limit(claim.limit))
        .bind(claim.only.map(|id| id.0))
        .fetch_all(connection)
        .await
        .map_err(ill)
}

#[derive(FromRow)]
struct TranscriptRow {
    id: Uuid,
    version: i64,
    claimed_until: Option<i64>,
    progress_done: Option<i64>,
    progress_of: Option<i64>,
    document: String,
}

impl TranscriptRow {
    fn read(self) -> Result<LoadedTranscript, StoreError> {
        let progress = self.progress_done.zip(self.progress_of);
        Ok(LoadedTranscript {
            transcript: Transcript::from_document(&self.document)?,
            version: unsigned(self.version),
            claimed_until: self.claimed_until.map(Timestamp::from_micros),
            progress: progress.map(|(done, of)| StageProgress { done: unsigned(done), of: unsigned(of) }),
        })
    }
}

#[derive(FromRow)]
struct PageRow {
    total: i64,
    id: Option<Uuid>,
    version: Option<i64>,
    claimed_until: Option<i64>,
    progress_done: Option<i64>,
    progress_of: Option<i64>,
    document: Option<String>,
}

impl PageRow {
    fn item(self) -> Option<TranscriptRow> {
        Some(TranscriptRow {
            id: self.id?,
            version: self.version?,
            claimed_until: self.claimed_until,
            progress_done: self.progress_done,
            progress_of: self.progress_of,
            document: self.document?,
        })
    }
}
