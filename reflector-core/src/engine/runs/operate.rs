//! What an operator does with a run: it goes on from a stage, or is done from the beginning (rule S4).

use super::Runs;
use crate::ids::TranscriptId;
use crate::pipeline::{NoSuchStage, RestartAt, Transcript, restart};
use crate::store::{Committed, LoadedTranscript, RunCommit, StoreError};
use crate::time::Timestamp;

/// A run cannot go on as it was asked. The variants are what a caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Name one that is there.
    #[error("there is no transcript {0}")]
    NoSuchTranscript(TranscriptId),
    /// Name one that is there.
    #[error(transparent)]
    NoSuchStage(#[from] NoSuchStage),
    /// Try again later.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Runs {
    /// Lets a run go on: what was made before that place is kept, all after it is dropped and done anew. Whoever works
    /// on it at the moment loses it.
    ///
    /// # Errors
    ///
    /// [`RunError`] for what is not there, or when the store is ill.
    pub async fn restart(
        &self,
        id: TranscriptId,
        from: RestartAt<'_>,
        now: Timestamp,
    ) -> Result<Transcript, RunError> {
        loop {
            let loaded = self.store.load_transcript(id).await?.ok_or(RunError::NoSuchTranscript(id))?;
            let LoadedTranscript { transcript, version, .. } = loaded;
            let run = restart(&transcript.run, from, self.pipeline.stages(), now)?;
            let kept =
                |name: &str| run.stages.iter().any(|stage| stage.name == name && stage.status.is_past());
            // Nothing is kept of a stage that the run before does not have.
            let names = transcript.run.stages.iter().map(|stage| &stage.name);
            let dropped = names.filter(|name| !kept(name)).cloned().collect();
            // There may be nothing left to be done.
            let recording = Some((run.recording_status(), None));
            let transcript = Transcript { run, ..transcript };
            let commit = RunCommit {
                expected: version,
                transcript: transcript.clone(),
                claimed_until: None,
                made: None,
                dropped,
                recording,
                notices: Vec::new(),
            };
            if self.store.commit_run(commit).await? == Committed::Stored {
                return Ok(transcript);
            }
        }
    }
}
