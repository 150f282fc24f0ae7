//! What Whereby's insights tell that we do not know yet. Pure.
//!
//! Insights lag by 10 to 15 minutes, and a person alone has no session at all. So they never say who is in: they
//! hold single records, and only a record that is newer than all we know is news.

use std::collections::BTreeMap;

use reflector_core::Timestamp;
use reflector_core::provider::{Fact, Known, Movement};

use crate::wire::{Attendance, Session};

/// Whether the participants of a session can tell anything new.
///
/// One that ended before the newest event holds nobody who came after it; it may hold the leaving of somebody we
/// think is in.
pub(crate) fn may_hold_news(session: &Session, known: &Known) -> bool {
    let over = session.ended_at.is_some_and(|ended_at| Some(ended_at) < known.newest_event_at);
    !over || !known.connections.is_empty()
}

/// Everything new: leavings of those we think are in, and arrivals.
pub(crate) fn news(attendances: Vec<Attendance>, known: &Known) -> Vec<Fact> {
    let newest = newest_of_each(attendances);
    let leavings = newest.iter().filter_map(|attendance| leaving(attendance, known));
    let arrivals = newest
        .iter()
        .filter(|attendance| !is_held(attendance, known))
        .filter_map(|attendance| arrival(attendance, known));
    leavings.chain(arrivals).collect()
}

/// The people who came after everything we know, and have not left.
pub(crate) fn arrivals(attendances: Vec<Attendance>, known: &Known) -> Vec<Fact> {
    newest_of_each(attendances).iter().filter_map(|attendance| arrival(attendance, known)).collect()
}

fn arrival(attendance: &Attendance, known: &Known) -> Option<Fact> {
    let is_in = attendance.left_at.is_none() && attendance.participant().role.is_human();
    let is_news = Some(attendance.joined_at) > known.newest_event_at;
    (is_in && is_news).then(|| Fact::Joined(movement(attendance, attendance.joined_at)))
}

fn leaving(attendance: &Attendance, known: &Known) -> Option<Fact> {
    let left_at = attendance.left_at.filter(|_| is_held(attendance, known))?;
    Some(Fact::Left(movement(attendance, left_at)))
}

fn movement(attendance: &Attendance, at: Timestamp) -> Movement {
    Movement { participant: attendance.participant(), at, humans: None }
}

fn is_held(attendance: &Attendance, known: &Known) -> bool {
    known.connections.contains(&attendance.participant().connection)
}

/// One record a connection: one without a leaving if there is one, else the newest. Somebody who stays while a
/// session ends and another starts is in both.
fn newest_of_each(attendances: Vec<Attendance>) -> Vec<Attendance> {
    let mut newest: BTreeMap<String, Attendance> = BTreeMap::new();
    for attendance in attendances {
        let rank = |of: &Attendance| (of.left_at.is_none(), of.joined_at, of.left_at);
        match newest.get(&attendance.participant_id) {
            Some(kept) if rank(kept) >= rank(&attendance) => {}
            _ => {
                newest.insert(attendance.participant_id.clone(), attendance);
            }
        }
    }
    newest.into_values().collect()
}

#[cfg(test)]
mod tests {
    use reflector_core::ConnectionKey;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    fn attendance(id: &str, role: &str, joined: i64, left: Option<i64>) -> Attendance {
        Attendance {
            participant_id: id.to_owned(),
            role_name: Some(role.to_owned()),
            joined_at: at(joined),
            left_at: left.map(at),
        }
    }

    fn known(newest: i64, held: &[&str]) -> Known {
        let connections = held.iter().map(|id| ConnectionKey::of(id)).collect();
        Known { newest_event_at: Some(at(newest)), connections }
    }

    fn told(facts: &[Fact]) -> Vec<(&'static str, ConnectionKey, Timestamp)> {
        let one = |fact: &Fact| match fact {
            Fact::Joined(movement) => ("joined", movement.participant.connection, movement.at),
            Fact::Left(movement) => ("left", movement.participant.connection, movement.at),
            other => panic!("{other:?} is neither"),
        };
        facts.iter().map(one).collect()
    }

    #[test]
    fn only_the_leaving_of_somebody_held_is_news() {
        let records =
            vec![attendance("held", "visitor", 10, Some(20)), attendance("other", "visitor", 10, Some(25))];
        let facts = news(records, &known(50, &["held"]));
        assert_eq!(told(&facts), [("left", ConnectionKey::of("held"), at(20))]);
    }

    #[test]
    fn only_a_person_who_came_after_the_newest_event_and_is_still_in_is_an_arrival() {
        let records = vec![
            attendance("new", "visitor", 51, None),
            attendance("as old", "visitor", 50, None),
            attendance("gone again", "visitor", 51, Some(52)),
            attendance("recorder", "recorder", 51, None),
            attendance("held", "host", 51, None),
        ];
        let expected = ("joined", ConnectionKey::of("new"), at(51));
        assert_eq!(told(&news(records.clone(), &known(50, &["held"]))), [expected]);
        assert_eq!(told(&arrivals(records, &known(50, &[]))).len(), 2);
    }

    #[test]
    fn anybody_is_news_when_nothing_is_known() {
        let facts = arrivals(vec![attendance("new", "visitor", 1, None)], &Known::default());
        assert_eq!(facts.len(), 1);
    }

    #[test]
    fn one_who_stays_from_one_session_into_the_next_is_in() {
        let records = vec![attendance("p", "visitor", 60, None), attendance("p", "visitor", 60, Some(70))];
        let backwards: Vec<_> = records.iter().rev().cloned().collect();
        for records in [records, backwards] {
            assert_eq!(told(&arrivals(records.clone(), &known(50, &[]))).len(), 1);
            assert_eq!(news(records, &known(50, &["p"])), []);
        }
    }

    #[test]
    fn a_session_over_before_the_newest_event_is_read_only_for_somebody_held() {
        let session =
            |ended: Option<i64>| Session { room_session_id: "s".to_owned(), ended_at: ended.map(at) };
        assert!(!may_hold_news(&session(Some(49)), &known(50, &[])));
        assert!(may_hold_news(&session(Some(50)), &known(50, &[])));
        assert!(may_hold_news(&session(Some(49)), &known(50, &["held"])));
        assert!(may_hold_news(&session(None), &known(50, &[])));
        assert!(may_hold_news(&session(Some(49)), &Known::default()));
    }
}
