//! What must hold of recordings: after every step, and at the end.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;

use reflector_core::recording::{Message, ObjectVersion, Recording};
use reflector_core::store::{DeadLetter, Paging, Viewer, WhichRecordings};

use super::{Uploads, names};
use crate::world::{World, ready};

/// More than any world has.
const ALL: Paging = Paging { offset: 0, limit: 100_000 };
/// How often a message that cannot be read must have come before we may take it out (rule R6).
const RECEIVES: u32 = 5;

impl Uploads {
    /// After every step: what is kept is true, and what is gone from the queue is kept.
    pub(super) fn check(&mut self, world: &mut World) {
        let removed = self.source.take_removed();
        let writes = self.switch.writes();
        if removed.is_empty() && writes == self.looked_at_writes {
            return;
        }
        self.looked_at_writes = writes;
        let kept = self.kept();
        self.check_kept(world, &kept);
        for message in &removed {
            self.check_removed(world, message, &kept);
        }
    }

    fn kept(&self) -> Vec<Recording> {
        let which = WhichRecordings { viewer: Viewer::Operator, status: None, room: None };
        ready(self.store.list_recordings(&which, ALL)).map(|page| page.items).unwrap_or_default()
    }

    fn letters(&self) -> Vec<DeadLetter> {
        ready(self.store.dead_letters(ALL)).map(|page| page.items).unwrap_or_default()
    }

    /// Each is of one object that is wanted, once, and says the truth about it (rules R2, R4 and R5).
    fn check_kept(&self, world: &mut World, kept: &[Recording]) {
        let mut objects = BTreeSet::new();
        for recording in kept {
            let Recording { id, object, belongs_to, recorded_at, .. } = recording;
            let mut wrong =
                |what: &str| world.checks.violation(world.now, format!("the recording {id} {what}"));
            if !objects.insert(object) {
                wrong("is of an object that is kept twice");
            }
            let Some(origin) = self.origins.get(object) else {
                wrong("is of an object that never was");
                continue;
            };
            if !origin.is_wanted {
                wrong("is of an object that nobody wants");
            }
            if *recorded_at != origin.recorded_at {
                wrong("does not know when it began");
            }
            if belongs_to.is_some_and(|belongs| Some(belongs.meeting) != origin.meeting) {
                wrong("is given to a meeting that it is not of");
            }
        }
    }

    /// What a message said is kept before it is gone (rules R1 and R6).
    fn check_removed(&self, world: &mut World, message: &Message, kept: &[Recording]) {
        let id = &message.id;
        for notice in &message.notices {
            let is_wanted = self.origins.get(&notice.object).is_some_and(|origin| origin.is_wanted);
            if !is_wanted || kept.iter().any(|recording| recording.object == notice.object) {
                continue;
            }
            if self.is_outdated(&notice.object, kept) {
                world.report.recordings(names::OUTDATED, 1);
            } else {
                let key = &notice.object.key;
                world.checks.violation(world.now, format!("{id} is gone and its object is not kept: {key}"));
            }
        }
        if message.unreadable.is_some() {
            let is_kept = self.letters().iter().any(|letter| letter.id == *id);
            let receives = self.source.seen().receives.get(id).copied().unwrap_or_default();
            if !is_kept || receives < RECEIVES || self.source.sets_aside() {
                world.checks.violation(
                    world.now,
                    format!("{id} is gone although it cannot be read, after {receives} receives"),
                );
            }
        }
    }

    /// Whether a newer object of the same key is kept.
    fn is_outdated(&self, object: &ObjectVersion, kept: &[Recording]) -> bool {
        let number = |object| self.origins.get(object).map(|origin| origin.number);
        kept.iter().any(|other| other.object.key == object.key && number(&other.object) > number(object))
    }

    /// At the end: all that is there is kept, all is matched that can be, and nothing waits any more.
    pub(crate) fn finish(&mut self, world: &mut World) {
        let kept = self.kept();
        self.check_kept(world, &kept);
        let mut of_object = HashMap::new();
        for recording in &kept {
            of_object.insert(&recording.object, recording);
            self.check_matched(world, recording);
        }
        for notice in self.source.truth.objects() {
            let is_wanted = self.origins.get(&notice.object).is_some_and(|origin| origin.is_wanted);
            if is_wanted && !of_object.contains_key(&notice.object) {
                let key = notice.object.key;
                world.checks.violation(world.now, format!("an object has no recording at the end: {key}"));
            }
        }
        self.check_messages(world);
        self.sum_up(world);
    }

    /// A recording of a meeting that is there belongs to it, and to its room; others are unmatched (rule R5).
    fn check_matched(&self, world: &mut World, recording: &Recording) {
        let Some(origin) = self.origins.get(&recording.object) else { return };
        let meeting = origin.meeting.and_then(|id| world.load(id)).map(|loaded| loaded.meeting);
        let belongs = recording.belongs_to.map(|belongs| (belongs.meeting, belongs.room));
        if belongs != meeting.as_ref().map(|meeting| (meeting.id, meeting.room_id)) {
            world.checks.violation(
                world.now,
                format!(
                    "the recording {} is of {:?} and ends with {belongs:?}",
                    recording.id, origin.meeting
                ),
            );
        }
        match meeting.and_then(|meeting| meeting.room) {
            _ if origin.meeting.is_none() => world.report.recordings(names::STRANGERS, 1),
            Some(room) if room.name != origin.place => world.report.recordings(names::OF_AN_EARLIER_ROOM, 1),
            _ => {}
        }
    }

    /// The queue is empty; what could not be read lies with the dead letters, ours or the queue's (rule R6).
    fn check_messages(&self, world: &mut World) {
        let queued = self.source.truth.queued();
        if queued > 0 {
            world.checks.violation(world.now, format!("{queued} messages wait at the end"));
        }
        let seen = self.source.seen();
        let (unreadable, readable): (Vec<_>, Vec<_>) =
            seen.dead.iter().partition(|message| message.unreadable.is_some());
        world.report.recordings(names::DEAD, unreadable.len() as u64);
        world.report.recordings(names::DEAD_AND_GOOD, readable.len() as u64);
        let by_the_queue = unreadable.into_iter().filter_map(|message| message.unreadable.as_ref());
        let mut set_aside: Vec<_> = self.letters().into_iter().map(|letter| letter.body).collect();
        set_aside.extend(by_the_queue.map(|unreadable| unreadable.body.clone()));
        set_aside.sort();
        let mut sent = self.garbage.clone();
        sent.sort();
        if set_aside != sent {
            world.checks.violation(world.now, format!("of {sent:?} were set aside {set_aside:?}"));
        }
    }

    fn sum_up(&self, world: &mut World) {
        for (name, count) in &self.source.seen().faults {
            world.report.faults_of(name, *count);
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
