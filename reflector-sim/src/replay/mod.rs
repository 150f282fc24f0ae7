//! A recorded history, told again under another policy.
//!
//! What people, owners, calendars and providers did is taken from the recording; what the policy did of itself, its
//! deadlines and closes, is left out, and comes anew from the rules. A close is answered by who was in according to
//! the recording. Whoever comes after the meeting would have closed opens another one: that is a split.
//!
//! What nobody knows is what people would have done otherwise. Those whom a recorded close put out are taken to have
//! left at that instant; those whom only the policy tried puts out do not come back before the recording says so.

mod figures;
mod hearings;
mod meetings;
mod provider;
mod room;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use reflector_core::history::Line;
use reflector_core::lifecycle::{CloseReason, Overtime, Policy};
use reflector_core::{MeetingId, RoomId, Timestamp};

pub use figures::Figures;
use hearings::Hearings;
use room::RoomReplay;

/// What is to be otherwise than it was recorded: what is not set stays as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// How long an empty meeting waits; rooms that have set their own wait as long. A grace that an owner gave to one
    /// meeting stays.
    pub grace: Option<Duration>,
    /// How long a scheduled meeting may run over.
    pub overtime: Option<Overtime>,
    /// How long somebody who asked to join is expected.
    pub lease: Option<Duration>,
}

impl PolicyChange {
    /// The policy that stands in the place of a recorded one.
    pub fn of(&self, recorded: &Policy) -> Policy {
        Policy {
            grace: self.grace.unwrap_or(recorded.grace),
            overtime: self.overtime.unwrap_or(recorded.overtime),
            lease: self.lease.unwrap_or(recorded.lease),
            ..*recorded
        }
    }
}

/// What a recording tells, and what it would have told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replayed {
    /// What really happened.
    pub recorded: Figures,
    /// What would have happened.
    pub replayed: Figures,
    /// The closes that really happened.
    pub recorded_closes: Vec<Closing>,
    /// The closes that would have happened.
    pub replayed_closes: Vec<Closing>,
    /// How many entries were recorded, and of how many rooms.
    pub entries: usize,
    /// How many rooms there were.
    pub rooms: usize,
    /// When the first entry was recorded, and the last; nothing if there is none.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// How a meeting closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Closing {
    /// Which; one that was never recorded, because only the policy tried asks for it, has a number of its own.
    pub meeting: MeetingId,
    /// Why.
    pub reason: CloseReason,
    /// When.
    pub at: Timestamp,
}

/// Tells a recording again. What happened after its last entry is not told: meetings may still be open.
///
/// Each meeting's entries must be whole and in order, as [`read`](reflector_core::history::read) sees to; those of a
/// meeting that has no beginning are left out.
pub fn replay(lines: &[Line], change: &PolicyChange) -> Replayed {
    let hearings = Hearings::of(lines);
    let rooms = by_room(lines);
    let mut replayed = Replayed { entries: lines.len(), rooms: rooms.len(), ..Replayed::default() };
    let times = || rooms.values().flatten().map(|(at, _)| *at);
    let Some((first, last)) = times().min().zip(times().max()) else { return replayed };
    replayed.span = Some((first, last));
    for (number, lines) in (0..).zip(rooms.values()) {
        let mut room = RoomReplay::new(number, change, &hearings, lines);
        for (at, line) in lines {
            room.wake_until(*at);
            room.take(line);
        }
        room.wake_until(last);
        room.sum_up(last, &mut replayed);
    }
    replayed
}

/// The entries of each room in the order in which they were taken in. A clock that went back between two entries of
/// one meeting does not turn them round.
fn by_room(lines: &[Line]) -> BTreeMap<RoomId, Vec<(Timestamp, &Line)>> {
    let mut rooms = BTreeMap::<_, Vec<_>>::new();
    let mut latest = HashMap::new();
    for line in lines {
        let at = latest.entry(line.meeting_id).or_insert(line.entry.recorded_at);
        *at = line.entry.recorded_at.max(*at);
        rooms.entry(line.room_id).or_default().push((*at, line));
    }
    rooms.values_mut().for_each(|lines| lines.sort_by_key(|(at, _)| *at));
    rooms
}
