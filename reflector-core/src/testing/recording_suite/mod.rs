//! The suite that every [`RecordingStore`] passes: one case for each sentence of its contract, under its name.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

mod taking_in;

use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;

use crate::ids::{ProviderName, RecordingId, UserId};
use crate::recording::{Belongs, Candidate, ObjectVersion, Recording, RecordingStatus, SoughtRoom, Version};
use crate::room::Room;
use crate::store::{
    Committed, DeadLetter, LoadedRecording, Paging, RecordingStore, Store, StoreError, TakenIn, Viewer,
    WhichRecordings,
};
use crate::testing::sample::{
    self, TICK, at, meeting, meeting_id, object, recording, recording_id, recording_in_full,
};
use crate::testing::store_suite::{RACERS, RACES, Spawn, World};

pub use taking_in::{
    a_newer_object_of_a_key_is_a_new_revision, an_object_is_taken_in_once,
    an_older_object_of_a_key_is_outdated, each_of_a_batch_is_judged_alone,
};

/// Holds on to a store of recordings and the meetings beside it, both empty at first, and to whatever they need.
pub trait RecordingHarness {
    /// The meetings.
    fn meetings(&self) -> Arc<dyn Store>;

    /// The recordings.
    fn recordings(&self) -> Arc<dyn RecordingStore>;
}

impl<S: Store + RecordingStore> RecordingHarness for Arc<S> {
    fn meetings(&self) -> Arc<dyn Store> {
        Self::clone(self)
    }

    fn recordings(&self) -> Arc<dyn RecordingStore> {
        Self::clone(self)
    }
}

/// Holds on to a store of recordings that outlives its process.
#[async_trait]
pub trait DurableRecordings: RecordingHarness {
    /// The same data through a new handle, as the next process would open it.
    async fn reopen_recordings(&self) -> Arc<dyn RecordingStore>;
}

