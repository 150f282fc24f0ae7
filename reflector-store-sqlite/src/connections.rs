//! The rooms, tokens and connections of a provider that lives in our own process.

use async_trait::async_trait;
use reflector_core::Timestamp;
use reflector_core::provider::HowToClose;
use reflector_core::store::{
    Attach, Attached, CLOSED_ROOM_KEPT, Closing, ConnectionStore, Latest, Leaving, Left, Renewed, RoomSeen,
    Seat, StoreError, TokenHash,
};
use sqlx::sqlite::SqliteConnection;
use sqlx::{FromRow, query, query_as, query_scalar};

use crate::SqliteStore;
use crate::error::ill;
use crate::rows::{self, bits, narrow};
use crate::writer::Write;

#[async_trait]
impl ConnectionStore for SqliteStore {
    async fn open(&self, room: &str, opened_at: Timestamp) -> Result<(), StoreError> {
        let open = "INSERT INTO places (name, opened_at, moved_at) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET opened_at = ?2, moved_at = ?3, closed_at = NULL WHERE closed_at IS NOT NULL";
        let query = query(open).bind(room).bind(opened_at.as_micros()).bind(Timestamp::MIN.as_micros());
        self.writer.run(query).await.map(drop)
    }

    async fn close(&self, room: &str, how: HowToClose, now: Timestamp) -> Result<Closing, StoreError> {
        let mut write = self.writer.begin().await?;
        let closing = match open_place(&mut write, room, now).await? {
            None => Closing::NotOpen,
            Some(place) if place.humans > 0 && how == HowToClose::IfEmpty => Closing::Occupied(place.humans),
            Some(_) => Closing::Closed,
        };
        if closing == Closing::Closed {
            let close = "UPDATE places SET closed_at = ?2 WHERE name = ?1;
                DELETE FROM connections WHERE place = ?1;
                DELETE FROM tokens WHERE place = ?1";
            query(close).bind(room).bind(now.as_micros()).execute(&mut *write).await.map_err(ill)?;
        }
        query("DELETE FROM places WHERE closed_at < ?1")
            .bind((now - CLOSED_ROOM_KEPT).as_micros())
            .execute(&mut *write)
            .await
            .map_err(ill)?;
        write.commit().await?;
        Ok(closing)
    }

    async fn look(&self, room: &str, now: Timestamp) -> Result<RoomSeen, StoreError> {
        let place: Option<Place> = query_as(PLACE)
            .bind(room)
            .bind(now.as_micros())
            .fetch_optional(&self.readers)
            .await
            .map_err(ill)?;
        Ok(match place {
            None => RoomSeen::Unknown,
            Some(place) if place.closed_at.is_some() => RoomSeen::Closed,
            Some(place) => {
                RoomSeen::Open { opened_at: Timestamp::from_micros(place.opened_at), humans: place.humans }
            }
        })
    }

