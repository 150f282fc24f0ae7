//! Owed work: claimed, carried out, and what happened is an event again.

use std::time::Duration;

use super::intake::event_of;
use super::{Applied, Engine, EngineError, Input};
use crate::ids::MeetingId;
use crate::lifecycle::{Announcement, Close, CloseMode, Effect, EffectKind, Event, Phase, Presence, Report};
use crate::meeting::Meeting;
use crate::provider::{
    CloseAnswer, Fact, HowToClose, Known, PresenceAnswer, PresenceSource, ProviderError, RoomOrder, RoomRef,
};
use crate::store::{ClaimEffects, ClaimedEffect, Loaded, Settled, Settlement, Source};
use crate::time::{Timestamp, doubled};

/// How much one dispatch takes at the most.
const BATCH: usize = 64;
/// For how long claimed work is kept from other workers: longer than any call to a provider may take.
const CLAIM: Duration = Duration::from_secs(60);
const FIRST_RETRY: Duration = Duration::from_millis(500);
/// An opening has two minutes in all, so it does not wait as long as the rest.
const LONGEST_OPEN_RETRY: Duration = Duration::from_secs(20);
const LONGEST_RETRY: Duration = Duration::from_secs(5 * 60);

/// What came of one piece of owed work.
#[derive(Debug)]
pub struct Carried {
    /// Whose it was.
    pub meeting: MeetingId,
    /// What it was.
    pub kind: EffectKind,
    /// Since when it was owed.
    pub owed_at: Timestamp,
    /// What came of it.
    pub outcome: CarryOutcome,
    /// What the provider said instead of an answer, where that is not asked for again at once: it refused to make
    /// the room, or could not say who is in. Somebody should look.
    pub unanswered: Option<String>,
    /// The invariants that were violated on the way: always none.
    pub violated: Vec<&'static str>,
}

/// What came of one piece of owed work.
#[derive(Debug)]
pub enum CarryOutcome {
    /// It is done, or needs doing no more.
    Done,
    /// It is tried again.
    Retried {
        /// When.
        at: Timestamp,
        /// Why.
        error: String,
    },
    /// Somebody else has it by now.
    Lost,
    /// The store did not let us say what came of it: the claim runs out and it is tried again.
    Unsettled(EngineError),
}

impl Engine {
    /// Carries out owed work whose time has come, one piece after the other, up to a batch of it.
    ///
    /// # Errors
    ///
    /// Only when nothing could be claimed; what fails for one piece is in the report and stops no other.
    pub async fn dispatch_once(&self, now: Timestamp) -> Result<Vec<Carried>, EngineError> {
        self.dispatch(None, now).await
    }

    /// Carries out what one meeting owes.
    ///
    /// # Errors
    ///
    /// Only when nothing could be claimed.
    pub async fn dispatch_meeting(&self, id: MeetingId, now: Timestamp) -> Result<Vec<Carried>, EngineError> {
        self.dispatch(Some(id), now).await
    }

    async fn dispatch(
        &self,
        meeting: Option<MeetingId>,
        now: Timestamp,
    ) -> Result<Vec<Carried>, EngineError> {
        let mut carried = Vec::new();
        for claimed in self.claim_owed(meeting, BATCH, now).await? {
            carried.push(self.carry_out(&claimed, now).await);
        }
        Ok(carried)
    }

