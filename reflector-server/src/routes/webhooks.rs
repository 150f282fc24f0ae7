//! Messages of providers. Whatever is verified is answered with 200, so that nobody sends it again.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use reflector_core::ProviderName;
use reflector_core::engine::{Applied, Taken};
use reflector_core::provider::Headers;
use serde::Serialize;
use tracing::{debug, warn};
use utoipa::ToSchema;

use super::Path;
use crate::contract::words;
use crate::error::Problem;
use crate::json::bytes;
use crate::state::App;

struct Received(HeaderMap);

impl Headers for Received {
    fn header(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }
}

/// What became of a message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakenIn {
    status: Fate,
}

/// It changed a meeting, changed nothing, came before, or is kept until its meeting is known.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Fate {
    Applied,
    Ignored,
    Duplicate,
    Kept,
}

/// A message of Whereby
///
/// The same as `/webhooks/whereby`.
#[utoipa::path(post, path = "/whereby", tag = "webhooks", operation_id = "whereby",
    request_body = words::WherebyMessage, responses(
    (status = 200, description = "it is taken in", body = TakenIn),
    (status = 400, description = "it cannot be read"),
    (status = 401, description = "its signature is missing, wrong or older than five minutes"),
    (status = 404, description = "no messages of this provider are taken here"),
    (status = 413, description = "the body is larger than 1 MiB"),
    (status = 503, description = "the store cannot be reached, or another write was faster; send it again")))]
pub(crate) async fn whereby(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<TakenIn>, Problem> {
    receive(&app, &"whereby".into(), headers, body).await
}

/// A message of a provider
///
/// Its signature is checked before anything else is read.
#[utoipa::path(post, path = "/webhooks/{provider}", tag = "webhooks", operation_id = "webhook",
    params(("provider" = String, Path, description = "The provider's name.", example = "whereby")),
    request_body(content = Object, content_type = "application/json"), responses(
    (status = 200, description = "it is taken in", body = TakenIn),
    (status = 400, description = "it cannot be read"),
    (status = 401, description = "its signature is missing, wrong or older than five minutes"),
    (status = 404, description = "no messages of this provider are taken here"),
    (status = 413, description = "the body is larger than 1 MiB"),
    (status = 503, description = "the store cannot be reached, or another write was faster; send it again")))]
pub(crate) async fn of_provider(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<TakenIn>, Problem> {
    receive(&app, &ProviderName(provider), headers, body).await
}

async fn receive(
    app: &App,
    provider: &ProviderName,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<TakenIn>, Problem> {
    let body = bytes(body).await?;
    let received = app.engine.receive(provider, &Received(headers), &body, (app.clock)()).await;
    let (delivery, taken) =
        received.inspect_err(|error| warn!(%provider, %error, "a message was not taken in"))?;
    let status = match taken {
        Taken::Applied(Applied::Taken { ignored: None, .. }) => Fate::Applied,
        Taken::Applied(Applied::Taken { .. } | Applied::NoSuchMeeting)
        | Taken::Foreign
        | Taken::Unaddressed => Fate::Ignored,
        Taken::Applied(Applied::Duplicate) | Taken::Duplicate => Fate::Duplicate,
        Taken::Kept => Fate::Kept,
    };
    debug!(%provider, delivery_id = delivery.id, kind = delivery.kind, ?status, "took in a message");
    Ok(Json(TakenIn { status }))
}
