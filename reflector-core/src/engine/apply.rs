//! The one way in: load, step, commit, and again if somebody else was faster.

use std::sync::Arc;

use super::{Engine, EngineError};
use crate::ids::MeetingId;
use crate::lifecycle::invariants::{Transition, violated};
use crate::lifecycle::{EffectKind, Event, Ignored, Life, Outcome, Phase, Policy, deadline, step};
use crate::meeting::{Meeting, ProviderRoom};
use crate::notice::{MeetingChange, of_meeting, owed_by_meeting};
use crate::store::{Commit, Committed, DueRow, EffectId, Entry, Loaded, OwedEffect, Source, TakenDelivery};
use crate::time::Timestamp;

/// How often a commit is tried again from a fresh read before giving up.
const TRIES: usize = 64;

/// Something that happened to a meeting, and where from.
#[derive(Clone, Debug)]
pub struct Input {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Where it came from.
    pub source: Source,
    /// The message it came in.
    pub delivery: Option<TakenDelivery>,
    /// The room that a provider made, with [`Event::RoomOpened`].
    pub room: Option<ProviderRoom>,
}

impl Input {
    /// One event.
    pub fn of(event: Event, source: Source) -> Self {
        Self { events: vec![event], source, delivery: None, room: None }
    }
}

/// What came of an input.
#[derive(Clone, Debug)]
pub enum Applied {
    /// It was taken in.
    Taken {
        /// The meeting after it.
        meeting: Arc<Meeting>,
        /// Why the last of its events changed nothing, if so.
        ignored: Option<Ignored>,
        /// The invariants that it violated: always none.
        violated: Vec<&'static str>,
        /// When it was due, if a deadline of it was reached.
        due_at: Option<Timestamp>,
    },
    /// Its message was taken in before.
    Duplicate,
    /// There is no such meeting.
    NoSuchMeeting,
}

