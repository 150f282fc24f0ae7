//! Words as columns, and columns as words.

use reflector_core::store::document::Document;
use reflector_core::store::{EffectId, Loaded, Page, Settled, Settlement, StoreError};
use reflector_core::{Meeting, MeetingId, RoomPolicy, Timestamp};
use sqlx::sqlite::{Sqlite, SqliteArguments};
use sqlx::{FromRow, query};
use uuid::Uuid;

use crate::error::corrupt;

/// A statement with its values.
pub(crate) type Query<'q> = query::Query<'q, Sqlite, SqliteArguments>;

/// The bits of an unsigned number, which SQLite has not.
pub(crate) fn bits(number: u64) -> i64 {
    number.cast_signed()
}

/// The unsigned number with these bits.
pub(crate) fn unsigned(bits: i64) -> u64 {
    bits.cast_unsigned()
}

/// A limit, as SQLite takes one: a negative one would be none.
pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A count of a caller, as SQLite takes one.
pub(crate) fn clamped(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A page, from how many there are in all and an item, a row each; from a row without an item if it is empty.
pub(crate) fn page<R, T>(
    rows: Vec<(i64, Option<R>)>,
    read: impl Fn(R) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let total = rows.first().map_or(0, |(total, _)| unsigned(*total));
    let items = rows.into_iter().filter_map(|(_, item)| item).map(read).collect::<Result<_, _>>()?;
    Ok(Page { items, total })
}

/// A number that a row holds, in the type that it was written from.
pub(crate) fn narrow<T: TryFrom<i64>>(number: i64) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_| corrupt("a row", format!("{number} is out of range")))
}

/// A row with a meeting in it, and the policy of its room.
#[derive(FromRow)]
pub(crate) struct MeetingRow {
    document: String,
    version: i64,
    entries: i64,
    policy: String,
}

impl MeetingRow {
    pub(crate) fn read(self) -> Result<Loaded, StoreError> {
        Ok(Loaded {
            meeting: Meeting::from_document(&self.document)?,
            version: unsigned(self.version),
            room_policy: RoomPolicy::from_document(&self.policy)?,
            entries: unsigned(self.entries),
        })
    }
}

/// Which piece of owed work a row is.
pub(crate) fn effect_id(meeting: Uuid, version: i64, place: i64) -> Result<EffectId, StoreError> {
    Ok(EffectId { meeting: MeetingId(meeting), version: unsigned(version), index: narrow(place)? })
}

/// When owed work that was settled like this is done, when it can be claimed next, and what went wrong.
pub(crate) fn settled(settlement: Settlement, now: Timestamp) -> (Option<i64>, i64, Option<String>) {
    match settlement {
        Settlement::Done => (Some(now.as_micros()), now.as_micros(), None),
        Settlement::Retry { at, error } => (None, at.as_micros(), Some(error)),
    }
}

/// What came of settling, by how many rows were changed.
pub(crate) fn settled_or_lost(updated: u64) -> Settled {
    if updated > 0 { Settled::Settled } else { Settled::Lost }
}

/// An instant as it is kept, if there is one.
pub(crate) fn micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_micros)
}
