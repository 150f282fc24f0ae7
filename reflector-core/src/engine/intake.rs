//! Messages of providers: bytes are verified and read by the adapter, and what they say becomes events.

use super::{Applied, Engine, EngineError, Input};
use crate::engine::naming::same_generation;
use crate::ids::{MeetingId, ProviderName};
use crate::lifecycle::{Event, Sighting};
use crate::meeting::{Meeting, ProviderRoom};
use crate::provider::{Delivery, DeliveryError, Fact, Headers, RoomAddress, WebhookReader};
use crate::store::{DeliveryKey, Kept, KeptDelivery, Loaded, Source, TakenDelivery};
use crate::time::Timestamp;

/// What became of a message. All of these are good news for its sender.
#[derive(Clone, Debug)]
pub enum Taken {
    /// Its meeting is known and has taken it in, or had before.
    Applied(Applied),
    /// Its meeting is not known yet: it is kept for when it is.
    Kept,
    /// It was kept before.
    Duplicate,
    /// It is for another organisation or deployment.
    Foreign,
    /// It speaks of no room.
    Unaddressed,
}

/// A message cannot be taken in. The variants are what its sender is told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// No provider of that name sends messages here.
    #[error("no provider called {0} sends messages here")]
    NoSuchEndpoint(ProviderName),
    /// It is not to be sent again like this.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// Send it again later.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Engine {
    /// Takes in a message: the raw bytes as they came, with their headers.
    ///
    /// A message whose meeting is known is applied before this returns; one whose meeting is not known yet is kept
    /// and applied when it is. Taking the same message in again is safe.
    ///
    /// # Errors
    ///
    /// [`IntakeError::Delivery`] for what proves nothing or cannot be read; [`IntakeError::Engine`] when the store is
    /// away, so that the sender sends it again.
    pub async fn receive(
        &self,
        provider: &ProviderName,
        headers: &(dyn Headers + Sync),
        body: &[u8],
        now: Timestamp,
    ) -> Result<(Delivery, Taken), IntakeError> {
        let delivery = self.reader(provider)?.read(headers, body, now)?;
        let taken = self.deliver(provider, &delivery, now).await?;
        Ok((delivery, taken))
    }

    /// Whether the headers of a message leave it open that it proves something: else nobody need read its body.
    ///
    /// # Errors
    ///
    /// [`IntakeError::NoSuchEndpoint`], and [`IntakeError::Delivery`] for a signature that is missing or malformed.
    pub fn may_prove(&self, provider: &ProviderName, headers: &dyn Headers) -> Result<(), IntakeError> {
        Ok(self.reader(provider)?.may_prove(headers).map_err(DeliveryError::Unverified)?)
    }

    /// Takes in a message that is verified and read already: of a provider that lives in the same process.
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`] when the store is away: deliver it again.
    pub async fn deliver(
        &self,
        provider: &ProviderName,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Taken, EngineError> {
        let endpoint = self.endpoint(provider);
        let key = DeliveryKey { provider: provider.clone(), id: delivery.id.clone() };
        let room = match &delivery.room {
            Some(room) if !delivery.foreign => room,
            _ => {
                self.store.heard(provider, endpoint, now).await?;
                return Ok(if delivery.foreign { Taken::Foreign } else { Taken::Unaddressed });
            }
        };
        let taken = TakenDelivery { key: key.clone(), received_at: now, endpoint };
        if let Some(applied) = self.tell_meeting(provider, room, &delivery.facts, &taken, now).await? {
            return Ok(Taken::Applied(applied));
        }
        self.store.heard(provider, endpoint, now).await?;
        let kept = KeptDelivery { key, room: room.clone(), facts: delivery.facts.clone(), received_at: now };
        let kept = self.store.keep(kept).await?;
        // Its meeting may have become known in between, and would not look again.
        if let Some(applied) = self.tell_meeting(provider, room, &delivery.facts, &taken, now).await? {
            self.store.forget(&taken.key).await?;
            return Ok(Taken::Applied(applied));
        }
        Ok(if kept == Kept::Duplicate { Taken::Duplicate } else { Taken::Kept })
    }

    fn reader(&self, provider: &ProviderName) -> Result<&dyn WebhookReader, IntakeError> {
        let reader = self.providers.get(provider).and_then(|provider| provider.webhook());
        reader.ok_or_else(|| IntakeError::NoSuchEndpoint(provider.clone()))
    }

    /// How the endpoint of a provider is configured now; 0 for one that sends no messages.
    fn endpoint(&self, provider: &ProviderName) -> u64 {
        let reader = self.providers.get(provider).and_then(|provider| provider.webhook());
        reader.map_or(0, |reader| reader.endpoint())
    }

    /// Applies the facts of a message to its meeting, if that is known.
    async fn tell_meeting(
        &self,
        provider: &ProviderName,
        room: &RoomAddress,
        facts: &[Fact],
        taken: &TakenDelivery,
        now: Timestamp,
    ) -> Result<Option<Applied>, EngineError> {
        let Some((id, generation, read)) = self.meeting_at(provider, room).await? else { return Ok(None) };
        let applied = self
            .apply_with(id, read, now, |loaded| {
                let current = generation
                    .is_none_or(|read| same_generation(read, loaded.meeting.life.generation))
                    && !is_of_another(room, loaded.meeting.room.as_ref());
                let events = facts.iter().map(|fact| event_of(fact, taken.received_at, current)).collect();
                Input { events, source: Source::Webhook, delivery: Some(taken.clone()), room: None }
            })
            .await?;
        Ok(match applied {
            Applied::NoSuchMeeting => None,
            applied => Some(applied),
        })
    }

    /// The meeting that a room belongs to: its name tells, and which of its rooms; or the store remembers it, and has
    /// read it then.
    async fn meeting_at(
        &self,
        provider: &ProviderName,
        room: &RoomAddress,
    ) -> Result<Option<(MeetingId, Option<u16>, Option<Loaded>)>, EngineError> {
        let ours = room.name.as_deref().and_then(|name| self.settings.deployment.meeting_of(name));
        if let Some((id, generation)) = ours {
            return Ok(Some((id, Some(generation), None)));
        }
        let found = self.store.find(provider, room).await?;
        Ok(found.map(|loaded| (loaded.meeting.id, None, Some(loaded))))
    }

    /// Applies the messages that were kept for a meeting before its room was known.
    pub(super) async fn apply_kept(&self, meeting: &Meeting, now: Timestamp) -> Result<(), EngineError> {
        let Some(room) = &meeting.room else { return Ok(()) };
        let address =
            RoomAddress { external_id: Some(room.external_id.clone()), name: Some(room.name.clone()) };
        for kept in self.store.kept_for(&meeting.provider, &address).await? {
            let events = kept.facts.iter().map(|fact| event_of(fact, kept.received_at, true)).collect();
            let endpoint = self.endpoint(&meeting.provider);
            let delivery = TakenDelivery { key: kept.key.clone(), received_at: kept.received_at, endpoint };
            let input = Input { events, source: Source::Webhook, delivery: Some(delivery), room: None };
            self.apply(meeting.id, &input, now).await?;
            self.store.forget(&kept.key).await?;
        }
        Ok(())
    }
}

/// Whether an address names another room than the one that the meeting holds: of two that bear the same beginning of
/// a name, the first had ended before the second was made.
fn is_of_another(address: &RoomAddress, held: Option<&ProviderRoom>) -> bool {
    let Some(held) = held else { return false };
    match (&address.external_id, &address.name) {
        (Some(id), _) => *id != held.external_id,
        (None, Some(name)) => *name != held.name,
        (None, None) => false,
    }
}

/// What a fact is to a meeting. Of an earlier room of the meeting it is no news.
pub(super) fn event_of(fact: &Fact, received_at: Timestamp, current: bool) -> Event {
    let sighting = |movement: &crate::provider::Movement| Sighting {
        participant: movement.participant,
        at: movement.at,
        received_at,
        humans: movement.humans,
    };
    match fact {
        _ if !current => Event::ProviderNoticed { kind: "something in an earlier room".to_owned() },
        Fact::Joined(movement) => Event::ParticipantJoined(sighting(movement)),
        Fact::Left(movement) => Event::ParticipantLeft(sighting(movement)),
        Fact::Knocked => Event::Knocked,
        Fact::RoomEnded => Event::RoomEnded,
        Fact::Noticed { kind } => Event::ProviderNoticed { kind: kind.clone() },
    }
}
