//! The connections of the provider that lives in the server. What has several steps locks its place first, so that every
//! server counts the same people in the same order.

use std::time::Duration;

use async_trait::async_trait;
use reflector_core::Timestamp;
use reflector_core::provider::HowToClose;
use reflector_core::store::{
    Attach, Attached, CLOSED_ROOM_KEPT, Closing, ConnectionStore, Latest, Leaving, Left, Renewed, RoomSeen,
    Seat, StoreError, TokenHash,
};
use sqlx::postgres::PgRow;

use crate::PostgresStore;
use crate::key::{after_prefix, escaped, unescaped};
use crate::line::{Line, Question};
use crate::rows::{column, instant, instant_or_none, limit};
use crate::statements::{
    ADMIT, CLOSE_PLACE, DETACH, FORGET_PLACES, JOIN, LATEST, LEAVE, LOCK_PLACE, LOOK, MOVE, OPEN_PLACE,
    PLACES, RENEW, RESUME, SEAT, SPEND,
};

#[async_trait]
impl ConnectionStore for PostgresStore {
    async fn open(&self, room: &str, opened_at: Timestamp) -> Result<(), StoreError> {
        let never = Timestamp::MIN.as_micros();
        let question = sqlx::query(OPEN_PLACE).bind(escaped(room)).bind(opened_at.as_micros()).bind(never);
        self.changed(question).await.map(drop)
    }

    async fn close(&self, room: &str, how: HowToClose, now: Timestamp) -> Result<Closing, StoreError> {
        let old = now - CLOSED_ROOM_KEPT;
        self.changed(sqlx::query(FORGET_PLACES).bind(old.as_micros())).await?;
        let Some(mut place) = self.locked(room, now).await? else { return Ok(Closing::NotOpen) };
        let humans = place.latest().await?.humans;
        let occupied = humans > 0 && how == HowToClose::IfEmpty;
        if !occupied {
            place.change(sqlx::query(CLOSE_PLACE).bind(escaped(room)).bind(now.as_micros())).await?;
        }
        place.line.commit().await?;
        Ok(if occupied { Closing::Occupied(humans) } else { Closing::Closed })
    }

    async fn look(&self, room: &str, now: Timestamp) -> Result<RoomSeen, StoreError> {
        let question = sqlx::query(LOOK).bind(escaped(room)).bind(now.as_micros());
        let Some(row) = self.row(question).await? else { return Ok(RoomSeen::Unknown) };
        Ok(match instant_or_none(&row, "closed_at")? {
            Some(_) => RoomSeen::Closed,
            None => RoomSeen::Open { opened_at: instant(&row, "opened_at")?, humans: humans(&row)? },
        })
    }

