//! What was written to the histories, in the order of the transactions that wrote it.

use std::str::FromStr;

use async_trait::async_trait;
use reflector_core::store::{Entry, Fed, FeedLine, FeedPage, FeedPlace, FeedStore, StoreError};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::PostgresStore;
use crate::rows::{column, document, limit, loaded, meeting_id, number};
use crate::statements::{FEED, FEED_END, LOAD_ALL};

#[async_trait]
impl FeedStore for PostgresStore {
    async fn feed_end(&self) -> Result<FeedPlace, StoreError> {
        let row = self.one(sqlx::query(FEED_END)).await?;
        let written_by: u64 = transaction(&row, "oldest")?;
        Ok(Place { written_by, meeting: Uuid::nil(), seq: 0 }.into())
    }

    async fn feed(&self, after: &FeedPlace, most: usize) -> Result<Fed, StoreError> {
        let Ok(after) = after.0.parse::<Place>() else { return Ok(Fed::Lost) };
        let question = sqlx::query(FEED)
            .bind(after.written_by.to_string())
            .bind(after.meeting)
            .bind(after.seq.cast_signed())
            .bind(limit(most));
        let rows = self.rows(question).await?;
        if !rows.first().map_or(Ok(false), |row| column(row, "is_known"))? {
            return Ok(Fed::Lost);
        }
        let lines = rows.iter().filter_map(|row| line(row).transpose()).collect::<Result<Vec<_>, _>>()?;
        let mut meetings: Vec<_> = lines.iter().map(|line| line.meeting.0).collect();
        meetings.sort_unstable();
        meetings.dedup();
        let meetings = if meetings.is_empty() {
            Vec::new()
        } else {
            let rows = self.rows(sqlx::query(LOAD_ALL).bind(meetings)).await?;
            rows.iter().map(loaded).collect::<Result<_, _>>()?
        };
        Ok(Fed::Page(FeedPage { lines, meetings }))
    }
}

/// A place in the feed: the last entry before it.
struct Place {
    written_by: u64,
    meeting: Uuid,
    seq: u64,
}

impl From<Place> for FeedPlace {
    fn from(Place { written_by, meeting, seq }: Place) -> Self {
        Self(format!("{written_by}.{}.{seq}", meeting.simple()))
    }
}

impl FromStr for Place {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(());
        Ok(Self {
            written_by: part()?.parse().map_err(drop)?,
            meeting: part()?.parse().map_err(drop)?,
            seq: part()?.parse().map_err(drop)?,
        })
    }
}

/// An entry, from a row that has one.
fn line(row: &PgRow) -> Result<Option<FeedLine>, StoreError> {
    if column::<Option<Uuid>>(row, "meeting")?.is_none() {
        return Ok(None);
    }
    let (meeting, seq) = (meeting_id(row, "meeting")?, number(row, "seq")?);
    let entry = Entry { seq, ..document(row, "document")? };
    let place = Place { written_by: transaction(row, "written_by")?, meeting: meeting.0, seq }.into();
    Ok(Some(FeedLine { place, meeting, entry }))
}

/// A transaction's number, which comes as text.
fn transaction(row: &PgRow, name: &'static str) -> Result<u64, StoreError> {
    column::<&str>(row, name)?.parse().map_err(|error: std::num::ParseIntError| StoreError::Corrupt {
        what: "the number of a transaction".to_owned(),
        source: error.into(),
    })
}
