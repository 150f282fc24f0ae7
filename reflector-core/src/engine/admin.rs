//! What owners, operators and guests ask for.

use super::apply::owed;
use super::{Applied, Engine, EngineError, Input};
use crate::admission;
use crate::ids::{MeetingId, ProviderName, RoomId};
use crate::lifecycle::{Event, Life, Schedule};
use crate::meeting::{Claim, Meeting};
use crate::room::Room;
use crate::store::{Created, Entry, Loaded, NewMeeting, RoomDeleted, Source};
use crate::time::Timestamp;

/// How often a room's meeting is looked for again when others change it meanwhile.
const TRIES: usize = 16;

/// The room's current meeting, found or made.
#[derive(Clone, Debug)]
pub enum CurrentMeeting {
    /// It is this one; somebody is expected in it now. It may still be opening.
    Is(Box<Loaded>),
    /// The room is gone.
    NoSuchRoom,
}

/// A scheduled meeting, found or made.
#[derive(Clone, Debug)]
pub enum ScheduledMeeting {
    /// It was made.
    Made(Box<Loaded>),
    /// The occurrence had an open meeting; the dates were applied to it.
    Was(Applied),
    /// The room is gone.
    NoSuchRoom,
}

/// A meeting to be scheduled.
#[derive(Clone, Debug)]
pub struct NewScheduled {
    /// Its id, from the caller.
    pub id: MeetingId,
    /// Its start.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// Which calendar date it is, if a calendar makes it.
    pub calendar_event_id: Option<String>,
    /// Whatever the calendar says about it.
    pub calendar_metadata: Option<serde_json::Value>,
    /// A grace of its own.
    pub grace: Option<std::time::Duration>,
}

/// What came of deleting a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomRemoval {
    /// It is gone.
    Deleted,
    /// It has open meetings, and their end was not asked for.
    HasOpenMeetings(Vec<MeetingId>),
}

impl Engine {
    /// The room's current meeting (rule L26), made under `new_id` if there is none. Whoever asked is expected in it.
    ///
    /// Any number of callers at once get the same one. A new one is opening: carry out what it owes with
    /// [`dispatch_meeting`](Self::dispatch_meeting), or wait until somebody has.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoSuchProvider`] when a meeting would be made and the room's provider is not configured.
    pub async fn current_meeting(
        &self,
        room: &Room,
        default_provider: &ProviderName,
        new_id: MeetingId,
        now: Timestamp,
    ) -> Result<CurrentMeeting, EngineError> {
        let mut holder = None;
        for _ in 0..TRIES {
            let open = self.store.open_meetings(room.id).await?;
            let current =
                admission::current(open.iter().map(|loaded| &loaded.meeting), now).map(|meeting| meeting.id);
            if let Some(id) = current.or(holder) {
                self.apply(id, &Input::of(Event::JoinRequested, Source::Api), now).await?;
                let gathers = |loaded: &Loaded| {
                    let phase = &loaded.meeting.life.phase;
                    phase.is_opening() || phase.is_active()
                };
                if let Some(loaded) = self.store.load(id).await?.filter(gathers) {
                    return Ok(CurrentMeeting::Is(Box::new(loaded)));
                }
            }
            let schedule = Schedule::from_now(now, &self.settings.policy.of_room(&room.policy));
            let draft =
                Draft { id: new_id, schedule, claim: Some(Claim::Unscheduled), calendar_metadata: None };
            match self.create(room, default_provider, draft, None, now).await? {
                Created::Stored => holder = Some(new_id),
                Created::ClaimTaken(id) => holder = Some(id),
                Created::RoomMissing => return Ok(CurrentMeeting::NoSuchRoom),
            }
        }
        Err(EngineError::Contended(new_id))
    }

