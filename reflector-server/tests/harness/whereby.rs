//! As much of Whereby as rooms need to be made and ended; it counts what it is asked to do.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A stand-in for Whereby. It serves as long as the tests run.
pub(crate) struct Whereby {
    address: SocketAddr,
    asked: Arc<Mutex<Asked>>,
}

/// What it was asked to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// How often each room was made, by what its name was to begin with.
    pub(crate) opened: BTreeMap<String, usize>,
    /// How often each room was deleted, by its name.
    pub(crate) deleted: BTreeMap<String, usize>,
    rooms: Vec<Value>,
}

type Shared = State<Arc<Mutex<Asked>>>;

impl Whereby {
    pub(crate) fn start() -> Self {
        let asked = Arc::<Mutex<Asked>>::default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        listener.set_nonblocking(true).expect("it is a socket");
        let router = router(Arc::clone(&asked));
        std::thread::spawn(move || serve(listener, router));
        Self { address, asked }
    }

    /// What `WHEREBY_API_URL` is to be.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Asked {
        self.asked.lock().expect("nobody panics with it").clone()
    }
}

/// The id under which Whereby knows a room of this name.
pub(crate) fn id_of(name: &str) -> String {
    format!("id-of-{name}")
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listener: std::net::TcpListener, router: Router) {
    let listener = TcpListener::from_std(listener).expect("it is a socket");
    axum::serve(listener, router).await.expect("loopback does not fail");
}

fn router(asked: Arc<Mutex<Asked>>) -> Router {
    Router::new()
        .route("/meetings", post(make).get(list))
        .route("/meetings/{id}", get(show).delete(delete))
        .route("/insights/room-sessions", get(nobody_was_in))
        .with_state(asked)
}

async fn make(State(asked): Shared, Json(order): Json<Value>) -> (StatusCode, Json<Value>) {
    let mut asked = asked.lock().expect("nobody panics with it");
    let prefix = order["roomNamePrefix"].as_str().unwrap_or_default().to_owned();
    let name = format!("{prefix}room{}", asked.rooms.len());
    let room = json!({
        "meetingId": id_of(&name),
        "roomName": format!("/{name}"),
        "roomUrl": format!("https://acme.whereby.com/{name}"),
        "hostRoomUrl": format!("https://acme.whereby.com/{name}?roomKey=key"),
        "startDate": "2026-11-22T09:00:00.000Z",
        "endDate": order["endDate"],
    });
    *asked.opened.entry(prefix).or_default() += 1;
    asked.rooms.push(room.clone());
    (StatusCode::CREATED, Json(room))
}

async fn list(State(asked): Shared, Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    let asked = asked.lock().expect("nobody panics with it");
    let prefix = query.get("roomName[startsWith]").map_or("", String::as_str);
    let begins = |room: &&Value| room["roomName"].as_str().is_some_and(|name| name.starts_with(prefix));
    let rooms: Vec<_> = asked.rooms.iter().filter(begins).collect();
    Json(json!({ "cursor": null, "results": rooms }))
}

async fn show(State(asked): Shared, Path(id): Path<String>) -> Result<Json<Value>, StatusCode> {
    let asked = asked.lock().expect("nobody panics with it");
    let found = asked.rooms.iter().find(|room| room["meetingId"] == id.as_str());
    found.cloned().map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn delete(State(asked): Shared, Path(id): Path<String>) -> StatusCode {
    let mut asked = asked.lock().expect("nobody panics with it");
    let name = id.trim_start_matches("id-of-").to_owned();
    *asked.deleted.entry(name).or_default() += 1;
    asked.rooms.retain(|room| room["meetingId"] != id.as_str());
    StatusCode::NO_CONTENT
}

/// Its insights are always behind, and slow: somebody may come back while they are looked at.
async fn nobody_was_in() -> Json<Value> {
    tokio::time::sleep(Duration::from_millis(100)).await;
    Json(json!({ "cursor": null, "results": [] }))
}
