//! Strategies: every public word of the rules, and histories as they really happen.
//!
//! Times gather around [`BASE`] and on round minutes, so that ties and deadlines hit to the instant are common.
//! A [`Life`](crate::Life) is always one that events lead to: it is reached by playing a [`History`].

mod events;
mod history;
mod script;
mod words;

pub use events::{event, hearing, ignored, presence, report, sighting, source, wake};
pub use history::{History, Played, entry, history, life};
pub use words::{
    BASE, claim, close_reason, connection, meeting_id, near, participant, policy, provider_name, role,
    room_id, room_name, room_policy, room_settings, schedule, span, timestamp, user_id,
};