    async fn rooms(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        // Names with a prefix stand together, and the first without it ends them.
        let names =
            "SELECT name FROM places WHERE closed_at IS NULL AND name >= ?1 AND (?2 IS NULL OR name > ?2)
            ORDER BY name LIMIT ?3";
        let names: Vec<String> = query_scalar(names)
            .bind(prefix)
            .bind(after)
            .bind(rows::limit(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(ill)?;
        Ok(names.into_iter().take_while(|name| name.starts_with(prefix)).collect())
    }

    async fn admit(
        &self,
        room: &str,
        token: TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut write = self.writer.begin().await?;
        query("DELETE FROM tokens WHERE place = ?1 AND until <= ?2")
            .bind(room)
            .bind(now.as_micros())
            .execute(&mut *write)
            .await
            .map_err(ill)?;
        let admit = "INSERT OR REPLACE INTO tokens (place, hash, until)
            SELECT name, ?2, ?3 FROM places WHERE name = ?1 AND closed_at IS NULL";
        let admitted = query(admit)
            .bind(room)
            .bind(token.as_bytes().as_slice())
            .bind(until.as_micros())
            .execute(&mut *write)
            .await
            .map_err(ill)?;
        write.commit().await?;
        Ok(admitted.rows_affected() > 0)
    }

    async fn attach(&self, attach: Attach, now: Timestamp) -> Result<Attached, StoreError> {
        let mut write = self.writer.begin().await?;
        let attached = let_in(&mut write, attach, now).await?;
        // Whatever came of it, the token is spent.
        write.commit().await?;
        Ok(attached)
    }

    async fn renew(&self, seat: &Seat, until: Timestamp, now: Timestamp) -> Result<Renewed, StoreError> {
        let renew =
            "UPDATE connections SET until = max(until, ?4) WHERE place = ?1 AND id = ?2 AND socket = ?3";
        let mut write = self.writer.begin().await?;
        let renewed = query(renew)
            .bind(&seat.room)
            .bind(seat.connection)
            .bind(bits(seat.socket))
            .bind(until.as_micros())
            .execute(&mut *write)
            .await
            .map_err(ill)?;
        let place = open_place(&mut write, &seat.room, now).await?;
        write.commit().await?;
        Ok(match place {
            None => Renewed::Closed,
            Some(_) if renewed.rows_affected() == 0 => Renewed::Gone,
            Some(place) => Renewed::In(place.latest()),
        })
    }

    async fn detach(&self, seat: &Seat) -> Result<(), StoreError> {
        let query =
            query("UPDATE connections SET is_attached = 0 WHERE place = ?1 AND id = ?2 AND socket = ?3")
                .bind(&seat.room)
                .bind(seat.connection)
                .bind(bits(seat.socket));
        self.writer.run(query).await.map(drop)
    }

    async fn leave(&self, seat: &Seat, leaving: Leaving, now: Timestamp) -> Result<Left, StoreError> {
        let mut write = self.writer.begin().await?;
        let left = end(&mut write, seat, leaving, now).await?;
        if matches!(left, Left::Left(_)) {
            write.commit().await?
        } else {
            write.abandon().await?
        }
        Ok(left)
    }
}

/// A room of this name, and how many are in.
const PLACE: &str = "SELECT opened_at, moved_at, closed_at,
        (SELECT count(*) FROM connections WHERE place = name AND until > ?2) AS humans
    FROM places WHERE name = ?1";

#[derive(FromRow)]
struct Place {
    opened_at: i64,
    moved_at: i64,
    closed_at: Option<i64>,
    humans: u32,
}

impl Place {
    fn latest(&self) -> Latest {
        Latest { at: Timestamp::from_micros(self.moved_at), humans: self.humans }
    }
}

async fn open_place(
    write: &mut SqliteConnection,
    room: &str,
    now: Timestamp,
) -> Result<Option<Place>, StoreError> {
    let place: Option<Place> =
        query_as(PLACE).bind(room).bind(now.as_micros()).fetch_optional(write).await.map_err(ill)?;
    Ok(place.filter(|place| place.closed_at.is_none()))
}

/// Lets the bearer of a token in.
async fn let_in(write: &mut Write<'_>, attach: Attach, now: Timestamp) -> Result<Attached, StoreError> {
    let Some(place) = open_place(write, &attach.room, now).await? else { return Ok(Attached::Closed) };
    if !spend(write, &attach, now).await? {
        return Ok(Attached::BadToken);
    }
    if let Some(seat) = resume(write, &attach, now).await? {
        let place = open_place(write, &attach.room, now).await?.unwrap_or(place);
        return Ok(Attached::Resumed { seat, latest: place.latest() });
    }
    if place.humans as usize >= attach.limit {
        return Ok(Attached::Full);
    }
    let insert = "INSERT INTO connections (place, id, socket, is_attached, until) VALUES (?1, ?2, 0, 1, ?3)";
    query(insert)
        .bind(&attach.room)
        .bind(attach.fresh)
        .bind(attach.until.as_micros())
        .execute(&mut **write)
        .await
        .map_err(ill)?;
    let latest = moved(write, &attach.room, now).await?;
    let seat = Seat { room: attach.room, connection: attach.fresh, socket: 0 };
    Ok(Attached::Joined { seat, latest })
}

/// Takes a token away. `false` if it was not there, or has run out.
async fn spend(write: &mut SqliteConnection, attach: &Attach, now: Timestamp) -> Result<bool, StoreError> {
    let until: Option<i64> =
        query_scalar("DELETE FROM tokens WHERE place = ?1 AND hash = ?2 RETURNING until")
            .bind(&attach.room)
            .bind(attach.token.as_bytes().as_slice())
            .fetch_optional(write)
            .await
            .map_err(ill)?;
    Ok(until.is_some_and(|until| now.as_micros() < until))
}

/// Goes on with a connection that is still there and that no socket holds, in a new socket.
async fn resume(
    write: &mut SqliteConnection,
    attach: &Attach,
    now: Timestamp,
) -> Result<Option<Seat>, StoreError> {
    let Some(connection) = attach.before else { return Ok(None) };
    let resume = "UPDATE connections SET socket = socket + 1, is_attached = 1, until = ?3
        WHERE place = ?1 AND id = ?2 AND NOT (is_attached AND until > ?4) RETURNING socket";
    let socket: Option<i64> = query_scalar(resume)
        .bind(&attach.room)
        .bind(connection)
        .bind(attach.until.as_micros())
        .bind(now.as_micros())
        .fetch_optional(write)
        .await
        .map_err(ill)?;
    let seat = |socket| Ok(Seat { room: attach.room.clone(), connection, socket: narrow(socket)? });
    socket.map(seat).transpose()
}

/// Ends a connection, if that can be.
async fn end(
    write: &mut Write<'_>,
    seat: &Seat,
    leaving: Leaving,
    now: Timestamp,
) -> Result<Left, StoreError> {
    let until: Option<i64> =
        query_scalar("DELETE FROM connections WHERE place = ?1 AND id = ?2 AND socket = ?3 RETURNING until")
            .bind(&seat.room)
            .bind(seat.connection)
            .bind(bits(seat.socket))
            .fetch_optional(&mut **write)
            .await
            .map_err(ill)?;
    let Some(until) = until.map(Timestamp::from_micros) else { return Ok(Left::Gone) };
    if leaving == Leaving::IfLapsed && now < until {
        return Ok(Left::NotYet { until });
    }
    Ok(Left::Left(moved(write, &seat.room, now).await?))
}

/// Notes a coming or going. A clock that stood still or went back does not mix up their order.
async fn moved(write: &mut Write<'_>, room: &str, now: Timestamp) -> Result<Latest, StoreError> {
    let at: i64 =
        query_scalar("UPDATE places SET moved_at = max(?2, moved_at + 1) WHERE name = ?1 RETURNING moved_at")
            .bind(room)
            .bind(now.as_micros())
            .fetch_one(&mut **write)
            .await
            .map_err(ill)?;
    let humans = open_place(write, room, now).await?.map_or(0, |place| place.humans);
    Ok(Latest { at: Timestamp::from_micros(at), humans })
}
