//! What one listener is sent.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::Event;
use reflector_core::store::{FeedLine, FeedPlace, StoreError};
use reflector_core::{MeetingId, Timestamp};
use tokio::time::Instant;

use super::newsroom::{News, Shown, Which};
use super::seats::Seat;
use super::work::WorkBody;
use crate::api::{EntryBody, LiveBody, SeenMeeting};
use crate::identity::Caller;
use crate::identity::access::{Standing, Wants};
use crate::state::App;

/// How often it is looked for what other processes wrote.
const LOOK: Duration = Duration::from_millis(500);
/// How long it rests after a look, so that what comes at once is sent at once.
const REST: Duration = Duration::from_millis(100);
/// How often a listener is asked anew who they are.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// One who listens.
pub(crate) struct Listener {
    app: App,
    caller: Caller,
    /// What they said of who they are.
    headers: HeaderMap,
    asked_at: Instant,
    which: Which,
    /// Where they go on; nothing before the first look at what stands.
    place: Option<FeedPlace>,
    waiting: VecDeque<Event>,
    /// What they were told of the work, if they run the deployment.
    work: Option<Arc<WorkBody>>,
    _seat: Seat,
}

impl Listener {
    /// Somebody who listens from a place on, or to what stands and comes.
    pub(crate) fn new(
        app: App,
        (caller, headers): (Caller, HeaderMap),
        which: Which,
        place: Option<FeedPlace>,
        seat: Seat,
    ) -> Self {
        let asked_at = Instant::now();
        Self {
            app,
            caller,
            headers,
            asked_at,
            which,
            place,
            waiting: VecDeque::new(),
            work: None,
            _seat: seat,
        }
    }

    /// The next event. Nothing once this process stops, or when who they are does not count any more: listeners come
    /// back by themselves.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.app.is_stopping() || !self.is_still_who_they_were().await {
                return None;
            }
            // Listened to before it is looked, so that no change falls in between.
            let bell = Arc::clone(&self.app.bell);
            let changed = bell.changed.notified();
            // A store that is away for a moment ends it.
            let now = (self.app.clock)();
            let is_new = self.look(now).await.ok()? | self.look_at_work(now).await.ok()?;
            if !is_new {
                let _ = tokio::time::timeout(LOOK, changed).await;
                tokio::time::sleep(REST).await;
            }
        }
    }

    async fn is_still_who_they_were(&mut self) -> bool {
        if self.asked_at.elapsed() < ASKED_AGAIN_AFTER {
            return true;
        }
        self.asked_at = Instant::now();
        self.app.identity.caller(&self.headers).await.is_ok_and(|(caller, _)| caller == self.caller)
    }

    /// Whether there was anything new, for them or for others.
    async fn look(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let Some(place) = self.place.clone() else {
            self.tell_what_stands(now).await?;
            return Ok(true);
        };
        match self.app.newsroom.after(&place, now).await? {
            None => {
                self.place = None;
                self.waiting.push_back(Event::default().event("reset").data("{}"));
                Ok(true)
            }
            Some(news) => {
                let Some(last) = news.lines.last() else { return Ok(false) };
                self.place = Some(last.place.clone());
                self.tell(&news);
                Ok(true)
            }
        }
    }

    /// Tells whoever runs the deployment how much there is to do, when that has changed.
    async fn look_at_work(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        if !(self.caller.is_operator() && matches!(self.which, Which::OfViewer(_))) {
            return Ok(false);
        }
        let work = self.app.works.now(now).await?;
        if self.work.as_ref() == Some(&work) {
            return Ok(false);
        }
        self.waiting.extend(Event::default().event("work").json_data(&*work));
        self.work = Some(work);
        Ok(true)
    }

    /// What stands, and where what is new begins: before the look, so that nothing falls in between.
    async fn tell_what_stands(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let end = self.app.newsroom.end().await?;
        for shown in self.app.newsroom.standing(&self.which, now).await? {
            if let Some(standing) = self.standing(&shown) {
                let body = self.body(&shown, standing, None, true);
                self.send("meeting", None, &body);
            }
        }
        self.waiting.push_back(Event::default().event("ready").id(end.to_string()).data("{}"));
        self.place = Some(end);
        Ok(())
    }

    /// Each entry, to those whose room it is; to others, each meeting that changed.
    fn tell(&mut self, news: &News) {
        let newest = newest(&news.lines);
        for line in &news.lines {
            let Some(shown) = news.meetings.get(&line.meeting) else { continue };
            let Some(standing) = self.standing(shown) else { continue };
            let is_newest = newest.contains(&(line.meeting, line.entry.seq));
            if standing.allows(Wants::Own) {
                let body = self.body(shown, standing, Some(EntryBody::from(&line.entry)), is_newest);
                self.send("entry", Some(&line.place), &body);
            } else if is_newest {
                self.send("meeting", Some(&line.place), &self.body(shown, standing, None, true));
            }
        }
    }

    /// What they are to the room of a meeting that they listen to; nothing if it is none of their business.
    fn standing(&self, shown: &Shown) -> Option<Standing> {
        let is_asked_for = match &self.which {
            Which::OfRoom(room) => shown.meeting.meeting.room_id == *room,
            Which::OfViewer(_) => true,
        };
        let standing = match &shown.room {
            Some(room) => Standing::of(&self.caller, room),
            None if self.caller.is_operator() => Standing::Operator,
            None => Standing::Stranger,
        };
        // Guests are let into a room that they name, and not told which there are.
        let wants = if matches!(self.which, Which::OfRoom(_)) { Wants::Visit } else { Wants::Share };
        (is_asked_for && standing.allows(wants)).then_some(standing)
    }

    fn body(
        &self,
        shown: &Shown,
        standing: Standing,
        entry: Option<EntryBody>,
        with_meeting: bool,
    ) -> LiveBody {
        let Shown { meeting, room, current } = shown;
        // The host's address is in no event, not even its owner's.
        let standing = if standing == Standing::Owner { Standing::Operator } else { standing };
        let seen = with_meeting.then(|| SeenMeeting::of(meeting, &self.app, *current, standing));
        LiveBody::of(&meeting.meeting, room.as_ref(), entry, seen)
    }

    fn send(&mut self, kind: &str, place: Option<&FeedPlace>, body: &LiveBody) {
        let event = Event::default().event(kind);
        let event = if let Some(place) = place { event.id(place.to_string()) } else { event };
        // A body that cannot be written is none that this program makes.
        self.waiting.extend(event.json_data(body));
    }
}

/// The last entry of each meeting on a page.
fn newest(lines: &[FeedLine]) -> HashSet<(MeetingId, u64)> {
    let mut seen = HashSet::new();
    let last = lines.iter().rev().filter(|line| seen.insert(line.meeting));
    last.map(|line| (line.meeting, line.entry.seq)).collect()
}
