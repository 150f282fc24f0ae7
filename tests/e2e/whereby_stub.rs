//! A stand-in for Whereby that knows the truth: which rooms there are and who is in them.
//!
//! It answers the calls of Whereby's API over loopback, and makes the messages that Whereby would send. A test hands
//! those on, loses them, doubles them or changes their order.

mod api;
mod message;
mod truth;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) use message::{Message, SECRET, SUBDOMAIN};
pub(crate) use truth::Room;

use truth::Truth;

/// The key that is asked for.
pub(crate) const KEY: &str = "the-api-key-of-the-stub";
/// What makes the hosts' addresses a secret.
pub(crate) const ROOM_KEY: &str = "roomKey-that-is-secret-of-the-stub";

/// Which calls fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// All of them.
    Everywhere,
    /// Those that make a room.
    Opening,
    /// Those about one room, by its id.
    Room(String),
}

/// How they fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// 503.
    Away,
    /// 429, with the time to wait.
    TooMany(Duration),
    /// 403.
    Refuses,
    /// It never answers.
    Hangs,
    /// 503, after it was done all the same.
    DoneAndAway,
}

/// The stand-in, until it is dropped.
pub(crate) struct WherebyStub {
    /// Where it is: what `WHEREBY_API_URL` is to be.
    pub(crate) url: String,
    truth: Arc<Mutex<Truth>>,
    serving: JoinHandle<()>,
}

impl WherebyStub {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("it is bound"));
        let truth = Arc::new(Mutex::new(Truth::default()));
        let router = api::router(Arc::clone(&truth));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("loopback does not fail");
        });
        Self { url, truth, serving }
    }

    /// Somebody comes in: what Whereby would send.
    pub(crate) fn enters(&self, room: &str, participant: &str, role: &str) -> Message {
        self.truth().enters(room, participant, role)
    }

    /// Somebody goes: what Whereby would send.
    pub(crate) fn leaves(&self, room: &str, participant: &str) -> Message {
        self.truth().leaves(room, participant)
    }

    /// Another message about a room.
    pub(crate) fn tells(&self, room: &str, kind: &str) -> Message {
        self.truth().tells(room, kind)
    }

    /// The room of this id or name, if it is there.
    pub(crate) fn room(&self, which: &str) -> Option<Room> {
        self.truth().rooms.iter().find(|room| room.id == which || room.name == which).cloned()
    }

    /// How many rooms there are.
    pub(crate) fn rooms(&self) -> usize {
        self.truth().rooms.len()
    }

    /// People who were in a room when it was deleted.
    pub(crate) fn put_out(&self) -> Vec<String> {
        self.truth().put_out.clone()
    }

    /// How many calls were made with this verb, to a path with this end if one is named: a room's id, or a kind.
    pub(crate) fn count(&self, verb: &str, end: Option<&str>) -> usize {
        let ends = |path: &str| end.is_none_or(|end| path.ends_with(&format!("/{end}")));
        self.truth().calls.iter().filter(|call| call.verb == verb && ends(&call.path)).count()
    }

    /// The next room gets this id.
    pub(crate) fn next_id(&self, id: &str) {
        self.truth().next_id = Some(id.to_owned());
    }

    /// The insights show only what is older than this.
    pub(crate) fn lag(&self, lag: Duration) {
        self.truth().lag = lag;
    }

    /// No page is longer than this, whatever is asked for.
    pub(crate) fn longest_page(&self, items: usize) {
        self.truth().longest_page = items;
    }

    /// Calls fail until this is taken back.
    pub(crate) fn fails(&self, place: Where, failure: Failure) {
        self.truth().failures.push((place, failure));
    }

    /// All is well again.
    pub(crate) fn recovers(&self) {
        self.truth().failures.clear();
    }

    fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WherebyStub {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
