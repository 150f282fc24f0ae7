//! A queue that speaks the protocol of SQS over loopback, as fast as sockets are or with a time that a call takes: for
//! measuring who reads it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How many messages one call gives, as SQS does at the most.
const BATCH: usize = 10;

/// A queue with messages in it that are given out one after the other, each once.
pub(crate) struct Queue {
    address: SocketAddr,
    messages: Arc<Messages>,
}

/// What is in the queue.
#[derive(Default)]
struct Messages {
    /// The messages of the round, each as it stands in an answer.
    round: Mutex<Arc<Vec<String>>>,
    given: AtomicUsize,
    deleted: AtomicUsize,
    milliseconds_of_a_call: AtomicU64,
}

impl Queue {
    /// Starts one with nothing in it.
    pub(crate) async fn start() -> Self {
        let messages = Arc::new(Messages::default());
        let router = Router::new().fallback(post(call)).with_state(Arc::clone(&messages));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, messages }
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it is called by.
    pub(crate) fn url(&self) -> String {
        format!("{}/000000000000/recordings", self.endpoint())
    }

    /// Puts these messages into it.
    pub(crate) fn fill(&self, bodies: impl Iterator<Item = String>) {
        let message = |(n, body)| {
            let message = json!({
                "MessageId": format!("message-{n}"),
                "ReceiptHandle": format!("receipt-{n}"),
                "Body": body,
                "Attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1790000000000" },
            });
            message.to_string()
        };
        *self.messages.round() = Arc::new(bodies.enumerate().map(message).collect());
        self.messages.given.store(0, Ordering::SeqCst);
        self.messages.deleted.store(0, Ordering::SeqCst);
    }

    /// From now on a call takes that long, beside what it takes anyway.
    pub(crate) fn takes(&self, milliseconds: u64) {
        self.messages.milliseconds_of_a_call.store(milliseconds, Ordering::SeqCst);
    }

    /// How many messages were deleted.
    pub(crate) fn deleted(&self) -> usize {
        self.messages.deleted.load(Ordering::SeqCst)
    }
}

async fn call(State(messages): State<Arc<Messages>>, headers: HeaderMap, body: Bytes) -> Response {
    let takes = messages.milliseconds_of_a_call.load(Ordering::SeqCst);
    if takes > 0 {
        tokio::time::sleep(Duration::from_millis(takes)).await;
    }
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    match target {
        "AmazonSQS.ReceiveMessage" => answer(messages.receive()),
        "AmazonSQS.DeleteMessageBatch" => answer(messages.delete(&body)),
        "AmazonSQS.GetQueueAttributes" => answer("{}".to_owned()),
        _ => (StatusCode::BAD_REQUEST, "this queue receives and deletes").into_response(),
    }
}

fn answer(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}

impl Messages {
    fn round(&self) -> MutexGuard<'_, Arc<Vec<String>>> {
        self.round.lock().expect("nobody panics with it")
    }

    fn receive(&self) -> String {
        let round = Arc::clone(&self.round());
        let from = self.given.fetch_add(BATCH, Ordering::SeqCst).min(round.len());
        let some = &round[from..(from + BATCH).min(round.len())];
        format!("{{\"Messages\":[{}]}}", some.join(","))
    }

    fn delete(&self, body: &[u8]) -> String {
        let asked: Value = serde_json::from_slice(body).expect("the SDK sends JSON");
        let entries = asked["Entries"].as_array().cloned().unwrap_or_default();
        self.deleted.fetch_add(entries.len(), Ordering::SeqCst);
        let done: Vec<_> = entries.iter().map(|entry| json!({ "Id": entry["Id"] })).collect();
        json!({ "Successful": done, "Failed": [] }).to_string()
    }
}
