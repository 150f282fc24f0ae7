//! Writes that wait are written together, and each is answered for itself.

mod world;

use std::sync::Arc;

use reflector_core::Meeting;
use reflector_core::recording::{Recording, RecordingStatus};
use reflector_core::store::{
    Commit, Committed, LoadedRecording, MeetingStore, NoticeStore, OwedNotice, RecordingStore, RoomStore,
    RunCommit, StoreError, TakenIn, TranscriptStore,
};
use reflector_core::testing::sample::{
    at, commit, entry, listening_room, meeting, meeting_id, new_meeting, object, pending_recording,
    recording, recording_id, room, taken, transcript, transcript_id,
};
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
async fn recordings_stand_in_the_same_line_and_each_batch_is_whole() {
    let world = OnFile::empty().await;
    world.create_room(room(1)).await.unwrap();
    world.create(new_meeting(meeting(1, &room(1)))).await.unwrap();
    world.take_in(vec![recording(1, 1)]).await.unwrap();
    let loaded = world.load(meeting_id(1)).await.unwrap().unwrap();
    // Ids are given once; one that is given again stands for what fails in the middle.
    let again = Recording { object: object(9), ..recording(1, 1) };
    let batches =
        [vec![recording(2, 1), recording(3, 1)], vec![recording(4, 1), again], vec![recording(5, 1)]];

    let mut other = SqliteConnectOptions::new().filename(world.file()).connect().await.unwrap();
    query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut running = JoinSet::new();
    for (n, batch) in batches.into_iter().enumerate() {
        let store = Arc::clone(&world.store);
        running.spawn(async move { (n, store.take_in(batch).await.ok()) });
    }
    let (store, commit) = (Arc::clone(&world.store), commit(&loaded));
    let committing = tokio::spawn(async move { store.commit(commit).await });
    for _ in 0..10 {
        // There is one thread: each of them has its turn.
        tokio::task::yield_now().await;
    }
    query("COMMIT").execute(&mut other).await.unwrap();

    let mut answers = running.join_all().await;
    answers.sort_by_key(|(n, _)| *n);
    let first = TakenIn::Stored { revision: 1 };
    assert_eq!(answers, [(0, Some(vec![first; 2])), (1, None), (2, Some(vec![first]))]);
    assert_eq!(committing.await.unwrap().unwrap(), Committed::Stored);
    assert_eq!(world.load_recording(recording_id(4)).await.unwrap(), None, "its batch was refused");
    assert!(world.load_recording(recording_id(5)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_run_that_cannot_be_written_leaves_nothing_and_takes_no_other_along() {
    let world = OnFile::empty().await;
    let mut other = SqliteConnectOptions::new().filename(world.file()).connect().await.unwrap();
    // Nothing that a run writes is refused by itself: it stands for what fails in the middle.
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON notices WHEN NEW.id = '1'
        BEGIN SELECT RAISE(ABORT, 'refused'); END";
    query(refuse).execute(&mut other).await.unwrap();
    let mut commits = Vec::new();
    for n in 0..3 {
        world.take_in(vec![pending_recording(n, 1)]).await.unwrap();
        world.create_room(listening_room(n)).await.unwrap();
        let LoadedRecording { recording, version } =
            world.load_recording(recording_id(n)).await.unwrap().unwrap();
        let recording = Recording { status: RecordingStatus::Processing, ..recording };
        let begun =
            world.begin(&LoadedRecording { recording, version }, &transcript(n, 1), None).await.unwrap();
        assert_eq!(begun, Committed::Stored);
        let loaded = world.load_transcript(transcript_id(n)).await.unwrap().unwrap();
        let (event, body) = ("transcript.completed".to_owned(), "{}".to_owned());
        commits.push(RunCommit {
            expected: loaded.version,
            transcript: loaded.transcript,
            claimed_until: None,
            made: Some(("fetch".to_owned(), "{}".to_owned())),
            dropped: Vec::new(),
            recording: Some((RecordingStatus::Completed, None)),
            notices: vec![OwedNotice { id: n.to_string(), room: room(n).id, event, body, owed_at: at(1) }],
        });
    }

    query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut running = JoinSet::new();
    for (n, commit) in (0..).zip(commits) {
        let store = Arc::clone(&world.store);
        running.spawn(async move { (n, store.commit_run(commit).await) });
    }
    for _ in 0..10 {
        // There is one thread: each of them has its turn.
        tokio::task::yield_now().await;
    }
    query("COMMIT").execute(&mut other).await.unwrap();

    for (n, answer) in running.join_all().await {
        let loaded = world.load_transcript(transcript_id(n)).await.unwrap().unwrap();
        let made = world.made(transcript_id(n)).await.unwrap().len();
        let status = world.load_recording(recording_id(n)).await.unwrap().unwrap().recording.status;
        let first = loaded.version & 0xFFFF_FFFF;
        if n == 1 {
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
            assert_eq!((first, made, status), (0, 0, RecordingStatus::Processing));
        } else {
            assert_eq!(answer.unwrap(), Committed::Stored);
            assert_eq!((first, made, status), (1, 1, RecordingStatus::Completed), "{n}");
        }
    }
    assert_eq!(world.claim_notices(at(1), at(2), 10).await.unwrap().len(), 2);
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
