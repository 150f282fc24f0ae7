//! The transcripts: found, claimed, listed, and told.

use std::collections::BTreeMap;

use async_trait::async_trait;
use reflector_core::pipeline::Transcript;
use reflector_core::store::{
    ClaimRuns, Committed, LoadedRecording, LoadedTranscript, Page, Paging, RunBeat, RunCommit, StageProgress,
    StoreError, TranscriptStore, Viewer, WhichTranscripts,
};
use reflector_core::{RecordingId, Timestamp, TranscriptId};
use sqlx::postgres::PgRow;

use crate::PostgresStore;
use crate::key::{escaped, unescaped};
use crate::recordings::loaded_recording;
use crate::rows::{clamped, column, document, instant_or_none, limit, number, page};
use crate::statements::{
    AWAITING, BEAT_RUN, CLAIM_RUNS, DELETE_TRANSCRIPT, LIST_TRANSCRIPTS, LIST_TRANSCRIPTS_OF_OWNER,
    LOAD_TRANSCRIPT, MADE, NEXT_RUN, TRANSCRIPT_OF,
};

#[async_trait]
impl TranscriptStore for PostgresStore {
    async fn awaiting(&self, most: usize) -> Result<Vec<LoadedRecording>, StoreError> {
        let question = sqlx::query(AWAITING).bind(limit(most)).persistent(false);
        self.rows(question).await?.iter().map(loaded_recording).collect()
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
        self.row(sqlx::query(LOAD_TRANSCRIPT).bind(id.0)).await?.as_ref().map(loaded).transpose()
    }

    async fn transcript_of(&self, recording: RecordingId) -> Result<Option<LoadedTranscript>, StoreError> {
        self.row(sqlx::query(TRANSCRIPT_OF).bind(recording.0)).await?.as_ref().map(loaded).transpose()
    }

    async fn made(&self, id: TranscriptId) -> Result<BTreeMap<String, String>, StoreError> {
        let text = |row, name| column(row, name).map(unescaped);
        let made = |row| Ok((text(row, "whole_stage")?, text(row, "text")?));
        self.rows(sqlx::query(MADE).bind(id.0)).await?.iter().map(made).collect()
    }

    async fn claim_runs(&self, claim: ClaimRuns) -> Result<Vec<LoadedTranscript>, StoreError> {
        let question = sqlx::query(CLAIM_RUNS)
            .bind(claim.now.as_micros())
            .bind(claim.until.as_micros())
            .bind(limit(claim.limit))
            .bind(claim.only.map(|id| id.0));
        self.rows(question.persistent(false)).await?.iter().map(loaded).collect()
    }

    async fn beat_run(&self, beat: RunBeat) -> Result<bool, StoreError> {
        let question = sqlx::query(BEAT_RUN)
            .bind(beat.id.0)
            .bind(beat.version.cast_signed())
            .bind(beat.until.as_micros())
            .bind(beat.progress.map(|progress| progress.done.cast_signed()))
            .bind(beat.progress.map(|progress| progress.of.cast_signed()));
        Ok(self.changed(question).await? > 0)
    }

    async fn commit_run(&self, commit: RunCommit) -> Result<Committed, StoreError> {
        self.commit_change(&commit).await
    }

    async fn next_run(&self) -> Result<Option<Timestamp>, StoreError> {
        instant_or_none(&self.one(sqlx::query(NEXT_RUN)).await?, "ready_at")
    }

    async fn list_transcripts(
        &self,
        which: &WhichTranscripts,
        paging: Paging,
    ) -> Result<Page<LoadedTranscript>, StoreError> {
        let (statement, owner) = match &which.viewer {
            Viewer::Operator => (LIST_TRANSCRIPTS, None),
            Viewer::User(user) => (LIST_TRANSCRIPTS_OF_OWNER, Some(escaped(user.as_str()))),
        };
        let mut question = sqlx::query(statement)
            .bind(which.room.map(|room| room.0))
            .bind(which.unfinished)
            .bind(clamped(paging.offset))
            .bind(clamped(paging.limit));
        if let Some(owner) = owner {
            question = question.bind(owner);
        }
        page(&self.rows(question.persistent(false)).await?, loaded_or_none)
    }

    async fn delete_transcript(&self, id: TranscriptId) -> Result<bool, StoreError> {
        Ok(self.changed(sqlx::query(DELETE_TRANSCRIPT).bind(id.0)).await? > 0)
    }
}

fn loaded(row: &PgRow) -> Result<LoadedTranscript, StoreError> {
    let progress = |name| Ok::<_, StoreError>(column::<Option<i64>>(row, name)?.map(i64::cast_unsigned));
    let progress = progress("progress_done")?.zip(progress("progress_of")?);
    Ok(LoadedTranscript {
        transcript: document(row, "document")?,
        version: number(row, "version")?,
        claimed_until: instant_or_none(row, "claimed_until")?,
        progress: progress.map(|(done, of)| StageProgress { done, of }),
    })
}

/// The transcript in a row of a page.
fn loaded_or_none(row: &PgRow) -> Result<Option<LoadedTranscript>, StoreError> {
    let is_there = column::<Option<&str>>(row, "document")?.is_some();
    is_there.then(|| loaded(row)).transpose()
}
