//! What an adapter is told when a room is to be made.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use reflector_core::ProviderRoom;
use reflector_core::engine::Input;
use reflector_core::lifecycle::{Event, Policy};
use reflector_core::provider::{
    Capabilities, CloseAnswer, HowToClose, Known, PresenceAnswer, ProviderError, RoomOrder, RoomRef,
    RoomsPage, VideoProvider, WebhookReader,
};
use reflector_core::recording::RecordingName;
use reflector_core::store::{EffectStore, Source, Store};
use reflector_core::testing::{Failure, FakeProvider};

use crate::town::{SECOND, Town, engine_with};

/// Writes down every order.
#[derive(Debug)]
struct Noting {
    video: FakeProvider,
    orders: Mutex<Vec<RoomOrder>>,
}

#[async_trait]
impl VideoProvider for Noting {
    fn capabilities(&self) -> Capabilities {
        self.video.capabilities()
    }

    async fn open_room(&self, order: &RoomOrder) -> Result<ProviderRoom, ProviderError> {
        self.orders.lock().expect("nobody panicked").push(order.clone());
        self.video.open_room(order).await
    }

    async fn close_room(
        &self,
        room: &RoomRef,
        how: HowToClose,
        known: &Known,
    ) -> Result<CloseAnswer, ProviderError> {
        self.video.close_room(room, how, known).await
    }

    async fn presence(&self, room: &RoomRef, known: &Known) -> Result<PresenceAnswer, ProviderError> {
        self.video.presence(room, known).await
    }

    async fn rooms(&self, name_prefix: &str, page: Option<&str>) -> Result<RoomsPage, ProviderError> {
        self.video.rooms(name_prefix, page).await
    }

    fn webhook(&self) -> Option<&dyn WebhookReader> {
        self.video.webhook()
    }

    fn recording_name(&self, key: &str) -> Option<RecordingName> {
        self.video.recording_name(key)
    }
}

#[tokio::test]
async fn an_adapter_that_is_asked_again_is_told_that_the_room_may_be_there_under_the_same_name() {
    let mut town = Town::new().await;
    let noting = Arc::new(Noting { video: town.video.clone(), orders: Mutex::default() });
    let store = Arc::clone(&town.store) as Arc<dyn Store>;
    town.engine = engine_with(store, Arc::clone(&noting) as _, "town", Policy::default());
    town.video.fail(Some(Failure::AfterDoing));
    town.meet().await;
    town.video.fail(None);
    town.pass(10 * SECOND).await;
    let orders = noting.orders.lock().expect("nobody panicked");
    assert_eq!(orders.iter().map(|order| order.asked_before).collect::<Vec<_>>(), [false, true]);
    assert_eq!(orders[0].name, orders[1].name);
}

#[tokio::test]
async fn a_room_that_is_told_of_late_does_not_take_the_place_of_the_one_in_use() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    let in_use = town.load(id).await.meeting.room.expect("it is made");
    let late = ProviderRoom { external_id: "late".to_owned(), ..in_use.clone() };
    let event = Event::RoomOpened { generation: 0, expires_at: None };
    let input = Input { room: Some(late), ..Input::of(event, Source::Provider) };
    town.engine.apply(id, &input, town.now).await.expect("sound");
    assert_eq!(town.load(id).await.meeting.room, Some(in_use));
}

#[tokio::test]
async fn what_is_owed_bears_the_version_of_the_write_that_owes_it() {
    let mut town = Town::new().await;
    town.video.fail(Some(Failure::Before));
    let id = town.meet().await;
    town.tell(id, Event::EndRequested).await;
    let loaded = town.load(id).await;
    let owed = town.store.owed(id).await.expect("sound");
    assert_eq!(owed.iter().map(|work| work.id.version).collect::<Vec<_>>(), [loaded.version]);
}
