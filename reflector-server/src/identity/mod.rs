//! Who calls. What they may do is in [`access`].

pub(crate) mod access;
mod jwks;
mod jwt;
mod session;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use reflector_core::store::{KeyStore, TokenHash, Viewer};
use reflector_core::{Timestamp, UserId};

use crate::auth::from_own_page;
use crate::builtin::token_hash;
use crate::clock::Clock;
use crate::config::Auth;
use crate::error::Problem;
use crate::state::App;

pub(crate) use jwks::usable_keys;
pub(crate) use jwt::{NotUsable, Tokens};
pub(crate) use session::{Sessions, SignedInBy};

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

/// How that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Not at all: nobody is asked, or they did not say.
    Nothing,
    /// By a token that is good until then.
    Token { until: Timestamp },
    /// By the API key of this hash.
    Key(TokenHash),
    /// By a session that lasts until then, which a browser sends by itself.
    Session { until: Timestamp },
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

impl<S: Send + Sync> FromRequestParts<S> for Proof {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Self::Nothing))
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
    sessions: Sessions,
    clock: Clock,
}

impl Identity {
    /// As it is configured.
    pub(crate) async fn new(
        auth: &Auth,
        keys: Arc<dyn KeyStore>,
        sessions: Sessions,
        clock: Clock,
    ) -> Result<Self, NotUsable> {
        let Auth::Jwt(settings) = auth else { return Ok(Self(None)) };
        let tokens = Tokens::new(settings).await?;
        let admins = settings.admins.clone();
        Ok(Self(Some(Arc::new(Verifier { tokens, admins, keys, sessions, clock }))))
    }

    /// Whether everybody is let in.
    pub(crate) fn asks_nobody(&self) -> bool {
        self.0.is_none()
    }

    /// Who calls with these headers, and how that is known.
    pub(crate) async fn caller(&self, headers: &HeaderMap) -> Result<(Caller, Proof), Problem> {
        match &self.0 {
            None => Ok((Caller::User { id: local(), is_operator: true }, Proof::Nothing)),
            Some(verifier) => verifier.caller(headers).await,
        }
    }
}

impl Verifier {
    async fn caller(&self, headers: &HeaderMap) -> Result<(Caller, Proof), Problem> {
        match (only(headers, &header::AUTHORIZATION)?, only(headers, &API_KEY)?) {
            (None, None) => Ok(self.signed_in(headers).await?.unwrap_or((Caller::Guest, Proof::Nothing))),
            (Some(_), Some(_)) => Err(Problem::unidentified("send a bearer token or X-API-Key, not both")),
            (Some(authorization), None) => {
                let token = bearer(authorization)
                    .ok_or_else(|| Problem::unidentified("use Authorization: Bearer TOKEN"))?;
                let (id, until) = self.tokens.user(token, (self.clock)()).await?;
                Ok((self.named(id), Proof::Token { until }))
            }
            (None, Some(key)) => {
                let hash = token_hash(key);
                let caller = self.holding(hash).await?;
                let caller = caller
                    .ok_or_else(|| Problem::unidentified("the API key is not known, or was revoked"))?;
                Ok((caller, Proof::Key(hash)))
            }
        }
    }

    /// Who signed in in the browser that calls, if what they signed in with still counts.
    async fn signed_in(&self, headers: &HeaderMap) -> Result<Option<(Caller, Proof)>, Problem> {
        let Some(session) = self.sessions.of(headers, (self.clock)()) else { return Ok(None) };
        let caller = match session.by {
            SignedInBy::Token(user) => Some(self.named(user)),
            SignedInBy::Key(hash) => self.holding(hash).await?,
        };
        Ok(caller.map(|caller| (caller, Proof::Session { until: session.until })))
    }

    fn named(&self, id: UserId) -> Caller {
        Caller::User { is_operator: self.admins.contains(&id), id }
    }

    /// Whoever has the key of this hash, unless it was revoked.
    async fn holding(&self, hash: TokenHash) -> Result<Option<Caller>, Problem> {
        Ok(self.keys.find_key(hash).await?.map(|key| {
            let is_operator = key.is_operator || self.admins.contains(&key.user);
            Caller::User { id: key.user, is_operator }
        }))
    }
}

/// Finds out who calls, for all that comes after. What a browser sends by itself changes something only for our own pages.
pub(crate) async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match app.identity.caller(request.headers()).await {
        Ok((_, Proof::Session { .. })) if !request.method().is_safe() && !from_own_page(&app, &request) => {
            let detail = "a session changes something only from pages of this server; send a token or a key";
            Problem::new(StatusCode::FORBIDDEN, detail).into_response()
        }
        Ok((caller, proof)) => {
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(proof);
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
