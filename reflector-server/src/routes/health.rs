//! Whether the process lives, and whether it should be sent requests.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reflector_core::lifecycle::Hearing;
use serde_json::{Map, Value, json};

use crate::state::App;

pub(crate) async fn lives() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Ready as long as the store answers and nobody has asked it to stop. A provider that is not heard is said, and does
/// not make it unready: it could never be heard again if nobody sent it anything.
pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let now = (app.clock)();
    let store = app.engine.store().next_due().await;
    let stopping = app.stopping.load(Ordering::SeqCst);
    let mut providers = Map::new();
    for name in app.engine.providers() {
        let heard = match app.engine.hearing(name, now).await {
            Ok(Hearing::Answered) => "answers when asked".to_owned(),
            Ok(Hearing::Since(since)) => format!("heard without a gap since {since}"),
            Ok(Hearing::Deaf) => {
                "not heard: no verified message has come, so silence closes nothing".to_owned()
            }
            Err(_) => "not known: the store is away".to_owned(),
        };
        providers.insert(name.to_string(), Value::from(heard));
    }
    let ready = store.is_ok() && !stopping;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if ready { "ready" } else { "not ready" },
        "store": if store.is_ok() { "reachable" } else { "away" },
        "stopping": stopping,
        "providers": providers,
    });
    (status, Json(body))
}
