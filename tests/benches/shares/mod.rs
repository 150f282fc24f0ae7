//! Where the time goes: what `sqlx` tells of its statements, and the store of the wait for a connection, is added up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// What was told since it began to listen.
#[derive(Clone, Default)]
pub(crate) struct Shares(Arc<Sums>);

#[derive(Default)]
struct Sums {
    statements: AtomicU64,
    nanoseconds_in_statements: AtomicU64,
    nanoseconds_in_wait: AtomicU64,
}

impl Shares {
    /// Listens from now on, which costs a little: the rates are measured before.
    pub(crate) fn listen() -> Self {
        let shares = Self::default();
        let targets = Targets::new()
            .with_target("sqlx::query", LevelFilter::TRACE)
            .with_target("reflector_store_postgres::pool", LevelFilter::TRACE);
        let layers = tracing_subscriber::registry().with(shares.clone().with_filter(targets));
        tracing::subscriber::set_global_default(layers).expect("nobody else listens");
        shares
    }

    pub(crate) fn statements(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    pub(crate) fn in_statements(&self) -> Duration {
        Duration::from_nanos(self.0.nanoseconds_in_statements.load(Ordering::Relaxed))
    }

    pub(crate) fn in_wait(&self) -> Duration {
        Duration::from_nanos(self.0.nanoseconds_in_wait.load(Ordering::Relaxed))
    }
}

impl<S: Subscriber> Layer<S> for Shares {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Adding(&self.0));
    }
}

struct Adding<'a>(&'a Sums);

impl Visit for Adding<'_> {
    fn record_f64(&mut self, field: &Field, seconds: f64) {
        let nanoseconds = (seconds * 1e9) as u64;
        match field.name() {
            "elapsed_secs" => {
                self.0.statements.fetch_add(1, Ordering::Relaxed);
                self.0.nanoseconds_in_statements.fetch_add(nanoseconds, Ordering::Relaxed);
            }
            "waited_secs" => {
                self.0.nanoseconds_in_wait.fetch_add(nanoseconds, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
