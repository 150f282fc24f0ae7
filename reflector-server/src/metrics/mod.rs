//! What is measured. Each server owns its registry, so that several in one process do not add to each other's numbers;
//! the core and the adapters measure nothing, they report.

mod http;
mod life;
mod pipeline;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry, Unit};
use reflector_core::engine::Ingested;

pub(crate) use http::{ConnectionMetrics, HttpMetrics, count, named, route};
pub(crate) use life::{LifeMetrics, OPERATIONS, Shown};
pub(crate) use pipeline::PipelineMetrics;

/// What [`Metrics::text`] is, for whoever asks for it.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All that is measured.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    feeds: Arc<FeedFamilies>,
    /// Recordings of which nobody knows the meeting.
    pub(crate) unmatched: Gauge,
    pub(crate) pipeline: PipelineMetrics,
    pub(crate) http: HttpMetrics,
    pub(crate) life: LifeMetrics,
}

type BySource<M> = Family<[(&'static str, &'static str); 1], M>;

#[derive(Debug)]
struct FeedFamilies {
    received: BySource<Counter>,
    stored: BySource<Counter>,
    known: BySource<Counter>,
    others: BySource<Counter>,
    unreadable: BySource<Counter>,
    set_aside: BySource<Counter>,
    acknowledged: BySource<Counter>,
    unacknowledged: BySource<Counter>,
    oldest_message: BySource<Gauge<f64, AtomicU64>>,
    up: BySource<Gauge>,
}

impl Metrics {
    /// A registry in which nothing has happened.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("reflector");
        let pipeline = PipelineMetrics::new(&mut registry);
        let http = HttpMetrics::new(&mut registry);
        let life = LifeMetrics::new(&mut registry);
        let mut all = Registering(registry.sub_registry_with_prefix("recordings"));
        let feeds = FeedFamilies {
            received: all.add("messages_received", "Messages received from the source"),
            stored: all.add("stored", "Objects that became recordings"),
            known: all.add("known", "Objects announced again, or after a newer one of their key"),
            others: all.add("others", "Objects that are no recordings, and messages that announce none"),
            unreadable: all
                .add("unreadable", "Times that a message could not be read and was left to come again"),
            set_aside: all.add("set_aside", "Messages that cannot be read and were kept for whoever looks"),
            acknowledged: all.add("acknowledged", "Messages acknowledged"),
            unacknowledged: all
                .add("unacknowledged", "Messages that could not be acknowledged and come again"),
            oldest_message: all.add_seconds("oldest_message", "Age of the oldest message of the last batch"),
            up: all.add("source_up", "Whether the source answered when it was last asked"),
        };
        let unmatched = all.add("unmatched", "Recordings of which nobody knows the meeting");
        Self { registry, feeds: Arc::new(feeds), unmatched, pipeline, http, life }
    }

    /// What is measured of the source of this name: nothing yet, and nobody has seen it away.
    pub(crate) fn of_feed(&self, name: &'static str) -> FeedMetrics {
        let feed = FeedMetrics { feeds: Arc::clone(&self.feeds), of: [("source", name)] };
        feed.answered(true);
        feed.received(0, Duration::ZERO);
        feed.ingested(&Ingested::default());
        feed
    }

    /// All of it, in the text form of OpenMetrics, which Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// What is measured of one source of recordings.
#[derive(Clone, Debug)]
pub(crate) struct FeedMetrics {
    feeds: Arc<FeedFamilies>,
    of: [(&'static str, &'static str); 1],
}

impl FeedMetrics {
    /// The source was asked for messages, and answered or did not.
    pub(crate) fn answered(&self, it_did: bool) {
        self.feeds.up.get_or_create(&self.of).set(i64::from(it_did));
    }

    /// So many messages came, of which the oldest is that old.
    pub(crate) fn received(&self, messages: usize, oldest: Duration) {
        self.feeds.received.get_or_create(&self.of).inc_by(messages as u64);
        self.feeds.oldest_message.get_or_create(&self.of).set(oldest.as_secs_f64());
    }

    /// So many recordings were found that nobody had announced.
    pub(crate) fn found(&self, stored: usize) {
        self.feeds.stored.get_or_create(&self.of).inc_by(stored as u64);
    }

    /// A batch was taken in.
    pub(crate) fn ingested(&self, ingested: &Ingested) {
        let feeds = &self.feeds;
        for (family, more) in [
            (&feeds.stored, ingested.stored.len() as u64),
            (&feeds.known, u64::from(ingested.known)),
            (&feeds.others, u64::from(ingested.others)),
            (&feeds.unreadable, ingested.unreadable.len() as u64),
            (&feeds.set_aside, u64::from(ingested.set_aside)),
            (&feeds.acknowledged, u64::from(ingested.acknowledged)),
            (&feeds.unacknowledged, ingested.unacknowledged.len() as u64),
        ] {
            family.get_or_create(&self.of).inc_by(more);
        }
    }
}

struct Registering<'a>(&'a mut Registry);

impl Registering<'_> {
    fn add<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.0.register(name, help, metric.clone());
        metric
    }

    fn add_seconds<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.0.register_with_unit(name, help, Unit::Seconds, metric.clone());
        metric
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_its_name_its_unit_and_its_source() {
        let (ours, another) = (Metrics::new(), Metrics::new());
        let feed = ours.of_feed("queue");
        feed.received(3, Duration::from_millis(1500));
        feed.ingested(&Ingested { acknowledged: 2, ..Ingested::default() });
        feed.answered(false);
        ours.unmatched.set(2);
        let text = ours.text();
        for line in [
            "reflector_recordings_messages_received_total{source=\"queue\"} 3",
            "reflector_recordings_oldest_message_seconds{source=\"queue\"} 1.5",
            "reflector_recordings_acknowledged_total{source=\"queue\"} 2",
            "reflector_recordings_source_up{source=\"queue\"} 0",
            "reflector_recordings_unmatched 2",
        ] {
            assert!(text.lines().any(|found| found == line), "`{line}` is not in: {text}");
        }
        another.of_feed("queue");
        assert!(
            another.text().contains("messages_received_total{source=\"queue\"} 0"),
            "another server's own"
        );
    }
}
