//! What stands beside the server: a Whereby that makes rooms, and a handler that only verifies.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use reflector_core::provider::{Headers, WebhookReader};
use reflector_server::clock;
use reflector_whereby::WherebyWebhook;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the webhooks are signed with.
pub(crate) const SECRET: &str = "a secret of the bench";

/// Serves on a free port.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// As much of Whereby as making a room needs.
pub(crate) fn whereby() -> Router {
    Router::new().route("/meetings", post(make).get(list))
}

async fn list() -> Json<Value> {
    Json(json!({ "cursor": null, "results": [] }))
}

async fn make(Json(order): Json<Value>) -> (StatusCode, Json<Value>) {
    let name = format!("{}room", order["roomNamePrefix"].as_str().unwrap_or_default());
    let room = json!({
        "meetingId": format!("id of /{name}"),
        "roomName": format!("/{name}"),
        "roomUrl": format!("https://bench.whereby.com/{name}"),
        "hostRoomUrl": format!("https://bench.whereby.com/{name}?roomKey=key"),
        "startDate": "2026-11-22T09:00:00.000Z",
        "endDate": order["endDate"],
    });
    (StatusCode::CREATED, Json(room))
}

/// The handler to compare with: it reads the body, verifies and reads the message, and answers.
pub(crate) fn only_verifies() -> Router {
    let reader = WherebyWebhook::new(vec![SECRET.into()], None).expect("it has a secret");
    Router::new().route("/whereby", post(verify)).with_state(Arc::new(reader))
}

struct Received(HeaderMap);

impl Headers for Received {
    fn header(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }
}

async fn verify(
    State(reader): State<Arc<WherebyWebhook>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, StatusCode> {
    let read = reader.read(&Received(headers), &body, clock::system()());
    read.map(|_| Json(json!({ "status": "applied" }))).map_err(|_| StatusCode::UNAUTHORIZED)
}
