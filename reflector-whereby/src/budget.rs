//! How many calls Whereby allows, and who may spend the last of them.
//!
//! Whereby counts points a minute over the whole organisation. The adapter keeps its own count, so that reads stop
//! before closes do, and stays silent for as long as Whereby asks it to. A call that may not be made now is refused
//! with the time to wait; nothing waits in here.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The longest silence that is kept to, whatever Whereby asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// What a call is for: what may be spent on it. Closes come first, then opens, then reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Ending a room, and finding out whether it may be ended. It may spend everything.
    Close,
    /// Making a room. It leaves a sixth.
    Open,
    /// Looking. It leaves a third.
    Read,
}

/// The points that are left.
#[derive(Debug)]
pub(crate) struct Budget {
    points_per_minute: f64,
    left: Mutex<Left>,
}

#[derive(Debug)]
struct Left {
    /// Below nothing after a call that costs more than a whole minute's points: that is paid off first.
    points: f64,
    counted_at: Instant,
    paused_until: Option<Instant>,
}

impl Budget {
    /// A full budget.
    pub(crate) fn new(points_per_minute: u32, now: Instant) -> Self {
        let points_per_minute = f64::from(points_per_minute.max(1));
        let left = Left { points: points_per_minute, counted_at: now, paused_until: None };
        Self { points_per_minute, left: Mutex::new(left) }
    }

    /// Spends the points of a call, or says how long it has to wait.
    pub(crate) fn spend(&self, points: u32, purpose: Purpose, now: Instant) -> Result<(), Duration> {
        let mut left = self.left();
        if let Some(until) = left.paused_until.filter(|until| *until > now) {
            return Err(until - now);
        }
        let refilled =
            now.saturating_duration_since(left.counted_at).as_secs_f64() * self.points_per_second();
        left.points = (left.points + refilled).min(self.points_per_minute);
        left.counted_at = left.counted_at.max(now);

        let needed = (f64::from(points) + self.reserve(purpose)).min(self.points_per_minute);
        let missing = needed - left.points;
        if missing > 0.0 {
            // Up to the next millisecond, so that a call made then is not short of a fraction of a point.
            return Err(Duration::from_secs_f64(
                (missing / self.points_per_second() * 1000.0).ceil() / 1000.0,
            ));
        }
        left.points -= f64::from(points);
        Ok(())
    }

    /// Makes no call for so long, because Whereby asks for it; answers how long that will be.
    pub(crate) fn pause(&self, span: Duration, now: Instant) -> Duration {
        let mut left = self.left();
        let until = left.paused_until.max(Some(now + span.min(LONGEST_PAUSE)));
        left.paused_until = until;
        until.map_or(span, |until| until - now)
    }

    /// What a call must leave for those that matter more.
    fn reserve(&self, purpose: Purpose) -> f64 {
        match purpose {
            Purpose::Close => 0.0,
            Purpose::Open => self.points_per_minute / 6.0,
            Purpose::Read => self.points_per_minute / 3.0,
        }
    }

    fn points_per_second(&self) -> f64 {
        self.points_per_minute / 60.0
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        // A count is as good after a panic elsewhere as before it.
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How many calls of so many points are let through at once.
    fn calls(budget: &Budget, points: u32, purpose: Purpose, now: Instant) -> usize {
        (0..1000).take_while(|_| budget.spend(points, purpose, now).is_ok()).count()
    }

    #[test]
    fn reads_leave_a_third_opens_a_sixth_and_closes_nothing() {
        let now = Instant::now();
        let budget = Budget::new(60, now);
        assert_eq!(calls(&budget, 1, Purpose::Read, now), 40);
        assert_eq!(calls(&budget, 1, Purpose::Open, now), 10);
        assert_eq!(calls(&budget, 1, Purpose::Close, now), 10);
    }

    #[test]
    fn a_refusal_says_when_the_call_can_be_made() {
        let now = Instant::now();
        let budget = Budget::new(60, now);
        assert_eq!(calls(&budget, 5, Purpose::Close, now), 12);
        let wait = budget.spend(5, Purpose::Close, now).unwrap_err();
        assert_eq!(wait, SECOND * 5);
        assert!(budget.spend(5, Purpose::Close, now + wait - SECOND / 10).is_err());
        assert_eq!(budget.spend(5, Purpose::Close, now + wait), Ok(()));
    }

    #[test]
    fn no_more_than_a_minutes_points_are_saved_up() {
        let now = Instant::now();
        let budget = Budget::new(10, now);
        assert_eq!(calls(&budget, 1, Purpose::Close, now + SECOND * 86_400), 10);
    }

    #[test]
    fn nothing_is_called_before_the_pause_is_over() {
        let now = Instant::now();
        let budget = Budget::new(100, now);
        assert_eq!(budget.pause(SECOND * 38, now), SECOND * 38);
        assert_eq!(budget.spend(1, Purpose::Close, now), Err(SECOND * 38));
        assert_eq!(budget.spend(1, Purpose::Close, now + SECOND * 37), Err(SECOND));
        assert_eq!(budget.spend(1, Purpose::Close, now + SECOND * 38), Ok(()));
    }

    #[test]
    fn a_shorter_pause_does_not_cut_a_longer_one_and_none_is_endless() {
        let now = Instant::now();
        let budget = Budget::new(100, now);
        assert_eq!(budget.pause(Duration::MAX, now), LONGEST_PAUSE);
        assert_eq!(budget.pause(SECOND, now), LONGEST_PAUSE);
    }

    #[test]
    fn a_budget_smaller_than_a_call_lets_it_through_in_the_end() {
        let now = Instant::now();
        let budget = Budget::new(1, now);
        assert_eq!(budget.spend(5, Purpose::Read, now), Ok(()));
        let wait = budget.spend(5, Purpose::Read, now).unwrap_err();
        assert_eq!(wait, SECOND * 300);
        assert_eq!(budget.spend(5, Purpose::Read, now + wait), Ok(()));
    }

    #[test]
    fn a_clock_that_goes_back_takes_nothing_and_gives_nothing() {
        let now = Instant::now();
        let budget = Budget::new(10, now + SECOND);
        assert_eq!(calls(&budget, 1, Purpose::Close, now), 10);
        assert_eq!(calls(&budget, 1, Purpose::Close, now + SECOND), 0);
    }
}
