//! What is known of who is in, told from observations that may come late, doubled and out of order (rule L11).
//!
//! The record keeps the newest observations in the order in which they happened and tells the story anew when a late
//! one finds its place among them, so the same observations lead to the same presence in whatever order they come.
//! The provider's events are ordered by the provider's clock; our own polls by ours; between the two our receipt
//! decides. What is older than the last [`KEPT`] observations is settled, and too late to change.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::event::{Presence, Report, Sighting};
use super::policy::CLOCK_TOLERANCE;
use crate::ids::ConnectionKey;
use crate::time::Timestamp;

/// How many observations keep their place in the order, each of which a late one may still precede.
pub const KEPT: usize = 8;
/// How many left connections are remembered, so that a late joining of theirs is born closed.
const TOMBSTONES: usize = 64;

/// The memory of who is in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceRecord {
    /// The story up to the oldest observation that is kept.
    settled: Told,
    /// The newest of the provider's events that are settled, by the provider's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settled_event: Option<Seen>,
    /// The newest of our polls that are settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settled_poll: Option<Seen>,
    /// The newest observations: the provider's events by the provider's clock, then our polls by ours.
    kept: Vec<Seen>,
    /// When the newest observation reached us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    heard_at: Option<Timestamp>,
}

/// One observation, stripped to what presence needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// When it happened: by the provider's clock for its events, by ours for a poll.
    at: Timestamp,
    /// What it stands at among observations of the other clock: the first receipt, or when the poll was asked, less
    /// its staleness.
    stands_at: Timestamp,
    #[serde(flatten)]
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "snake_case")]
enum What {
    /// A person left.
    Left { connection: ConnectionKey, humans: Option<u32> },
    /// Something that is no person went, and the provider told how many people are in.
    WentCounted { humans: u32 },
    /// Something that is no person came, and the provider told how many people are in.
    CameCounted { humans: u32 },
    /// A person joined.
    Joined { connection: ConnectionKey, humans: Option<u32> },
    /// The provider was asked.
    Polled { humans: u32 },
}

/// What came of taking in an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It found its place.
    InOrder,
    /// It was there before.
    SeenBefore,
    /// It is older than what is settled.
    TooOld,
    /// It says nothing about people.
    NoNews,
}

/// Who is in, told in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// How many people are in.
    pub humans: u32,
    /// How it came to that.
    pub stretch: Stretch,
    /// The newest leaving of a person, as far as it is believed (rule L3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_left: Option<Timestamp>,
    open: Vec<ConnectionKey>,
    gone: Vec<ConnectionKey>,
}

/// A stretch of time in which somebody was in, or nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stretch", rename_all = "snake_case")]
pub enum Stretch {
    /// Nobody has ever been in.
    #[default]
    Never,
    /// Somebody has been in since then.
    Occupied {
        /// When the first of them was seen.
        since: Timestamp,
    },
    /// Nobody is in.
    Empty {
        /// The newest leaving of a person; if nobody was seen leaving, when it was first found empty (rule L3).
        since: Timestamp,
    },
}

impl PresenceRecord {
    /// Takes in somebody's joining.
    pub fn joined(&mut self, sighting: &Sighting) -> Taken {
        let connection = sighting.participant.connection;
        let counted = sighting.humans.map(|humans| What::CameCounted { humans });
        self.sighted(sighting, What::Joined { connection, humans: sighting.humans }, counted)
    }

    /// Takes in somebody's leaving.
    pub fn left(&mut self, sighting: &Sighting) -> Taken {
        let connection = sighting.participant.connection;
        let counted = sighting.humans.map(|humans| What::WentCounted { humans });
        self.sighted(sighting, What::Left { connection, humans: sighting.humans }, counted)
    }

    /// Takes in what the provider answered. `Unknown` is no news (rule L13).
    pub fn reported(&mut self, report: &Report) -> Taken {
        let humans = match report.presence {
            Presence::Occupied(humans) => humans.max(1),
            Presence::Empty => 0,
            Presence::Unknown => return Taken::NoNews,
        };
        let stands_at = report.asked_at - report.staleness;
        self.take(Seen { at: stands_at, stands_at, what: What::Polled { humans } }, report.asked_at)
    }

