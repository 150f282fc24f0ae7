//! What a caller is told when something cannot be done: RFC 9457, with a detail that a person can read.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reflector_core::engine::{EngineError, IntakeError};
use reflector_core::lifecycle::Ignored;
use reflector_core::provider::DeliveryError;
use reflector_core::store::StoreError;
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

use crate::builtin::TokenRefused;
use crate::workers::Chain;

/// What cannot be done, and why.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    field: Option<String>,
    retry_after: Option<u64>,
    challenges: bool,
}

/// The media type of problems.
pub(crate) const PROBLEM: &str = "application/problem+json";

/// What cannot be done, and why (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Always `about:blank`: what it is about is told by the status.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong and what to do, for a person.
    detail: String,
    /// The field or parameter that is not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), field: None, retry_after: None, challenges: false }
    }

    /// A field of the request is not valid.
    pub(crate) fn invalid(field: impl Into<String>, should: impl std::fmt::Display) -> Self {
        let field = field.into();
        let detail = format!("{field}: {should}");
        Self { field: Some(field), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    pub(crate) fn no_such(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }

    /// Nobody is known by what was sent, and here is how to say who one is.
    pub(crate) fn unidentified(why: &str) -> Self {
        Self { challenges: true, ..Self::new(StatusCode::UNAUTHORIZED, why) }
    }

    /// Try again in so many seconds.
    pub(crate) fn later(seconds: u64, detail: impl Into<String>) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// They do too much at once: try again in so many seconds.
    pub(crate) fn too_many(seconds: u64, detail: impl Into<String>) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// What an owner asked for changes nothing, because of the state that the meeting is in.
    pub(crate) fn refused(ignored: Ignored) -> Self {
        match ignored {
            Ignored::EndNotAfterStart => Self::invalid("end_date", ignored),
            _ => Self::new(StatusCode::CONFLICT, ignored.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail,
            field: self.field,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if self.challenges {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(ill: StoreError) -> Self {
        error!(error = %Chain(&ill), "the store is ill");
        match ill {
            StoreError::Unavailable(_) => Self::later(1, "the store cannot be reached; try again"),
            _ => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the store holds something unreadable; see the log",
            ),
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(ill) => ill.into(),
            EngineError::Contended(_) => Self::later(1, error.to_string()),
            EngineError::NoSuchProvider(_) => Self::new(StatusCode::BAD_GATEWAY, error.to_string()),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}

impl From<TokenRefused> for Problem {
    fn from(refused: TokenRefused) -> Self {
        match refused {
            TokenRefused::Closed => Self::new(StatusCode::BAD_REQUEST, refused.to_string()),
            refused => Self::later(1, refused.to_string()),
        }
    }
}

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Engine(error) => error.into(),
            IntakeError::NoSuchEndpoint(_) => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            IntakeError::Delivery(DeliveryError::Unverified(_)) => {
                Self::new(StatusCode::UNAUTHORIZED, error.to_string())
            }
            error => Self::new(StatusCode::BAD_REQUEST, error.to_string()),
        }
    }
}
