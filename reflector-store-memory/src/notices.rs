//! What rooms' owners are to be told.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use reflector_core::Timestamp;
use reflector_core::store::{ClaimedNotice, NoticeStore, OwedNotice, Settled, Settlement, StoreError};

use crate::deliveries::take_before;
use crate::{Everything, MemoryStore};

#[derive(Default)]
pub(crate) struct Notices {
    rows: HashMap<String, Row>,
    /// When each can be claimed next.
    ready: BTreeSet<(Timestamp, String)>,
    settled: BTreeSet<(Timestamp, String)>,
}

struct Row {
    notice: OwedNotice,
    attempts: u32,
    ready_at: Timestamp,
    claimed_until: Option<Timestamp>,
    last_error: Option<String>,
}

impl Everything {
    /// Keeps what is to be told to those who listen.
    pub(crate) fn owe_notices(&mut self, notices: impl IntoIterator<Item = OwedNotice>) {
        let rooms = &self.rooms;
        self.notices.owe(notices.into_iter().filter(|notice| rooms.listens(notice.room)));
    }
}

impl Notices {
    fn owe(&mut self, notices: impl Iterator<Item = OwedNotice>) {
        for notice in notices {
            if !self.rows.contains_key(&notice.id) {
                self.ready.insert((notice.owed_at, notice.id.clone()));
                let ready_at = notice.owed_at;
                let row = Row { notice, attempts: 0, ready_at, claimed_until: None, last_error: None };
                self.rows.insert(row.notice.id.clone(), row);
            }
        }
    }

    fn claim(&mut self, now: Timestamp, until: Timestamp, limit: usize) -> Vec<ClaimedNotice> {
        let ready = self.ready.iter().take_while(|(at, _)| *at <= now).take(limit);
        let places: Vec<_> = ready.cloned().collect();
        let mut claimed = Vec::new();
        for place in places {
            self.ready.remove(&place);
            let Some(row) = self.rows.get_mut(&place.1) else { continue };
            row.attempts += 1;
            row.ready_at = until;
            row.claimed_until = Some(until);
            self.ready.insert((until, place.1));
            claimed.push(ClaimedNotice {
                notice: row.notice.clone(),
                attempts: row.attempts,
                claimed_until: until,
                last_error: row.last_error.clone(),
            });
        }
        claimed
    }

    fn settle(&mut self, claimed: &ClaimedNotice, settlement: Settlement, now: Timestamp) -> Settled {
        let id = &claimed.notice.id;
        let is_held = |row: &&mut Row| {
            row.claimed_until == Some(claimed.claimed_until) && row.attempts == claimed.attempts
        };
        let Some(row) = self.rows.get_mut(id).filter(is_held) else { return Settled::Lost };
        self.ready.remove(&(row.ready_at, id.clone()));
        row.claimed_until = None;
        match settlement {
            Settlement::Done => {
                self.settled.insert((now, id.clone()));
            }
            Settlement::Retry { at, error } => {
                row.ready_at = at;
                row.last_error = Some(error);
                self.ready.insert((at, id.clone()));
            }
        }
        Settled::Settled
    }

    fn drop_before(&mut self, before: Timestamp, limit: usize) -> usize {
        let old = take_before(&mut self.settled, before, limit);
        for (_, id) in &old {
            self.rows.remove(id);
        }
        old.len()
    }
}

#[async_trait]
impl NoticeStore for MemoryStore {
    async fn claim_notices(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimedNotice>, StoreError> {
        Ok(self.kept().notices.claim(now, until, limit))
    }

    async fn settle_notice(
        &self,
        claimed: &ClaimedNotice,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        Ok(self.kept().notices.settle(claimed, settlement, now))
    }

    async fn next_notice(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.kept().notices.ready.first().map(|(at, _)| *at))
    }

    async fn drop_notices_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        Ok(self.kept().notices.drop_before(before, limit))
    }
}
