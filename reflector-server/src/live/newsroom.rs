//! What is new after a place in the feed, read once for all who ask at about the same time.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use reflector_core::engine::Engine;
use reflector_core::store::{
    Fed, FeedLine, FeedPage, FeedPlace, FeedStore, Loaded, Paging, StoreError, Viewer, WhichMeetings,
};
use reflector_core::{MeetingId, Room, RoomId, Timestamp};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::api::current_of;

/// How many entries are read at once.
const PAGE: usize = 200;
/// How many pages are remembered for those who come a little later.
const REMEMBERED: usize = 8;
/// For how long what was read counts as what is there.
const FRESH: Duration = Duration::from_millis(100);

/// Reads news for listeners.
#[derive(Debug)]
pub(crate) struct Newsroom {
    engine: Arc<Engine>,
    feed: Arc<dyn FeedStore>,
    read: Mutex<VecDeque<Read>>,
}

/// What was read after a place, and when.
#[derive(Debug)]
struct Read {
    after: FeedPlace,
    at: Instant,
    news: Option<Arc<News>>,
}

/// Entries, and the meetings that they are of.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) lines: Vec<FeedLine>,
    pub(crate) meetings: HashMap<MeetingId, Shown>,
}

/// A meeting as it stands, with what it takes to show it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) meeting: Loaded,
    /// Its room; nothing if that was deleted.
    pub(crate) room: Option<Room>,
    /// Which of the room's meetings is the current one.
    pub(crate) current: Option<MeetingId>,
}

impl Newsroom {
    pub(crate) fn new(engine: Arc<Engine>, feed: Arc<dyn FeedStore>) -> Self {
        Self { engine, feed, read: Mutex::default() }
    }

    /// Where the news end now.
    pub(crate) async fn end(&self) -> Result<FeedPlace, StoreError> {
        self.feed.feed_end().await
    }

    /// What comes after a place; nothing if nobody knows the place any more.
    pub(crate) async fn after(
        &self,
        place: &FeedPlace,
        now: Timestamp,
    ) -> Result<Option<Arc<News>>, StoreError> {
        // Held while it is read: whoever asks meanwhile waits for it, and does not ask the store as well.
        let mut read = self.read.lock().await;
        let is_fresh = |read: &Read| read.after == *place && read.at.elapsed() < FRESH;
        if let Some(known) = read.iter().find(|read| is_fresh(read)) {
            return Ok(known.news.clone());
        }
        let news = match self.feed.feed(place, PAGE).await? {
            Fed::Lost => None,
            Fed::Page(page) => Some(Arc::new(self.shown(page, now).await?)),
        };
        read.retain(|read| read.after != *place);
        read.truncate(REMEMBERED - 1);
        read.push_front(Read { after: place.clone(), at: Instant::now(), news: news.clone() });
        Ok(news)
    }

    async fn shown(&self, page: FeedPage, now: Timestamp) -> Result<News, StoreError> {
        let mut rooms = HashMap::new();
        let mut meetings = HashMap::new();
        for meeting in page.meetings {
            let place = match rooms.entry(meeting.meeting.room_id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let place = self.place(*new.key(), now).await?;
                    new.insert(place)
                }
            };
            let shown = place.shows(meeting);
            meetings.insert(shown.meeting.meeting.id, shown);
        }
        Ok(News { lines: page.lines, meetings })
    }

    /// The open meetings of these rooms, as they stand.
    pub(crate) async fn standing(&self, which: &Which, now: Timestamp) -> Result<Vec<Shown>, StoreError> {
        let mut all = Vec::new();
        match which {
            Which::OfRoom(room) => self.add_room(*room, now, &mut all).await?,
            Which::OfViewer(viewer @ Viewer::User(_)) => {
                let (mut offset, limit) = (0, PAGE as u64);
                loop {
                    let page = self.engine.store().list_rooms(viewer, Paging { offset, limit }).await?;
                    for room in &page.items {
                        self.add_room(room.id, now, &mut all).await?;
                    }
                    offset += limit;
                    if offset >= page.total {
                        break;
                    }
                }
            }
            Which::OfViewer(Viewer::Operator) => {
                let mut rooms = Vec::new();
                let mut after = None;
                loop {
                    let page =
                        self.engine.store().list_meetings(&WhichMeetings::default(), after, PAGE).await?;
                    let Some(last) = page.last() else { break };
                    after = Some((last.life.created_at, last.id));
                    rooms.extend(page.iter().map(|meeting| meeting.room_id));
                }
                rooms.sort_unstable();
                rooms.dedup();
                for room in rooms {
                    self.add_room(room, now, &mut all).await?;
                }
            }
        }
        Ok(all)
    }

    async fn add_room(&self, id: RoomId, now: Timestamp, to: &mut Vec<Shown>) -> Result<(), StoreError> {
        let mut place = self.place(id, now).await?;
        let open = std::mem::take(&mut place.open);
        to.extend(open.into_iter().map(|meeting| place.shows(meeting)));
        Ok(())
    }

    async fn place(&self, id: RoomId, now: Timestamp) -> Result<Place, StoreError> {
        let open = self.engine.store().open_meetings(id).await?;
        let room = self.engine.store().load_room(id).await?;
        Ok(Place { room, current: current_of(&open, now), open })
    }
}

/// A room, if it is not deleted, and who meets there.
struct Place {
    room: Option<Room>,
    current: Option<MeetingId>,
    open: Vec<Loaded>,
}

impl Place {
    fn shows(&self, meeting: Loaded) -> Shown {
        Shown { meeting, room: self.room.clone(), current: self.current }
    }
}

/// Whose meetings are told of.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    /// Those of a room.
    OfRoom(RoomId),
    /// All that somebody sees.
    OfViewer(Viewer),
}