    /// Claims owed work for a caller that carries out several pieces side by side.
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`] when the store is ill.
    pub async fn claim_owed(
        &self,
        meeting: Option<MeetingId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<ClaimedEffect>, EngineError> {
        Ok(self.store.claim(ClaimEffects { now, until: now + CLAIM, limit, meeting }).await?)
    }

    /// Carries out claimed work and settles it.
    pub async fn carry_out(&self, claimed: &ClaimedEffect, now: Timestamp) -> Carried {
        let mut noted = Noted::default();
        let outcome = match self.act(claimed, now, &mut noted).await {
            Ok(()) => self.settle(claimed, Settlement::Done, now).await,
            Err(Trouble::Again { after, error }) => {
                let at = now + after.unwrap_or_default().max(back_off(claimed));
                self.settle(claimed, Settlement::Retry { at, error }, now).await
            }
            Err(Trouble::Engine(error)) => CarryOutcome::Unsettled(error),
        };
        let (meeting, kind) = (claimed.id.meeting, claimed.effect.kind());
        let Noted { violated, unanswered } = noted;
        Carried { meeting, kind, owed_at: claimed.owed_at, outcome, unanswered, violated }
    }

    async fn settle(&self, claimed: &ClaimedEffect, settlement: Settlement, now: Timestamp) -> CarryOutcome {
        let outcome = match &settlement {
            Settlement::Done => CarryOutcome::Done,
            Settlement::Retry { at, error } => CarryOutcome::Retried { at: *at, error: error.clone() },
        };
        match self.store.settle(claimed, settlement, now).await {
            Ok(Settled::Settled) => outcome,
            // What was superseded by its own outcome is done all the same.
            Ok(Settled::Lost) if matches!(outcome, CarryOutcome::Done) => outcome,
            Ok(Settled::Lost) => CarryOutcome::Lost,
            Err(error) => CarryOutcome::Unsettled(error.into()),
        }
    }

    /// Does it, if the meeting as it stands right before the call still owes it (rule L14).
    async fn act(&self, claimed: &ClaimedEffect, now: Timestamp, noted: &mut Noted) -> Result<(), Trouble> {
        let Some(loaded) = self.store.load(claimed.id.meeting).await? else { return Ok(()) };
        let inputs = match &claimed.effect {
            Effect::OpenRoom { generation, expires_at } => {
                self.open_room(&loaded, claimed, *generation, *expires_at, now, noted).await?
            }
            Effect::CloseRoom { generation } => self.close_room(&loaded.meeting, *generation, now).await?,
            Effect::RetireRoom { generation } => self.retire_room(&loaded.meeting, *generation).await?,
            Effect::AskPresence => self.ask_presence(&loaded.meeting, now, noted).await?,
            Effect::Announce(announcement) => self.announce(&loaded.meeting, announcement, now).await?,
        };
        let Some(input) = inputs else { return Ok(()) };
        if let Applied::Taken { meeting, violated: more, .. } =
            self.apply(loaded.meeting.id, &input, now).await?
        {
            noted.violated.extend(more);
            if matches!(claimed.effect, Effect::OpenRoom { .. }) {
                self.apply_kept(&meeting, now).await?;
            }
            let closes = matches!(claimed.effect, Effect::CloseRoom { .. });
            if closes && matches!(meeting.life.phase, Phase::Closing { .. }) {
                return Err(Trouble::again("somebody seems to be in"));
            }
        }
        Ok(())
    }

    async fn open_room(
        &self,
        loaded: &Loaded,
        claimed: &ClaimedEffect,
        generation: u16,
        expires_at: Timestamp,
        now: Timestamp,
        noted: &mut Noted,
    ) -> Result<Option<Input>, Trouble> {
        let meeting = &loaded.meeting;
        if !meeting.life.phase.is_opening() || meeting.life.generation != generation {
            // It was made, and whoever made it may have died before it looked for messages kept for it.
            self.apply_kept(meeting, now).await?;
            return Ok(None);
        }
        let Some(room) = self.store.load_room(meeting.room_id).await? else { return Ok(None) };
        let order = RoomOrder {
            meeting_id: meeting.id,
            name: self.settings.deployment.room(meeting.id, generation),
            room_name: room.name,
            expires_at,
            settings: meeting.settings,
            asked_before: claimed.attempts > 1,
        };
        match self.provider(&meeting.provider)?.open_room(&order).await {
            Ok(room) => {
                let event = Event::RoomOpened { generation, expires_at: room.expires_at };
                Ok(Some(Input { room: Some(room), ..Input::of(event, Source::Provider) }))
            }
            Err(refused @ ProviderError::Refused { .. }) => {
                noted.unanswered = Some(refused.to_string());
                Ok(Some(Input::of(Event::RoomRefused { generation }, Source::Provider)))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn close_room(
        &self,
        meeting: &Meeting,
        generation: u16,
        now: Timestamp,
    ) -> Result<Option<Input>, Trouble> {
        let Phase::Closing { close, .. } = meeting.life.phase else { return Ok(None) };
        if meeting.life.generation != generation {
            return Ok(None);
        }
        if self.settings.policy.close == CloseMode::Observe {
            return Err(Trouble::again("this deployment only observes: it closes nothing"));
        }
        let how = match close {
            Close::Force => HowToClose::Force,
            Close::IfEmpty { .. } => {
                let hearing = self.silence(&meeting.provider, now).await?;
                if !hearing.covers(meeting.life.silent_since()) {
                    return Ok(Some(Input::of(Event::HearingLost, Source::Provider)));
                }
                HowToClose::IfEmpty
            }
        };
        let room = self.room_ref(meeting, generation);
        match self.provider(&meeting.provider)?.close_room(&room, how, &known(meeting)).await? {
            CloseAnswer::Gone => Ok(Some(Input::of(Event::RoomClosed { generation }, Source::Provider))),
            CloseAnswer::Unknown => Err(Trouble::again("the provider cannot say whether anybody is in")),
            CloseAnswer::StillOccupied { .. } if how == HowToClose::Force => {
                Err(Trouble::again("the provider did not close an occupied room by force"))
            }
            CloseAnswer::StillOccupied { facts, .. } if !facts.is_empty() => {
                Ok(Some(told(&facts, Source::Provider, now)))
            }
            CloseAnswer::StillOccupied { humans, .. } => {
                let report =
                    Report { presence: Presence::Occupied(humans), asked_at: now, staleness: Duration::ZERO };
                Ok(Some(Input::of(Event::PresenceReported(report), Source::Provider)))
            }
        }
    }

    /// Ends a room that no meeting needs. Nobody is put out of it.
    async fn retire_room(&self, meeting: &Meeting, generation: u16) -> Result<Option<Input>, Trouble> {
        if self.settings.policy.close == CloseMode::Observe {
            return Err(Trouble::again("this deployment only observes: it closes nothing"));
        }
        let room = RoomRef { name: self.settings.deployment.room(meeting.id, generation), external_id: None };
        let provider = self.provider(&meeting.provider)?;
        match provider.close_room(&room, HowToClose::IfEmpty, &Known::default()).await? {
            CloseAnswer::Gone => Ok(None),
            CloseAnswer::StillOccupied { .. } => {
                Err(Trouble::again("somebody is in a room that no meeting needs"))
            }
            CloseAnswer::Unknown => Err(Trouble::again("the provider cannot say whether anybody is in")),
        }
    }

    async fn ask_presence(
        &self,
        meeting: &Meeting,
        now: Timestamp,
        noted: &mut Noted,
    ) -> Result<Option<Input>, Trouble> {
        if !meeting.life.phase.is_active() {
            return Ok(None);
        }
        let provider = self.provider(&meeting.provider)?;
        let staleness = match provider.capabilities().presence {
            PresenceSource::Snapshot { staleness } => staleness,
            PresenceSource::EventsAndFacts | PresenceSource::Events => Duration::ZERO,
        };
        let report = |presence| Event::PresenceReported(Report { presence, asked_at: now, staleness });
        let room = self.room_ref(meeting, meeting.life.generation);
        let event = match provider.presence(&room, &known(meeting)).await {
            Ok(PresenceAnswer::Snapshot(presence)) => report(presence),
            Ok(PresenceAnswer::Facts(facts)) if !facts.is_empty() => {
                return Ok(Some(told(&facts, Source::Poll, now)));
            }
            Ok(PresenceAnswer::Missing) => Event::RoomMissing { asked_at: now },
            Ok(PresenceAnswer::Ended) => Event::RoomEnded,
            Ok(PresenceAnswer::Facts(_)) => report(Presence::Unknown),
            // An outage is no news, and never an empty room; the rules ask again (rule L13).
            Err(error) => {
                noted.unanswered = Some(error.to_string());
                report(Presence::Unknown)
            }
        };
        Ok(Some(Input::of(event, Source::Poll)))
    }

    async fn announce(
        &self,
        meeting: &Meeting,
        announcement: &Announcement,
        now: Timestamp,
    ) -> Result<Option<Input>, Trouble> {
        let of_use = match announcement {
            Announcement::ClosingSoon { closes_at } => now < *closes_at && meeting.life.phase.is_active(),
            Announcement::CloseUnconfirmed => true,
        };
        if of_use {
            self.announcer
                .announce(meeting, announcement)
                .await
                .map_err(|error| Trouble::again(error.to_string()))?;
        }
        Ok(None)
    }

    fn room_ref(&self, meeting: &Meeting, generation: u16) -> RoomRef {
        RoomRef {
            name: self.settings.deployment.room(meeting.id, generation),
            external_id: meeting.room.as_ref().map(|room| room.external_id.clone()),
        }
    }
}

fn told(facts: &[Fact], source: Source, now: Timestamp) -> Input {
    let events = facts.iter().map(|fact| event_of(fact, now, true)).collect();
    Input { events, source, delivery: None, room: None }
}

fn known(meeting: &Meeting) -> Known {
    let presence = &meeting.life.presence;
    Known { newest_event_at: presence.newest_event_at(), connections: presence.told().connections().to_vec() }
}

/// What is noted on the way, whatever comes of the work.
#[derive(Default)]
struct Noted {
    violated: Vec<&'static str>,
    unanswered: Option<String>,
}

/// Owed work that could not be done now.
enum Trouble {
    Again { after: Option<Duration>, error: String },
    Engine(EngineError),
}

impl Trouble {
    fn again(error: impl Into<String>) -> Self {
        Self::Again { after: None, error: error.into() }
    }
}

impl<E: Into<EngineError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        match error.into() {
            EngineError::NoSuchProvider(name) => Self::again(EngineError::NoSuchProvider(name).to_string()),
            error => Self::Engine(error),
        }
    }
}

impl From<ProviderError> for Trouble {
    fn from(error: ProviderError) -> Self {
        let after = match &error {
            ProviderError::Unavailable { retry_after, .. } => *retry_after,
            // It will not do it until somebody changes something; it is asked again all the same, but rarely.
            ProviderError::Refused { .. } => Some(LONGEST_RETRY),
        };
        Self::Again { after, error: error.to_string() }
    }
}

/// Doubling, up to a bound, and spread by the work's own number so that many don't come back at once.
fn back_off(claimed: &ClaimedEffect) -> Duration {
    let longest = match claimed.effect.kind() {
        EffectKind::OpenRoom => LONGEST_OPEN_RETRY,
        _ => LONGEST_RETRY,
    };
    let doubled = doubled(FIRST_RETRY, claimed.attempts, longest);
    let seed = crate::ids::fnv1a(claimed.id.meeting.0.as_bytes()).wrapping_add(u64::from(claimed.attempts));
    let spread = u32::try_from(seed % 32).unwrap_or(0);
    doubled + doubled * spread / 128
}
