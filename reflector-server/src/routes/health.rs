//! Whether the process lives, and whether it should be sent requests.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reflector_core::lifecycle::Hearing;
use serde_json::{Map, Value, json};

use crate::state::App;

/// Load balancers don't wait much longer, and a store that takes longer is of no use to anybody.
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) async fn lives() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Ready as long as the store answers and takes things in, and nobody has asked it to stop. A provider that is not heard is said, and does
/// not make it unready: it could never be heard again if nobody sent it anything.
pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let now = (app.clock)();
    let answer = tokio::time::timeout(PATIENCE, app.engine.store().next_due()).await;
    let store_answers = matches!(answer, Ok(Ok(_)));
    let stopping = app.stopping.load(Ordering::SeqCst);
    let mut providers = Map::new();
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
        providers.insert(name.to_string(), Value::from(heard));
    }
    let store_is_well = store_answers && app.bell.takes_in();
    let store = match (store_answers, store_is_well) {
        (false, _) => "away",
        (true, false) => "takes nothing in: it can only be read, or is full",
        (true, true) => "reachable",
    };
    let ready = store_is_well && !stopping;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if ready { "ready" } else { "not ready" },
        "store": store,
        "stopping": stopping,
        "providers": providers,
    });
    (status, Json(body))
}
