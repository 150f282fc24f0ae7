//! What the sockets of this server are told of their rooms: always the newest, never a backlog.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use reflector_core::Timestamp;
use reflector_core::store::Latest;
use tokio::sync::watch;

/// The sockets of this server that listen, by room.
#[derive(Debug, Default)]
pub(super) struct Audience {
    rooms: Mutex<HashMap<String, watch::Sender<News>>>,
}

/// What there is to know of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct News {
    counted_at: Timestamp,
    /// How many people are in.
    pub(super) humans: u32,
    /// When it will be closed by force, once that is announced.
    pub(super) closing_soon: Option<Timestamp>,
    /// Whether it is closed.
    pub(super) closed: bool,
}

impl Audience {
    /// Listens to a room, beginning with what is known now.
    pub(super) fn listen(&self, room: &str) -> watch::Receiver<News> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.retain(|_, news| news.receiver_count() > 0);
        let silence = News { counted_at: Timestamp::MIN, humans: 0, closing_soon: None, closed: false };
        rooms.entry(room.to_owned()).or_insert_with(|| watch::channel(silence).0).subscribe()
    }

    /// Tells how many are in; an older count changes nothing.
    pub(super) fn counted(&self, room: &str, latest: Latest) {
        self.tell(room, |news| {
            if latest.at >= news.counted_at {
                (news.counted_at, news.humans) = (latest.at, latest.humans);
            }
        });
    }

    /// Tells when it will be closed by force, or that it will not be soon.
    pub(super) fn closing_soon(&self, room: &str, closes_at: Option<Timestamp>) {
        self.tell(room, |news| news.closing_soon = closes_at);
    }

    /// Tells that it is closed.
    pub(super) fn closed(&self, room: &str) {
        self.tell(room, |news| news.closed = true);
    }

    fn tell(&self, room: &str, change: impl FnOnce(&mut News)) {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = rooms.get(room) else { return };
        sender.send_if_modified(|news| {
            let before = *news;
            change(news);
            *news != before
        });
    }
}
