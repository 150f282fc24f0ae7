//! Owed work, by meeting and by when it can be claimed next.

use std::collections::{BTreeMap, BTreeSet};

use reflector_core::lifecycle::EffectKind;
use reflector_core::store::{ClaimEffects, ClaimedEffect, EffectId, OwedEffect, Settled, Settlement};
use reflector_core::{MeetingId, Timestamp};

use crate::deliveries::take_before;

#[derive(Default)]
pub(crate) struct Effects {
    owed: BTreeMap<EffectId, Row>,
    /// When each can be claimed next: closes, opens, and the rest.
    ready: [BTreeSet<(Timestamp, EffectId)>; 3],
    /// What is done, by when it was.
    done: BTreeSet<(Timestamp, EffectId)>,
}

struct Row {
    work: ClaimedEffect,
    /// When it can be claimed next: when its time has come, or the claim on it has run out.
    ready_at: Timestamp,
}

impl Row {
    fn urgency(&self) -> u8 {
        self.work.effect.kind().urgency()
    }
}

impl Effects {
    pub(crate) fn owe(&mut self, effects: Vec<OwedEffect>) {
        for OwedEffect { id, effect, owed_at } in effects {
            let work =
                ClaimedEffect { id, effect, owed_at, attempts: 0, claimed_until: None, last_error: None };
            if !self.owed.contains_key(&id) {
                self.put(Row { work, ready_at: owed_at });
            }
        }
    }

    /// Drops the work of these kinds that a meeting owes, also when somebody has it in hand.
    pub(crate) fn supersede(&mut self, meeting: MeetingId, kinds: &[EffectKind]) {
        if kinds.is_empty() {
            return;
        }
        let superseded = |row: &&Row| kinds.contains(&row.work.effect.kind());
        let ids: Vec<_> = self.of(meeting).filter(superseded).map(|row| row.work.id).collect();
        for id in ids {
            self.take(id);
        }
    }

    pub(crate) fn claim(&mut self, claim: ClaimEffects) -> Vec<ClaimedEffect> {
        let ids = match claim.meeting {
            Some(meeting) => self.ready_of(meeting, &claim),
            None => self.ready_of_all(&claim),
        };
        ids.into_iter().filter_map(|id| self.claim_one(id, claim.until)).collect()
    }

    fn claim_one(&mut self, id: EffectId, until: Timestamp) -> Option<ClaimedEffect> {
        let mut row = self.take(id)?;
        row.work.attempts += 1;
        row.work.claimed_until = Some(until);
        row.ready_at = until;
        let claimed = row.work.clone();
        self.put(row);
        Some(claimed)
    }

    fn ready_of_all(&self, claim: &ClaimEffects) -> Vec<EffectId> {
        let ready = |set| BTreeSet::iter(set).take_while(|(ready_at, _)| *ready_at <= claim.now);
        self.ready.iter().flat_map(ready).map(|(_, id)| *id).take(claim.limit).collect()
    }

    fn ready_of(&self, meeting: MeetingId, claim: &ClaimEffects) -> Vec<EffectId> {
        let mut ready: Vec<_> = self.of(meeting).filter(|row| row.ready_at <= claim.now).collect();
        ready.sort_by_key(|row| (row.urgency(), row.ready_at, row.work.id));
        ready.into_iter().map(|row| row.work.id).take(claim.limit).collect()
    }

    pub(crate) fn settle(
        &mut self,
        claimed: &ClaimedEffect,
        settlement: Settlement,
        now: Timestamp,
    ) -> Settled {
        let proof = |work: &ClaimedEffect| (work.claimed_until, work.attempts);
        let held = self.owed.get(&claimed.id).is_some_and(|row| proof(&row.work) == proof(claimed));
        if !held || claimed.claimed_until.is_none() {
            return Settled::Lost;
        }
        let Some(mut row) = self.take(claimed.id) else { return Settled::Lost };
        match settlement {
            Settlement::Done => {
                self.done.insert((now, claimed.id));
            }
            Settlement::Retry { at, error } => {
                row.work.claimed_until = None;
                row.work.last_error = Some(error);
                row.ready_at = at;
                self.put(row);
            }
        }
        Settled::Settled
    }

    pub(crate) fn drop_done_before(&mut self, before: Timestamp, limit: usize) -> usize {
        take_before(&mut self.done, before, limit).len()
    }

    pub(crate) fn owed(&self, meeting: MeetingId) -> Vec<ClaimedEffect> {
        let mut owed: Vec<_> = self.of(meeting).map(|row| row.work.clone()).collect();
        owed.sort_by_key(|work| (work.owed_at, work.id));
        owed
    }

    /// All that is owed: of which kind, and since when.
    pub(crate) fn all_owed(&self) -> impl Iterator<Item = (EffectKind, Timestamp)> {
        self.owed.values().map(|row| (row.work.effect.kind(), row.work.owed_at))
    }

    pub(crate) fn next_owed(&self) -> Option<Timestamp> {
        self.ready.iter().filter_map(|set| set.first()).map(|(ready_at, _)| *ready_at).min()
    }

    fn of(&self, meeting: MeetingId) -> impl Iterator<Item = &Row> {
        let (first, last) = (
            EffectId { meeting, version: 0, index: 0 },
            EffectId { meeting, version: u64::MAX, index: u16::MAX },
        );
        self.owed.range(first..=last).map(|(_, row)| row)
    }

    fn put(&mut self, row: Row) {
        self.ready[usize::from(row.urgency())].insert((row.ready_at, row.work.id));
        self.owed.insert(row.work.id, row);
    }

    fn take(&mut self, id: EffectId) -> Option<Row> {
        let row = self.owed.remove(&id)?;
        self.ready[usize::from(row.urgency())].remove(&(row.ready_at, id));
        Some(row)
    }
}
