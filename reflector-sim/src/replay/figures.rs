//! What is counted, of what happened and of what would have happened.

use std::collections::BTreeMap;
use std::time::Duration;

use reflector_core::lifecycle::{CloseReason, Phase};
use reflector_core::{MeetingId, Timestamp};

use super::Closing;
use crate::report::SOON;

/// What is counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// How many meetings were made.
    pub meetings: u64,
    /// How many times somebody came in.
    pub joins: u64,
    /// How often somebody came into another meeting within a quarter of an hour after somebody had left one that
    /// closed for emptiness meanwhile. A recording has no names, so that it was the same person is taken for granted:
    /// it is as often as that at the most.
    pub splits: u64,
    /// How long rooms stood empty after somebody had been in.
    pub empty: Duration,
    /// Forced closes with people in: how many people.
    pub put_out_by_force: u64,
    /// How meetings closed.
    pub reasons: BTreeMap<CloseReason, u64>,
    /// How many were open when the recording ended.
    pub open: u64,
}

impl Figures {
    fn add(&mut self, other: &Self) {
        self.meetings += other.meetings;
        self.joins += other.joins;
        self.splits += other.splits;
        self.empty += other.empty;
        self.put_out_by_force += other.put_out_by_force;
        self.open += other.open;
        for (reason, count) in &other.reasons {
            *self.reasons.entry(*reason).or_default() += count;
        }
    }
}

/// Counts what happens in one room.
#[derive(Debug, Default)]
pub(super) struct Tally {
    figures: Figures,
    closes: Vec<Closing>,
    meetings: BTreeMap<MeetingId, Seen>,
}

/// What is remembered of a meeting for as long as it matters.
#[derive(Debug, Default)]
struct Seen {
    /// When people left who have not come back.
    left: Vec<Timestamp>,
    empty_since: Option<Timestamp>,
    occupied: bool,
    closed: Option<CloseReason>,
}

impl Tally {
    pub(super) fn made(&mut self, id: MeetingId) {
        self.figures.meetings += 1;
        self.meetings.insert(id, Seen::default());
    }

    /// Somebody comes in: back, or to another meeting than the one that they had left, or for the first time.
    pub(super) fn comes(&mut self, id: MeetingId, now: Timestamp) {
        self.figures.joins += 1;
        let recent = |left: &Timestamp| now.since(*left) < SOON;
        self.meetings.retain(|_, seen| seen.closed.is_none() || seen.left.iter().any(recent));
        let came_back = |seen: &mut Seen| {
            let place = seen.left.iter().rposition(recent);
            place.map(|place| seen.left.remove(place)).is_some()
        };
        if self.meetings.get_mut(&id).is_some_and(came_back) {
            return;
        }
        let mut others = self.meetings.values_mut();
        let split = others.any(|seen| seen.closed == Some(CloseReason::GraceExpired) && came_back(seen));
        self.figures.splits += u64::from(split);
    }

    pub(super) fn goes(&mut self, id: MeetingId, now: Timestamp) {
        if let Some(seen) = self.meetings.get_mut(&id) {
            seen.left.push(now);
        }
    }

    /// So many people are in now.
    pub(super) fn holds(&mut self, id: MeetingId, humans: u32, now: Timestamp) {
        let Some(seen) = self.meetings.get_mut(&id).filter(|seen| seen.closed.is_none()) else { return };
        let occupied = humans > 0;
        if occupied && !seen.occupied {
            self.figures.empty += seen.empty_since.take().map_or(Duration::ZERO, |since| now.since(since));
        } else if !occupied && seen.occupied {
            seen.empty_since = Some(now);
        }
        seen.occupied = occupied;
    }

    /// A meeting is in this phase now: it may be closed.
    pub(super) fn is_in(&mut self, id: MeetingId, phase: &Phase) {
        let Phase::Closed { reason, at } = *phase else { return };
        let Some(seen) = self.meetings.get_mut(&id).filter(|seen| seen.closed.is_none()) else { return };
        self.figures.empty += seen.empty_since.take().map_or(Duration::ZERO, |since| at.since(since));
        seen.closed = Some(reason);
        *self.figures.reasons.entry(reason).or_default() += 1;
        self.closes.push(Closing { meeting: id, reason, at });
    }

    pub(super) fn puts_out(&mut self, humans: u32) {
        self.figures.put_out_by_force += u64::from(humans);
    }

    /// The recording has ended.
    pub(super) fn sum_up(mut self, now: Timestamp, figures: &mut Figures, closes: &mut Vec<Closing>) {
        for seen in self.meetings.values().filter(|seen| seen.closed.is_none()) {
            self.figures.open += 1;
            self.figures.empty += seen.empty_since.map_or(Duration::ZERO, |since| now.since(since));
        }
        figures.add(&self.figures);
        closes.append(&mut self.closes);
    }
}
