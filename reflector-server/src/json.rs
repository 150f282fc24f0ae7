//! Bodies of requests: limited, and told apart into *not JSON* (400) and *not valid* (422, naming the field).

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::error::Problem;

/// The largest body that is read.
pub(crate) const LIMIT: usize = 1024 * 1024;
/// How long a body may take to come.
const READ_WITHIN: Duration = Duration::from_secs(15);

/// A body of JSON. An empty one is read as `{}`.
pub(crate) struct Input<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = bytes(request.into_body()).await?;
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        let value: serde_json::Value = serde_json::from_slice(text).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}"))
        })?;
        if !value.is_object() {
            return Err(Problem::new(StatusCode::BAD_REQUEST, "the body must be a JSON object"));
        }
        serde_path_to_error::deserialize(value).map(Input).map_err(|error| {
            let field = match error.path().to_string() {
                path if path == "." => missing_field(&error.inner().to_string()),
                path => path,
            };
            Problem::invalid(field, error.into_inner())
        })
    }
}

/// The field that serde misses: it names it in its message only.
fn missing_field(message: &str) -> String {
    message.split('`').nth(1).unwrap_or("body").to_owned()
}

/// Reads a body up to the limit, and for as long as it may take.
pub(crate) async fn bytes(body: Body) -> Result<Bytes, Problem> {
    let Ok(read) = tokio::time::timeout(READ_WITHIN, axum::body::to_bytes(body, LIMIT)).await else {
        let detail = format!("the body did not come within {} seconds", READ_WITHIN.as_secs());
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
    };
    read.map_err(|error| {
        let too_large = std::error::Error::source(&error)
            .is_some_and(|source| source.to_string().contains("length limit"));
        if too_large {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 1 MiB")
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "the body ended early")
        }
    })
}

/// Whether a request says that its body is JSON.
pub(crate) fn says_json<B>(request: &axum::http::Request<B>) -> bool {
    let stated =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media = stated.split(';').next().unwrap_or("").trim();
    media.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::response::IntoResponse as _;
    use futures::{StreamExt as _, stream};
    use tokio::time::{Instant, sleep};

    use super::*;

    /// Time jumps to whatever is waited for.
    #[tokio::test(start_paused = true)]
    async fn a_body_that_dribbles_is_refused_after_fifteen_seconds() {
        let dribbled = stream::repeat(()).then(async |()| {
            sleep(Duration::from_secs(1)).await;
            Ok::<_, Infallible>(Bytes::from_static(b" "))
        });
        let begun = Instant::now();
        let problem = bytes(Body::from_stream(dribbled)).await.unwrap_err();
        assert_eq!(problem.into_response().status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(begun.elapsed(), READ_WITHIN);
    }
}
