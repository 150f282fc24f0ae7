//! Whose a recording is (rule R5). Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{MeetingId, ProviderName, RoomId};
use crate::time::Timestamp;

/// How far from the life of a meeting a recording of it may have begun.
pub const NEAREST: Duration = Duration::from_secs(24 * 60 * 60);

/// Whose a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Belongs {
    /// The meeting.
    pub meeting: MeetingId,
    /// Its room.
    pub room: RoomId,
}

/// The room that a recording's key names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SoughtRoom {
    /// Whose room.
    pub provider: ProviderName,
    /// The provider's name of it.
    pub name: String,
    /// The meeting that made it, where the name tells: also of a room that the meeting has no more.
    pub meeting: Option<MeetingId>,
}

/// A meeting that a recording may be of: it had the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub belongs: Belongs,
    /// When its life began.
    pub began_at: Timestamp,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
}

impl Candidate {
    /// How far an instant is from this life; nothing if it is in it.
    fn distance(&self, at: Timestamp) -> Duration {
        let before = self.began_at.since(at);
        let after = self.ended_at.map_or(Duration::ZERO, |ended_at| at.since(ended_at));
        before.max(after)
    }
}

/// The meeting whose life contains the instant, or is nearest to it within [`NEAREST`]. Of two that are as near, the
/// one that began later.
pub fn belongs_to(recorded_at: Timestamp, candidates: &[Candidate]) -> Option<Belongs> {
    candidates
        .iter()
        .map(|candidate| (candidate.distance(recorded_at), candidate))
        .filter(|(distance, _)| *distance <= NEAREST)
        .min_by(|(one, first), (other, second)| {
            let later = second.began_at.cmp(&first.began_at);
            one.cmp(other).then(later).then(first.belongs.meeting.cmp(&second.belongs.meeting))
        })
        .map(|(_, candidate)| candidate.belongs)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(hour: u64) -> Timestamp {
        Timestamp::from_micros(0) + Duration::from_secs(hour * 3_600)
    }

    fn candidate(n: u128, began: u64, ended: Option<u64>) -> Candidate {
        let belongs = Belongs { meeting: MeetingId(Uuid::from_u128(n)), room: RoomId(Uuid::from_u128(n)) };
        Candidate { belongs, began_at: at(began), ended_at: ended.map(at) }
    }

    fn chosen(hour: u64, candidates: &[Candidate]) -> Option<u128> {
        belongs_to(at(hour), candidates).map(|belongs| belongs.meeting.0.as_u128())
    }

    #[test]
    fn the_life_that_contains_the_time_is_the_one() {
        let lives = [candidate(1, 10, Some(20)), candidate(2, 20, Some(30)), candidate(3, 31, None)];
        assert_eq!([chosen(10, &lives), chosen(19, &lives)], [Some(1), Some(1)]);
        assert_eq!(chosen(20, &lives), Some(2), "where one ends and another begins, the later one");
        assert_eq!(chosen(9_999, &lives), Some(3), "a life that has not ended contains what comes");
        assert_eq!(chosen(15, &[]), None);
    }

    #[test]
    fn else_the_nearest_within_a_day() {
        let lives = [candidate(1, 100, Some(110)), candidate(2, 130, Some(140))];
        assert_eq!([chosen(119, &lives), chosen(121, &lives)], [Some(1), Some(2)]);
        assert_eq!(chosen(120, &lives), Some(2), "as near: the later one");
        assert_eq!([chosen(76, &lives), chosen(164, &lives)], [Some(1), Some(2)], "a whole day off");
        assert_eq!([chosen(75, &lives), chosen(165, &lives)], [None, None]);
    }

    #[test]
    fn the_order_of_the_candidates_does_not_matter() {
        let lives = [candidate(2, 10, Some(20)), candidate(1, 10, Some(20))];
        let backwards = [lives[1], lives[0]];
        assert_eq!([chosen(15, &lives), chosen(15, &backwards)], [Some(1), Some(1)]);
    }
}
