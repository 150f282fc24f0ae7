//! A life, told again from its history.

use super::event::Event;
use super::life::Life;
use super::outcome::Outcome;
use super::policy::Policy;
use super::step::step;
use crate::time::Timestamp;

/// Tells a life again from its history: each event with the instant and the policy it was judged by (rule L21).
///
/// Nothing if the history does not begin with [`Event::Created`].
pub fn replay<'a>(history: impl IntoIterator<Item = (&'a Event, Timestamp, &'a Policy)>) -> Option<Life> {
    let mut history = history.into_iter();
    let (Event::Created { schedule, grace }, now, policy) = history.next()? else { return None };
    let begun = Life { grace: *grace, ..Life::begin(*schedule, now, policy).life };
    Some(history.fold(begun, |life, (event, now, policy)| match step(&life, event, now, policy) {
        Outcome::Changed(change) => change.life,
        Outcome::Ignored(_) => life,
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::lifecycle::Schedule;

    #[test]
    fn a_life_begins_again_with_the_grace_of_its_own() {
        let (now, policy) = (Timestamp::from_micros(0), Policy::default());
        let grace = Some(Duration::from_secs(7));
        let created = Event::Created { schedule: Schedule::from_now(now, &policy), grace };
        assert_eq!(replay([(&created, now, &policy)]).map(|life| life.grace), Some(grace));
        assert_eq!(replay([(&Event::Knocked, now, &policy)]), None);
    }
}
