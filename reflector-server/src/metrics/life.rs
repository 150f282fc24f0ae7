//! What is measured of meetings: how many there are, how late their deadlines and what they owe are, what providers send,
//! and how they answer.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use reflector_core::store::{OpenMeetings, OwedWork};
use reflector_core::{ProviderName, Timestamp};

use super::Registering;

/// Deadlines are told within moments, unless nobody runs.
const LATE: [f64; 9] = [0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0];
/// A provider answers over the internet, or not at all.
const CALLS: [f64; 8] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The phases of a meeting that is not closed, by their names on the wire.
const PHASES: [&str; 5] = ["opening", "waiting", "live", "grace", "closing"];
/// The kinds of owed work.
const KINDS: [&str; 5] = ["open_room", "close_room", "ask_presence", "retire_room", "announce"];
/// What may become of a message.
const TAKEN: [&str; 7] =
    ["applied", "ignored", "duplicate", "kept", "unverified", "unreadable", "unavailable"];

/// What providers are asked, and how that may end.
pub(crate) const OPERATIONS: [&str; 4] = ["open_room", "close_room", "presence", "rooms"];
const ENDS: [&str; 3] = ["answered", "unavailable", "refused"];

type Of<const N: usize> = [(&'static str, String); N];

/// What is measured of meetings.
#[derive(Clone, Debug)]
pub(crate) struct LifeMetrics {
    meetings: Family<Of<2>, Gauge>,
    owed: Family<Of<1>, Gauge>,
    oldest_owed: Family<Of<1>, Gauge<f64, AtomicU64>>,
    lag: Gauge<f64, AtomicU64>,
    late: Histogram,
    webhooks: Family<Of<2>, Counter>,
    calls: Family<Of<3>, Counter>,
    call_durations: Family<Of<2>, Histogram, fn() -> Histogram>,
}

fn call_durations() -> Histogram {
    Histogram::new(CALLS)
}

impl LifeMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let (late, call_durations) =
            (Histogram::new(LATE), Family::new_with_constructor(call_durations as fn() -> Histogram));
        let help = "How long after their deadlines meetings were woken";
        registry.register_with_unit("deadline_lateness", help, Unit::Seconds, late.clone());
        let help = "How long providers took to answer, or not to";
        registry.register_with_unit("provider_call_duration", help, Unit::Seconds, call_durations.clone());
        let mut all = Registering(registry);
        Self {
            meetings: all.add("meetings", "Meetings that are not closed, by provider and phase"),
            owed: all.add("effects_owed", "Work that is owed to the world, by kind"),
            oldest_owed: all.add_seconds("effects_oldest", "For how long the oldest owed work has been owed"),
            lag: all.add_seconds("deadline_lag", "For how long the earliest deadline has been due"),
            late,
            webhooks: all.add("webhooks", "Messages of providers, by what became of them"),
            calls: all.add("provider_calls", "Calls of providers, by how they ended"),
            call_durations,
        }
    }

    /// Shows what has not happened yet with these providers: a rate is told from the first time on only if nothing was told
    /// before it.
    pub(crate) fn begin_with<'a>(&self, providers: impl Iterator<Item = &'a ProviderName>) {
        for provider in providers {
            let provider = ("provider", provider.to_string());
            for outcome in TAKEN {
                drop(self.webhooks.get_or_create(&[provider.clone(), ("outcome", outcome.to_owned())]));
            }
            for operation in OPERATIONS.map(|operation| ("operation", operation.to_owned())) {
                for outcome in ENDS.map(|end| ("outcome", end.to_owned())) {
                    drop(self.calls.get_or_create(&[provider.clone(), operation.clone(), outcome]));
                }
                drop(self.call_durations.get_or_create(&[provider.clone(), operation]));
            }
        }
    }

    /// What became of a message. Of a provider that there is not, anybody may have made up the name.
    pub(crate) fn webhook(&self, provider: Option<&ProviderName>, outcome: &str) {
        let provider = provider.map_or_else(|| "unknown".to_owned(), ToString::to_string);
        self.webhooks.get_or_create(&[("provider", provider), ("outcome", outcome.to_owned())]).inc();
    }

    /// A call of a provider ended, after so long.
    pub(crate) fn called(
        &self,
        provider: &ProviderName,
        operation: &str,
        outcome: &'static str,
        took: Duration,
    ) {
        let of = [("provider", provider.to_string()), ("operation", operation.to_owned())];
        self.call_durations.get_or_create(&of).observe(took.as_secs_f64());
        let [provider, operation] = of;
        self.calls.get_or_create(&[provider, operation, ("outcome", outcome.to_owned())]).inc();
    }

    /// Meetings were woken so long after their deadlines.
    pub(crate) fn woken(&self, late: &[Duration]) {
        for late in late {
            self.late.observe(late.as_secs_f64());
        }
    }

    /// What the earliest deadline is, seen from now.
    pub(crate) fn next_due(&self, due: Option<Timestamp>, now: Timestamp) {
        self.lag.set(due.map_or(Duration::ZERO, |due| now.since(due)).as_secs_f64());
    }

    /// What goes on, seen from now. What was told before and is no more is told to be none.
    pub(crate) fn counted(
        &self,
        open: &[OpenMeetings],
        owed: &[OwedWork],
        shown: &mut Shown,
        now: Timestamp,
    ) {
        let (before, now_shown) = (std::mem::take(shown), shown);
        for open in open {
            let of = [("provider", open.provider.to_string()), ("phase", open.phase.clone())];
            self.meetings.get_or_create(&of).set(i64::try_from(open.meetings).unwrap_or(i64::MAX));
            now_shown.meetings.insert(of);
        }
        for of in before.meetings.difference(&now_shown.meetings) {
            self.meetings.get_or_create(of).set(0);
        }
        for owed in owed {
            let of = [("kind", owed.kind.clone())];
            self.owed.get_or_create(&of).set(i64::try_from(owed.pieces).unwrap_or(i64::MAX));
            self.oldest_owed.get_or_create(&of).set(now.since(owed.oldest).as_secs_f64());
            now_shown.owed.insert(of);
        }
        for of in before.owed.difference(&now_shown.owed) {
            self.owed.get_or_create(of).set(0);
            self.oldest_owed.get_or_create(of).set(0.0);
        }
        now_shown.meetings.extend(before.meetings);
        now_shown.owed.extend(before.owed);
    }
}

