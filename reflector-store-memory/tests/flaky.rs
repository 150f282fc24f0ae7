//! The flaky decorator fails as its plan says, and only then.

use std::sync::Arc;

use reflector_core::store::{
    Commit, Committed, Created, Loaded, MeetingStore, RoomCreated, RoomStore, StoreError,
};
use reflector_core::testing::sample::{at, commit, entry, meeting, meeting_id, new_meeting, room};
use reflector_core::testing::{Fault, Flaky};
use reflector_store_memory::MemoryStore;

async fn store_with_a_meeting() -> Result<(Arc<MemoryStore>, Loaded), StoreError> {
    let store = Arc::new(MemoryStore::new());
    assert_eq!(store.create_room(room(1)).await?, RoomCreated::Stored);
    assert_eq!(store.create(new_meeting(meeting(1, &room(1)))).await?, Created::Stored);
    let loaded = store.load(meeting_id(1)).await?.expect("the meeting was kept");
    Ok((store, loaded))
}

fn change(loaded: &Loaded) -> Commit {
    Commit { entries: vec![entry(1)], ..commit(loaded) }
}

#[tokio::test]
async fn a_call_that_fails_before_has_done_nothing() {
    let (store, loaded) = store_with_a_meeting().await.unwrap();
    let flaky = Flaky::failing_at(Arc::clone(&store), 0, Fault::Before);
    let error = flaky.commit(change(&loaded)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert_eq!(store.load(meeting_id(1)).await.unwrap(), Some(loaded.clone()));
    assert_eq!(flaky.commit(change(&loaded)).await.unwrap(), Committed::Stored, "it fails once");
}

#[tokio::test]
async fn a_call_that_fails_after_was_done_all_the_same() {
    let (store, loaded) = store_with_a_meeting().await.unwrap();
    let flaky = Flaky::failing_at(Arc::clone(&store), 0, Fault::After);
    let error = flaky.commit(change(&loaded)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert_eq!(store.load(meeting_id(1)).await.unwrap().unwrap().version, 2);
    assert_eq!(
        flaky.commit(change(&loaded)).await.unwrap(),
        Committed::Conflict,
        "who tries again finds out"
    );
}

#[tokio::test]
async fn a_commit_that_was_made_to_conflict_has_written_nothing() {
    let (store, loaded) = store_with_a_meeting().await.unwrap();
    let flaky = Flaky::new(Arc::clone(&store), |_| Some(Fault::Conflict));
    assert_eq!(flaky.commit(change(&loaded)).await.unwrap(), Committed::Conflict);
    assert_eq!(store.load(meeting_id(1)).await.unwrap(), Some(loaded.clone()));
    assert_eq!(flaky.load(meeting_id(1)).await.unwrap(), Some(loaded), "only commits conflict");
}

#[tokio::test]
async fn the_plan_is_told_which_call_it_is() {
    let (store, loaded) = store_with_a_meeting().await.unwrap();
    let flaky =
        Flaky::new(store, |call| (call.method == "load" && call.number >= 2).then_some(Fault::Before));
    assert!(flaky.load(meeting_id(1)).await.is_ok());
    assert_eq!(flaky.commit(change(&loaded)).await.unwrap(), Committed::Stored);
    assert!(flaky.load(meeting_id(1)).await.is_err());
    assert!(flaky.delete_room(room(1).id, at(1)).await.is_ok());
    assert_eq!(flaky.calls(), 4);
}
