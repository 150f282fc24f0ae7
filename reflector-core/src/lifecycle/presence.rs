//! What is known of who is in, told from observations that may come late, doubled and out of order (rule L11).
//!
//! The record keeps the newest observations in the order in which they happened and tells the story anew when a late
//! one finds its place among them, so the same observations lead to the same presence in whatever order they come.
//! The provider's events are ordered by the provider's clock; our own polls by ours; between the two our receipt
//! decides. What is older than the last [`KEPT`] observations is settled, and too late to change.

mod forms;

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::event::{Presence, Report, Sighting};
use super::few::{Blank, Few};
use super::marks::Marks;
use super::told::{Story, Told};
use crate::ids::ConnectionKey;
use crate::time::Timestamp;

/// How many observations keep their place in the order, each of which a late one may still precede.
pub const KEPT: usize = 8;
/// How many are settled at once: until then they wait among those that are kept, where they cost least. A late one
/// finds them settled all the same. They are as many as are kept, so that what was told by all at one settling is what
/// is settled at the next.
const SETTLED_AT_ONCE: usize = KEPT;
/// How many are kept when some are settled.
const FULL: usize = KEPT + SETTLED_AT_ONCE;

/// The memory of who is in. Copies share the observations until one of them takes something in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceRecord {
    observations: Observations,
    /// What they tell: told on with each that is the newest, and anew only when a late one comes.
    told: Told,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "forms::ObservationsForm")]
struct Observations {
    /// The story up to the oldest observation that is kept.
    #[serde(serialize_with = "shared")]
    settled: Arc<Story>,
    #[serde(flatten, serialize_with = "shared")]
    newest: Arc<Newest>,
}

/// What changes with every observation: plain data, so that a copy is made at one stroke.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Newest {
    /// The newest of the provider's events that are settled, by the provider's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_event: Option<Seen>,
    /// The newest of our polls that are settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_poll: Option<Seen>,
    /// The newest observations: the provider's events by the provider's clock, then our polls by ours.
    kept: Few<Seen, FULL>,
    /// When the newest observation reached us.
    #[serde(skip_serializing_if = "Option::is_none")]
    heard_at: Option<Timestamp>,
    /// The last who left, settled or not: most who join are not among them, and need not be looked for.
    #[serde(skip)]
    left: Marks,
}

/// One observation, stripped to what presence needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "forms::SeenForm")]
pub(super) struct Seen {
    /// When it happened: by the provider's clock for its events, by ours for a poll.
    pub(super) at: Timestamp,
    /// What it stands at among observations of the other clock: the first receipt, or when the poll was asked, less
    /// its staleness.
    pub(super) stands_at: Timestamp,
    #[serde(flatten)]
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "seen", rename_all = "snake_case")]
pub(super) enum What {
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
        let Self { observations, told } = self;
        let taken = observations.take(seen, heard_at, told);
        debug_assert_eq!(*told, observations.told(), "it is the same story, told on or told anew");
        taken
    }

    /// Who is in.
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// When the newest observation reached us.
    pub fn heard_at(&self) -> Option<Timestamp> {
        self.observations.newest.heard_at
    }

    /// The newest of the provider's events, by the provider's clock.
    pub fn newest_event_at(&self) -> Option<Timestamp> {
        let newest = &self.observations.newest;
        let events = &newest.kept[..newest.first_poll()];
        events.last().or(newest.settled_event.as_ref()).map(|seen| seen.at)
    }
}

impl Serialize for PresenceRecord {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.observations.serialize(out)
    }
}

impl<'de> Deserialize<'de> for PresenceRecord {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let mut observations = Observations::deserialize(input)?;
        Arc::make_mut(&mut observations.newest).mark_left(&observations.settled);
        Ok(Self { told: observations.told(), observations })
    }
}

/// What is shared is written as if it were not.
fn shared<T: Serialize, S: Serializer>(shared: &Arc<T>, out: S) -> Result<S::Ok, S::Error> {
    T::serialize(shared, out)
}

impl Observations {
    /// What they tell, from the beginning.
    fn told(&self) -> Told {
        let mut story = Story::clone(&self.settled);
        for seen in self.newest.in_order() {
            story.tell(seen);
        }
        story.told
    }

    fn take(&mut self, seen: Seen, heard_at: Timestamp, told: &mut Told) -> Taken {
        let newest = Arc::make_mut(&mut self.newest);
        let first_poll = newest.first_poll();
        if newest.is_newest(&seen, first_poll) {
            if newest.counts(&seen, &self.settled) {
                told.tell(&seen);
            }
            let place = if seen.is_poll() { newest.kept.len() } else { first_poll };
            newest.kept.insert(place, seen);
            newest.left.extend(seen.left());
            newest.heard_at = newest.heard_at.max(Some(heard_at));
            match newest.kept.len() {
                KEPT => Arc::make_mut(&mut self.settled).next = Some(told.clone()),
                FULL => self.settled = newest.settle(&self.settled, Some(told.clone())),
                _ => {}
            }
            return Taken::InOrder;
        }
        // What is newest of all moves none of the others: settled now or one by one, it is the same story.
        self.settled = newest.settle(&self.settled, None);
        let taken = newest.find_place(seen);
        if taken == Taken::InOrder {
            newest.heard_at = newest.heard_at.max(Some(heard_at));
            newest.mark_left(&self.settled);
            *told = self.told();
        }
        taken
    }
}