    fn sighted(&mut self, sighting: &Sighting, of_a_person: What, counted: Option<What>) -> Taken {
        let is_human = sighting.participant.role.is_human();
        let what = if is_human { Some(of_a_person) } else { counted };
        let Some(what) = what else { return Taken::NoNews };
        self.take(Seen { at: sighting.at, stands_at: sighting.received_at, what }, sighting.received_at)
    }

    fn take(&mut self, seen: Seen, heard_at: Timestamp) -> Taken {
        let settled = if seen.is_poll() { self.settled_poll } else { self.settled_event };
        if settled.is_some_and(|settled| seen.in_record(&settled) != Ordering::Greater) {
            return Taken::TooOld;
        }
        let place = self.kept.partition_point(|kept| kept.in_record(&seen) == Ordering::Less);
        if let Some(kept) = self.kept.get_mut(place).filter(|kept| kept.in_record(&seen) == Ordering::Equal) {
            // It stands at its first receipt (rule L11), also if the copy that came first is taken in second.
            let first = seen.stands_at < kept.stands_at;
            kept.stands_at = kept.stands_at.min(seen.stands_at);
            return if first { Taken::InOrder } else { Taken::SeenBefore };
        }
        self.kept.insert(place, seen);
        self.heard_at = self.heard_at.max(Some(heard_at));
        if self.kept.len() > KEPT {
            self.settle_oldest();
        }
        Taken::InOrder
    }

    fn settle_oldest(&mut self) {
        let Some(oldest) = InOrder::new(&self.kept).next() else { return };
        self.settled.tell(&oldest);
        let newest = if oldest.is_poll() { &mut self.settled_poll } else { &mut self.settled_event };
        *newest = Some(oldest);
        self.kept.retain(|kept| *kept != oldest);
    }

    /// Who is in, told from the beginning.
    pub fn told(&self) -> Told {
        let mut told = self.settled.clone();
        for seen in InOrder::new(&self.kept) {
            told.tell(&seen);
        }
        told
    }

    /// When the newest observation reached us.
    pub fn heard_at(&self) -> Option<Timestamp> {
        self.heard_at
    }

    /// The newest of the provider's events, by the provider's clock.
    pub fn newest_event_at(&self) -> Option<Timestamp> {
        let kept = self.kept.iter().filter(|seen| !seen.is_poll()).map(|seen| seen.at).max();
        kept.max(self.settled_event.map(|seen| seen.at))
    }
}

impl Seen {
    fn is_poll(&self) -> bool {
        matches!(self.what, What::Polled { .. })
    }

    fn is_occupied(&self) -> bool {
        match self.what {
            What::Left { humans, .. } => humans.is_some_and(|humans| humans > 0),
            What::Joined { .. } => true,
            What::WentCounted { humans } | What::CameCounted { humans } | What::Polled { humans } => humans > 0,
        }
    }

    /// Its place among observations of the same instant: who goes before who comes, so that presence wins; of those
    /// who go the one that leaves the fewest behind last, of those who come the one that finds the most.
    fn in_instant(&self) -> (bool, Option<i64>) {
        match self.what {
            What::Left { humans, .. } => (false, humans.map(|humans| -i64::from(humans))),
            What::WentCounted { humans } => (false, Some(-i64::from(humans))),
            What::Joined { humans, .. } => (true, humans.map(i64::from)),
            What::CameCounted { humans } => (true, Some(i64::from(humans))),
            What::Polled { humans } => (humans > 0, Some(i64::from(humans))),
        }
    }

    /// The order in which observations are kept: events first, polls behind, each by its clock. A second receipt of
    /// the same event is the same event.
    fn in_record(&self, other: &Self) -> Ordering {
        let place = |seen: &Self| (seen.is_poll(), seen.at, seen.in_instant(), seen.what);
        place(self).cmp(&place(other))
    }
}

