//! A video provider of one's own: an imaginary service with rooms and people, and the suite that checks the adapter.
//!
//! `cargo test -p reflector-examples --example my_provider` runs the suite.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::ProviderRoom;
use reflector_core::lifecycle::Presence;
use reflector_core::provider::{
    Capabilities, CloseAnswer, HowToClose, Known, PresenceAnswer, PresenceSource, ProviderError, RoomOrder,
    RoomRef, RoomsPage, VideoProvider, WebhookReader,
};
use reflector_core::recording::RecordingName;

/// The service, as its own API would show it: rooms by name, and the people in each.
#[derive(Debug, Default)]
struct Campfire {
    rooms: Mutex<BTreeMap<String, BTreeSet<String>>>,
    is_out: Mutex<bool>,
}

impl Campfire {
    fn rooms(&self) -> Result<MutexGuard<'_, BTreeMap<String, BTreeSet<String>>>, ProviderError> {
        if *self.is_out.lock().unwrap_or_else(PoisonError::into_inner) {
            // An outage is an error. It is never an empty room.
            return Err(ProviderError::unavailable("campfire does not answer"));
        }
        Ok(self.rooms.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl VideoProvider for Campfire {
    fn capabilities(&self) -> Capabilities {
        let presence = PresenceSource::Snapshot { staleness: Duration::ZERO };
        Capabilities { presence, closes_if_empty_atomically: true }
    }

    async fn open_room(&self, order: &RoomOrder) -> Result<ProviderRoom, ProviderError> {
        // Asked again, the room that is there is adopted: its name is the meeting's own.
        self.rooms()?.entry(order.name.clone()).or_default();
        Ok(ProviderRoom {
            external_id: order.name.clone(),
            url: format!("https://campfire.example/{}", order.name),
            name: order.name.clone(),
            host_url: None,
            expires_at: None,
        })
    }

    async fn close_room(
        &self,
        room: &RoomRef,
        how: HowToClose,
        _: &Known,
    ) -> Result<CloseAnswer, ProviderError> {
        // Asking and closing under one lock is what makes it atomic.
        let mut rooms = self.rooms()?;
        match rooms.get(&room.name).map(BTreeSet::len) {
            Some(people) if people > 0 && how == HowToClose::IfEmpty => Ok(CloseAnswer::StillOccupied {
                humans: u32::try_from(people).unwrap_or(u32::MAX),
                facts: Vec::new(),
            }),
            _ => {
                rooms.remove(&room.name);
                Ok(CloseAnswer::Gone)
            }
        }
    }

    async fn presence(&self, room: &RoomRef, _: &Known) -> Result<PresenceAnswer, ProviderError> {
        Ok(match self.rooms()?.get(&room.name).map(BTreeSet::len) {
            None => PresenceAnswer::Missing,
            Some(0) => PresenceAnswer::Snapshot(Presence::Empty),
            Some(people) => {
                PresenceAnswer::Snapshot(Presence::Occupied(u32::try_from(people).unwrap_or(u32::MAX)))
            }
        })
    }

    async fn rooms(&self, name_prefix: &str, _: Option<&str>) -> Result<RoomsPage, ProviderError> {
        let rooms = self.rooms()?;
        let named = rooms.keys().filter(|name| name.starts_with(name_prefix));
        let rooms =
            named.map(|name| RoomRef { name: name.clone(), external_id: Some(name.clone()) }).collect();
        Ok(RoomsPage { rooms, next: None })
    }

    fn webhook(&self) -> Option<&dyn WebhookReader> {
        None
    }

    fn recording_name(&self, key: &str) -> Option<RecordingName> {
        RecordingName::read(key)
    }
}

fn main() {
    let campfire = Campfire::default();
    println!("{campfire:?} can do {:?}", campfire.capabilities());
    println!("hand it to `Engine::with_provider`, and check it with `reflector_core::provider_suite!`");
}

#[cfg(test)]
mod tests {
    use reflector_core::Role;
    use reflector_core::testing::provider_suite::{ProviderWorld, Skipped};

    use super::{Campfire, ProviderRoom, VideoProvider, async_trait};

    /// Power over who is in: a test's stand-in for real people.
    #[async_trait]
    impl ProviderWorld for Campfire {
        fn provider(&self) -> &dyn VideoProvider {
            self
        }

        async fn enter(&self, room: &ProviderRoom, connection: &str, role: Role) {
            if role.is_human() {
                self.rooms.lock().unwrap().get_mut(&room.name).unwrap().insert(connection.to_owned());
            }
        }

        async fn leave(&self, room: &ProviderRoom, connection: &str) {
            self.rooms.lock().unwrap().get_mut(&room.name).unwrap().remove(connection);
        }

        async fn outage(&self, on: bool) {
            *self.is_out.lock().unwrap() = on;
        }

        fn expects_skipped(&self) -> &'static [Skipped] {
            &[]
        }
    }

    async fn world() -> Campfire {
        Campfire::default()
    }

    reflector_core::provider_suite!(world);
}
