//! Messages of providers. Whatever is verified is answered with 200, so that nobody sends it again.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use reflector_core::ProviderName;
use reflector_core::engine::{Applied, Taken};
use reflector_core::provider::Headers;
use serde_json::{Value, json};
use tracing::{debug, warn};

use super::Path;
use crate::error::Problem;
use crate::json::bytes;
use crate::state::App;

struct Received(HeaderMap);

impl Headers for Received {
    fn header(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }
}

pub(crate) async fn whereby(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    receive(&app, &"whereby".into(), headers, body).await
}

pub(crate) async fn of_provider(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    receive(&app, &ProviderName(provider), headers, body).await
}

async fn receive(
    app: &App,
    provider: &ProviderName,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let body = bytes(body).await?;
    let received = app.engine.receive(provider, &Received(headers), &body, (app.clock)()).await;
    let (delivery, taken) =
        received.inspect_err(|error| warn!(%provider, %error, "a message was not taken in"))?;
    let status = match taken {
        Taken::Applied(Applied::Taken { ignored: None, .. }) => "applied",
        Taken::Applied(Applied::Taken { .. } | Applied::NoSuchMeeting)
        | Taken::Foreign
        | Taken::Unaddressed => "ignored",
        Taken::Applied(Applied::Duplicate) | Taken::Duplicate => "duplicate",
        Taken::Kept => "kept",
    };
    debug!(%provider, delivery_id = delivery.id, kind = delivery.kind, status, "took in a message");
    Ok(Json(json!({ "status": status })))
}