/// The kept observations of both clocks in one order.
///
/// An event that a newer one of its clock has overtaken stands at that one's receipt at the latest: what came after
/// it was known by then.
struct InOrder<'a> {
    events: &'a [Seen],
    polls: &'a [Seen],
}

impl<'a> InOrder<'a> {
    fn new(kept: &'a [Seen]) -> Self {
        let (events, polls) = kept.split_at(kept.partition_point(|seen| !seen.is_poll()));
        Self { events, polls }
    }
}

impl Iterator for InOrder<'_> {
    type Item = Seen;

    fn next(&mut self) -> Option<Seen> {
        let (Some(poll), Some(event)) = (self.polls.first(), self.events.first()) else {
            let (first, rest) = self.events.split_first().or_else(|| self.polls.split_first())?;
            if self.events.is_empty() {
                self.polls = rest;
            } else {
                self.events = rest;
            }
            return Some(*first);
        };
        let stands_at = self.events.iter().map(|seen| seen.stands_at).min().unwrap_or(event.stands_at);
        if (stands_at, event.is_occupied()) <= (poll.stands_at, poll.is_occupied()) {
            self.events = &self.events[1..];
            Some(*event)
        } else {
            self.polls = &self.polls[1..];
            Some(*poll)
        }
    }
}

impl Told {
    /// The connections of people that are in, as far as we were told of them.
    pub fn connections(&self) -> &[ConnectionKey] {
        &self.open
    }

    /// Goes on with the story.
    fn tell(&mut self, seen: &Seen) {
        let by_leaving = matches!(seen.what, What::Left { .. });
        // A wrong clock or a late message must not take anybody's patience away, nor add to it (rule L3).
        let told_at = seen.at.clamp(seen.stands_at - CLOCK_TOLERANCE, seen.stands_at);
        match seen.what {
            // For one connection leaving is final: a joining told after it was over before it was told.
            What::Joined { connection, .. } if self.gone.contains(&connection) => return,
            What::Joined { connection, humans } => {
                let comes_in = !self.open.contains(&connection);
                if comes_in {
                    self.open.push(connection);
                }
                self.humans = humans.unwrap_or(self.humans + u32::from(comes_in));
            }
            What::Left { connection, humans } => {
                let was_in = self.open.iter().position(|open| *open == connection);
                if let Some(place) = was_in {
                    self.open.swap_remove(place);
                }
                self.bury(connection);
                self.humans = humans.unwrap_or(self.humans.saturating_sub(u32::from(was_in.is_some())));
            }
            What::WentCounted { humans } | What::CameCounted { humans } | What::Polled { humans } => {
                self.humans = humans;
            }
        }
        if self.humans == 0 {
            self.open.clear();
        }
        if by_leaving {
            self.last_left = self.last_left.max(Some(told_at));
        }
        self.stretch = self.stretch_after(seen, by_leaving, told_at);
    }

    fn bury(&mut self, connection: ConnectionKey) {
        if !self.gone.contains(&connection) {
            if self.gone.len() == TOMBSTONES {
                self.gone.remove(0);
            }
            self.gone.push(connection);
        }
    }

    fn stretch_after(&self, seen: &Seen, by_leaving: bool, told_at: Timestamp) -> Stretch {
        match (self.humans > 0, self.stretch) {
            (true, Stretch::Occupied { since }) => Stretch::Occupied { since },
            (true, _) => Stretch::Occupied { since: told_at },
            (false, Stretch::Empty { since }) if by_leaving => Stretch::Empty { since: since.max(told_at) },
            (false, Stretch::Empty { since }) => Stretch::Empty { since },
            (false, _) if by_leaving => Stretch::Empty { since: self.last_left.unwrap_or(told_at) },
            (false, Stretch::Occupied { .. }) => Stretch::Empty { since: seen.stands_at },
            (false, Stretch::Never) => Stretch::Never,
        }
    }
}
