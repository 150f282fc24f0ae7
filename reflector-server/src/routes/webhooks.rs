//! Messages of providers. Whatever is verified is answered with 200, so that nobody sends it again.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use reflector_core::ProviderName;
use reflector_core::engine::{Applied, IntakeError, Taken};
use reflector_core::provider::{DeliveryError, Headers};
use serde::Serialize;
use tracing::{debug, warn};
use utoipa::{IntoResponses, ToSchema};

use super::Path;
use crate::builtin::ClientAddress;
use crate::connections::Held;
use crate::contract::words;
use crate::error::Problem;
use crate::json::bytes;
use crate::limits::{LATE, Standing};
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

impl Fate {
    /// The word for it, on the wire and in the metrics.
    fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Duplicate => "duplicate",
            Self::Kept => "kept",
        }
    }
}

/// What a provider is answered.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it is read by its derive alone")]
enum Answers {
    #[response(status = 200, description = "it is taken in")]
    Taken(TakenIn),
    #[response(status = 400, description = "it cannot be read")]
    Unreadable,
    #[response(status = 401, description = "its signature is missing, wrong or older than five minutes")]
    Unverified,
    #[response(status = 404, description = "no messages of this provider are taken here")]
    NoSuchEndpoint,
    #[response(status = 413, description = "the body is larger than 1 MiB")]
    TooLarge,
    #[response(
        status = 429,
        description = "too many messages from this address prove nothing; signed ones are taken in all the same"
    )]
    TooMany,
    #[response(
        status = 503,
        description = "the store cannot be reached, or another write was faster; send it again"
    )]
    Later,
}

/// A message of Whereby
///
/// The same as `/webhooks/whereby`.
#[utoipa::path(post, path = "/whereby", tag = "webhooks", operation_id = "whereby",
    request_body = words::WherebyMessage, responses(Answers))]
pub(crate) async fn whereby(
    State(app): State<App>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Result<Json<TakenIn>, Problem> {
    receive(&app, &"whereby".into(), headers, &extensions, body).await
}

/// A message of a provider
///
/// Its signature is checked before anything else is read.
#[utoipa::path(post, path = "/webhooks/{provider}", tag = "webhooks", operation_id = "webhook",
    params(("provider" = String, Path, description = "The provider's name.", example = "whereby")),
    request_body(content = Object, content_type = "application/json"), responses(Answers))]
pub(crate) async fn of_provider(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Result<Json<TakenIn>, Problem> {
    receive(&app, &ProviderName(provider), headers, &extensions, body).await
}

async fn receive(
    app: &App,
    provider: &ProviderName,
    headers: HeaderMap,
    sent: &Extensions,
    body: Body,
) -> Result<Json<TakenIn>, Problem> {
    let headers = Received(headers);
    if let Err(error) = app.engine.may_prove(provider, &headers) {
        drop(body);
        return Err(refused(app, provider, error, sent).await);
    }
    let body = bytes(body).await?;
    let (delivery, taken) = match app.engine.receive(provider, &headers, &body, (app.clock)()).await {
        Ok(received) => received,
        Err(error) => return Err(refused(app, provider, error, sent).await),
    };
    let status = match taken {
        Taken::Applied(Applied::Taken { ignored: None, .. }) => Fate::Applied,
        Taken::Applied(Applied::Taken { .. } | Applied::NoSuchMeeting)
        | Taken::Foreign
        | Taken::Unaddressed => Fate::Ignored,
        Taken::Applied(Applied::Duplicate) | Taken::Duplicate => Fate::Duplicate,
        Taken::Kept => Fate::Kept,
    };
    app.metrics.life.webhook(Some(provider), status.as_str());
    debug!(%provider, delivery_id = delivery.id, kind = delivery.kind, ?status, "took in a message");
    Ok(Json(TakenIn { status }))
}

/// What the sender is told of a message that was not taken in. Whoever floods waits for it, and fills no log.
async fn refused(app: &App, provider: &ProviderName, error: IntakeError, sent: &Extensions) -> Problem {
    let (outcome, proves_nothing) = match &error {
        IntakeError::NoSuchEndpoint(_) | IntakeError::Delivery(DeliveryError::Unverified(_)) => {
            ("unverified", true)
        }
        IntakeError::Delivery(_) => ("unreadable", false),
        _ => ("unavailable", false),
    };
    let known = !matches!(error, IntakeError::NoSuchEndpoint(_));
    app.metrics.life.webhook(known.then_some(provider), outcome);
    if proves_nothing
        && let Some(ClientAddress(from)) = sent.get()
        && let Standing::Floods(after) = app.limits.unsigned.one_more(*from)
    {
        if let Some(held) = sent.get::<Arc<Held>>() {
            held.may_go();
        }
        tokio::time::sleep(LATE).await;
        let detail = format!("{error}; too many messages from this address prove nothing");
        return Problem::too_many(after.as_secs() + 1, detail);
    }
    warn!(%provider, %error, "a message was not taken in");
    error.into()
}
