//! What was written to the histories, in the order of the writing.

use std::collections::BTreeSet;

use async_trait::async_trait;
use reflector_core::MeetingId;
use reflector_core::store::document::Document;
use reflector_core::store::{Entry, Fed, FeedLine, FeedPage, FeedPlace, FeedStore, MeetingStore, StoreError};
use sqlx::{query_as, query_scalar};
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::ill;
use crate::rows::{limit, unsigned};

#[async_trait]
impl FeedStore for SqliteStore {
    async fn feed_end(&self) -> Result<FeedPlace, StoreError> {
        Ok(FeedPlace(self.last_place().await?.to_string()))
    }

    async fn feed(&self, after: &FeedPlace, most: usize) -> Result<Fed, StoreError> {
        let Ok(after) = after.0.parse::<i64>() else { return Ok(Fed::Lost) };
        if !(0..=self.last_place().await?).contains(&after) {
            return Ok(Fed::Lost);
        }
        let rows: Vec<(i64, Uuid, i64, String)> =
            query_as(FEED).bind(after).bind(limit(most)).fetch_all(&self.readers).await.map_err(ill)?;
        let mut page = FeedPage::default();
        for (place, meeting, seq, document) in rows {
            let entry = Entry { seq: unsigned(seq), ..Entry::from_document(&document)? };
            let place = FeedPlace(place.to_string());
            page.lines.push(FeedLine { place, meeting: MeetingId(meeting), entry });
        }
        let meetings: BTreeSet<_> = page.lines.iter().map(|line| line.meeting).collect();
        for meeting in meetings {
            page.meetings.extend(self.load(meeting).await?);
        }
        Ok(Fed::Page(page))
    }
}

impl SqliteStore {
    async fn last_place(&self) -> Result<i64, StoreError> {
        query_scalar(LAST_PLACE).fetch_one(&self.readers).await.map_err(ill)
    }
}

/// Where the feed ends. What was dropped with its meeting's history may have been the end: whoever was there is lost.
pub(crate) const LAST_PLACE: &str =
    "SELECT coalesce((SELECT place FROM history WHERE place IS NOT NULL ORDER BY place DESC LIMIT 1), 0)";

/// What comes after a place.
pub(crate) const FEED: &str = "SELECT place, meeting_id, seq, document FROM history
    WHERE place > ?1 ORDER BY place LIMIT ?2";
