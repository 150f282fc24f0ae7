//! Deadlines: what is due is woken, and what was computed under another policy is computed anew.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Applied, Engine, EngineError, Input};
use crate::ids::{MeetingId, ProviderName};
use crate::lifecycle::{Event, Hearing};
use crate::store::{Commit, Committed, DueClaim, Source, StoreError};
use crate::time::Timestamp;

/// How many meetings one sweep takes at the most: the next one takes the rest.
const BATCH: usize = 256;
/// For how long a due meeting is kept from other servers.
const CLAIM: Duration = Duration::from_secs(5);

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    /// How many meetings were due.
    pub due: usize,
    /// How many of them changed.
    pub changed: usize,
    /// How long after their deadlines those that changed were woken.
    pub late: Vec<Duration>,
    /// Those that could not be woken; they stay due, and did not stop the others.
    pub failed: Vec<Failure>,
    /// The invariants that were violated: always none.
    pub violated: Vec<&'static str>,
}

/// A meeting that something could not be done for.
#[derive(Debug)]
pub struct Failure {
    /// Which.
    pub meeting: MeetingId,
    /// Why.
    pub error: EngineError,
}

impl Engine {
    /// Wakes the meetings whose deadline has come, up to a batch of them.
    ///
    /// # Errors
    ///
    /// Only when nothing could be read at all; what fails for one meeting is in the report.
    pub async fn sweep_once(&self, now: Timestamp) -> Result<Swept, EngineError> {
        let due = self.store.due(DueClaim { now, until: now + CLAIM, limit: BATCH }).await?;
        let mut swept = Swept { due: due.len(), ..Swept::default() };
        if due.is_empty() {
            return Ok(swept);
        }
        let hearing = self.hearing_of_all(now).await?;
        for id in due {
            match self.wake(id, &hearing, now).await {
                Ok(Applied::Taken { ignored, violated, due_at, .. }) => {
                    if ignored.is_none() {
                        swept.changed += 1;
                        swept.late.extend(due_at.map(|at| now.since(at)));
                    }
                    swept.violated.extend(violated);
                }
                Ok(Applied::Duplicate | Applied::NoSuchMeeting) => {}
                Err(error) => swept.failed.push(Failure { meeting: id, error }),
            }
        }
        Ok(swept)
    }

    async fn wake(
        &self,
        id: MeetingId,
        hearing: &BTreeMap<ProviderName, Hearing>,
        now: Timestamp,
    ) -> Result<Applied, EngineError> {
        self.apply_with(id, None, now, |loaded| {
            let hearing = hearing.get(&loaded.meeting.provider).copied().unwrap_or(Hearing::Deaf);
            Input::of(Event::DeadlineReached { hearing }, Source::Deadline)
        })
        .await
    }

    /// What silence is worth now, of those of which it is worth anything: of none while closes are on hold.
    async fn hearing_of_all(&self, now: Timestamp) -> Result<BTreeMap<ProviderName, Hearing>, StoreError> {
        let mut hearing = BTreeMap::new();
        if self.store.held_since().await?.is_some() {
            return Ok(hearing);
        }
        for name in self.providers.keys() {
            hearing.insert(name.clone(), self.hearing(name, now).await?);
        }
        Ok(hearing)
    }

    /// Computes anew the deadlines that were computed under another policy, a batch at a time, and says how many
    /// (rule L17). Call it at start-up until it answers 0, and now and then while running.
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`] when the store is ill; what was computed stays.
    pub async fn refit_once(&self) -> Result<usize, EngineError> {
        let outdated = self.store.outdated(self.fingerprint, BATCH).await?;
        let mut refitted = 0;
        for id in outdated {
            let Some(loaded) = self.store.load(id).await? else { continue };
            let due = self.due_row(&loaded.meeting.life, &self.policy_of(&loaded));
            let commit = Commit {
                expected: loaded.version,
                meeting: loaded.meeting,
                due,
                effects: Vec::new(),
                superseded: Vec::new(),
                delivery: None,
                notices: Vec::new(),
                entries: Vec::new(),
            };
            // Whoever was faster has computed it anew as well, or the next round does.
            refitted += usize::from(self.store.commit(commit).await? == Committed::Stored);
        }
        Ok(refitted)
    }

    /// The earliest instant at which a sweep or a dispatch will have something to do.
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`] when the store is ill.
    pub async fn next_wake(&self) -> Result<Option<Timestamp>, EngineError> {
        let due = self.store.next_due().await?;
        let owed = self.store.next_owed().await?;
        Ok(match (due, owed) {
            (Some(due), Some(owed)) => Some(due.min(owed)),
            (due, owed) => due.or(owed),
        })
    }
}
