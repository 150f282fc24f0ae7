//! The answers that a route need not name: those that stand around every route, and the form of every refusal.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Components, ContentBuilder, Header, Ref, RefOr, Required, Response, Schema};

use crate::error::PROBLEM;

/// What stands around a route: who may call, and what is asked of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Below `/v1`: callers say who they are, and changes are JSON.
    Api,
    /// For providers and for whoever operates it.
    Beside,
}

/// An answer that many routes may give: its name among the components, its status, and what it says.
type Shared = (&'static str, StatusCode, &'static str);

const NOT_JSON: Shared = ("NotJson", StatusCode::BAD_REQUEST, "the body is not a JSON object");
const UNIDENTIFIED: Shared = (
    "Unidentified",
    StatusCode::UNAUTHORIZED,
    "who calls is not said, or cannot be believed: send a bearer token, or X-API-Key",
);
const FORBIDDEN: Shared = (
    "Forbidden",
    StatusCode::FORBIDDEN,
    "it is somebody else's to do, or a page of another origin asked for it",
);
const NOT_FOUND: Shared =
    ("NotFound", StatusCode::NOT_FOUND, "there is no such thing, or none that the caller may know of");
const SLOW: Shared =
    ("Slow", StatusCode::REQUEST_TIMEOUT, "the body did not come within fifteen seconds; send it again");
const TOO_LARGE: Shared = ("TooLarge", StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 1 MiB");
const NOT_SAID_TO_BE_JSON: Shared = (
    "NotSaidToBeJson",
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "send the header Content-Type: application/json, also with an empty body",
);
const MISDIRECTED: Shared = (
    "Misdirected",
    StatusCode::MISDIRECTED_REQUEST,
    "where nobody is asked who they are, a request must name a loopback host or the public address",
);
const INVALID: Shared =
    ("Invalid", StatusCode::UNPROCESSABLE_ENTITY, "a field or a parameter is not valid: `field` names it");
const BROKEN: Shared =
    ("Broken", StatusCode::INTERNAL_SERVER_ERROR, "something went wrong here; see the log");
const LATER: Shared = (
    "Later",
    StatusCode::SERVICE_UNAVAILABLE,
    "the store cannot be reached, or another write was faster; try again",
);

/// Adds to an operation what stands around it.
pub(super) fn surround(place: Place, method: &HttpMethod, operation: &mut Operation, all: &mut Components) {
    let mut may_answer = vec![MISDIRECTED, BROKEN, LATER];
    if matches!(method, HttpMethod::Post | HttpMethod::Patch) {
        may_answer.push(SLOW);
    }
    if place == Place::Api {
        may_answer.extend([UNIDENTIFIED, FORBIDDEN]);
        if matches!(method, HttpMethod::Post | HttpMethod::Patch) {
            may_answer.extend([NOT_JSON, TOO_LARGE, NOT_SAID_TO_BE_JSON]);
        }
    }
    let has = |place: &ParameterIn| {
        let mut parameters = operation.parameters.iter().flatten();
        parameters.any(|one| matches!(one, RefOr::T(one) if one.parameter_in == *place))
    };
    may_answer.extend(has(&ParameterIn::Path).then_some(NOT_FOUND));
    let may_be_invalid = has(&ParameterIn::Query) || body_of(operation, all).is_some_and(has_fields);
    may_answer.extend(may_be_invalid.then_some(INVALID));
    for (name, status, _) in may_answer {
        let answers = &mut operation.responses.responses;
        answers.entry(status.as_str().to_owned()).or_insert_with(|| Ref::from_response_name(name).into());
    }
    for (status, answer) in &mut operation.responses.responses {
        if let (Ok(status), RefOr::T(answer)) = (status.parse(), answer) {
            refuse(status, answer);
        }
    }
    let can_be_empty = body_of(operation, all).is_some_and(|schema| !needs_fields(schema));
    if let (true, Some(RefOr::T(body))) = (can_be_empty, &mut operation.request_body) {
        body.required = Some(Required::False);
    }
}

/// The answers that operations share.
pub(super) fn shared() -> BTreeMap<String, RefOr<Response>> {
    let shared = [
        NOT_JSON,
        UNIDENTIFIED,
        FORBIDDEN,
        NOT_FOUND,
        SLOW,
        TOO_LARGE,
        NOT_SAID_TO_BE_JSON,
        MISDIRECTED,
        INVALID,
        BROKEN,
        LATER,
    ];
    let described = shared.map(|(name, status, says)| {
        let mut answer = Response::new(says);
        refuse(status, &mut answer);
        (name.to_owned(), RefOr::T(answer))
    });
    described.into()
}

/// What refuses has a problem in it, unless it says something else, and the headers that tell what to do.
fn refuse(status: StatusCode, answer: &mut Response) {
    if !status.is_client_error() && !status.is_server_error() {
        return;
    }
    if answer.content.is_empty() {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem")));
        let example = Some(example(status, &answer.description));
        answer.content.insert(PROBLEM.to_owned(), problem.example(example).build().into());
    }
    let header = match status {
        StatusCode::UNAUTHORIZED => ("WWW-Authenticate", Type::String, "How to say who one is."),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            ("Retry-After", Type::Integer, "After how many seconds to try again.")
        }
        _ => return,
    };
    let (name, kind, says) = header;
    answer.headers.entry(name.to_owned()).or_insert_with(|| described(kind, says).into());
}

fn described(kind: Type, says: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(kind);
    HeaderBuilder::new().schema(Some(schema)).description(Some(says)).build()
}

fn example(status: StatusCode, detail: &str) -> Value {
    let mut example = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
    });
    if status == StatusCode::UNPROCESSABLE_ENTITY {
        example["detail"] = json!(
            "name: use 1 to 63 lower-case letters, digits and dashes, beginning with a \
                                   letter or a digit"
        );
        example["field"] = json!("name");
    }
    example
}

/// The schema of what is sent.
fn body_of<'a>(operation: &Operation, all: &'a Components) -> Option<&'a Schema> {
    let RefOr::T(body) = operation.request_body.as_ref()? else { return None };
    let RefOr::T(content) = body.content.get("application/json")? else { return None };
    let RefOr::Ref(named) = content.schema.as_ref()? else { return None };
    match all.schemas.get(named.ref_location.rsplit('/').next()?)? {
        RefOr::T(schema) => Some(schema),
        RefOr::Ref(_) => None,
    }
}

fn has_fields(schema: &Schema) -> bool {
    match schema {
        Schema::Object(object) => !object.properties.is_empty(),
        _ => true,
    }
}

fn needs_fields(schema: &Schema) -> bool {
    match schema {
        Schema::Object(object) => !object.required.is_empty(),
        _ => true,
    }
}
