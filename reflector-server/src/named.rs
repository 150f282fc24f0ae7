//! What a path of a request and a word of a command name.

use reflector_core::store::{Store, StoreError};
use reflector_core::{Room, RoomId, RoomName};

/// The room of this id or name: no name looks like an id.
pub(crate) async fn room_named(store: &dyn Store, named: &str) -> Result<Option<Room>, StoreError> {
    if let Ok(id) = named.parse::<RoomId>() {
        store.load_room(id).await
    } else if let Ok(name) = named.parse::<RoomName>() {
        store.find_room(&name).await
    } else {
        Ok(None)
    }
}