    async fn rooms(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<String>, StoreError> {
        let after = after.filter(|after| prefix <= *after);
        let prefix = escaped(prefix);
        let question = sqlx::query(PLACES)
            .bind(after.map_or_else(|| prefix.clone(), escaped))
            .bind(after.is_some())
            .bind(after_prefix(&prefix))
            .bind(limit(most));
        let name = |row| column(row, "name").map(unescaped);
        self.rows(question.persistent(false)).await?.iter().map(name).collect()
    }

    async fn admit(
        &self,
        room: &str,
        token: TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let question = sqlx::query(ADMIT)
            .bind(escaped(room))
            .bind(token.as_bytes().as_slice())
            .bind(until.as_micros())
            .bind(now.as_micros());
        Ok(self.changed(question).await? > 0)
    }

    async fn attach(&self, attach: Attach, now: Timestamp) -> Result<Attached, StoreError> {
        let Some(mut place) = self.locked(&attach.room, now).await? else { return Ok(Attached::Closed) };
        let attached = place.attach(attach).await?;
        place.line.commit().await?;
        Ok(attached)
    }

    async fn renew(&self, seat: &Seat, until: Timestamp, now: Timestamp) -> Result<Renewed, StoreError> {
        let row = self.one(of_seat(RENEW, seat).bind(until.as_micros())).await?;
        if !column::<bool>(&row, "open")? {
            return Ok(Renewed::Closed);
        }
        if !column::<bool>(&row, "renewed")? {
            return Ok(Renewed::Gone);
        }
        let question = sqlx::query(LATEST).bind(escaped(&seat.room)).bind(now.as_micros());
        let row = self.row(question).await?;
        Ok(row.as_ref().map(latest).transpose()?.map_or(Renewed::Closed, Renewed::In))
    }

    async fn detach(&self, seat: &Seat) -> Result<(), StoreError> {
        self.changed(of_seat(DETACH, seat)).await.map(drop)
    }

    async fn leave(&self, seat: &Seat, leaving: Leaving, now: Timestamp) -> Result<Left, StoreError> {
        let Some(mut place) = self.locked(&seat.room, now).await? else { return Ok(Left::Gone) };
        let left = place.leave(seat, leaving).await?;
        place.line.commit().await?;
        Ok(left)
    }
}

impl PostgresStore {
    /// An open place in which nothing moves until its line commits or goes away.
    async fn locked(&self, room: &str, now: Timestamp) -> Result<Option<Place>, StoreError> {
        let mut line = self.line().await?;
        line.begin().await?;
        let Some(row) = line.row(sqlx::query(LOCK_PLACE).bind(escaped(room))).await? else {
            line.commit().await?;
            return Ok(None);
        };
        Ok(Some(Place { room: escaped(room).into_owned(), moved_at: instant(&row, "moved_at")?, now, line }))
    }
}

/// A place that is open and locked.
struct Place {
    room: String,
    moved_at: Timestamp,
    now: Timestamp,
    line: Line,
}

impl Place {
    async fn attach(&mut self, attach: Attach) -> Result<Attached, StoreError> {
        let Attach { room, token, before, fresh, until, limit } = attach;
        let spent = sqlx::query(SPEND).bind(self.room.clone()).bind(token.as_bytes().to_vec());
        let spent = self.line.row(spent).await?;
        let good_until = spent.as_ref().map(|row| instant(row, "until")).transpose()?;
        if good_until.is_none_or(|until| until <= self.now) {
            return Ok(Attached::BadToken);
        }
        let (until, now) = (until.as_micros(), self.now.as_micros());
        if let Some(connection) = before {
            let resumed = sqlx::query(RESUME).bind(self.room.clone()).bind(connection).bind(until).bind(now);
            if let Some(row) = self.line.row(resumed).await? {
                let socket = column(&row, "socket").map(i64::cast_unsigned)?;
                let seat = Seat { room, connection, socket };
                return Ok(Attached::Resumed { seat, latest: self.latest().await? });
            }
        }
        if self.latest().await?.humans as usize >= limit {
            return Ok(Attached::Full);
        }
        self.change(sqlx::query(JOIN).bind(self.room.clone()).bind(fresh).bind(until)).await?;
        let seat = Seat { room, connection: fresh, socket: 0 };
        Ok(Attached::Joined { seat, latest: self.moved().await? })
    }

    async fn leave(&mut self, seat: &Seat, leaving: Leaving) -> Result<Left, StoreError> {
        let Some(row) = self.line.row(of_seat(SEAT, seat)).await? else { return Ok(Left::Gone) };
        let until = instant(&row, "until")?;
        if leaving == Leaving::IfLapsed && self.now < until {
            return Ok(Left::NotYet { until });
        }
        self.change(sqlx::query(LEAVE).bind(self.room.clone()).bind(seat.connection)).await?;
        Ok(Left::Left(self.moved().await?))
    }

    /// Notes a coming or going. A clock that stood still or went back does not mix up their order.
    async fn moved(&mut self) -> Result<Latest, StoreError> {
        let at = self.now.max(self.moved_at + Duration::from_micros(1));
        self.change(sqlx::query(MOVE).bind(self.room.clone()).bind(at.as_micros())).await?;
        self.latest().await
    }

    async fn latest(&mut self) -> Result<Latest, StoreError> {
        let question = sqlx::query(LATEST).bind(self.room.clone()).bind(self.now.as_micros());
        latest(&self.line.one(question).await?)
    }

    async fn change(&mut self, question: Question<'_>) -> Result<(), StoreError> {
        self.line.changed(question).await.map(drop)
    }
}

/// A statement about a connection that its socket holds.
fn of_seat(statement: &'static str, seat: &Seat) -> Question<'static> {
    sqlx::query(statement)
        .bind(escaped(&seat.room).into_owned())
        .bind(seat.connection)
        .bind(seat.socket.cast_signed())
}

fn latest(row: &PgRow) -> Result<Latest, StoreError> {
    Ok(Latest { at: instant(row, "moved_at")?, humans: humans(row)? })
}

fn humans(row: &PgRow) -> Result<u32, StoreError> {
    Ok(u32::try_from(column::<i64>(row, "humans")?).unwrap_or(u32::MAX))
}
