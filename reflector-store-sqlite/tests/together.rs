//! Commits that wait are written together, and each is answered for itself.

mod world;

use std::sync::Arc;

use reflector_core::Meeting;
use reflector_core::store::{Commit, Committed, MeetingStore, RoomStore, StoreError};
use reflector_core::testing::sample::{commit, entry, meeting, meeting_id, new_meeting, room, taken};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, query};
use tokio::task::JoinSet;
use world::OnFile;

#[tokio::test]
async fn a_commit_that_fails_or_is_refused_takes_no_other_along() {
    let world = OnFile::empty().await;
    world.create_room(room(1)).await.unwrap();
    let mut commits = Vec::new();
    for n in 0..9 {
        world.create(new_meeting(meeting(n, &room(1)))).await.unwrap();
        let loaded = world.load(meeting_id(n)).await.unwrap().unwrap();
        commits.push(Commit { delivery: Some(taken(n, 5)), entries: vec![entry(n)], ..commit(&loaded) });
    }
    commits[3].expected = 7;
    commits[5].delivery = Some(taken(2, 5));
    // No rule makes a commit that moves a meeting to a room that is not there: it stands for what fails in the middle.
    let moved = Meeting { room_id: room(9).id, ..commits[7].meeting.clone() };
    commits[7].meeting = moved;

    // Another process has the file, so that they all stand in line.
    let mut other = SqliteConnectOptions::new().filename(world.file()).connect().await.unwrap();
    query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut running = JoinSet::new();
    for (n, commit) in commits.into_iter().enumerate() {
        let store = Arc::clone(&world.store);
        running.spawn(async move { (n, store.commit(commit).await) });
    }
    for _ in 0..10 {
        // There is one thread: each of them has its turn.
        tokio::task::yield_now().await;
    }
    query("COMMIT").execute(&mut other).await.unwrap();

    let mut answers = running.join_all().await;
    answers.sort_by_key(|(n, _)| *n);
    for (n, answer) in answers {
        let entries = world.load(meeting_id(u32::try_from(n).unwrap())).await.unwrap().unwrap().entries;
        match n {
            3 => assert!(matches!(answer, Ok(Committed::Conflict)), "{n}: {answer:?}"),
            5 => assert!(matches!(answer, Ok(Committed::Duplicate)), "{n}: {answer:?}"),
            7 => assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{n}: {answer:?}"),
            _ => assert!(matches!(answer, Ok(Committed::Stored)), "{n}: {answer:?}"),
        }
        assert_eq!(entries, u64::from(matches!(answer, Ok(Committed::Stored))), "{n}: {answer:?}");
    }
}

#[tokio::test]
async fn whoever_comes_after_a_runtime_has_ended_is_served() {
    let world = OnFile::empty().await;
    world.create_room(room(1)).await.unwrap();
    world.create(new_meeting(meeting(1, &room(1)))).await.unwrap();
    let loaded = world.load(meeting_id(1)).await.unwrap().unwrap();

    // The runtime of the first ends while it stands in line.
    let mut other = SqliteConnectOptions::new().filename(world.file()).connect().await.unwrap();
    query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let (store, first) = (Arc::clone(&world.store), commit(&loaded));
    let ended = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let waiting = tokio::spawn(async move { store.commit(first).await });
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
        });
    });
    ended.join().unwrap();
    query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(world.commit(commit(&loaded)).await.unwrap(), Committed::Stored);
}
