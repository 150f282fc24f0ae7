//! The story of who is in.

use serde::{Deserialize, Serialize};

use super::few::{Blank, Few};
use super::policy::CLOCK_TOLERANCE;
use super::presence::{Seen, What};
use crate::ids::ConnectionKey;
use crate::time::Timestamp;

/// How many leavings are remembered, so that a late joining of one of those connections is born closed.
const TOMBSTONES: usize = 16;

/// Who is in, told in order.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// How many people are in.
    pub humans: u32,
    /// How it came to that.
    pub stretch: Stretch,
    /// The newest leaving of a person, as far as it is believed (rule L3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_left: Option<Timestamp>,
    open: Vec<ConnectionKey>,
}

/// The beginning of the story, which no late observation changes any more.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "StoryForm")]
pub(super) struct Story {
    #[serde(flatten)]
    pub(super) told: Told,
    /// The last who left, in order.
    pub(super) gone: Few<ConnectionKey, TOMBSTONES>,
    /// What was told by all at this settling, which is what is settled at the next, so that nothing is told twice.
    /// Unknown, and told anew, after one has come late and where the story was read from a store.
    #[serde(skip)]
    pub(super) next: Option<Told>,
}

/// How a story is read: all at one level, as it is written.
#[derive(Deserialize)]
struct StoryForm {
    humans: u32,
    stretch: Stretch,
    #[serde(default)]
    last_left: Option<Timestamp>,
    open: Vec<ConnectionKey>,
    gone: Few<ConnectionKey, TOMBSTONES>,
}

impl From<StoryForm> for Story {
    fn from(form: StoryForm) -> Self {
        let StoryForm { humans, stretch, last_left, open, gone } = form;
        Self { told: Told { humans, stretch, last_left, open }, gone, next: None }
    }
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

/// What is known ahead makes no difference to the story.
impl PartialEq for Story {
    fn eq(&self, other: &Self) -> bool {
        (&self.told, &self.gone) == (&other.told, &other.gone)
    }
}

impl Eq for Story {}

impl Story {
    /// Goes on with the story. For one connection leaving is final: a joining told after it was over before it was
    /// told.
    pub(super) fn tell(&mut self, seen: &Seen) {
        match seen.what {
            What::Joined { connection, .. } if self.is_gone(connection, || 0) => return,
            What::Left { connection, .. } => self.gone.push(connection),
            _ => {}
        }
        self.told.tell(seen);
    }

    /// The story once these are settled too. Without a `next` it is told anew, because one has come late.
    pub(super) fn after<'a>(&self, settled: impl Iterator<Item = &'a Seen>, next: Option<Told>) -> Self {
        let known = self.next.as_ref().filter(|_| next.is_some());
        let mut story = Self { told: known.unwrap_or(&self.told).clone(), gone: self.gone, next };
        match known {
            Some(_) => settled.filter_map(Seen::left).for_each(|gone| story.gone.push(gone)),
            None => settled.for_each(|seen| story.tell(seen)),
        }
        story
    }

    /// Whether a connection is among the last who left, once so many others have left after them.
    pub(super) fn is_gone(&self, connection: ConnectionKey, others: impl FnOnce() -> usize) -> bool {
        let place = self.gone.iter().rposition(|gone| *gone == connection);
        place.is_some_and(|place| place >= (self.gone.len() + others()).saturating_sub(TOMBSTONES))
    }
}

impl Blank for ConnectionKey {
    const BLANK: Self = Self(0);
}

/// A copy has room for one more: it is made to be told one thing more.
impl Clone for Told {
    fn clone(&self) -> Self {
        let mut open = Vec::with_capacity(self.open.len() + 1);
        open.extend_from_slice(&self.open);
        Self { humans: self.humans, stretch: self.stretch, last_left: self.last_left, open }
    }
}

impl Told {
    /// The connections of people that are in, as far as we were told of them.
    pub fn connections(&self) -> &[ConnectionKey] {
        &self.open
    }

    /// Goes on with the story.
    pub(super) fn tell(&mut self, seen: &Seen) {
        let by_leaving = matches!(seen.what, What::Left { .. });
        match seen.what {
            What::Joined { connection, humans } => {
                let comes_in = !self.open.contains(&connection);
                if comes_in {
                    self.open.push(connection);
                }
                self.humans = humans.unwrap_or(self.humans.saturating_add(u32::from(comes_in)));
            }
            What::Left { connection, humans } => {
                let was_in = self.open.iter().position(|open| *open == connection);
                if let Some(place) = was_in {
                    self.open.swap_remove(place);
                }
                self.humans = humans.unwrap_or(self.humans.saturating_sub(u32::from(was_in.is_some())));
            }
            What::WentCounted { humans } | What::CameCounted { humans } | What::Polled { humans } => {
                self.humans = humans;
            }
        }
        if self.humans == 0 {
            self.open.clear();
        }
        if self.humans > 0 && matches!(self.stretch, Stretch::Occupied { .. }) && !by_leaving {
            // They were in and are: by most who come nothing more is told.
            return;
        }
        // A wrong clock or a late message must not take anybody's patience away, nor add to it (rule L3).
        let told_at = seen.at.clamp(seen.stands_at - CLOCK_TOLERANCE, seen.stands_at);
        if by_leaving {
            self.last_left = self.last_left.max(Some(told_at));
        }
        self.stretch = self.stretch_after(seen, by_leaving, told_at);
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