    /// Makes a scheduled meeting. For an occurrence that has an open meeting, the dates are applied to that (rule L1).
    ///
    /// # Errors
    ///
    /// [`EngineError::NoSuchProvider`] when the room's provider is not configured.
    pub async fn schedule_meeting(
        &self,
        room: &Room,
        default_provider: &ProviderName,
        new: &NewScheduled,
        now: Timestamp,
    ) -> Result<ScheduledMeeting, EngineError> {
        for _ in 0..TRIES {
            let draft = Draft {
                id: new.id,
                schedule: Schedule::of(new.start, new.end, now),
                claim: new.calendar_event_id.clone().map(Claim::Occurrence),
                calendar_metadata: new.calendar_metadata.clone(),
            };
            match self.create(room, default_provider, draft, new.grace, now).await? {
                Created::RoomMissing => return Ok(ScheduledMeeting::NoSuchRoom),
                Created::Stored => {
                    if let Some(loaded) = self.store.load(new.id).await? {
                        return Ok(ScheduledMeeting::Made(Box::new(loaded)));
                    }
                }
                Created::ClaimTaken(id) => {
                    let moved = Event::Rescheduled { start: Some(new.start), end: Some(new.end) };
                    let applied = self.apply(id, &Input::of(moved, Source::Calendar), now).await?;
                    if let Applied::Taken { meeting, .. } = &applied
                        && meeting.claim.is_some()
                    {
                        return Ok(ScheduledMeeting::Was(applied));
                    }
                }
            }
        }
        Err(EngineError::Contended(new.id))
    }

    /// Deletes a room. With `end`, its open meetings are ended by force first (rule L27).
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`] when the store is ill.
    pub async fn remove_room(
        &self,
        id: RoomId,
        end: bool,
        now: Timestamp,
    ) -> Result<RoomRemoval, EngineError> {
        let mut open = Vec::new();
        for _ in 0..TRIES {
            open = match self.store.delete_room(id, now).await? {
                RoomDeleted::Deleted => return Ok(RoomRemoval::Deleted),
                RoomDeleted::HasOpenMeetings(open) => open,
            };
            if !end {
                break;
            }
            for meeting in &open {
                self.apply(*meeting, &Input::of(Event::EndRequested, Source::Api), now).await?;
            }
        }
        Ok(RoomRemoval::HasOpenMeetings(open))
    }

    async fn create(
        &self,
        room: &Room,
        default_provider: &ProviderName,
        draft: Draft,
        grace: Option<std::time::Duration>,
        now: Timestamp,
    ) -> Result<Created, EngineError> {
        let provider = room.provider.as_ref().unwrap_or(default_provider);
        self.provider(provider)?;
        let policy = self.policy_with(&room.policy, provider);
        let mut begun = Life::begin(draft.schedule, now, &policy);
        begun.life.grace = grace;
        let calendar_event_id = match &draft.claim {
            Some(Claim::Occurrence(occurrence)) => Some(occurrence.clone()),
            _ => None,
        };
        let meeting = Meeting {
            id: draft.id,
            room_id: room.id,
            provider: provider.clone(),
            calendar_event_id,
            claim: draft.claim,
            calendar_metadata: draft.calendar_metadata,
            settings: room.settings,
            room: None,
            life: begun.life,
        };
        let created = Entry {
            seq: 0,
            at: now,
            recorded_at: now,
            source: if meeting.calendar_event_id.is_some() { Source::Calendar } else { Source::Api },
            event: Event::Created { schedule: draft.schedule, grace },
            delivery_id: None,
            ignored: None,
            wake: None,
            phase: meeting.life.phase,
            policy,
        };
        let due = self.due_row(&meeting.life, &policy);
        let effects = owed(meeting.id, 1, begun.effects, now);
        Ok(self.store.create(NewMeeting { meeting, due, effects, entries: vec![created] }).await?)
    }
}

/// A meeting about to be made.
struct Draft {
    id: MeetingId,
    schedule: Schedule,
    claim: Option<Claim>,
    calendar_metadata: Option<serde_json::Value>,
}
