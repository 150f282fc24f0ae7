//! Which of a room's meetings somebody who asks for *the* meeting is led to (rule L26).

use std::cmp::Reverse;
use std::time::Duration;

use crate::lifecycle::Phase;
use crate::meeting::Meeting;
use crate::time::Timestamp;

/// How long before its start an unoccupied scheduled meeting is one that people are led to.
pub const EARLY: Duration = Duration::from_secs(10 * 60);

/// The room's current meeting, if it has one; otherwise an unscheduled one is to be made.
///
/// Occupied and within its time goes before within its time, that before occupied, that before grace and the rest;
/// ties go to the newest start, then to the id. Scheduled meetings that start more than ten minutes from now and are
/// unoccupied are left out.
pub fn current<'a>(meetings: impl IntoIterator<Item = &'a Meeting>, now: Timestamp) -> Option<&'a Meeting> {
    meetings
        .into_iter()
        .filter_map(|meeting| Some((standing(meeting, now)?, meeting)))
        .min_by_key(|(standing, meeting)| (*standing, Reverse(meeting.life.schedule.start), meeting.id))
        .map(|(_, meeting)| meeting)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    OccupiedAndOnTime,
    OnTime,
    Occupied,
    Grace,
    Rest,
}

fn standing(meeting: &Meeting, now: Timestamp) -> Option<Standing> {
    let schedule = &meeting.life.schedule;
    let occupied = meeting.life.phase.is_live();
    if !(meeting.life.phase.is_opening() || meeting.life.phase.is_active()) {
        return None;
    }
    if schedule.scheduled && !occupied && schedule.start > now + EARLY {
        return None;
    }
    let on_time = schedule.start <= now && now < schedule.end;
    Some(match (occupied, on_time) {
        (true, true) => Standing::OccupiedAndOnTime,
        (false, true) => Standing::OnTime,
        (true, false) => Standing::Occupied,
        (false, false) if matches!(meeting.life.phase, Phase::Grace { .. }) => Standing::Grace,
        (false, false) => Standing::Rest,
    })
}
