//! What must be at the end: every run is over, every recording that is of a meeting was worked on, everybody was told.

use std::sync::atomic::Ordering;

use reflector_core::recording::RecordingStatus;
use reflector_core::store::{OwedNotice, Paging, Viewer, WhichRecordings};

use super::{Studio, names};
use crate::world::{HOUR, MINUTE, World, ready};

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

    fn sum_up(&self, world: &mut World) {
        let heard = self.door.heard();
        for (times, _) in heard.notices.values() {
            world.report.runs(names::BROUGHT_AGAIN, times - 1);
        }
        for wrong in &heard.wrong {
            world.checks.violation(world.now, wrong.clone());
        }
        let never_owed = heard.notices.keys().filter(|id| !self.owed.contains_key(*id));
        never_owed.for_each(|id| world.checks.violation(world.now, format!("{id} was told and never owed")));
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
