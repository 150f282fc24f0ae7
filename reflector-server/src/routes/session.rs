//! The session of a browser: signing in by a token or a key, and out.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use reflector_core::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::meetings::Nothing;
use crate::contract::words;
use crate::error::Problem;
use crate::identity::{Caller, Proof, SignedInBy};
use crate::json::Input;
use crate::state::App;

/// Who somebody is, and until when that is believed; no end if they need no session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionBody {
    /// Who it is.
    user: String,
    /// Whether they run this deployment.
    is_operator: bool,
    /// Until when that is believed; null for a key, and where nobody is asked.
    #[schema(required, value_type = Option<words::Time>)]
    expires_at: Option<Timestamp>,
}

type OneHeader = [(HeaderName, String); 1];

/// Signs a browser in: gives whoever says who they are a cookie
///
/// A session does not renew itself, and where nobody is asked there is none.
#[utoipa::path(post, path = "/session", tag = "sessions", operation_id = "sign_in", request_body = Nothing,
    responses((status = 204, description = "they are signed in")))]
pub(crate) async fn begin(
    State(app): State<App>,
    caller: Caller,
    proof: Proof,
    Input(Nothing {}): Input<Nothing>,
) -> Result<(StatusCode, Option<OneHeader>, ()), Problem> {
    let user = caller.user()?.clone();
    let (by, rests_until) = match proof {
        Proof::Token { until } => (SignedInBy::Token(user), Some(until)),
        Proof::Key(hash) => (SignedInBy::Key(hash), None),
        Proof::Session { .. } | Proof::Nothing => return Ok((StatusCode::NO_CONTENT, None, ())),
    };
    let now = (app.clock)();
    if rests_until.is_some_and(|until| until <= now) {
        return Err(Problem::unidentified("the bearer token has expired"));
    }
    let cookie = app.sessions.cookie(&by, rests_until, now);
    Ok((StatusCode::NO_CONTENT, Some([(header::SET_COOKIE, cookie)]), ()))
}

/// Who one is, and until when that is believed
#[utoipa::path(get, path = "/session", tag = "sessions", operation_id = "show_session",
    responses((status = 200, description = "who one is", body = SessionBody)))]
pub(crate) async fn show(caller: Caller, proof: Proof) -> Result<(OneHeader, Json<SessionBody>), Problem> {
    let expires_at = match proof {
        Proof::Token { until } | Proof::Session { until } => Some(until),
        Proof::Key(_) | Proof::Nothing => None,
    };
    let body =
        SessionBody { user: caller.user()?.to_string(), is_operator: caller.is_operator(), expires_at };
    Ok(([(header::CACHE_CONTROL, "no-store".to_owned())], Json(body)))
}

/// Signs out, whoever it is
#[utoipa::path(delete, path = "/session", tag = "sessions", operation_id = "sign_out",
    security((), ("token" = []), ("api_key" = [])),
    responses((status = 204, description = "the cookie is gone")))]
pub(crate) async fn end(State(app): State<App>) -> (StatusCode, OneHeader) {
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, app.sessions.no_cookie())])
}
