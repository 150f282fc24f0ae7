//! What was written to the histories, in the order of the writing.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use async_trait::async_trait;
use reflector_core::MeetingId;
use reflector_core::store::{Fed, FeedLine, FeedPage, FeedPlace, FeedStore, Loaded, StoreError};

use crate::{Everything, MemoryStore};

/// How many entries whoever follows may be behind.
const REMEMBERED: usize = 100_000;

/// Which entries were written, the newest of them: a place is how many there were before.
#[derive(Default)]
pub(crate) struct Feed {
    forgotten: u64,
    written: VecDeque<(MeetingId, u64)>,
}

impl Feed {
    /// Takes note of what was written to a history.
    pub(crate) fn add(&mut self, meeting: MeetingId, seqs: RangeInclusive<u64>) {
        self.written.extend(seqs.map(|seq| (meeting, seq)));
        while self.written.len() > REMEMBERED {
            self.written.pop_front();
            self.forgotten += 1;
        }
    }

    fn end(&self) -> u64 {
        self.forgotten + self.written.len() as u64
    }

    /// What was written after a place, each with where to go on; nothing if the place is not known.
    fn after(&self, place: &FeedPlace) -> Option<impl Iterator<Item = (u64, (MeetingId, u64))>> {
        let place: u64 = place.0.parse().ok().filter(|place| *place <= self.end())?;
        let skip = usize::try_from(place.checked_sub(self.forgotten)?).ok()?;
        Some((place + 1..).zip(self.written.iter().skip(skip).copied()))
    }
}

impl Everything {
    fn feed(&self, after: &FeedPlace, limit: usize) -> Fed {
        let Some(written) = self.feed.after(after) else { return Fed::Lost };
        let mut page = FeedPage::default();
        for (place, (meeting, seq)) in written.take(limit) {
            let Some(entry) = self.meetings.entry(meeting, seq) else { continue };
            let is_known = |loaded: &Loaded| loaded.meeting.id == meeting;
            if !page.meetings.iter().any(is_known) {
                page.meetings.extend(self.load(meeting));
            }
            page.lines.push(FeedLine { place: FeedPlace(place.to_string()), meeting, entry });
        }
        Fed::Page(page)
    }
}

#[async_trait]
impl FeedStore for MemoryStore {
    async fn feed_end(&self) -> Result<FeedPlace, StoreError> {
        Ok(FeedPlace(self.kept().feed.end().to_string()))
    }

    async fn feed(&self, after: &FeedPlace, limit: usize) -> Result<Fed, StoreError> {
        Ok(self.kept().feed(after, limit))
    }
}
