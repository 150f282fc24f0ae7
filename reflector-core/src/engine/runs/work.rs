//! One stage of one run, done by whoever claimed it.

use std::collections::BTreeMap;

use super::{LEASE, Runs};
use crate::ids::TranscriptId;
use crate::notice::of_transcript;
use crate::pipeline::{
    Inputs, Made, Outcome, Progress, Run, RunState, StageError, Start, Transcript, advance, give_back, start,
};
use crate::recording::RecordingStatus;
use crate::store::{ClaimRuns, Committed, LoadedTranscript, RunBeat, RunCommit, StageProgress, StoreError};
use crate::time::Timestamp;

/// A run in somebody's hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    loaded: LoadedTranscript,
}

/// What doing a stage came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Worked {
    /// There is a next stage, and the run is still in hand.
    Next(Box<Claimed>),
    /// The run waits, or is over, and is in nobody's hands.
    LetGo(Box<Transcript>),
    /// Somebody else has it by now, or it was begun anew: nothing was kept of what the stage made.
    Lost,
}

impl Claimed {
    /// The transcript whose run it is.
    pub fn transcript(&self) -> &Transcript {
        &self.loaded.transcript
    }

    /// The name of the stage that is next.
    pub fn stage(&self) -> Option<&str> {
        self.transcript().run.current().map(|stage| stage.name.as_str())
    }
}

impl Runs {
    /// Claims runs that are ready, or the one of a transcript.
    ///
    /// # Errors
    ///
    /// When the store is ill.
    pub async fn claim(
        &self,
        only: Option<TranscriptId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        let claim = ClaimRuns { now, until: now + LEASE, limit, only };
        Ok(self.store.claim_runs(claim).await?.into_iter().map(|loaded| Claimed { loaded }).collect())
    }

    /// A sign of life of whoever works on a run. `false` when it is lost: drop the stage then.
    ///
    /// # Errors
    ///
    /// When the store is ill: go on, and beat again soon.
    pub async fn beat(
        &self,
        claimed: &Claimed,
        progress: Option<StageProgress>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let LoadedTranscript { transcript, version, .. } = &claimed.loaded;
        let beat = RunBeat { id: transcript.id, version: *version, until: now + LEASE, progress };
        self.store.beat_run(beat).await
    }

    /// Gives a run back whose stage was started and not done: it does not count as an attempt, and whoever is next
    /// may take it at once.
    ///
    /// # Errors
    ///
    /// When the store is ill: the claim runs out.
    pub async fn give_back(&self, started: Claimed, now: Timestamp) -> Result<Worked, StoreError> {
        let run = give_back(&started.transcript().run, now);
        self.finish(self.commit(&started, run, None, now)).await
    }

    /// Starts the next stage of a claimed run: from then on it counts as an attempt. Nothing if there was none to
    /// start, or the run is lost.
    ///
    /// # Errors
    ///
    /// When the store is ill.
    pub async fn start_stage(
        &self,
        claimed: Claimed,
        now: Timestamp,
    ) -> Result<Result<Claimed, Worked>, StoreError> {
        let before = claimed.transcript();
        match start(&before.run, now, &self.retry) {
            Start::Stage(run, _) => {
                let commit = self.commit(&claimed, run, Some(now + LEASE), now);
                Ok(self.keep(commit).await?.ok_or(Worked::Lost))
            }
            Start::Exhausted(run) => Ok(Err(self.finish(self.commit(&claimed, run, None, now)).await?)),
            Start::Nothing => {
                let run = before.run.clone();
                Ok(Err(self.finish(self.commit(&claimed, run, None, now)).await?))
            }
        }
    }

    /// Does the stage that was started. It may be dropped at any await: whoever claims the run next does it again.
    ///
    /// # Errors
    ///
    /// When the store does not give what earlier stages made.
    pub async fn work_stage(
        &self,
        started: &Claimed,
        progress: &dyn Progress,
    ) -> Result<Result<Made, StageError>, StoreError> {
        let transcript = started.transcript();
        let Some(stage) = started.stage() else {
            return Ok(Err(StageError::failed("there is no stage to be done")));
        };
        // While an older program runs beside a newer one, the newer one may take it up.
        if !self.pipeline.stages().contains(&stage) {
            return Ok(Err(StageError::again(format!(
                "this program has no stage {stage}: let another one go on with it, or begin the run anew"
            ))));
        }
        let mut made = BTreeMap::new();
        for (name, text) in self.store.made(transcript.id).await? {
            match serde_json::from_str(&text) {
                Ok(value) => made.insert(name, value),
                Err(error) => {
                    return Ok(Err(StageError::failed(format!(
                        "what the stage {name} made cannot be read ({error}): do it again from there"
                    ))));
                }
            };
        }
        Ok(self.pipeline.work(stage, Inputs { transcript, made: &made, progress }).await)
    }

