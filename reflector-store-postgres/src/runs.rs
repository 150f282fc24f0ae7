//! The writes of a run: each is one statement, and so one transaction, after a look at its recording where that changes.

use reflector_core::pipeline::{RunState, Transcript};
use reflector_core::recording::{Recording, RecordingStatus};
use reflector_core::store::document::Document;
use reflector_core::store::{
    Committed, LoadedRecording, RecordingStore, RunCommit, StoreError, first_version,
};
use reflector_core::{RecordingId, Timestamp};

use crate::PostgresStore;
use crate::key::{escaped, key};
use crate::line::Question;
use crate::notices::bind_notices;
use crate::rows::column;
use crate::statements::{BEGIN_RUN, COMMIT_RUN};

/// How often a run is written whose recording, or whose transcript, somebody else writes whenever it is tried.
const TRIES: usize = 10;

impl PostgresStore {
    pub(crate) async fn begin_run(
        &self,
        recording: &LoadedRecording,
        transcript: &Transcript,
        over: Option<u64>,
    ) -> Result<Committed, StoreError> {
        let first_version = first_version(recording);
        let LoadedRecording { recording, version } = recording;
        // What stays as it is stands in the document alone, as it came.
        let before = self.load_recording(recording.id).await?;
        let Some(before) = before.filter(|before| before.version == *version) else {
            return Ok(Committed::Conflict);
        };
        let recording = before.recording.changed_to(recording);
        let question = sqlx::query(BEGIN_RUN)
            .bind(recording.id.0)
            .bind(version.cast_signed())
            .bind(recording.belongs_to.map(|belongs| belongs.room.0))
            .bind(recording.status.as_str())
            .bind(recording.to_document()?)
            .bind(transcript.id.0)
            .bind(transcript.belongs_to.room.0)
            .bind(first_version.cast_signed())
            .bind(transcript.created_at.as_micros())
            .bind(transcript.run.ready_at(None).map(Timestamp::as_micros))
            .bind(waits_until(transcript))
            .bind(transcript.to_document()?)
            .bind(over.map(u64::cast_signed));
        let is_stored = column(&self.one(question).await?, "stored")?;
        Ok(if is_stored { Committed::Stored } else { Committed::Conflict })
    }

    pub(crate) async fn commit_change(&self, commit: &RunCommit) -> Result<Committed, StoreError> {
        for _ in 0..TRIES {
            let told = match &commit.recording {
                Some((status, error)) => self.tell_recording(&commit.transcript, *status, error).await?,
                None => None,
            };
            let question = bind_told(bind_change(commit)?, told.as_ref());
            let row = self.one(bind_notices(question, &commit.notices)).await?;
            if column(&row, "stored")? {
                return Ok(Committed::Stored);
            }
            if !column::<bool>(&row, "held")? {
                return Ok(Committed::Conflict);
            }
        }
        Err(StoreError::Unavailable("the recording of a run changes too quickly to be told of it".into()))
    }

    /// How the recording of a run stands after a commit; nothing if it was deleted.
    async fn tell_recording(
        &self,
        transcript: &Transcript,
        status: RecordingStatus,
        error: &Option<String>,
    ) -> Result<Option<Told>, StoreError> {
        let Some(LoadedRecording { recording, version }) = self.load_recording(transcript.recording).await?
        else {
            return Ok(None);
        };
        let id = recording.id;
        // One that waits for another run goes on waiting.
        let waits = recording.status == RecordingStatus::Pending;
        let recording = Recording { status, error: error.clone(), ..recording };
        let document = if waits { None } else { Some(recording.to_document()?) };
        Ok(Some(Told { id, version, status, document }))
    }
}

/// How a recording stands from now on.
struct Told {
    id: RecordingId,
    /// The version that it was read in.
    version: u64,
    status: RecordingStatus,
    /// The recording after the change; nothing if it stays as it is.
    document: Option<String>,
}

/// Before when the run of a transcript cannot be claimed, in whoever's hands it is.
fn waits_until(transcript: &Transcript) -> Option<i64> {
    match transcript.run.state {
        RunState::Waiting { ready_at } => Some(ready_at.as_micros()),
        RunState::Working { .. } | RunState::Done { .. } | RunState::Failed { .. } => None,
    }
}

fn bind_change(commit: &RunCommit) -> Result<Question<'_>, StoreError> {
    let RunCommit { expected, transcript, claimed_until, made, dropped, .. } = commit;
    let made = made.as_ref();
    Ok(sqlx::query(COMMIT_RUN)
        .bind(transcript.id.0)
        .bind(expected.cast_signed())
        .bind(transcript.belongs_to.room.0)
        .bind(transcript.created_at.as_micros())
        .bind(transcript.run.ready_at(*claimed_until).map(Timestamp::as_micros))
        .bind(waits_until(transcript))
        .bind(claimed_until.map(Timestamp::as_micros))
        .bind(transcript.to_document()?)
        .bind(made.map(|(stage, _)| key(stage)))
        .bind(made.map(|(stage, _)| escaped(stage)))
        .bind(made.map(|(_, text)| escaped(text)))
        .bind(dropped.iter().map(|stage| key(stage)).collect::<Vec<_>>()))
}

fn bind_told<'q>(question: Question<'q>, told: Option<&'q Told>) -> Question<'q> {
    question
        .bind(told.map(|told| told.id.0))
        .bind(told.map(|told| told.version.cast_signed()))
        .bind(told.map(|told| told.status.as_str()))
        .bind(told.and_then(|told| told.document.as_deref()))
}