/// The suite for a store of recordings, as one test for each sentence of the port's contract.
///
/// It takes an async function that gives a fresh, empty store behind an `Arc` that also keeps meetings, or a
/// [`RecordingHarness`](crate::testing::recording_suite::RecordingHarness). `durable` after it adds the case
/// `recordings_are_there_after_reopening`, for
/// [`DurableRecordings`](crate::testing::recording_suite::DurableRecordings).
#[macro_export]
macro_rules! recording_suite {
    ($make:expr) => {
        $crate::recording_suite! { @cases tests ($make) }
    };
    ($make:expr, durable) => {
        $crate::recording_suite! { @cases tests ($make) }

        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn recordings_are_there_after_reopening() -> ::core::result::Result<(), $crate::store::StoreError> {
            let harness = $make().await;
            $crate::testing::recording_suite::recordings_are_there_after_reopening(&harness).await
        }
    };
    (@cases $what:tt $with:tt) => {
        $crate::recording_suite! { @$what $with
            a_recording_is_loaded_as_it_was_taken_in
            an_object_is_taken_in_once
            each_of_a_batch_is_judged_alone
            a_newer_object_of_a_key_is_a_new_revision
            an_older_object_of_a_key_is_outdated
            the_meetings_that_had_a_room_are_candidates
            a_recording_is_changed_from_its_newest_version
            recordings_are_listed_newest_first_in_pages
            unmatched_recordings_are_found_oldest_first
            a_deleted_recording_is_not_taken_in_again
            a_message_that_cannot_be_read_is_kept_once
        }
    };
    (@tests ($make:expr) $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() -> ::core::result::Result<(), $crate::store::StoreError> {
                let harness = $make().await;
                let world = $crate::testing::recording_suite::Shelf::new(&harness, |task| {
                    ::tokio::spawn(task);
                });
                $crate::testing::recording_suite::$case(&world).await
            }
        )*
    };
    (@names () $($case:ident)*) => {
        &[$(stringify!($case)),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::recording_suite!(@cases names ());

/// What a case runs in: recordings, and the meetings they may be of.
#[derive(Debug)]
pub struct Shelf {
    meetings: World,
    recordings: Arc<dyn RecordingStore>,
}

impl Shelf {
    /// A world around the stores of a harness.
    pub fn new(harness: &impl RecordingHarness, spawn: Spawn) -> Self {
        Self { meetings: World::of(harness.meetings(), spawn), recordings: harness.recordings() }
    }

    async fn race<T, F>(&self, task: impl Fn(u32, Arc<dyn RecordingStore>) -> F) -> Result<Vec<T>, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        self.meetings.race(|n, _| task(n, Arc::clone(&self.recordings))).await
    }

    async fn loaded(&self, n: u32) -> Result<LoadedRecording, StoreError> {
        Ok(self.load_recording(recording_id(n)).await?.expect("the recording is there"))
    }
}

impl Deref for Shelf {
    type Target = dyn RecordingStore;
    fn deref(&self) -> &Self::Target {
        &*self.recordings
    }
}

const FIRST: TakenIn = TakenIn::Stored { revision: 1 };

/// The same recording of the object of that number.
fn of_object(n: u32, recording: Recording) -> Recording {
    Recording { object: object(n), ..recording }
}

/// The recording with this number, of another version of the key of the object with that one.
fn later(n: u32, of: u32, version: &str, sequencer: Option<&str>) -> Recording {
    let version = Version::Tag(version.to_owned());
    Recording {
        object: ObjectVersion { version, ..object(of) },
        sequencer: sequencer.map(str::to_owned),
        ..recording(n, u64::from(n))
    }
}

fn all(viewer: Viewer) -> WhichRecordings {
    WhichRecordings { viewer, status: None, room: None }
}

fn whole() -> Paging {
    Paging { offset: 0, limit: 100 }
}

pub async fn a_recording_is_loaded_as_it_was_taken_in(shelf: &Shelf) -> Result<(), StoreError> {
    assert_eq!(shelf.load_recording(recording_id(1)).await?, None);
    let full = recording_in_full(1, 10);
    let bare = Recording { received_at: at(20) + TICK, ..recording(2, 20) };
    assert_eq!(shelf.take_in(vec![full.clone(), bare.clone()]).await?, [FIRST, FIRST]);
    assert_eq!(shelf.take_in(Vec::new()).await?, []);
    for kept in [full, bare] {
        let loaded = shelf.load_recording(kept.id).await?.expect("it is there");
        assert_eq!(loaded.recording, kept);
    }
    Ok(())
}

pub async fn the_meetings_that_had_a_room_are_candidates(shelf: &Shelf) -> Result<(), StoreError> {
    let room = shelf.meetings.room(1).await?;
    let keep = async |n, named: u32| {
        let meeting =
            crate::meeting::Meeting { room: Some(sample::provider_room(named)), ..meeting(n, &room) };
        shelf.meetings.keep_meeting(meeting).await
    };
    let open = keep(1, 1).await?;
    let closed = keep(2, 1).await?;
    let closed = sample::in_phase(closed.meeting, sample::closed());
    let mut commit = sample::commit(&shelf.meetings.load(closed.id).await?.expect("it was kept"));
    commit.meeting = closed;
    shelf.meetings.stored(commit).await?;
    keep(3, 3).await?;

    let belongs = |n| Belongs { meeting: meeting_id(n), room: room.id };
    let began_at = open.meeting.life.created_at;
    let ended_at = Some(at(120));
    let first = Candidate { belongs: belongs(1), began_at, ended_at: None };
    let second = Candidate { belongs: belongs(2), began_at, ended_at };
    let third = Candidate { belongs: belongs(3), began_at, ended_at: None };

    let sought =
        |name: &str, meeting| SoughtRoom { provider: sample::provider(), name: name.to_owned(), meeting };
    let elsewhere =
        SoughtRoom { provider: ProviderName::from("elsewhere"), ..sought("sample-1", Some(meeting_id(1))) };
    let rooms = [
        sought("sample-1", None),
        sought("sample-9", None),
        sought("sample-3", Some(meeting_id(3))),
        sought("an earlier room", Some(meeting_id(2))),
        elsewhere,
        sought("sample-1", None),
        sought("sample-9", Some(meeting_id(9))),
    ];
    let mut found = shelf.candidates(&rooms).await?;
    for candidates in &mut found {
        candidates.sort_by_key(|candidate| candidate.belongs.meeting);
    }
    let both = vec![first, second];
    assert_eq!(found, [both.clone(), vec![], vec![third], vec![second], vec![], both, vec![]]);
    assert_eq!(shelf.candidates(&[]).await?, Vec::<Vec<_>>::new());
    Ok(())
}

pub async fn a_recording_is_changed_from_its_newest_version(shelf: &Shelf) -> Result<(), StoreError> {
    shelf.take_in(vec![recording(1, 10)]).await?;
    let before = shelf.loaded(1).await?;
    let changed = Recording { id: recording_id(1), revision: 1, ..recording_in_full(1, 10) };
    let changed = Recording { object: object(1), ..changed };
    let renamed = Recording { object: object(7), revision: 9, received_at: at(99), ..changed.clone() };
    assert_eq!(shelf.commit_recording(before.version, &renamed, None).await?, Committed::Stored);
    let after = shelf.loaded(1).await?;
    assert_eq!(after.recording, changed, "what it is told apart by stays");
    assert_eq!(shelf.commit_recording(before.version, &recording(1, 10), None).await?, Committed::Conflict);
    assert_eq!(shelf.loaded(1).await?, after);
    assert_eq!(
        shelf.commit_recording(after.version, &recording(2, 10), None).await?,
        Committed::Conflict,
        "there is none"
    );

    for _ in 1..=RACES {
        let from = shelf.loaded(1).await?;
        let answers = shelf
            .race(|n, store| {
                let from = from.clone();
                async move {
                    let recording = Recording { error: Some(format!("{n}")), ..from.recording };
                    store.commit_recording(from.version, &recording, None).await
                }
            })
            .await?;
        let stored = answers.iter().filter(|answer| **answer == Committed::Stored).count();
        assert_eq!((stored, answers.len()), (1, RACERS as usize), "{answers:?}");
    }
    let newest = shelf.loaded(1).await?;
    assert!(shelf.delete_recording(recording_id(1), at(30)).await?);
    assert_eq!(shelf.commit_recording(newest.version, &newest.recording, None).await?, Committed::Conflict);
    Ok(())
}

pub async fn recordings_are_listed_newest_first_in_pages(shelf: &Shelf) -> Result<(), StoreError> {
    let (ours, theirs) = (shelf.meetings.room(1).await?, sample::room(2));
    let theirs = Room { owner: UserId::from("bob"), is_shared: true, ..theirs };
    shelf.meetings.create_room(theirs.clone()).await?;
    let of = |n, seconds, room: &Room, status| Recording {
        belongs_to: Some(Belongs { meeting: meeting_id(n), room: room.id }),
        status,
        ..recording(n, seconds)
    };
    shelf
        .take_in(vec![
            of(1, 10, &ours, RecordingStatus::Pending),
            of(2, 30, &theirs, RecordingStatus::Pending),
            recording(3, 20),
            of(4, 20, &ours, RecordingStatus::Completed),
        ])
        .await?;
    let numbers = async |which: &WhichRecordings, paging| {
        let page = shelf.list_recordings(which, paging).await?;
        let numbers: Vec<_> = page.items.iter().map(|item| item.id.0.as_u128() as u32).collect();
        Ok::<_, StoreError>((numbers, page.total))
    };
    let operator = all(Viewer::Operator);
    assert_eq!(
        numbers(&operator, whole()).await?,
        (vec![2, 4, 3, 1], 4),
        "of one instant the highest id first"
    );
    assert_eq!(numbers(&operator, Paging { offset: 1, limit: 2 }).await?, (vec![4, 3], 4));
    assert_eq!(numbers(&operator, Paging { offset: 0, limit: 0 }).await?, (vec![], 4));
    let pending = WhichRecordings { status: Some(RecordingStatus::Pending), ..operator.clone() };
    assert_eq!(numbers(&pending, whole()).await?, (vec![2, 1], 2));
    let of_room = WhichRecordings { room: Some(ours.id), ..pending.clone() };
    assert_eq!(numbers(&of_room, whole()).await?, (vec![1], 1));
    let unmatched = WhichRecordings { status: Some(RecordingStatus::Unmatched), ..operator.clone() };
    assert_eq!(numbers(&unmatched, whole()).await?, (vec![3], 1));
    for (user, seen) in [("ada", vec![4, 1]), ("bob", vec![2]), ("eve", vec![])] {
        let total = seen.len() as u64;
        assert_eq!(numbers(&all(Viewer::User(UserId::from(user))), whole()).await?, (seen, total), "{user}");
    }
    shelf.meetings.delete_room(ours.id, at(50)).await?;
    let of_ada = all(Viewer::User(UserId::from("ada")));
    assert_eq!(numbers(&of_ada, whole()).await?, (vec![], 0), "the room is gone");
    assert_eq!(numbers(&operator, whole()).await?.1, 4);
    Ok(())
}

pub async fn unmatched_recordings_are_found_oldest_first(shelf: &Shelf) -> Result<(), StoreError> {
    let matched = recording_in_full(5, 15);
    shelf
        .take_in(vec![recording(1, 30), recording(2, 10), recording(4, 20), recording(3, 20), matched])
        .await?;
    let ids = async |since: u64, after: Option<(u64, u32)>, limit| {
        let after = after.map(|(seconds, n)| (at(seconds), recording_id(n)));
        let found = shelf.unmatched(at(since), after, limit).await?;
        for loaded in &found {
            assert_eq!(Some(loaded), shelf.load_recording(loaded.recording.id).await?.as_ref());
        }
        Ok::<_, StoreError>(found.iter().map(|loaded| loaded.recording.id).collect::<Vec<RecordingId>>())
    };
    assert_eq!(ids(0, None, 10).await?, [2, 3, 4, 1].map(recording_id));
    assert_eq!(ids(0, None, 2).await?, [2, 3].map(recording_id));
    assert_eq!(ids(0, Some((20, 3)), 2).await?, [4, 1].map(recording_id));
    assert_eq!(ids(20, None, 10).await?, [3, 4, 1].map(recording_id), "those of that instant too");
    assert_eq!(ids(31, None, 10).await?, []);
    let loaded = shelf.loaded(3).await?;
    let pending = Recording { status: RecordingStatus::Pending, ..loaded.recording };
    shelf.commit_recording(loaded.version, &pending, None).await?;
    shelf.delete_recording(recording_id(2), at(40)).await?;
    assert_eq!(ids(0, None, 10).await?, [4, 1].map(recording_id));
    Ok(())
}

pub async fn a_deleted_recording_is_not_taken_in_again(shelf: &Shelf) -> Result<(), StoreError> {
    assert!(!shelf.delete_recording(recording_id(1), at(20)).await?);
    shelf.take_in(vec![later(1, 1, "a", Some("5"))]).await?;
    assert!(shelf.delete_recording(recording_id(1), at(20)).await?);
    assert!(!shelf.delete_recording(recording_id(1), at(21)).await?);
    assert_eq!(shelf.load_recording(recording_id(1)).await?, None);
    assert_eq!(shelf.list_recordings(&all(Viewer::Operator), whole()).await?.total, 0);
    let known = TakenIn::Known { id: recording_id(1), status: None };
    assert_eq!(shelf.take_in(vec![later(2, 1, "a", Some("5"))]).await?, [known]);
    assert_eq!(shelf.take_in(vec![later(3, 1, "b", Some("4"))]).await?, [TakenIn::Outdated]);
    assert_eq!(shelf.take_in(vec![later(4, 1, "c", Some("6"))]).await?, [TakenIn::Stored { revision: 2 }]);
    Ok(())
}

pub async fn a_message_that_cannot_be_read_is_kept_once(shelf: &Shelf) -> Result<(), StoreError> {
    let letter = |n: u32, seconds| DeadLetter {
        id: format!("message-{n}"),
        body: format!("{{\"Ünreadable\": '{n}\u{0}"),
        error: "line 1".to_owned(),
        at: at(seconds),
    };
    assert_eq!(shelf.dead_letters(whole()).await?.total, 0);
    for (n, seconds) in [(1, 10), (2, 30), (3, 20)] {
        assert!(shelf.set_aside(letter(n, seconds)).await?);
    }
    assert!(!shelf.set_aside(DeadLetter { body: "another".to_owned(), ..letter(1, 40) }).await?);
    let page = shelf.dead_letters(whole()).await?;
    assert_eq!((page.items, page.total), (vec![letter(2, 30), letter(3, 20), letter(1, 10)], 3));
    let page = shelf.dead_letters(Paging { offset: 1, limit: 1 }).await?;
    assert_eq!((page.items, page.total), (vec![letter(3, 20)], 3));
    Ok(())
}

pub async fn recordings_are_there_after_reopening(
    harness: &impl DurableRecordings,
) -> Result<(), StoreError> {
    let store = harness.recordings();
    store.take_in(vec![recording_in_full(1, 10), recording(2, 20), recording(3, 30)]).await?;
    store.delete_recording(recording_id(3), at(40)).await?;
    let letter = DeadLetter { id: "m".to_owned(), body: "b".to_owned(), error: "e".to_owned(), at: at(1) };
    store.set_aside(letter.clone()).await?;
    let before = store.list_recordings(&all(Viewer::Operator), whole()).await?;
    drop(store);
    let reopened = harness.reopen_recordings().await;
    assert_eq!(reopened.list_recordings(&all(Viewer::Operator), whole()).await?, before);
    assert_eq!(reopened.dead_letters(whole()).await?.items, [letter]);
    let known = |n, status| TakenIn::Known { id: recording_id(n), status };
    assert_eq!(
        reopened.take_in(vec![recording_in_full(1, 50), recording(2, 50), recording(3, 50)]).await?,
        [known(1, Some(RecordingStatus::Failed)), known(2, Some(RecordingStatus::Unmatched)), known(3, None)]
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CASES;
    use crate::testing::contract::sentences;

    #[test]
    fn every_sentence_of_the_contract_is_a_case_and_every_case_a_sentence() {
        assert_eq!(CASES, sentences(include_str!("../../store/recording.rs")));
    }
}