    /// Keeps what came of the stage.
    ///
    /// # Errors
    ///
    /// When the store is ill: try the same again; once it was kept, it answers [`Worked::Lost`].
    pub async fn finish_stage(
        &self,
        started: Claimed,
        came_to: &Result<Made, StageError>,
        now: Timestamp,
    ) -> Result<Worked, StoreError> {
        let mut dropped = Vec::new();
        let (outcome, made) = match came_to {
            Ok(Made::Output(value)) => (Outcome::Done, Some(value.to_string())),
            Ok(Made::Erasing { output, erased }) => {
                dropped.clone_from(erased);
                (Outcome::Done, Some(output.to_string()))
            }
            Ok(Made::Skipped(why)) => (Outcome::Skipped(why.clone()), None),
            Err(StageError::Again { reason, after }) => {
                (Outcome::Again { reason: reason.clone(), after: *after }, None)
            }
            Err(StageError::Failed(reason)) => (Outcome::Failed(reason.clone()), None),
        };
        let transcript = started.transcript();
        let stage = started.stage().unwrap_or_default().to_owned();
        let seed = crate::ids::fnv1a(transcript.id.0.as_bytes());
        let run = advance(&transcript.run, &outcome, now, &self.retry, seed);
        let goes_on = matches!(run.state, RunState::Waiting { ready_at } if ready_at <= now);
        let mut commit = self.commit(&started, run, goes_on.then_some(now + LEASE), now);
        commit.made = made.map(|made| (stage, made));
        commit.dropped = dropped;
        if goes_on {
            return Ok(self
                .keep(commit)
                .await?
                .map_or(Worked::Lost, |claimed| Worked::Next(Box::new(claimed))));
        }
        self.finish(commit).await
    }

    /// All of one stage: starts it, does it, keeps what came of it. The clock is asked before and after.
    ///
    /// # Errors
    ///
    /// When the store is ill: the claim runs out, and the stage is done again.
    pub async fn work_once(
        &self,
        claimed: Claimed,
        clock: &(dyn Fn() -> Timestamp + Send + Sync),
        progress: &dyn Progress,
    ) -> Result<Worked, StoreError> {
        let started = match self.start_stage(claimed, clock()).await? {
            Ok(started) => started,
            Err(worked) => return Ok(worked),
        };
        let came_to = self.work_stage(&started, progress).await?;
        self.finish_stage(started, &came_to, clock()).await
    }

    /// The run as it is now, with how its recording stands and who is told when it is over.
    fn commit(
        &self,
        from: &Claimed,
        run: Run,
        claimed_until: Option<Timestamp>,
        now: Timestamp,
    ) -> RunCommit {
        let transcript = Transcript { run, ..from.transcript().clone() };
        let (recording, notice) = match transcript.run.state {
            RunState::Done { .. } => (
                Some((RecordingStatus::Completed, None)),
                Some(of_transcript(&transcript, "transcript.completed", None, now)),
            ),
            RunState::Failed { .. } => {
                let why = transcript.run.current().and_then(|stage| {
                    stage.reason.as_ref().map(|reason| format!("{}: {reason}", stage.name))
                });
                let notice = of_transcript(&transcript, "transcript.failed", why.as_deref(), now);
                (Some((RecordingStatus::Failed, why)), Some(notice))
            }
            RunState::Waiting { .. } | RunState::Working { .. } => (None, None),
        };
        RunCommit {
            expected: from.loaded.version,
            transcript,
            claimed_until,
            made: None,
            dropped: Vec::new(),
            recording,
            notices: notice.into_iter().collect(),
        }
    }

    /// Writes, and keeps the run in hand.
    async fn keep(&self, commit: RunCommit) -> Result<Option<Claimed>, StoreError> {
        let transcript = commit.transcript.clone();
        let (version, claimed_until) = (commit.expected + 1, commit.claimed_until);
        let committed = self.store.commit_run(commit).await?;
        Ok((committed == Committed::Stored).then_some(Claimed {
            loaded: LoadedTranscript { transcript, version, claimed_until, progress: None },
        }))
    }

    /// Writes, and lets go of the run.
    async fn finish(&self, commit: RunCommit) -> Result<Worked, StoreError> {
        let transcript = commit.transcript.clone();
        Ok(match self.store.commit_run(commit).await? {
            Committed::Stored => Worked::LetGo(Box::new(transcript)),
            Committed::Conflict | Committed::Duplicate => Worked::Lost,
        })
    }
}
