//! The writes of a run: beginning it, and what comes of its stages. They stand in the line of commits.

use async_trait::async_trait;
use reflector_core::pipeline::{RunState, Transcript};
use reflector_core::recording::{Recording, RecordingStatus};
use reflector_core::store::document::Document;
use reflector_core::store::{Committed, LoadedRecording, RunCommit, StoreError, first_version};
use reflector_core::{RecordingId, TranscriptId};
use sqlx::sqlite::SqliteConnection;
use sqlx::{query, query_as};
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::ill;
use crate::line::Work;
use crate::notices::owe;
use crate::recordings::{change_recording, load_recording};
use crate::rows::{bits, micros};

impl SqliteStore {
    pub(crate) async fn begin_run(
        &self,
        recording: &LoadedRecording,
        transcript: &Transcript,
        over: Option<u64>,
    ) -> Result<Committed, StoreError> {
        let (recording, transcript) = (recording.clone(), transcript.clone());
        let document = transcript.to_document()?;
        self.line.write(Beginning { recording, transcript, over, document }).await
    }

    pub(crate) async fn commit_change(&self, commit: RunCommit) -> Result<Committed, StoreError> {
        let document = commit.transcript.to_document()?;
        self.line.write(Change { commit, document }).await
    }
}

/// A run that begins, with its transcript written out.
struct Beginning {
    recording: LoadedRecording,
    transcript: Transcript,
    /// The version of the transcript whose place it takes.
    over: Option<u64>,
    document: String,
}

#[async_trait]
impl Work for Beginning {
    type Answer = Committed;

    async fn write(&self, write: &mut SqliteConnection) -> Result<Committed, StoreError> {
        let LoadedRecording { recording, version } = &self.recording;
        let before = load_recording(&mut *write, recording.id).await?;
        let Some(before) = before.filter(|before| before.version == *version) else {
            return Ok(Committed::Conflict);
        };
        let known: Option<(Uuid, i64)> = query_as("SELECT id, version FROM transcripts WHERE recording = ?1")
            .bind(recording.id.0)
            .fetch_optional(&mut *write)
            .await
            .map_err(ill)?;
        if known != self.over.map(|over| (self.transcript.id.0, over.cast_signed())) {
            return Ok(Committed::Conflict);
        }
        let recording = before.recording.changed_to(recording);
        change_recording(*version, &recording)?.execute(&mut *write).await.map_err(ill)?;
        self.put(write).await?;
        Ok(Committed::Stored)
    }
}

impl Beginning {
    /// Writes the transcript, without anything that was made for it before.
    async fn put(&self, write: &mut SqliteConnection) -> Result<(), StoreError> {
        let Self { recording, transcript, document, .. } = self;
        query("DELETE FROM made WHERE transcript = ?1")
            .bind(transcript.id.0)
            .execute(&mut *write)
            .await
            .map_err(ill)?;
        let insert = "INSERT INTO transcripts
                (id, recording, room_id, version, created_at, ready_at, waits_until, document)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (id) DO UPDATE SET recording = ?2, room_id = ?3, version = version + 1, created_at = ?5,
                ready_at = ?6, waits_until = ?7, claimed_until = NULL, progress_done = NULL, progress_of = NULL,
                document = ?8";
        query(insert)
            .bind(transcript.id.0)
            .bind(recording.recording.id.0)
            .bind(transcript.belongs_to.room.0)
            .bind(bits(first_version(recording)))
            .bind(transcript.created_at.as_micros())
            .bind(micros(transcript.run.ready_at(None)))
            .bind(waits_until(transcript))
            .bind(document)
            .execute(write)
            .await
            .map_err(ill)?;
        Ok(())
    }
}

/// A change of a run, with its transcript written out.
struct Change {
    commit: RunCommit,
    document: String,
}

#[async_trait]
impl Work for Change {
    type Answer = Committed;

    async fn write(&self, write: &mut SqliteConnection) -> Result<Committed, StoreError> {
        if !self.put(write).await? {
            return Ok(Committed::Conflict);
        }
        let RunCommit { transcript, made, dropped, recording, notices, .. } = &self.commit;
        if let Some((status, error)) = recording {
            tell_recording(write, transcript.recording, *status, error).await?;
        }
        keep(write, transcript.id, made.as_ref(), dropped).await?;
        owe(write, notices).await?;
        Ok(Committed::Stored)
    }
}

impl Change {
    /// Writes the transcript over the version that it was read in. `false` if there is another one by now.
    async fn put(&self, write: &mut SqliteConnection) -> Result<bool, StoreError> {
        let Self { commit: RunCommit { expected, transcript, claimed_until, .. }, document } = self;
        let update =
            "UPDATE transcripts SET version = version + 1, room_id = ?3, created_at = ?4, ready_at = ?5,
                waits_until = ?6, claimed_until = ?7, progress_done = NULL, progress_of = NULL, document = ?8
            WHERE id = ?1 AND version = ?2";
        let updated = query(update)
            .bind(transcript.id.0)
            .bind(bits(*expected))
            .bind(transcript.belongs_to.room.0)
            .bind(transcript.created_at.as_micros())
            .bind(micros(transcript.run.ready_at(*claimed_until)))
            .bind(waits_until(transcript))
            .bind(micros(*claimed_until))
            .bind(document)
            .execute(write)
            .await
            .map_err(ill)?;
        Ok(updated.rows_affected() > 0)
    }
}

/// Before when the run of a transcript cannot be claimed, in whoever's hands it is.
fn waits_until(transcript: &Transcript) -> Option<i64> {
    match transcript.run.state {
        RunState::Waiting { ready_at } => Some(ready_at.as_micros()),
        RunState::Working { .. } | RunState::Done { .. } | RunState::Failed { .. } => None,
    }
}

/// Says how a recording stands, if it was not deleted and does not wait for another run.
async fn tell_recording(
    write: &mut SqliteConnection,
    id: RecordingId,
    status: RecordingStatus,
    error: &Option<String>,
) -> Result<(), StoreError> {
    let Some(LoadedRecording { recording, version }) = load_recording(&mut *write, id).await? else {
        return Ok(());
    };
    if recording.status != RecordingStatus::Pending {
        let recording = Recording { status, error: error.clone(), ..recording };
        change_recording(version, &recording)?.execute(write).await.map_err(ill)?;
    }
    Ok(())
}

/// Drops what these stages made, and keeps what this one did.
async fn keep(
    write: &mut SqliteConnection,
    transcript: TranscriptId,
    made: Option<&(String, String)>,
    dropped: &[String],
) -> Result<(), StoreError> {
    for stage in dropped {
        let delete = "DELETE FROM made WHERE transcript = ?1 AND stage = ?2";
        query(delete).bind(transcript.0).bind(stage).execute(&mut *write).await.map_err(ill)?;
    }
    if let Some((stage, text)) = made {
        let insert = "INSERT OR REPLACE INTO made (transcript, stage, text) VALUES (?1, ?2, ?3)";
        query(insert).bind(transcript.0).bind(stage).bind(text).execute(write).await.map_err(ill)?;
    }
    Ok(())
}
