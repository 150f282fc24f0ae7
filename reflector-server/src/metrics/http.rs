//! What is measured of requests, and of the connections that they come over.

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

use super::Registering;
use crate::state::App;

/// From what a cached read takes to what nobody waits for.
const SECONDS: [f64; 10] = [0.002, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];

/// What no route is for.
const NOWHERE: &str = "none";

type Of<const N: usize> = [(&'static str, String); N];

/// What is measured of requests.
#[derive(Clone, Debug)]
pub(crate) struct HttpMetrics {
    requests: Family<Of<3>, Counter>,
    durations: Family<Of<2>, Histogram, fn() -> Histogram>,
    pub(crate) connections: ConnectionMetrics,
}

/// What is measured of connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionMetrics {
    /// How many there are.
    pub(crate) open: Gauge,
    /// How many were ended because others needed their place.
    pub(crate) gave_way: Counter,
    /// How many were not let in because their address had too many in hand.
    pub(crate) refused: Counter,
}

fn durations() -> Histogram {
    Histogram::new(SECONDS)
}

impl HttpMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let ours = registry.sub_registry_with_prefix("http");
        let durations = Family::new_with_constructor(durations as fn() -> Histogram);
        let help = "How long it took until the answer to a request began";
        ours.register_with_unit("request_duration", help, Unit::Seconds, durations.clone());
        let mut all = Registering(ours);
        Self {
            requests: all.add("requests", "Requests answered, by route, method and status"),
            durations,
            connections: ConnectionMetrics {
                open: all.add("connections", "Connections that are open"),
                gave_way: all
                    .add("connections_gave_way", "Connections ended because others needed their place"),
                refused: all.add("connections_refused", "Connections of addresses that had too many in hand"),
            },
        }
    }

    /// A request was answered, after so long.
    fn answered(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let (route, method) = (("route", route.to_owned()), ("method", named(method).to_owned()));
        self.durations.get_or_create(&[route.clone(), method.clone()]).observe(took.as_secs_f64());
        self.requests.get_or_create(&[route, method, ("status", status.as_str().to_owned())]).inc();
    }
}

/// What a method is called. Anybody may make up others, and each would be remembered.
pub(crate) fn named(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "other",
    }
}

/// The route that a request took, as it is written in the index of routes: never what was asked for itself, of which there
/// is no end. What is documented under `/v1` is the same without.
pub(crate) fn route(request: &Request) -> Option<&str> {
    let matched = request.extensions().get::<MatchedPath>()?.as_str();
    Some(matched.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(matched))
}

/// Counts requests, and how long they took.
pub(crate) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = route(&request).unwrap_or(NOWHERE).to_owned();
    let (method, begun) = (request.method().clone(), Instant::now());
    let answer = next.run(request).await;
    app.metrics.http.answered(&route, &method, answer.status(), begun.elapsed());
    answer
}
