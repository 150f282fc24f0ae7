//! A line of a meeting's history on the wire.

use reflector_core::Timestamp;
use reflector_core::lifecycle::{CloseMode, Wake};
use reflector_core::store::{Entry, Source};
use serde::Serialize;
use utoipa::ToSchema;

use crate::contract::{examples, words};
use crate::explain;

/// A line of a meeting's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entry, examples(examples::entry))]
pub(crate) struct EntryBody {
    /// Its number in the history, from 1.
    #[schema(minimum = 1)]
    seq: u64,
    /// When it happened, by the clock of whoever saw it.
    #[schema(value_type = words::Time)]
    at: Timestamp,
    /// When it was taken in.
    #[schema(value_type = words::Time)]
    recorded_at: Timestamp,
    /// Where it came from.
    #[schema(value_type = words::Source)]
    source: Source,
    /// What happened: `created`, `room_opened`, `participant_joined`, `participant_left`, `deadline_reached`, and others.
    event: &'static str,
    /// The provider's message that it came in.
    #[schema(required)]
    delivery_id: Option<String>,
    /// Whether it changed anything.
    #[schema(value_type = words::Outcome)]
    outcome: &'static str,
    /// Why it changed nothing, or what a deadline was for.
    #[schema(required)]
    reason: Option<String>,
    /// The phase after it.
    #[schema(value_type = words::Phase)]
    phase: &'static str,
    /// How many people are in after it.
    num_clients: u32,
    /// The same for a person to read.
    sentence: String,
}

impl From<&Entry> for EntryBody {
    fn from(entry: &Entry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at,
            recorded_at: entry.recorded_at,
            source: entry.source,
            event: entry.event.name(),
            delivery_id: entry.delivery_id.clone(),
            outcome: if entry.ignored.is_some() { "ignored" } else { "applied" },
            reason: reason(entry),
            phase: entry.phase.as_str(),
            num_clients: entry.phase.humans(),
            sentence: explain::sentence(entry),
        }
    }
}

/// Why an event changed nothing, or what a deadline was for.
fn reason(entry: &Entry) -> Option<String> {
    if let Some(ignored) = entry.ignored {
        return Some(ignored.to_string());
    }
    let wake = entry.wake?;
    let kept_open = entry.phase.is_active();
    Some(match wake {
        Wake::OpeningGivenUp => "provider_unavailable".to_owned(),
        Wake::Close(reason) | Wake::Force(reason) if kept_open => {
            let observing = entry.policy.close == CloseMode::Observe;
            format!(
                "{} {reason}",
                if observing {
                    "would close:"
                } else {
                    "withheld, because we do not hear the provider or closes are on hold:"
                }
            )
        }
        Wake::Close(reason) | Wake::Force(reason) => reason.to_string(),
        Wake::Unconfirmed => "unconfirmed".to_owned(),
        Wake::Announce => "closing_soon".to_owned(),
        Wake::Ask => "asked the provider who is in".to_owned(),
    })
}
