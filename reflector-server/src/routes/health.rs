//! Whether the process lives, and whether it should be sent requests.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use reflector_core::lifecycle::Hearing;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::metrics::CONTENT_TYPE;
use crate::state::App;

/// Load balancers don't wait much longer, and a store that takes longer is of no use to anybody.
const PATIENCE: Duration = Duration::from_secs(3);

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Whether it should be sent requests. Degraded is ready, and some recordings come later.
    status: Said,
    /// How the store is.
    store: &'static str,
    /// Whether it was asked to stop.
    stopping: bool,
    /// What is heard of each video provider.
    providers: BTreeMap<String, String>,
    /// Whether meetings are closed for being empty, or that is on hold.
    closes: String,
    /// How each source of recordings is.
    recordings: Sources,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Said {
    Ready,
    Degraded,
    #[serde(rename = "not ready")]
    NotReady,
}

/// How each source of recordings is, or a sentence where another process takes them in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Sources {
    Here(BTreeMap<String, String>),
    Elsewhere(&'static str),
}

/// Whether the process lives
#[utoipa::path(get, path = "/healthz", tag = "operation", operation_id = "lives",
    responses((status = 200, description = "it does", body = Object, example = json!({ "status": "ok" }))))]
pub(crate) async fn lives() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Whether it should be sent requests
///
/// Ready as long as the store answers and takes things in, and nobody has asked it to stop. A provider that is not
/// heard is said, and does not make it unready: it could never be heard again if nobody sent it anything. Nor does a
/// source of recordings that is away: its recordings come later, and requests are answered all the same.
#[utoipa::path(get, path = "/readyz", tag = "operation", operation_id = "ready", responses(
    (status = 200, description = "it should", body = Readiness),
    (status = 503, description = "it should not: the store is away, or it is stopping", body = Readiness)))]
pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Readiness>) {
    let now = (app.clock)();
    let answer = tokio::time::timeout(PATIENCE, app.engine.store().next_due()).await;
    let store_answers = matches!(answer, Ok(Ok(_)));
    let stopping = app.is_stopping();
    let mut providers = BTreeMap::new();
    for name in app.engine.providers() {
        let hearing = if store_answers { app.engine.hearing(name, now).await.ok() } else { None };
        let heard = match hearing {
            Some(Hearing::Answered) => "answers when asked".to_owned(),
            Some(Hearing::Since(since)) => format!("heard without a gap since {since}"),
            Some(Hearing::Deaf) => {
                "not heard: no verified message has come, so silence closes nothing".to_owned()
            }
            None => "not known: the store is away".to_owned(),
        };
        providers.insert(name.to_string(), heard);
    }
    let held = if store_answers { app.engine.store().held_since().await.ok().flatten() } else { None };
    let closes = match held {
        Some(since) => format!("on hold since {since}: lift it with `reflector hold off`"),
        None => "as the rules say".to_owned(),
    };
    let store_is_well = store_answers && app.bell.takes_in();
    let store = match (store_answers, store_is_well) {
        (false, _) => "away",
        (true, false) => "takes nothing in: it can only be read, or is full",
        (true, true) => "reachable",
    };
    let ready = store_is_well && !stopping;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let is_degraded = app.takes_recordings_in && app.feeds.iter().any(|feed| feed.away_since().is_some());
    let said = match (ready, is_degraded) {
        (false, _) => Said::NotReady,
        (true, true) => Said::Degraded,
        (true, false) => Said::Ready,
    };
    let recordings = recordings(&app);
    (status, Json(Readiness { status: said, store, stopping, providers, closes, recordings }))
}

/// How each source of recordings is. Why one is away is in the log: it may name what is nobody else's business.
fn recordings(app: &App) -> Sources {
    if !app.takes_recordings_in {
        return Sources::Elsewhere("taken in by another process, if by any: not a role of this one");
    }
    let feeds = app.feeds.iter().map(|feed| {
        let condition = match feed.away_since() {
            Some(since) => format!("away since {since}: see the log"),
            None => "taken in".to_owned(),
        };
        (feed.name.to_owned(), condition)
    });
    Sources::Here(feeds.collect())
}

/// What it measures, for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "operation", operation_id = "metrics", responses(
    (status = 200, description = "the metrics", body = String, content_type = "application/openmetrics-text")))]
pub(crate) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], app.metrics.text())
}
