//! What silence was worth when, as the recorded wake-ups tell (rule L13).

use std::collections::HashMap;

use reflector_core::history::Line;
use reflector_core::lifecycle::{Event, Hearing};
use reflector_core::{ProviderName, Timestamp};

/// What was heard of each provider, by when that was noted.
pub(super) struct Hearings(HashMap<ProviderName, Vec<(Timestamp, Hearing)>>);

impl Hearings {
    pub(super) fn of(lines: &[Line]) -> Self {
        let mut of = HashMap::<_, Vec<_>>::new();
        for line in lines {
            if let Event::DeadlineReached { hearing } = line.entry.event {
                of.entry(line.provider.clone()).or_default().push((line.entry.recorded_at, hearing));
            }
        }
        of.values_mut().for_each(|noted| noted.sort_by_key(|(at, _)| *at));
        Self(of)
    }

    /// What silence is worth at an instant: what was noted next tells it if it reaches back so far, else what was
    /// noted before. Of a provider of which nothing was ever noted, it is not judged.
    pub(super) fn at(&self, provider: &ProviderName, now: Timestamp) -> Hearing {
        let Some(noted) = self.0.get(provider) else { return Hearing::Answered };
        let place = noted.partition_point(|(at, _)| *at < now);
        match noted.get(place) {
            Some((_, Hearing::Answered)) => return Hearing::Answered,
            Some((_, next @ Hearing::Since(since))) if *since <= now => return *next,
            _ => {}
        }
        place.checked_sub(1).and_then(|before| noted.get(before)).map_or(Hearing::Deaf, |(_, before)| *before)
    }
}