/// Which numbers were told by whoever counts.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    meetings: BTreeSet<Of<2>>,
    owed: BTreeSet<Of<1>>,
}

impl Shown {
    /// All that there may be with these providers: told from the first count on.
    pub(crate) fn with<'a>(providers: impl Iterator<Item = &'a ProviderName>) -> Self {
        let of = |provider: &ProviderName| {
            let provider = provider.to_string();
            PHASES.map(|phase| [("provider", provider.clone()), ("phase", phase.to_owned())])
        };
        Self {
            meetings: providers.flat_map(of).collect(),
            owed: KINDS.iter().map(|kind| [("kind", (*kind).to_owned())]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use reflector_core::lifecycle::EffectKind;
    use reflector_core::testing::sample::at;

    use super::*;
    use crate::metrics::Metrics;

    fn says(metrics: &Metrics, lines: &[&str]) {
        let text = metrics.text();
        for line in lines {
            assert!(text.lines().any(|found| found == *line), "`{line}` is not in: {text}");
        }
    }

    #[test]
    fn what_goes_on_is_told_and_what_is_no_more_is_told_to_be_none() {
        let metrics = Metrics::new();
        let whereby = ProviderName::from("whereby");
        let mut shown = Shown::with([&whereby].into_iter());
        let open = |phase: &str, meetings| OpenMeetings {
            provider: whereby.clone(),
            phase: phase.to_owned(),
            meetings,
        };
        let owed = OwedWork { kind: "close_room".to_owned(), pieces: 3, oldest: at(10) };
        metrics.life.counted(&[open("live", 7), open("new", 1)], &[owed], &mut shown, at(40));
        says(
            &metrics,
            &[
                r#"reflector_meetings{provider="whereby",phase="live"} 7"#,
                r#"reflector_meetings{provider="whereby",phase="grace"} 0"#,
                r#"reflector_meetings{provider="whereby",phase="new"} 1"#,
                r#"reflector_effects_owed{kind="close_room"} 3"#,
                r#"reflector_effects_oldest_seconds{kind="close_room"} 30.0"#,
                r#"reflector_effects_owed{kind="announce"} 0"#,
            ],
        );
        for _ in 0..2 {
            metrics.life.counted(&[], &[], &mut shown, at(50));
            says(
                &metrics,
                &[
                    r#"reflector_meetings{provider="whereby",phase="live"} 0"#,
                    r#"reflector_meetings{provider="whereby",phase="new"} 0"#,
                    r#"reflector_effects_owed{kind="close_room"} 0"#,
                    r#"reflector_effects_oldest_seconds{kind="close_room"} 0.0"#,
                ],
            );
        }
    }

    #[test]
    fn the_earliest_deadline_lags_only_once_it_is_due() {
        let metrics = Metrics::new();
        for (due, lag) in [(None, "0.0"), (Some(at(50)), "0.0"), (Some(at(30)), "10.0")] {
            metrics.life.next_due(due, at(40));
            says(&metrics, &[&format!("reflector_deadline_lag_seconds {lag}")]);
        }
        metrics.life.woken(&[Duration::from_millis(20), Duration::from_secs(2)]);
        says(
            &metrics,
            &[
                r#"reflector_deadline_lateness_seconds_bucket{le="0.05"} 1"#,
                "reflector_deadline_lateness_seconds_count 2",
            ],
        );
    }

    #[test]
    fn messages_and_calls_are_shown_before_there_are_any() {
        let metrics = Metrics::new();
        let whereby = ProviderName::from("whereby");
        metrics.life.begin_with([&whereby].into_iter());
        metrics.life.webhook(Some(&whereby), "applied");
        metrics.life.webhook(None, "unverified");
        metrics.life.called(&whereby, "open_room", "answered", Duration::from_millis(200));
        says(
            &metrics,
            &[
                r#"reflector_webhooks_total{provider="whereby",outcome="applied"} 1"#,
                r#"reflector_webhooks_total{provider="whereby",outcome="kept"} 0"#,
                r#"reflector_webhooks_total{provider="unknown",outcome="unverified"} 1"#,
                r#"reflector_provider_calls_total{provider="whereby",operation="open_room",outcome="answered"} 1"#,
                r#"reflector_provider_calls_total{provider="whereby",operation="presence",outcome="refused"} 0"#,
                r#"reflector_provider_call_duration_seconds_bucket{le="0.25",provider="whereby",operation="open_room"} 1"#,
            ],
        );
    }

    #[test]
    fn every_kind_of_owed_work_is_among_those_that_are_shown() {
        let kinds = [
            EffectKind::OpenRoom,
            EffectKind::CloseRoom,
            EffectKind::AskPresence,
            EffectKind::RetireRoom,
            EffectKind::Announce,
        ];
        assert_eq!(kinds.map(EffectKind::as_str), KINDS);
    }
}
