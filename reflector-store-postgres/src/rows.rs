//! Rows and values, read and written.

use reflector_core::store::document::Document;
use reflector_core::store::{Entry, Loaded, OwedEffect, Page, Settled, Settlement, StoreError};
use reflector_core::{Claim, Meeting, MeetingId, RoomPolicy, Timestamp};
use sqlx::postgres::{PgRow, Postgres};
use sqlx::{Decode, Row, Type};
use uuid::Uuid;

use crate::error::unavailable;
use crate::key::{escaped, key};
use crate::line::Question;

/// A column of a row.
pub(crate) fn column<'r, T: Decode<'r, Postgres> + Type<Postgres>>(
    row: &'r PgRow,
    name: &'static str,
) -> Result<T, StoreError> {
    row.try_get(name).map_err(unavailable)
}

/// A document in a column of a row.
pub(crate) fn document<T: Document>(row: &PgRow, name: &'static str) -> Result<T, StoreError> {
    T::from_document(column(row, name)?)
}

/// An instant in a column of a row.
pub(crate) fn instant(row: &PgRow, name: &'static str) -> Result<Timestamp, StoreError> {
    column(row, name).map(Timestamp::from_micros)
}

/// An instant that may be missing.
pub(crate) fn instant_or_none(row: &PgRow, name: &'static str) -> Result<Option<Timestamp>, StoreError> {
    Ok(column::<Option<i64>>(row, name)?.map(Timestamp::from_micros))
}

/// A number in a column of a row.
pub(crate) fn number(row: &PgRow, name: &'static str) -> Result<u64, StoreError> {
    column(row, name).map(i64::cast_unsigned)
}

pub(crate) fn meeting_id(row: &PgRow, name: &'static str) -> Result<MeetingId, StoreError> {
    column::<Uuid>(row, name).map(MeetingId)
}

pub(crate) fn loaded(row: &PgRow) -> Result<Loaded, StoreError> {
    Ok(Loaded {
        meeting: document(row, "document")?,
        version: number(row, "version")?,
        room_policy: document::<RoomPolicy>(row, "policy")?,
        entries: number(row, "entries")?,
    })
}

/// How many at the most, as PostgreSQL counts.
pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A page, as one row for each item, or one without an item if it is empty. Each tells how many there are in all.
pub(crate) fn page<T>(
    rows: &[PgRow],
    item: impl Fn(&PgRow) -> Result<Option<T>, StoreError>,
) -> Result<Page<T>, StoreError> {
    let total = rows.first().map_or(Ok(0), |row| number(row, "total"))?;
    let items: Result<_, _> = rows.iter().map(item).filter_map(Result::transpose).collect();
    Ok(Page { items: items?, total })
}

/// A document in a column of a row of a page.
pub(crate) fn document_or_none<T: Document>(
    row: &PgRow,
    name: &'static str,
) -> Result<Option<T>, StoreError> {
    column::<Option<&str>>(row, name)?.map(T::from_document).transpose()
}

/// A count of a caller, as PostgreSQL counts.
pub(crate) fn clamped(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What became of owed work, as the last values of a statement that settles it.
pub(crate) fn bind_settlement<'q>(
    question: Question<'q>,
    settlement: &'q Settlement,
    now: Timestamp,
) -> Question<'q> {
    match settlement {
        Settlement::Done => question.bind(now.as_micros()),
        Settlement::Retry { at, error } => question.bind(at.as_micros()).bind(escaped(error)),
    }
}

/// What came of settling, by how many rows were changed.
pub(crate) fn settled_or_lost(changed: u64) -> Settled {
    if changed > 0 { Settled::Settled } else { Settled::Lost }
}

/// What of a meeting is written, and the first values of statements that write one.
pub(crate) fn bind_meeting<'q>(
    question: Question<'q>,
    meeting: &Meeting,
) -> Result<Question<'q>, StoreError> {
    let Meeting { provider, room, life, claim, .. } = meeting;
    let of_room = |text: &String| key(text).into_owned();
    Ok(question
        .bind(life.created_at.as_micros())
        .bind(life.schedule.start.as_micros())
        .bind(life.phase.closed_at().map(Timestamp::as_micros))
        .bind(life.phase.is_forced())
        .bind(claim.as_ref().map(claim_key))
        .bind(key(provider.as_str()).into_owned())
        .bind(room.as_ref().map(|room| of_room(&room.external_id)))
        .bind(room.as_ref().map(|room| of_room(&room.name)))
        .bind(meeting.to_document()?))
}

/// A claim as a key.
pub(crate) fn claim_key(claim: &Claim) -> String {
    key(&claim.key()).into_owned()
}

/// The documents of entries.
pub(crate) fn documents(entries: &[Entry]) -> Result<Vec<String>, StoreError> {
    entries.iter().map(Document::to_document).collect()
}

/// Owed work, as one list for each column.
pub(crate) fn bind_effects<'q>(
    question: Question<'q>,
    effects: &[OwedEffect],
) -> Result<Question<'q>, StoreError> {
    let documents: Result<Vec<_>, _> = effects.iter().map(|owed| owed.effect.to_document()).collect();
    Ok(question
        .bind(effects.iter().map(|owed| owed.id.version.cast_signed()).collect::<Vec<_>>())
        .bind(effects.iter().map(|owed| i32::from(owed.id.index)).collect::<Vec<_>>())
        .bind(effects.iter().map(|owed| owed.effect.kind().as_str()).collect::<Vec<_>>())
        .bind(effects.iter().map(|owed| i16::from(owed.effect.kind().urgency())).collect::<Vec<_>>())
        .bind(effects.iter().map(|owed| owed.owed_at.as_micros()).collect::<Vec<_>>())
        .bind(documents?))
}
