//! The calls of Whereby's API.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reflector_core::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::message::{SUBDOMAIN, at_whereby, written};
use super::truth::{Attendance, Room, Session, Truth};
use super::{Failure, KEY, ROOM_KEY};

/// A call that was made.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) verb: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Call {
    /// Whether it is about this room, by its id, its name or its session.
    pub(super) fn is_about(&self, room: &Room) -> bool {
        let named = self.query.get("roomName").is_some_and(|name| *name == format!("/{}", room.name));
        let session = self.query.get("roomSessionId");
        let of_session = session.is_some_and(|id| room.sessions.iter().any(|session| session.id == *id));
        self.path.ends_with(&format!("/{}", room.id)) || named || of_session
    }

    fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }
}

pub(super) fn router(truth: Arc<Mutex<Truth>>) -> Router {
    Router::new().fallback(take).with_state(truth)
}

async fn take(State(truth): State<Arc<Mutex<Truth>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let key = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if key != Some(&format!("Bearer {KEY}")) {
        return refusal(StatusCode::UNAUTHORIZED, "no such key");
    }
    let bytes = to_bytes(body, 1 << 20).await.expect("the call has an end");
    let url = Url::parse(&format!("http://stub{}", parts.uri)).expect("it is an address");
    let call = Call {
        verb: parts.method.to_string(),
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    };
    let answer = {
        let mut truth = truth.lock().unwrap_or_else(PoisonError::into_inner);
        truth.calls.push(call.clone());
        let failure = truth.failure(&call);
        match failure {
            Some(Failure::DoneAndAway) => {
                truth.answer(call);
                fail(Failure::Away)
            }
            Some(failure) => fail(failure),
            None => Some(truth.answer(call)),
        }
    };
    match answer {
        Some(answer) => answer,
        None => pending().await,
    }
}

/// The answer of a failing call, if it gets one.
fn fail(failure: Failure) -> Option<Response> {
    Some(match failure {
        Failure::Hangs => return None,
        Failure::Away | Failure::DoneAndAway => refusal(StatusCode::SERVICE_UNAVAILABLE, "away"),
        Failure::Refuses => refusal(StatusCode::FORBIDDEN, "your plan does not allow it"),
        Failure::TooMany(wait) => too_many(wait),
    })
}

fn too_many(wait: Duration) -> Response {
    let body = json!({
        "error": "Rate limit active for throttle key: organization:1",
        "data": {"msLeft": wait.as_millis()},
    });
    let mut answer = (StatusCode::TOO_MANY_REQUESTS, axum::Json(body)).into_response();
    if wait.subsec_millis() == 0 {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    answer
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, axum::Json(json!({"error": error}))).into_response()
}

impl Truth {
    fn answer(&mut self, call: Call) -> Response {
        let path = call.path.trim_start_matches("/v1/").to_owned();
        match (call.verb.as_str(), path.split('/').collect::<Vec<_>>().as_slice()) {
            ("POST", ["meetings"]) => self.make(call.body),
            ("GET", ["meetings"]) => self.list(&call),
            ("GET", ["meetings", id]) => match self.rooms.iter().find(|room| room.id == *id) {
                Some(room) => axum::Json(shown(room, false)).into_response(),
                None => refusal(StatusCode::NOT_FOUND, "no such meeting"),
            },
            ("DELETE", ["meetings", id]) => {
                self.delete(id);
                StatusCode::NO_CONTENT.into_response()
            }
            ("GET", ["insights", "room-sessions"]) => self.sessions(&call),
            ("GET", ["insights", "participants"]) => self.participants(&call),
            _ => refusal(StatusCode::NOT_FOUND, "no such call"),
        }
    }

    fn make(&mut self, order: Value) -> Response {
        let end = order["endDate"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
        let prefix = order["roomNamePrefix"].as_str().unwrap_or_default();
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        match end {
            Some(end) if end >= at_whereby() && prefix.len() <= 39 && prefix.bytes().all(known) => {
                let with_key =
                    order["fields"].as_array().is_some_and(|fields| fields.contains(&json!("hostRoomUrl")));
                let room = self.open(order, end);
                (StatusCode::CREATED, axum::Json(shown(room, with_key))).into_response()
            }
            _ => refusal(StatusCode::BAD_REQUEST, "bad endDate or roomNamePrefix"),
        }
    }

    fn list(&self, call: &Call) -> Response {
        let prefix = call.query("roomName[startsWith]").trim_start_matches('/');
        let with_key = call.query("fields") == "hostRoomUrl";
        let rooms = self.rooms.iter().filter(|room| room.name.starts_with(prefix));
        self.page(call, 50, rooms.map(|room| shown(room, with_key)).collect())
    }

    fn sessions(&self, call: &Call) -> Response {
        let Some(room) = self.rooms.iter().find(|room| call.is_about(room)) else {
            return self.page(call, 10, Vec::new());
        };
        let shown_until = at_whereby() - self.lag;
        let sessions = room.sessions.iter().filter(|session| session.started_at <= shown_until);
        self.page(call, 10, sessions.map(|session| shown_session(room, session, shown_until)).collect())
    }

    fn participants(&self, call: &Call) -> Response {
        let sessions = self.rooms.iter().flat_map(|room| &room.sessions);
        let Some(session) = sessions.into_iter().find(|session| session.id == call.query("roomSessionId"))
        else {
            return refusal(StatusCode::NOT_FOUND, "no such session");
        };
        let shown_until = at_whereby() - self.lag;
        let in_time = session.attendances.iter().filter(|attendance| attendance.joined_at <= shown_until);
        self.page(
            call,
            10,
            in_time.map(|attendance| shown_attendance(session, attendance, shown_until)).collect(),
        )
    }

    /// A page of a listing. The cursor is where it begins.
    fn page(&self, call: &Call, usual: usize, all: Vec<Value>) -> Response {
        let from: usize = call.query("cursor").parse().unwrap_or(0);
        let limit = call.query("limit").parse().unwrap_or(usual).min(self.longest_page);
        let next = (from + limit < all.len()).then(|| (from + limit).to_string());
        let results: Vec<_> = all.into_iter().skip(from).take(limit).collect();
        axum::Json(json!({"results": results, "cursor": next})).into_response()
    }
}

fn shown(room: &Room, with_key: bool) -> Value {
    let url = format!("https://{SUBDOMAIN}.whereby.com/{}", room.name);
    let mut shown = json!({
        "meetingId": room.id, "roomName": format!("/{}", room.name), "roomUrl": url,
        "startDate": written(room.start), "endDate": written(room.end),
    });
    if with_key {
        shown["hostRoomUrl"] = format!("{url}?roomKey={ROOM_KEY}").into();
    }
    shown
}

fn shown_session(room: &Room, session: &Session, shown_until: Timestamp) -> Value {
    json!({
        "roomSessionId": session.id, "roomName": format!("/{}", room.name),
        "startedAt": written(session.started_at),
        "endedAt": session.ended_at.filter(|at| *at <= shown_until).map(written),
        "totalUniqueParticipants": session.attendances.len(),
    })
}

fn shown_attendance(session: &Session, attendance: &Attendance, shown_until: Timestamp) -> Value {
    json!({
        "roomSessionId": session.id, "participantId": attendance.participant, "roleName": attendance.role,
        "displayName": "Ann", "joinedAt": written(attendance.joined_at),
        "leftAt": attendance.left_at.filter(|at| *at <= shown_until).map(written), "externalId": null,
    })
}
