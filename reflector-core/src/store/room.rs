//! The port to the rooms.

use std::fmt::Debug;

use async_trait::async_trait;

use super::StoreError;
use crate::ids::{MeetingId, RoomId, UserId};
use crate::room::{Room, RoomName};
use crate::time::Timestamp;

/// Keeps rooms.
///
/// # Contract
///
/// 1. `a_room_is_found_by_id_and_by_name`
/// 2. `a_name_is_taken_once`: also when many create at once; the same id again is the same create.
/// 3. `a_deleted_room_frees_its_name`: and is found no more, while its meetings and their history stay.
/// 4. `a_room_with_open_meetings_is_not_deleted`: meetings that are being closed by force don't keep it.
/// 5. `rooms_are_listed_by_name_in_pages`: one's own and shared ones; every one for an operator. Names
///    stand in the order of their bytes, whatever the language of a database.
/// 6. `an_updated_room_keeps_its_name_and_id`: whatever comes with the update; and updating a room that is gone
///    says so.
#[async_trait]
pub trait RoomStore: Send + Sync + Debug + 'static {
    /// Keeps a new room.
    async fn create_room(&self, room: Room) -> Result<RoomCreated, StoreError>;

    /// A room by its id.
    async fn load_room(&self, id: RoomId) -> Result<Option<Room>, StoreError>;

    /// A room by its name.
    async fn find_room(&self, name: &RoomName) -> Result<Option<Room>, StoreError>;

    /// The rooms that somebody sees, by name.
    async fn list_rooms(&self, viewer: &Viewer, paging: Paging) -> Result<Page<Room>, StoreError>;

    /// Writes the settings of a room and outdates its open meetings, whose policy may have changed with it. `false`
    /// if it is gone.
    async fn update_room(&self, room: Room) -> Result<bool, StoreError>;

    /// Deletes a room, unless it has meetings that are neither closed nor being closed by force.
    async fn delete_room(&self, id: RoomId, now: Timestamp) -> Result<RoomDeleted, StoreError>;
}

/// What came of creating a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomCreated {
    /// It is kept.
    Stored,
    /// Another room has the name.
    NameTaken,
}

/// What came of deleting a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomDeleted {
    /// It is gone, or was never there.
    Deleted,
    /// It has open meetings.
    HasOpenMeetings(Vec<MeetingId>),
}

/// Who looks at a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Whoever runs the deployment: sees everything.
    Operator,
    /// A user: sees their own rooms and shared ones.
    User(UserId),
}

/// Which part of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// How many items to leave out.
    pub offset: u64,
    /// How many to give at the most.
    pub limit: u64,
}

/// A part of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// How many there are in all.
    pub total: u64,
}
