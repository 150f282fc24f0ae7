//! How observations are read: with all their fields at one level, as they are written.
//!
//! What serde makes of `flatten` and of tags keeps every value aside before it knows whose it is. Meetings are read with
//! every message, and most of what is in them is observations.

use std::sync::Arc;

use serde::Deserialize;

use super::{FULL, Few, Marks, Newest, Observations, Seen, Story, What};
use crate::ids::ConnectionKey;
use crate::time::Timestamp;

#[derive(Deserialize)]
pub(super) struct ObservationsForm {
    settled: Story,
    #[serde(default)]
    settled_event: Option<Seen>,
    #[serde(default)]
    settled_poll: Option<Seen>,
    kept: Few<Seen, FULL>,
    #[serde(default)]
    heard_at: Option<Timestamp>,
}

impl From<ObservationsForm> for Observations {
    fn from(form: ObservationsForm) -> Self {
        let ObservationsForm { settled, settled_event, settled_poll, mut kept, heard_at } = form;
        // No writer of ours keeps as many as there is room for: they are settled before. The next one must fit in.
        kept.remove(0..(kept.len() + 1).saturating_sub(FULL));
        // Who left is marked by whoever reads the whole record.
        let newest = Newest { settled_event, settled_poll, kept, heard_at, left: Marks::default() };
        Self { settled: Arc::new(settled), newest: Arc::new(newest) }
    }
}

#[derive(Deserialize)]
pub(in crate::lifecycle) struct SeenForm {
    at: Timestamp,
    stands_at: Timestamp,
    seen: Kind,
    connection: Option<ConnectionKey>,
    humans: Option<u32>,
}

/// The tags of [`What`].
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Left,
    WentCounted,
    CameCounted,
    Joined,
    Polled,
}

impl TryFrom<SeenForm> for Seen {
    type Error = &'static str;

    fn try_from(form: SeenForm) -> Result<Self, Self::Error> {
        let SeenForm { at, stands_at, seen, connection, humans } = form;
        let connection = || connection.ok_or("an observation of a person names no connection");
        let counted = || humans.ok_or("an observation of how many people are in names no number");
        let what = match seen {
            Kind::Left => What::Left { connection: connection()?, humans },
            Kind::WentCounted => What::WentCounted { humans: counted()? },
            Kind::CameCounted => What::CameCounted { humans: counted()? },
            Kind::Joined => What::Joined { connection: connection()?, humans },
            Kind::Polled => What::Polled { humans: counted()? },
        };
        Ok(Self { at, stands_at, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Result<Seen, serde_json::Error> {
        serde_json::from_str(&text.replace("AT", "\"2026-11-22T09:30:00Z\""))
    }

    #[test]
    fn every_observation_is_read_as_it_was_written() {
        let at = Timestamp::from_micros(1_790_000_000_123_457);
        let connection = ConnectionKey(7);
        for what in [
            What::Left { connection, humans: Some(1) },
            What::Left { connection, humans: None },
            What::WentCounted { humans: 2 },
            What::CameCounted { humans: 3 },
            What::Joined { connection, humans: Some(4) },
            What::Joined { connection, humans: None },
            What::Polled { humans: 0 },
        ] {
            let seen = Seen { at, stands_at: at, what };
            let text = serde_json::to_string(&seen).unwrap();
            assert_eq!(serde_json::from_str::<Seen>(&text).unwrap(), seen, "{text}");
        }
    }

    #[test]
    fn an_observation_that_lacks_what_its_kind_needs_is_refused() {
        assert!(seen(r#"{"at":AT,"stands_at":AT,"seen":"polled","humans":0}"#).is_ok());
        for text in [
            r#"{"at":AT,"stands_at":AT,"seen":"polled"}"#,
            r#"{"at":AT,"stands_at":AT,"seen":"joined","humans":1}"#,
            r#"{"at":AT,"stands_at":AT,"seen":"heard","humans":1}"#,
            r#"{"at":AT,"stands_at":AT,"humans":1}"#,
            r#"{"at":AT,"seen":"polled","humans":1}"#,
        ] {
            assert!(seen(text).is_err(), "{text}");
        }
    }
}
