//! Since when we have been listening, and which endpoints have proven themselves.

use std::collections::HashMap;

use reflector_core::store::{Heard, LISTENING_GAP};
use reflector_core::{ProviderName, Timestamp};

#[derive(Default)]
pub(crate) struct Listening {
    heart: Option<Heart>,
    verified: HashMap<(ProviderName, u64), Timestamp>,
    /// Since when unforced closes are on hold.
    pub(crate) held_since: Option<Timestamp>,
}

struct Heart {
    since: Timestamp,
    last_beat: Timestamp,
}

impl Listening {
    pub(crate) fn beat(&mut self, now: Timestamp) {
        self.heart = Some(match self.heart.take() {
            // The clocks of several servers differ a little: the last beat does not go back with one of them.
            Some(Heart { since, last_beat }) if apart(last_beat, now) <= LISTENING_GAP => {
                Heart { since, last_beat: last_beat.max(now) }
            }
            _ => Heart { since: now, last_beat: now },
        });
    }

    pub(crate) fn heard(&mut self, provider: &ProviderName, endpoint: u64, at: Timestamp) {
        let newest = self.verified.entry((provider.clone(), endpoint)).or_insert(at);
        *newest = at.max(*newest);
    }

    pub(crate) fn hearing(&self, provider: &ProviderName, endpoint: u64) -> Heard {
        Heard {
            listening_since: self.heart.as_ref().map(|heart| heart.since),
            last_beat: self.heart.as_ref().map(|heart| heart.last_beat),
            verified_at: self.verified.get(&(provider.clone(), endpoint)).copied(),
        }
    }
}

fn apart(one: Timestamp, other: Timestamp) -> std::time::Duration {
    one.since(other).max(other.since(one))
}
