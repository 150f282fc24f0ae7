//! The rooms.

use async_trait::async_trait;
use reflector_core::store::document::Document;
use reflector_core::store::{Page, Paging, RoomCreated, RoomDeleted, RoomStore, StoreError, Viewer};
use reflector_core::{Room, RoomId, RoomName, Timestamp};
use sqlx::postgres::PgRow;

use crate::PostgresStore;
use crate::key::escaped;
use crate::rows::{clamped, column, document, document_or_none, meeting_id, page};
use crate::statements::{
    CREATE_ROOM, DELETE_ROOM, FIND_ROOM, LIST_ROOMS, LOAD_ROOM, LOCK_ROOM, UPDATE_ROOM, WHY_NO_ROOM,
};

/// How often a new room is tried whose name is taken whenever it is tried, and free whenever one looks.
const TRIES: usize = 10;

#[async_trait]
impl RoomStore for PostgresStore {
    async fn create_room(&self, room: Room) -> Result<RoomCreated, StoreError> {
        for _ in 0..TRIES {
            let question = sqlx::query(CREATE_ROOM)
                .bind(room.id.0)
                .bind(room.name.as_str())
                .bind(escaped(room.owner.as_str()))
                .bind(room.is_shared)
                .bind(room.policy.to_document()?)
                .bind(room.to_document()?)
                .bind(room.webhook.is_some());
            if self.changed(question).await? > 0 {
                return Ok(RoomCreated::Stored);
            }
            let row = self.one(sqlx::query(WHY_NO_ROOM).bind(room.id.0).bind(room.name.as_str())).await?;
            if column(&row, "known")? {
                return Ok(RoomCreated::Stored);
            }
            if column(&row, "taken")? {
                return Ok(RoomCreated::NameTaken);
            }
        }
        Err(StoreError::Unavailable("the name of a new room changes hands too quickly".into()))
    }

    async fn load_room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        self.row(sqlx::query(LOAD_ROOM).bind(id.0)).await?.as_ref().map(room).transpose()
    }

    async fn find_room(&self, name: &RoomName) -> Result<Option<Room>, StoreError> {
        self.row(sqlx::query(FIND_ROOM).bind(name.as_str())).await?.as_ref().map(room).transpose()
    }

    async fn list_rooms(&self, viewer: &Viewer, paging: Paging) -> Result<Page<Room>, StoreError> {
        let user = match viewer {
            Viewer::Operator => None,
            Viewer::User(user) => Some(escaped(user.as_str())),
        };
        let question =
            sqlx::query(LIST_ROOMS).bind(user).bind(clamped(paging.offset)).bind(clamped(paging.limit));
        page(&self.rows(question).await?, |row| document_or_none(row, "document"))
    }

    async fn update_room(&self, room: Room) -> Result<bool, StoreError> {
        let mut line = self.line().await?;
        line.begin().await?;
        let known = line.row(sqlx::query(LOCK_ROOM).bind(room.id.0)).await?;
        if let Some(known) = &known {
            let room = Room { name: room_name(known)?, ..room };
            let question = sqlx::query(UPDATE_ROOM)
                .bind(room.id.0)
                .bind(escaped(room.owner.as_str()))
                .bind(room.is_shared)
                .bind(room.policy.to_document()?)
                .bind(room.to_document()?)
                .bind(room.webhook.is_some());
            line.changed(question).await?;
        }
        line.commit().await?;
        Ok(known.is_some())
    }

    async fn delete_room(&self, id: RoomId, now: Timestamp) -> Result<RoomDeleted, StoreError> {
        let mut line = self.line().await?;
        line.begin().await?;
        let known = line.row(sqlx::query(LOCK_ROOM).bind(id.0)).await?;
        let mut keeping = Vec::new();
        if known.is_some() {
            let rows = line.rows(sqlx::query(DELETE_ROOM).bind(id.0).bind(now.as_micros())).await?;
            keeping = rows.iter().map(|row| meeting_id(row, "id")).collect::<Result<_, _>>()?;
        }
        line.commit().await?;
        Ok(if keeping.is_empty() { RoomDeleted::Deleted } else { RoomDeleted::HasOpenMeetings(keeping) })
    }
}

fn room(row: &PgRow) -> Result<Room, StoreError> {
    document(row, "document")
}

fn room_name(row: &PgRow) -> Result<RoomName, StoreError> {
    let unreadable = |source| StoreError::Corrupt { what: "the name of a room".to_owned(), source };
    column::<&str>(row, "name")?.parse().map_err(|error| unreadable(Box::new(error)))
}
