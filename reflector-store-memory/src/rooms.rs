//! The rooms, by id and by name.

use std::collections::{BTreeMap, HashMap};

use reflector_core::store::{Page, Paging, RoomCreated, RoomDeleted, Viewer};
use reflector_core::{Room, RoomId, RoomName, RoomPolicy};

use crate::{Everything, paged};

#[derive(Default)]
pub(crate) struct Rooms {
    /// Also those that are deleted: their meetings live on under their policy.
    by_id: HashMap<RoomId, Room>,
    /// Those that are not deleted.
    by_name: BTreeMap<RoomName, RoomId>,
}

impl Rooms {
    pub(crate) fn create(&mut self, room: Room) -> RoomCreated {
        if self.by_id.contains_key(&room.id) {
            return RoomCreated::Stored;
        }
        if self.by_name.contains_key(&room.name) {
            return RoomCreated::NameTaken;
        }
        self.by_name.insert(room.name.clone(), room.id);
        self.by_id.insert(room.id, room);
        RoomCreated::Stored
    }

    pub(crate) fn load(&self, id: RoomId) -> Option<&Room> {
        self.by_id.get(&id).filter(|room| self.by_name.get(&room.name) == Some(&id))
    }

    pub(crate) fn find(&self, name: &RoomName) -> Option<&Room> {
        self.by_id.get(self.by_name.get(name)?)
    }

    /// The policy of a room, or the one it had when it was deleted.
    pub(crate) fn policy(&self, id: RoomId) -> RoomPolicy {
        self.by_id.get(&id).map(|room| room.policy).unwrap_or_default()
    }

    /// Whether a room's owner is told of what happens.
    pub(crate) fn listens(&self, id: RoomId) -> bool {
        self.by_id.get(&id).is_some_and(|room| room.webhook.is_some())
    }

    pub(crate) fn list(&self, viewer: &Viewer, paging: Paging) -> Page<Room> {
        let sees = |room: &Room| match viewer {
            Viewer::Operator => true,
            Viewer::User(user) => room.is_shared || room.owner == *user,
        };
        paged(self.by_name.values().filter_map(|id| self.by_id.get(id)).filter(|room| sees(room)), paging)
    }

    fn update(&mut self, room: Room) -> bool {
        if self.load(room.id).is_none() {
            return false;
        }
        let known = self.by_id.get_mut(&room.id);
        known.map(|known| *known = Room { name: known.name.clone(), ..room }).is_some()
    }

    fn delete(&mut self, id: RoomId) {
        if let Some(name) = self.load(id).map(|room| room.name.clone()) {
            self.by_name.remove(&name);
        }
    }
}

impl Everything {
    pub(crate) fn update_room(&mut self, room: Room) -> bool {
        let id = room.id;
        let updated = self.rooms.update(room);
        if updated {
            self.meetings.outdate(id);
        }
        updated
    }

    pub(crate) fn delete_room(&mut self, id: RoomId) -> RoomDeleted {
        if self.rooms.load(id).is_none() {
            return RoomDeleted::Deleted;
        }
        let open = self.meetings.keeping(id);
        if !open.is_empty() {
            return RoomDeleted::HasOpenMeetings(open);
        }
        self.rooms.delete(id);
        RoomDeleted::Deleted
    }
}
