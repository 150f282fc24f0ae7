//! What must be at the end: every run is over, every recording that is of a meeting was worked on, everybody was told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use reflector_core::RoomId;
use reflector_core::lifecycle::Phase;
use reflector_core::recording::RecordingStatus;
use reflector_core::store::{OwedNotice, Paging, Viewer, WhichMeetings, WhichRecordings};

use super::{Studio, names};
use crate::world::{HOUR, MINUTE, World, ready};

/// What happened, to what, in which room.
type Happened = (String, String, RoomId);

/// More than any world has.
const ALL: Paging = Paging { offset: 0, limit: 100_000 };
/// How long all may take that was put into the bucket at the very end.
const LONGEST: u32 = 12;

impl Studio {
    pub(crate) fn finish(&mut self, world: &mut World) {
        self.comes_to_rest(world);
        for (id, known) in &self.known {
            if !known.run.is_over() {
                let state = known.run.state;
                world
                    .checks
                    .violation(world.now, format!("the run of {id} is not over at the end: {state:?}"));
            }
        }
        self.check_recordings(world);
        for notice in self.owed.values() {
            self.check_told(world, notice);
        }
        self.check_nothing_made_up(world);
        self.sum_up(world);
    }

    /// Nothing new comes any more, and what there is comes to its end.
    fn comes_to_rest(&mut self, world: &mut World) {
        let (ended_at, mut until) = (world.now, world.now);
        while !self.is_at_rest() && until < ended_at + LONGEST * HOUR {
            until = until + 10 * MINUTE;
            self.go_on_until(world, until);
        }
        if !self.is_at_rest() {
            world.checks.violation(until, "runs or notices wait at the end");
        }
        world.now = ended_at;
    }

    fn is_at_rest(&self) -> bool {
        let awaiting = ready(self.store.awaiting(1)).unwrap_or_default();
        let next_run = ready(self.store.next_run()).ok().flatten();
        let next_notice = ready(self.store.next_notice()).ok().flatten();
        awaiting.is_empty() && next_run.is_none() && next_notice.is_none()
    }

    /// Whatever is of a meeting is completed or has failed, as its transcript says.
    fn check_recordings(&self, world: &mut World) {
        let which = WhichRecordings { viewer: Viewer::Operator, status: None, room: None };
        let recordings = ready(self.store.list_recordings(&which, ALL)).map(|page| page.items);
        for recording in recordings.unwrap_or_default() {
            let transcript = ready(self.store.transcript_of(recording.id)).ok().flatten();
            let expected = match (&transcript, recording.belongs_to) {
                (Some(loaded), _) => loaded.transcript.run.recording_status(),
                (None, None) => RecordingStatus::Unmatched,
                (None, Some(_)) => RecordingStatus::Completed,
            };
            let (id, status) = (recording.id, recording.status);
            let has_one = transcript.is_some() == recording.belongs_to.is_some();
            let says_why = recording.error.is_some() == (status == RecordingStatus::Failed);
            if !has_one || status != expected || !says_why {
                let wrong = format!("the recording {id} ends as {status}, and is to be {expected}");
                world.checks.violation(world.now, wrong);
            }
        }
    }

    /// A notice was brought, unless nobody wants it: the room is gone, or says nothing of where to.
    fn check_told(&self, world: &mut World, notice: &OwedNotice) {
        let room = ready(self.store.load_room(notice.room)).ok().flatten();
        let is_wanted = room.is_some_and(|room| room.webhook.is_some());
        let heard = self.door.heard();
        match heard.notices.get(&notice.id) {
            Some((_, told)) if told == notice => {}
            None if !is_wanted => {}
            Some(_) | None => world.checks.violation(world.now, format!("{} was not told", notice.id)),
        }
    }

    /// What was told of meetings is what their histories tell, and of recordings, what they became.
    fn check_nothing_made_up(&self, world: &mut World) {
        let mut told: BTreeMap<Happened, u64> = BTreeMap::new();
        for (id, (_, notice)) in &self.door.heard().notices {
            let of = id.split(' ').nth(1).unwrap_or_default().to_owned();
            *told.entry((notice.event.clone(), of, notice.room)).or_default() += 1;
        }
        // Each run's end is checked by itself. Warnings are no transitions: other checks watch them.
        told.retain(|(event, ..), _| !event.starts_with("transcript.") && event != "meeting.closing_soon");
        let mut happened = self.happened();
        // Where the room is gone nobody is left to be told, and some never listened.
        let room = |id| ready(self.store.load_room(id)).ok().flatten();
        let listens = |id| room(id).is_some_and(|room| room.webhook.is_some());
        told.retain(|(.., room), _| listens(*room));
        happened.retain(|(.., room), _| listens(*room));
        let keys: BTreeSet<_> = told.keys().chain(happened.keys()).collect();
        for key in keys {
            let (happened, told) = (happened.get(key), told.get(key));
            if happened != told {
                let (event, of, _) = key;
                let wrong =
                    format!("{event} of {of} happened {happened:?} times and was told {told:?} times");
                world.checks.violation(world.now, wrong);
            }
        }
    }

    /// How often what happened to each meeting, by its phases; and which recordings are of which room.
    fn happened(&self) -> BTreeMap<Happened, u64> {
        let mut happened = BTreeMap::new();
        let all = WhichMeetings { closed: true, ..WhichMeetings::default() };
        let meetings = ready(self.store.list_meetings(&all, None, usize::MAX)).unwrap_or_default();
        for meeting in meetings {
            let history = ready(self.store.history(meeting.id, 0, usize::MAX)).unwrap_or_default();
            let phases: Vec<_> = history.iter().map(|entry| entry.phase).collect();
            for (before, after) in phases.iter().zip(phases.iter().skip(1)) {
                let event = match (before, after) {
                    (before, Phase::Live { .. }) if !before.is_live() => "meeting.started",
                    (Phase::Live { .. }, Phase::Grace { .. }) => "meeting.empty",
                    (before, Phase::Closed { .. }) if !before.is_closed() => "meeting.closed",
                    _ => continue,
                };
                let key = (event.to_owned(), meeting.id.to_string(), meeting.room_id);
                *happened.entry(key).or_default() += 1;
            }
        }
        let which = WhichRecordings { viewer: Viewer::Operator, status: None, room: None };
        let recordings = ready(self.store.list_recordings(&which, ALL)).map(|page| page.items);
        for recording in recordings.unwrap_or_default() {
            if let Some(belongs) = recording.belongs_to {
                let key = ("recording.received".to_owned(), recording.id.to_string(), belongs.room);
                happened.insert(key, 1);
            }
        }
        happened
    }

    fn sum_up(&self, world: &mut World) {
        let heard = self.door.heard();
        for (times, _) in heard.notices.values() {
            world.report.runs(names::BROUGHT_AGAIN, times - 1);
        }
        for wrong in &heard.wrong {
            world.checks.violation(world.now, wrong.clone());
        }
        world.report.faults_of(names::ANSWER_LOST, heard.answers_lost);
        for (name, count) in self.stages.take_faults() {
            world.report.faults_of(name, count);
        }
        let of_the_store = [
            (names::STORE_BEFORE, &self.switch.before),
            (names::STORE_AFTER, &self.switch.after),
            (names::CONFLICT, &self.switch.conflicts),
        ];
        for (name, count) in of_the_store {
            world.report.faults_of(name, count.load(Ordering::Relaxed));
        }
    }
}