impl Newest {
    /// The place of the oldest poll among what is kept: behind the newest event.
    fn first_poll(&self) -> usize {
        match self.kept.last() {
            Some(last) if last.is_poll() => self.kept.partition_point(|seen| !seen.is_poll()),
            _ => self.kept.len(),
        }
    }

    fn in_order(&self) -> InOrder<'_> {
        let (events, polls) = self.kept.split_at(self.first_poll());
        InOrder { events, polls }
    }

    /// Whether an observation comes after all others, by whichever clock: then the story only goes on.
    fn is_newest(&self, seen: &Seen, first_poll: usize) -> bool {
        let (events, polls) = self.kept.split_at(first_poll);
        let (own, other, settled) = if seen.is_poll() {
            (polls, events, &self.settled_poll)
        } else {
            (events, polls, &self.settled_event)
        };
        own.last().or(settled.as_ref()).is_none_or(|last| last.in_record(seen) == Ordering::Less)
            && other.iter().all(|other| other.stands_at < seen.stands_at)
    }

    /// Whether the newest observation counts: for one connection leaving is final.
    fn counts(&self, newest: &Seen, settled: &Story) -> bool {
        let What::Joined { connection, .. } = newest.what else { return true };
        let left = || self.kept.iter().filter_map(Seen::left);
        !self.left.may_hold(connection)
            || !left().any(|other| other == connection) && !settled.is_gone(connection, || left().count())
    }

    /// Keeps a late observation in its place.
    fn find_place(&mut self, seen: Seen) -> Taken {
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
        Taken::InOrder
    }

    /// Marks who left anew, because some of them may be forgotten by now.
    fn mark_left(&mut self, settled: &Story) {
        self.left = Marks::default();
        self.left.extend(settled.gone.iter().copied());
        self.left.extend(self.kept.iter().filter_map(Seen::left));
    }

    /// Settles all but the last [`KEPT`]; `next` is what is told by all, unless one has come late.
    fn settle(&mut self, settled: &Story, next: Option<Told>) -> Arc<Story> {
        let first_poll = self.first_poll();
        let mut in_order = self.in_order();
        let oldest = in_order.by_ref().take(self.kept.len().saturating_sub(KEPT));
        let settled = Arc::new(settled.after(oldest, next));
        let events = 0..first_poll - in_order.events.len();
        let polls = first_poll..self.kept.len() - in_order.polls.len();
        self.settled_poll = self.kept[polls.clone()].last().copied().or(self.settled_poll);
        self.settled_event = self.kept[events.clone()].last().copied().or(self.settled_event);
        self.kept.remove(polls);
        self.kept.remove(events);
        self.mark_left(&settled);
        settled
    }
}

impl Blank for Seen {
    const BLANK: Self =
        Self { at: Timestamp::MIN, stands_at: Timestamp::MIN, what: What::Polled { humans: 0 } };
}

impl Seen {
    fn is_poll(&self) -> bool {
        matches!(self.what, What::Polled { .. })
    }

    /// Who left by it.
    pub(super) fn left(&self) -> Option<ConnectionKey> {
        match self.what {
            What::Left { connection, .. } => Some(connection),
            _ => None,
        }
    }

    fn is_occupied(&self) -> bool {
        match self.what {
            What::Left { humans, .. } => humans.is_some_and(|humans| humans > 0),
            What::Joined { .. } => true,
            What::WentCounted { humans } | What::CameCounted { humans } | What::Polled { humans } => {
                humans > 0
            }
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
        let instant = |seen: &Self| (seen.is_poll(), seen.at);
        instant(self).cmp(&instant(other)).then_with(|| self.among_equals(other))
    }

    /// Its place beside another of the same clock and instant: apart, because it is seldom looked for.
    #[cold]
    fn among_equals(&self, other: &Self) -> Ordering {
        (self.in_instant(), self.what).cmp(&(other.in_instant(), other.what))
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

impl<'a> Iterator for InOrder<'a> {
    type Item = &'a Seen;

    fn next(&mut self) -> Option<&'a Seen> {
        let Some((event, later_events)) = self.events.split_first() else {
            return self.polls.split_off_first();
        };
        let Some((poll, later_polls)) = self.polls.split_first() else {
            self.events = later_events;
            return Some(event);
        };
        let stands_at = self.events.iter().map(|seen| seen.stands_at).min().unwrap_or(event.stands_at);
        if (stands_at, event.is_occupied()) <= (poll.stands_at, poll.is_occupied()) {
            self.events = later_events;
            Some(event)
        } else {
            self.polls = later_polls;
            Some(poll)
        }
    }
}
