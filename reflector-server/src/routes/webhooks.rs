//! Messages of providers. Whatever is verified is answered with 200, so that nobody sends it again.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use reflector_core::ProviderName;
use reflector_core::engine::{Applied, IntakeError, Taken};
use reflector_core::provider::{DeliveryError, Headers};
use serde_json::{Value, json};
use tracing::{debug, warn};

use super::Path;
use crate::builtin::ClientAddress;
use crate::connections::Held;
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

pub(crate) async fn whereby(
    State(app): State<App>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Result<Json<Value>, Problem> {
    receive(&app, &"whereby".into(), headers, &extensions, body).await
}

pub(crate) async fn of_provider(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
    body: Body,
) -> Result<Json<Value>, Problem> {
    receive(&app, &ProviderName(provider), headers, &extensions, body).await
}

async fn receive(
    app: &App,
    provider: &ProviderName,
    headers: HeaderMap,
    sent: &Extensions,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let (headers, now) = (Received(headers), (app.clock)());
    if let Err(error) = app.engine.proves_nothing(provider, &headers, now) {
        drop(body);
        return Err(refused(app, provider, error, sent).await);
    }
    let body = bytes(body).await?;
    let (delivery, taken) = match app.engine.receive(provider, &headers, &body, (app.clock)()).await {
        Ok(received) => received,
        Err(error) => return Err(refused(app, provider, error, sent).await),
    };
    let status = match taken {
        Taken::Applied(Applied::Taken { ignored: None, .. }) => "applied",
        Taken::Applied(Applied::Taken { .. } | Applied::NoSuchMeeting)
        | Taken::Foreign
        | Taken::Unaddressed => "ignored",
        Taken::Applied(Applied::Duplicate) | Taken::Duplicate => "duplicate",
        Taken::Kept => "kept",
    };
    app.metrics.life.webhook(Some(provider), status);
    debug!(%provider, delivery_id = delivery.id, kind = delivery.kind, status, "took in a message");
    Ok(Json(json!({ "status": status })))
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
