//! The rooms, by id and by name.

use async_trait::async_trait;
use reflector_core::store::document::Document;
use reflector_core::store::{Page, Paging, RoomCreated, RoomDeleted, RoomStore, StoreError, Viewer};
use reflector_core::{MeetingId, Room, RoomId, RoomName, Timestamp};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::{corrupt, ill};
use crate::rows::{clamped, page};

#[async_trait]
impl RoomStore for SqliteStore {
    async fn create_room(&self, room: Room) -> Result<RoomCreated, StoreError> {
        // A repeated create is refused by its id, and another room by the name; only the latter is told.
        let insert = "INSERT INTO rooms (id, name, owner, is_shared, policy, document, listens)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
        let mut write = self.writer.begin().await?;
        let inserted = query(insert)
            .bind(room.id.0)
            .bind(room.name.as_str())
            .bind(room.owner.as_str())
            .bind(room.is_shared)
            .bind(room.policy.to_document()?)
            .bind(room.to_document()?)
            .bind(room.webhook.is_some())
            .execute(&mut *write)
            .await
            .map_err(ill)?;
        let known: bool = query_scalar("SELECT EXISTS (SELECT 1 FROM rooms WHERE id = ?1)")
            .bind(room.id.0)
            .fetch_one(&mut *write)
            .await
            .map_err(ill)?;
        if inserted.rows_affected() > 0 {
            write.commit().await?
        } else {
            write.abandon().await?
        }
        Ok(if known { RoomCreated::Stored } else { RoomCreated::NameTaken })
    }

    async fn load_room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        let document = "SELECT document FROM rooms WHERE id = ?1 AND deleted_at IS NULL";
        let document: Option<String> =
            query_scalar(document).bind(id.0).fetch_optional(&self.readers).await.map_err(ill)?;
        document.map(|document| Room::from_document(&document)).transpose()
    }

    async fn find_room(&self, name: &RoomName) -> Result<Option<Room>, StoreError> {
        let document = "SELECT document FROM rooms WHERE name = ?1 AND deleted_at IS NULL";
        let document: Option<String> =
            query_scalar(document).bind(name.as_str()).fetch_optional(&self.readers).await.map_err(ill)?;
        document.map(|document| Room::from_document(&document)).transpose()
    }

    async fn list_rooms(&self, viewer: &Viewer, paging: Paging) -> Result<Page<Room>, StoreError> {
        let user = match viewer {
            Viewer::Operator => None,
            Viewer::User(user) => Some(user.as_str()),
        };
        let rows: Vec<(i64, Option<String>)> = query_as(LISTING)
            .bind(user)
            .bind(clamped(paging.limit))
            .bind(clamped(paging.offset))
            .fetch_all(&self.readers)
            .await
            .map_err(ill)?;
        page(rows, |document| Room::from_document(&document))
    }

    async fn update_room(&self, room: Room) -> Result<bool, StoreError> {
        let mut write = self.writer.begin().await?;
        let name = "SELECT name FROM rooms WHERE id = ?1 AND deleted_at IS NULL";
        let name: Option<String> =
            query_scalar(name).bind(room.id.0).fetch_optional(&mut *write).await.map_err(ill)?;
        let Some(name) = name else {
            write.abandon().await?;
            return Ok(false);
        };
        let name = name.parse().map_err(|error| corrupt("the name of a room", error))?;
        let room = Room { name, ..room };
        query("UPDATE rooms SET owner = ?2, is_shared = ?3, policy = ?4, document = ?5, listens = ?6 WHERE id = ?1")
            .bind(room.id.0)
            .bind(room.owner.as_str())
            .bind(room.is_shared)
            .bind(room.policy.to_document()?)
            .bind(room.to_document()?)
            .bind(room.webhook.is_some())
            .execute(&mut *write)
            .await
            .map_err(ill)?;
        let outdate = "UPDATE meetings SET version = version + 1, fingerprint = NULL
            WHERE room_id = ?1 AND closed_at IS NULL";
        query(outdate).bind(room.id.0).execute(&mut *write).await.map_err(ill)?;
        write.commit().await?;
        Ok(true)
    }

    async fn delete_room(&self, id: RoomId, now: Timestamp) -> Result<RoomDeleted, StoreError> {
        let keeping = "SELECT m.id FROM rooms r JOIN meetings m ON m.room_id = r.id
            WHERE r.id = ?1 AND r.deleted_at IS NULL AND m.closed_at IS NULL AND NOT m.is_forced";
        let mut write = self.writer.begin().await?;
        let keeping: Vec<Uuid> =
            query_scalar(keeping).bind(id.0).fetch_all(&mut *write).await.map_err(ill)?;
        if !keeping.is_empty() {
            write.abandon().await?;
            return Ok(RoomDeleted::HasOpenMeetings(keeping.into_iter().map(MeetingId).collect()));
        }
        query("UPDATE rooms SET deleted_at = ?2 WHERE id = ?1 AND deleted_at IS NULL")
            .bind(id.0)
            .bind(now.as_micros())
            .execute(&mut *write)
            .await
            .map_err(ill)?;
        write.commit().await?;
        Ok(RoomDeleted::Deleted)
    }
}

/// A page and how many there are in all, as they stand at one instant: also of a page that is empty.
const LISTING: &str = "
    WITH seen AS (
        SELECT name, document FROM rooms
        WHERE deleted_at IS NULL AND (?1 IS NULL OR is_shared OR owner = ?1)
    )
    SELECT (SELECT count(*) FROM seen), page.document
    FROM (SELECT 1) LEFT JOIN (SELECT name, document FROM seen ORDER BY name LIMIT ?2 OFFSET ?3) page ON true
    ORDER BY page.name";
