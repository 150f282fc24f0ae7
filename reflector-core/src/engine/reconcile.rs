//! Rooms that are left over at a provider are found and ended. It takes no hints: it looks at what is there.

use super::{Engine, EngineError};
use crate::engine::naming::same_generation;
use crate::ids::ProviderName;
use crate::lifecycle::CloseMode;
use crate::provider::{CloseAnswer, HowToClose, Known, ProviderError, RoomRef};

/// What a look at the providers' rooms found.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// Every room that bears this deployment's name, and what became of it.
    pub rooms: Vec<(ProviderName, String, RoomFate)>,
    /// Providers that could not be asked.
    pub failed: Vec<(ProviderName, ProviderError)>,
}

/// What became of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomFate {
    /// A meeting needs it.
    Needed,
    /// No meeting needs it any more, and it is gone now.
    Ended,
    /// No meeting needs it, but somebody is in, or the provider could not end it: the next look tries again.
    Remains,
    /// It bears our name and our store does not know its meeting: another deployment of the same name, or a
    /// restored back-up. It is left alone.
    Stranger,
}

impl Engine {
    /// Looks at every room that bears this deployment's name, and ends those that no meeting needs (rule L24).
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`] when the store is ill; a provider that cannot be asked is in the report.
    pub async fn reconcile_once(&self) -> Result<Reconciled, EngineError> {
        let mut reconciled = Reconciled::default();
        for (name, provider) in &self.providers {
            let mut page: Option<String> = None;
            loop {
                let rooms = match provider.rooms(&self.settings.deployment.prefix(), page.as_deref()).await {
                    Ok(rooms) => rooms,
                    Err(error) => {
                        reconciled.failed.push((name.clone(), error));
                        break;
                    }
                };
                for room in rooms.rooms {
                    let fate = self.judge(name, &room).await?;
                    reconciled.rooms.push((name.clone(), room.name, fate));
                }
                page = rooms.next;
                if page.is_none() {
                    break;
                }
            }
        }
        Ok(reconciled)
    }

    async fn judge(&self, name: &ProviderName, room: &RoomRef) -> Result<RoomFate, EngineError> {
        let Some((id, generation)) = self.settings.deployment.meeting_of(&room.name) else {
            return Ok(RoomFate::Stranger);
        };
        let Some(loaded) = self.store.load(id).await? else { return Ok(RoomFate::Stranger) };
        let life = &loaded.meeting.life;
        let current = same_generation(generation, life.generation) && loaded.meeting.provider == *name;
        // A second room of the same name is an orphan of a call that timed out and was made again.
        let other_holds = loaded
            .meeting
            .room
            .as_ref()
            .is_some_and(|held| Some(&held.external_id) != room.external_id.as_ref());
        if current && !life.phase.is_closed() && !other_holds {
            return Ok(RoomFate::Needed);
        }
        if self.settings.policy.close == CloseMode::Observe {
            return Ok(RoomFate::Remains);
        }
        let answer = self.provider(name)?.close_room(room, HowToClose::IfEmpty, &Known::default()).await;
        Ok(if matches!(answer, Ok(CloseAnswer::Gone)) { RoomFate::Ended } else { RoomFate::Remains })
    }
}
