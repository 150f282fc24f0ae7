//! Recordings: over a store in memory and a source that knows the truth, with time moved by hand.

mod archive;
mod crashes;
mod queue;
mod slow_provider;
mod source;

use std::time::Duration;

use reflector_core::engine::{Attachment, Requeued};
use reflector_core::lifecycle::Event;
use reflector_core::recording::{Recording, RecordingStatus, Version};
use reflector_core::store::RecordingStore;
use reflector_core::{MeetingId, RecordingId};
use uuid::Uuid;

use archive::Archive;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn each_object_becomes_one_recording_of_its_meeting() {
    let mut archive = Archive::new().await;
    let first = archive.town.meet().await;
    let second = archive.town.schedule(HOUR, 2 * HOUR, Some("second")).await;
    let began_at = archive.town.now;
    let mut objects = Vec::new();
    for id in [first, second, first] {
        archive.pass(Duration::from_secs(60));
        objects.push(archive.records(id).await);
    }
    let ingested = archive.takes_in().await;
    assert_eq!((ingested.stored, ingested.acknowledged, ingested.unmatched), (3, 3, 0));
    assert_eq!(archive.source.queued(), 0);

    let kept = archive.kept().await;
    assert_eq!(kept.iter().map(|recording| recording.object.clone()).collect::<Vec<_>>(), objects);
    let meetings: Vec<_> = kept.iter().map(|recording| recording.belongs_to.map(|of| of.meeting)).collect();
    assert_eq!(meetings, [Some(first), Some(second), Some(first)]);
    for (number, recording) in (1..).zip(&kept) {
        assert_eq!(recording.belongs_to.map(|of| of.room), Some(archive.town.room.id));
        assert_eq!((recording.status, recording.revision), (RecordingStatus::Pending, 1));
        assert_eq!(recording.recorded_at, Some(began_at + Duration::from_secs(60 * number)));
        assert_eq!(recording.received_at, archive.town.now);
    }
}

#[tokio::test]
async fn an_object_that_is_announced_again_is_kept_once() {
    let mut archive = Archive::new().await;
    let id = archive.town.meet().await;
    let notice = archive.puts(&archive.key(id, 0).await);
    archive.source.announce(&notice);
    let ingested = archive.takes_in().await;
    assert_eq!((ingested.stored, ingested.known, ingested.acknowledged), (1, 1, 2));
    archive.source.announce(&notice);
    archive.pass(DAY);
    let ingested = archive.takes_in().await;
    assert_eq!((ingested.stored, ingested.known, ingested.acknowledged), (0, 1, 1));
    archive.reconciles().await;
    assert_eq!(archive.kept().await.len(), 1);
}

#[tokio::test]
async fn an_object_that_nobody_was_told_of_is_found_by_reconciliation() {
    let mut archive = Archive::new().await;
    let id = archive.town.meet().await;
    let announced = archive.records(id).await;
    archive.takes_in().await;
    // So many that they stand on several pages.
    let mut silent = Vec::new();
    for n in 0..9 {
        let key = format!("{n}/{}", archive.key(id, 0).await);
        silent.push(archive.source.put_silently(&key, 7).object);
    }
    archive.source.put_silently("0/notes.txt", 7);
    assert_eq!(archive.takes_in().await.stored, 0);

    let found = archive.reconciles().await;
    assert_eq!((found.there, found.stored.len(), found.requeued.len()), (10, 9, 0));
    let kept: Vec<_> = archive.kept().await.into_iter().map(|recording| recording.object).collect();
    assert_eq!((kept.len(), kept.contains(&announced)), (10, true));
    assert!(silent.iter().all(|object| kept.contains(object)), "{kept:?}");
    let again = archive.reconciles().await;
    assert_eq!((again.there, again.stored.len()), (10, 0));
}

