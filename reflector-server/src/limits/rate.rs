//! So many of something a minute, for each of many.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::ops::Add;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock as Ticks, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::Clock;

/// How many are remembered before those are forgotten that have all of their minute before them again.
const MANY: usize = 4_096;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, Ticking, NoOpMiddleware<Instant>>;

/// So many of something a minute, at once or spread, for each of many.
pub(super) struct Rate<K: Hash + Eq + Clone> {
    limiter: Limiter<K>,
    clock: Ticking,
    /// How many are remembered when they are looked through next.
    many: AtomicUsize,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    pub(super) fn per_minute(times: NonZeroU32, clock: Clock) -> Self {
        let clock = Ticking(clock);
        let limiter = RateLimiter::hashmap_with_clock(Quota::per_minute(times), clock.clone());
        Self { limiter, clock, many: AtomicUsize::new(MANY) }
    }

    /// Counts one more, unless it is one too many: then after how long it is not.
    pub(super) fn take(&self, whose: &K) -> Result<(), Duration> {
        self.tidy();
        self.limiter.check_key(whose).map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Forgets those for whom nothing counts any more: each is remembered for a minute at the most.
    fn tidy(&self) {
        if self.limiter.len() < self.many.load(Ordering::Relaxed) {
            return;
        }
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
        self.many.store(MANY.max(self.limiter.len() * 2), Ordering::Relaxed);
    }
}

impl<K: Hash + Eq + Clone> std::fmt::Debug for Rate<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rate").field("remembered", &self.limiter.len()).finish_non_exhaustive()
    }
}

/// The server's clock, as the limiter reads it.
#[derive(Clone)]
struct Ticking(Clock);

impl Ticks for Ticking {
    type Instant = Instant;

    fn now(&self) -> Instant {
        Instant(u64::try_from((self.0)().as_micros()).unwrap_or_default().saturating_mul(1_000))
    }
}

/// Nanoseconds since 1970: enough for the next five hundred years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Instant(u64);

impl Add<Nanos> for Instant {
    type Output = Self;

    fn add(self, more: Nanos) -> Self {
        Self(self.0.saturating_add(more.as_u64()))
    }
}

impl Reference for Instant {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_sub(earlier.0).into()
    }

    fn saturating_sub(&self, less: Nanos) -> Self {
        Self(self.0.checked_sub(less.as_u64()).unwrap_or(self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicI64;

    use reflector_core::Timestamp;

    use super::*;

    const BEGIN: i64 = 1_790_000_000_000_000;
    const SECOND: i64 = 1_000_000;

    fn three_a_minute() -> (Arc<AtomicI64>, Rate<u32>) {
        let now = Arc::new(AtomicI64::new(BEGIN));
        let told = Arc::clone(&now);
        let clock: Clock = Arc::new(move || Timestamp::from_micros(told.load(Ordering::SeqCst)));
        (now, Rate::per_minute(NonZeroU32::new(3).unwrap(), clock))
    }

    #[test]
    fn so_many_may_come_at_once_and_then_each_after_its_part_of_a_minute() {
        let (now, rate) = three_a_minute();
        for _ in 0..3 {
            assert_eq!(rate.take(&1), Ok(()));
        }
        assert_eq!(rate.take(&1), Err(Duration::from_secs(20)));
        assert_eq!(rate.take(&2), Ok(()), "another one's");
        now.fetch_add(19 * SECOND, Ordering::SeqCst);
        assert_eq!(rate.take(&1), Err(Duration::from_secs(1)));
        now.fetch_add(SECOND, Ordering::SeqCst);
        assert_eq!(rate.take(&1), Ok(()));
        assert!(rate.take(&1).is_err());
        now.fetch_add(60 * SECOND, Ordering::SeqCst);
        for _ in 0..3 {
            assert_eq!(rate.take(&1), Ok(()));
        }
        assert!(rate.take(&1).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_lets_nobody_through_and_stops_nobody_for_longer() {
        let (now, rate) = three_a_minute();
        assert_eq!(rate.take(&1), Ok(()));
        now.fetch_sub(3_600 * SECOND, Ordering::SeqCst);
        let _ = rate.take(&1);
        now.fetch_add(3_720 * SECOND, Ordering::SeqCst);
        assert_eq!(rate.take(&1), Ok(()));
    }

    #[test]
    fn whoever_came_a_minute_ago_is_forgotten() {
        let (now, rate) = three_a_minute();
        for minute in 0..20 {
            for n in 0..1_000 {
                assert_eq!(rate.take(&(minute * 1_000 + n)), Ok(()));
            }
            now.fetch_add(60 * SECOND, Ordering::SeqCst);
        }
        assert!(rate.limiter.len() <= MANY + 1_000, "{} are remembered", rate.limiter.len());
    }
}
