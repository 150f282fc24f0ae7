//! Who calls. What they may do is in [`access`].

pub(crate) mod access;
mod jwks;
mod jwt;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use reflector_core::UserId;
use reflector_core::store::{KeyStore, Viewer};

use crate::builtin::token_hash;
use crate::clock::Clock;
use crate::config::Auth;
use crate::error::Problem;
use crate::state::App;

pub(crate) use jwt::{NotUsable, Tokens};

/// The header of API keys.
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// What API keys begin with, so that one that got lost is known for what it is.
const PREFIX: &str = "rfl_";

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Somebody who did not say.
    Guest,
    /// A user.
    User {
        /// Who it is.
        id: UserId,
        /// Whether they run this deployment.
        is_operator: bool,
    },
}

/// The user that everybody is when nobody is asked who they are.
pub(crate) fn local() -> UserId {
    UserId::from("local")
}

impl Caller {
    /// Who it is, for what only those can do who say so.
    pub(crate) fn user(&self) -> Result<&UserId, Problem> {
        match self {
            Self::User { id, .. } => Ok(id),
            Self::Guest => Err(Problem::unidentified("say who you are: send a bearer token, or X-API-Key")),
        }
    }

    /// What they see of listings.
    pub(crate) fn viewer(&self) -> Result<Viewer, Problem> {
        let user = self.user()?.clone();
        Ok(if self.is_operator() { Viewer::Operator } else { Viewer::User(user) })
    }

    pub(crate) fn is_operator(&self) -> bool {
        matches!(self, Self::User { is_operator: true, .. })
    }

    /// For what only those do who run the deployment.
    pub(crate) fn operator(&self) -> Result<(), Problem> {
        self.user()?;
        if self.is_operator() {
            Ok(())
        } else {
            Err(Problem::new(StatusCode::FORBIDDEN, "only operators may do that"))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Without the layer nobody is let in.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Problem::unidentified("nobody was asked who they are"))
    }
}

/// Tells who calls. Without what it takes to tell, nobody is asked.
#[derive(Clone)]
pub(crate) struct Identity(Option<Arc<Verifier>>);

/// What it takes to tell.
struct Verifier {
    tokens: Tokens,
    admins: BTreeSet<UserId>,
    keys: Arc<dyn KeyStore>,
    clock: Clock,
}

impl Identity {
    /// As it is configured.
    pub(crate) async fn new(auth: &Auth, keys: Arc<dyn KeyStore>, clock: Clock) -> Result<Self, NotUsable> {
        let Auth::Jwt(settings) = auth else { return Ok(Self(None)) };
        let tokens = Tokens::new(settings).await?;
        Ok(Self(Some(Arc::new(Verifier { tokens, admins: settings.admins.clone(), keys, clock }))))
    }

    /// Whether everybody is let in.
    pub(crate) fn asks_nobody(&self) -> bool {
        self.0.is_none()
    }

    /// Who calls with these headers.
    pub(crate) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        match &self.0 {
            None => Ok(Caller::User { id: local(), is_operator: true }),
            Some(verifier) => verifier.caller(headers).await,
        }
    }
}

impl Verifier {
    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        match (only(headers, &header::AUTHORIZATION)?, only(headers, &API_KEY)?) {
            (None, None) => Ok(Caller::Guest),
            (Some(_), Some(_)) => Err(Problem::unidentified("send a bearer token or X-API-Key, not both")),
            (Some(authorization), None) => {
                let token = bearer(authorization)
                    .ok_or_else(|| Problem::unidentified("use Authorization: Bearer TOKEN"))?;
                let id = self.tokens.user(token, (self.clock)()).await?;
                Ok(Caller::User { is_operator: self.admins.contains(&id), id })
            }
            (None, Some(key)) => match self.keys.find_key(token_hash(key)).await? {
                Some(key) => {
                    let is_operator = key.is_operator || self.admins.contains(&key.user);
                    Ok(Caller::User { id: key.user, is_operator })
                }
                None => Err(Problem::unidentified("the API key is not known, or was revoked")),
            },
        }
    }
}

/// Finds out who calls, for all that comes after.
pub(crate) async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match app.identity.caller(request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// The text of a new API key. It is a secret.
pub(crate) fn new_key() -> String {
    format!("{PREFIX}{}", crate::clock::new_secret())
}

/// A header that is there once; two would leave open which one counts.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match value.to_str() {
        Ok(value) if values.next().is_none() => Ok(Some(value)),
        _ => Err(Problem::unidentified(&format!("the header {name} must be there once, as text"))),
    }
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