#[tokio::test]
async fn a_newer_object_of_a_key_is_a_recording_of_its_own_and_an_older_one_that_comes_late_is_none() {
    for keeps_versions in [false, true] {
        let mut archive = Archive::new().await;
        if keeps_versions {
            archive.source = archive.source.keeping_versions();
        }
        let id = archive.town.meet().await;
        let key = archive.key(id, 0).await;
        archive.puts(&key);
        archive.takes_in().await;
        let late = archive.source.put_silently(&key, 7);
        let newest = archive.puts(&key);
        archive.takes_in().await;
        archive.source.announce(&late);
        let ingested = archive.takes_in().await;
        assert_eq!((ingested.stored, ingested.known, ingested.acknowledged), (0, 1, 1));
        let kept = archive.kept().await;
        assert_eq!(kept.iter().map(|recording| recording.revision).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(kept[1].object, newest.object);
        assert_eq!(matches!(kept[0].object.version, Version::Id(_)), keeps_versions);
    }
}

#[tokio::test]
async fn a_meeting_that_appears_an_hour_later_has_its_recording_matched_then() {
    let mut archive = Archive::new().await;
    let id = archive.town.new_id();
    let key = format!("{}0001-{}.mp4", archive.town.place(id), archive.town.now);
    archive.puts(&key);
    let ingested = archive.takes_in().await;
    assert_eq!((ingested.stored, ingested.unmatched, ingested.acknowledged), (1, 1, 1));
    assert_eq!(archive.matches().await, []);
    assert_eq!(archive.only().await.status, RecordingStatus::Unmatched);

    archive.pass(HOUR);
    archive.appears(id).await;
    let recording = archive.only().await;
    let matched = archive.matches().await;
    assert_eq!(matched.iter().map(|(id, of)| (*id, of.meeting)).collect::<Vec<_>>(), [(recording.id, id)]);
    let recording = archive.only().await;
    assert_eq!(recording.belongs_to, Some(matched[0].1));
    assert_eq!(recording.status, RecordingStatus::Pending);
    assert_eq!(archive.matches().await, []);
}

#[tokio::test]
async fn the_unmatched_are_looked_through_to_the_last_one() {
    let mut archive = Archive::new().await;
    for n in 0..450 {
        archive.puts(&format!("holiday {n}.mp4"));
    }
    archive.takes_in().await;
    archive.pass(HOUR);
    let id = archive.town.new_id();
    archive.puts(&format!("{}0001-{}.mp4", archive.town.place(id), archive.town.now));
    archive.takes_in().await;
    archive.appears(id).await;
    assert_eq!(archive.matches().await.len(), 1);
}

#[tokio::test]
async fn a_recording_of_nobodys_meeting_stays_unmatched_and_is_attached_by_hand() {
    let mut archive = Archive::new().await;
    archive.puts("standup-0b1fbe30-2026-11-22T09:59:00Z.mp4");
    archive.takes_in().await;
    for _ in 0..10 {
        archive.pass(DAY);
        assert_eq!(archive.matches().await, []);
        archive.reconciles().await;
    }
    let recording = archive.only().await;
    assert_eq!((recording.status, recording.belongs_to), (RecordingStatus::Unmatched, None));
    let requeued = archive.recordings.requeue(recording.id).await.expect("sound");
    assert_eq!(requeued, Requeued::Unmatched);

    let meeting = archive.town.meet().await;
    let attached = archive.recordings.attach(recording.id, meeting, archive.town.now).await.expect("sound");
    let Attachment::Attached(attached) = attached else { panic!("{attached:?}") };
    assert_eq!(attached.belongs_to.map(|of| of.meeting), Some(meeting));
    assert_eq!(archive.only().await, *attached);
    assert_eq!(attached.status, RecordingStatus::Pending);

    let nobody = MeetingId(Uuid::from_u128(7));
    let attached = archive.recordings.attach(recording.id, nobody, archive.town.now).await.expect("sound");
    assert_eq!(attached, Attachment::NoSuchMeeting);
    let nothing = RecordingId(Uuid::from_u128(7));
    let attached = archive.recordings.attach(nothing, meeting, archive.town.now).await.expect("sound");
    assert_eq!(attached, Attachment::NoSuchRecording);
}

#[tokio::test]
async fn a_recording_that_is_attached_to_its_own_meeting_stays_as_it_is() {
    let mut archive = Archive::new().await;
    let id = archive.town.meet().await;
    archive.records(id).await;
    archive.takes_in().await;
    let done = archive.stands(RecordingStatus::Completed, None).await;
    archive.recordings.attach(done.id, id, archive.town.now).await.expect("sound");
    assert_eq!(archive.only().await, done);
    let other = archive.town.schedule(HOUR, 2 * HOUR, Some("other")).await;
    archive.recordings.attach(done.id, other, archive.town.now).await.expect("sound");
    let moved = archive.only().await;
    assert_eq!(moved.belongs_to.map(|of| of.meeting), Some(other));
    assert_eq!(moved.status, RecordingStatus::Pending, "it is worked on anew");
}

#[tokio::test]
async fn a_recording_of_a_room_that_its_meeting_had_before_is_found_by_the_name() {
    let mut archive = Archive::new().await;
    let id = archive.town.schedule(Duration::ZERO, HOUR, Some("moved")).await;
    let key = archive.key(id, 0).await;
    let (start, end) = (archive.town.now + 100 * HOUR, archive.town.now + 101 * HOUR);
    archive.town.tell(id, Event::Rescheduled { start: Some(start), end: Some(end) }).await;
    archive.town.work().await;
    assert_ne!(archive.key(id, 0).await, key, "it has another room");
    archive.puts(&key);
    archive.takes_in().await;
    assert_eq!(archive.only().await.belongs_to.map(|of| of.meeting), Some(id));
}

#[tokio::test]
async fn a_recording_that_began_more_than_a_day_outside_of_the_life_of_its_meeting_is_unmatched() {
    let mut archive = Archive::new().await;
    let id = archive.town.meet().await;
    let life = archive.town.load(id).await.meeting.life;
    let place = archive.town.place(id);
    archive.puts(&format!("{place}-{}.mp4", life.created_at - DAY));
    archive.puts(&format!("{place}-{}.mp4", life.created_at - DAY - Duration::from_micros(1)));
    archive.takes_in().await;
    let kept = archive.kept().await;
    assert_eq!(kept[0].belongs_to.map(|of| of.meeting), Some(id));
    assert_eq!(kept[1].belongs_to, None);
}

#[tokio::test]
async fn a_recording_that_is_queued_again_is_worked_on_from_the_start() {
    let mut archive = Archive::new().await;
    let id = archive.town.meet().await;
    archive.records(id).await;
    archive.takes_in().await;
    let failed = archive.stands(RecordingStatus::Failed, Some("no audio track")).await;
    let requeued = archive.recordings.requeue(failed.id).await.expect("sound");
    let queued = Recording { status: RecordingStatus::Pending, error: None, ..failed };
    assert_eq!(requeued, Requeued::Queued(Box::new(queued.clone())));
    assert_eq!(archive.only().await, queued);
    let nothing = RecordingId(Uuid::from_u128(7));
    let requeued = archive.recordings.requeue(nothing).await.expect("sound");
    assert_eq!(requeued, Requeued::NoSuchRecording);
}

#[tokio::test]
async fn reconciliation_queues_again_what_has_failed_and_leaves_alone_what_has_not() {
    let mut archive = Archive::new().await;
    let id = archive.town.meet().await;
    archive.records(id).await;
    archive.takes_in().await;
    for status in [RecordingStatus::Pending, RecordingStatus::Processing, RecordingStatus::Completed] {
        let before = archive.stands(status, None).await;
        assert_eq!(archive.reconciles().await.requeued, []);
        assert_eq!(archive.only().await, before);
    }
    let failed = archive.stands(RecordingStatus::Failed, Some("object gone")).await;
    assert_eq!(archive.reconciles().await.requeued, [failed.id]);
    let queued = Recording { status: RecordingStatus::Pending, error: None, ..failed };
    assert_eq!(archive.only().await, queued);
}

#[tokio::test]
async fn a_deleted_recording_does_not_come_back_by_itself() {
    let mut archive = Archive::new().await;
    let id = archive.town.meet().await;
    let notice = archive.puts(&archive.key(id, 0).await);
    archive.takes_in().await;
    let recording = archive.only().await;
    assert!(archive.town.store.delete_recording(recording.id, archive.town.now).await.expect("sound"));
    archive.source.announce(&notice);
    archive.takes_in().await;
    archive.reconciles().await;
    assert_eq!(archive.kept().await, []);
    assert_eq!(archive.source.queued(), 0);
}