impl Engine {
    /// Takes in what happened to a meeting: the one function that all inputs go through.
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`] when the store is ill: whether the input was taken in is not known then, and taking it
    /// in again is safe.
    pub async fn apply(&self, id: MeetingId, input: &Input, now: Timestamp) -> Result<Applied, EngineError> {
        self.apply_with(id, None, now, |_| input.clone()).await
    }

    /// Like [`apply`](Self::apply), for inputs that depend on the meeting as it stands; it may be read already.
    pub(super) async fn apply_with(
        &self,
        id: MeetingId,
        mut read: Option<Loaded>,
        now: Timestamp,
        input: impl Fn(&Loaded) -> Input + Send + Sync,
    ) -> Result<Applied, EngineError> {
        for _ in 0..TRIES {
            let loaded = match read.take() {
                Some(loaded) => loaded,
                None => match self.store.load(id).await? {
                    Some(loaded) => loaded,
                    None => return Ok(Applied::NoSuchMeeting),
                },
            };
            let policy = self.policy_of(&loaded);
            let input = input(&loaded);
            let version = loaded.version;
            let mut told = Told::of(loaded.meeting, input, now, &policy);
            if !told.needs_commit {
                return Ok(told.applied());
            }
            let commit = told.commit(version, self.due_row(&told.meeting.life, &policy), now);
            match self.store.commit(commit).await? {
                Committed::Stored => return Ok(told.applied()),
                Committed::Duplicate => return Ok(Applied::Duplicate),
                Committed::Conflict => {}
            }
        }
        Err(EngineError::Contended(id))
    }

    /// The row of the deadline index for a life. An open meeting that waits for nothing, because the deployment only
    /// observes, keeps a row as well: a changed policy finds it by that.
    pub(super) fn due_row(&self, life: &Life, policy: &Policy) -> Option<DueRow> {
        let fingerprint = self.fingerprint;
        let at = deadline(life, policy).map(|due| due.at);
        at.or((!life.phase.is_closed()).then_some(Timestamp::MAX)).map(|at| DueRow { at, fingerprint })
    }
}

/// Owed work, named after the commit that owes it.
pub(super) fn owed(
    meeting: MeetingId,
    version: u64,
    effects: Vec<crate::lifecycle::Effect>,
    now: Timestamp,
) -> Vec<OwedEffect> {
    (0_u16..)
        .zip(effects)
        .map(|(index, effect)| OwedEffect { id: EffectId { meeting, version, index }, effect, owed_at: now })
        .collect()
}

/// An input told to a meeting, event by event.
struct Told {
    before: Phase,
    generation_before: u16,
    meeting: Meeting,
    effects: Vec<crate::lifecycle::Effect>,
    /// What its room's owner is to be told, in order.
    notices: Vec<(&'static str, serde_json::Value)>,
    entries: Vec<Entry>,
    delivery: Option<TakenDelivery>,
    ignored: Option<Ignored>,
    violated: Vec<&'static str>,
    due_at: Option<Timestamp>,
    needs_commit: bool,
}

impl Told {
    fn of(meeting: Meeting, input: Input, now: Timestamp, policy: &Policy) -> Self {
        let mut told = Self {
            before: meeting.life.phase,
            generation_before: meeting.life.generation,
            meeting,
            effects: Vec::new(),
            notices: Vec::new(),
            entries: Vec::new(),
            needs_commit: input.delivery.is_some(),
            delivery: input.delivery,
            ignored: None,
            violated: Vec::new(),
            due_at: None,
        };
        for event in input.events {
            told.tell(event, input.source, now, policy);
        }
        told.keep_room(input.room);
        told.meeting.release_claim();
        told
    }

    fn tell(&mut self, event: Event, source: Source, now: Timestamp, policy: &Policy) {
        let life = &self.meeting.life;
        let due = match event {
            Event::DeadlineReached { .. } => deadline(life, policy),
            _ => None,
        };
        self.ignored = match step(life, &event, now, policy) {
            Outcome::Ignored(ignored) => Some(ignored),
            Outcome::Changed(change) => {
                let transition = Transition {
                    before: life,
                    event: &event,
                    now,
                    policy,
                    after: &change.life,
                    effects: &change.effects,
                };
                self.violated.extend(violated(&transition));
                let before = std::mem::replace(&mut self.meeting.life, change.life).phase;
                self.notices.extend(of_meeting(&MeetingChange {
                    before: &before,
                    after: &self.meeting,
                    effects: &change.effects,
                    policy,
                    at: event.happened_at(now),
                }));
                self.effects.extend(change.effects);
                None
            }
        };
        self.due_at = due.map(|due| due.at);
        self.needs_commit |= match self.ignored {
            // Somebody who is expected already asks again: nothing to keep (rule L6).
            Some(Ignored::LeaseFresh) => return,
            // The index woke a meeting that is not due: only the index is put right.
            Some(Ignored::NotDue) => {
                self.needs_commit = true;
                return;
            }
            _ => true,
        };
        self.entries.push(Entry {
            seq: 0,
            at: event.happened_at(now),
            recorded_at: now,
            source,
            event,
            delivery_id: self.delivery.as_ref().map(|delivery| delivery.key.id.clone()),
            ignored: self.ignored,
            wake: due.map(|due| due.why).filter(|_| self.ignored.is_none()),
            phase: self.meeting.life.phase,
            policy: *policy,
        });
    }

    /// Keeps what the provider said of its room, and forgets it when another one is asked for. An answer that comes
    /// late is of a room that was made before, and may be gone.
    fn keep_room(&mut self, room: Option<ProviderRoom>) {
        if self.meeting.life.generation != self.generation_before {
            self.meeting.room = None;
        } else if room.is_some() && self.before.is_opening() && self.meeting.life.phase.is_active() {
            self.meeting.room = room;
        }
    }

    /// What is to be written. It takes what is owed and noted along: after a conflict all is told anew.
    fn commit(&mut self, expected: u64, due: Option<DueRow>, now: Timestamp) -> Commit {
        let superseded = self.superseded();
        let told = std::mem::take(&mut self.notices).into_iter().enumerate();
        let owe = |(number, told)| owed_by_meeting(&self.meeting, (expected + 1, number), told, now);
        let notices = told.map(owe).collect();
        Commit {
            expected,
            meeting: self.meeting.clone(),
            due,
            effects: owed(self.meeting.id, expected + 1, std::mem::take(&mut self.effects), now),
            superseded,
            delivery: self.delivery.take(),
            notices,
            entries: std::mem::take(&mut self.entries),
        }
    }

    /// What was owed for the phase before and is not for the phase after (rule L14), or is owed anew.
    fn superseded(&self) -> Vec<EffectKind> {
        let after = &self.meeting.life.phase;
        let anew = |kind| self.effects.iter().any(|effect| effect.kind() == kind);
        let closing = |phase: &Phase| matches!(phase, Phase::Closing { .. });
        let mut kinds = Vec::new();
        let another_room = self.meeting.life.generation != self.generation_before;
        // A room that was made is still looked after once: messages may have been kept for it.
        if self.before.is_opening() && (another_room || !(after.is_opening() || after.is_active())) {
            kinds.push(EffectKind::OpenRoom);
        }
        if closing(&self.before) && (!closing(after) || anew(EffectKind::CloseRoom)) {
            kinds.push(EffectKind::CloseRoom);
        }
        if anew(EffectKind::AskPresence) || (self.before.is_active() && !after.is_active()) {
            kinds.push(EffectKind::AskPresence);
        }
        kinds
    }

    fn applied(self) -> Applied {
        let Self { ignored, violated, due_at, .. } = self;
        Applied::Taken { meeting: Arc::new(self.meeting), ignored, violated, due_at }
    }
}
