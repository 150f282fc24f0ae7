//! Several that write the same run at the same time: each write is made from what it was judged from, or not at all.

mod rival;

use std::collections::BTreeMap;
use std::sync::Arc;

use reflector_core::recording::{Recording, RecordingStatus};
use reflector_core::store::{
    Committed, LoadedRecording, LoadedTranscript, NoticeStore, OwedNotice, RecordingStore, RoomStore,
    RunCommit, TranscriptStore,
};
use reflector_core::testing::sample::{
    at, listening_room, pending_recording, recording_id, room, transcript, transcript_id,
};
use reflector_store_postgres::PostgresStore;
use rival::World;

async fn recording(store: &PostgresStore) -> LoadedRecording {
    let recording = store.load_recording(recording_id(1)).await.expect("the cluster is up");
    recording.expect("it was taken in")
}

async fn run(store: &PostgresStore) -> LoadedTranscript {
    store.load_transcript(transcript_id(1)).await.expect("the cluster is up").expect("its run began")
}

fn standing(loaded: LoadedRecording, status: RecordingStatus) -> LoadedRecording {
    let LoadedRecording { recording, version } = loaded;
    LoadedRecording { recording: Recording { status, ..recording }, version }
}

/// The first recording with its run.
async fn begun(store: &PostgresStore) -> (LoadedRecording, LoadedTranscript) {
    store.take_in(vec![pending_recording(1, 1)]).await.expect("the cluster is up");
    for n in 1..10 {
        store.create_room(listening_room(n)).await.expect("the cluster is up");
    }
    let processing = standing(recording(store).await, RecordingStatus::Processing);
    let begun = store.begin(&processing, &transcript(1, 1), None).await.expect("the cluster is up");
    assert_eq!(begun, Committed::Stored);
    (recording(store).await, run(store).await)
}

/// A commit that ends a run, as far as others see.
fn ended(loaded: &LoadedTranscript, notices: Vec<OwedNotice>) -> RunCommit {
    RunCommit {
        expected: loaded.version,
        transcript: loaded.transcript.clone(),
        claimed_until: None,
        made: Some(("fetch".to_owned(), "{}".to_owned())),
        dropped: Vec::new(),
        recording: Some((RecordingStatus::Completed, None)),
        notices,
    }
}

fn notice(n: u32) -> OwedNotice {
    let (event, body) = ("transcript.completed".to_owned(), "{}".to_owned());
    OwedNotice { id: format!("{event} {n}"), room: room(n).id, event, body, owed_at: at(1) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_not_begun_anew_over_a_commit_that_was_faster() {
    let mut world = World::begin("runs-anew").await;
    let (recording, before) = begun(&world.store).await;
    world.rival("UPDATE transcripts SET version = version + 1").await;
    world.rival("INSERT INTO made SELECT id, 'fetch', 'fetch', '{}' FROM transcripts").await;
    let (store, over) = (Arc::clone(&world.store), Some(before.version));
    let beginning = world.waiting(async move { store.begin(&recording, &transcript(1, 1), over).await });
    // A transcript comes before its recording: whoever waits for the one does not hold the other.
    world.rival("SELECT FROM recordings FOR UPDATE").await;
    world.rival("COMMIT").await;
    assert_eq!(beginning.await.unwrap().unwrap(), Committed::Conflict);
    assert_eq!(run(&world.store).await.version, before.version + 1);
    assert_eq!(world.store.made(transcript_id(1)).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_that_is_queued_again_while_its_run_ends_waits_for_another() {
    let mut world = World::begin("runs-queued").await;
    let (before, held) = begun(&world.store).await;
    world
        .rival(
            "UPDATE recordings SET version = version + 1, status = 'pending',
            document = replace(document, '\"processing\"', '\"pending\"')",
        )
        .await;
    let store = Arc::clone(&world.store);
    let commit = ended(&held, vec![notice(1)]);
    let committing = world.waiting(async move { store.commit_run(commit).await });
    world.rival("COMMIT").await;
    assert_eq!(committing.await.unwrap().unwrap(), Committed::Stored);
    let queued = LoadedRecording { version: before.version + 1, ..before };
    let queued = standing(queued, RecordingStatus::Pending);
    assert_eq!(world.store.awaiting(10).await.unwrap(), [queued]);
    assert_eq!(run(&world.store).await.version, held.version + 1, "and the run ended");
    assert_eq!(world.store.next_notice().await.unwrap(), Some(at(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_lost_while_it_ends_tells_nobody() {
    let mut world = World::begin("runs-lost").await;
    let (before, held) = begun(&world.store).await;
    world.rival("UPDATE transcripts SET version = version + 1").await;
    let store = Arc::clone(&world.store);
    let commit = ended(&held, vec![notice(1)]);
    let committing = world.waiting(async move { store.commit_run(commit).await });
    world.rival("SELECT FROM recordings FOR UPDATE").await;
    world.rival("COMMIT").await;
    assert_eq!(committing.await.unwrap().unwrap(), Committed::Conflict);
    assert_eq!(recording(&world.store).await, before);
    assert_eq!(world.store.made(transcript_id(1)).await.unwrap(), BTreeMap::new());
    assert_eq!(world.store.next_notice().await.unwrap(), None);
}

/// Somebody else's notices of the same ids, as another run would owe them at the same time.
const RIVAL_NOTICES: [&str; 2] = [
    "INSERT INTO notices (id, whole_id, room_id, event, body, owed_at, ready_at)
    VALUES ('transcript.completed 1', 'transcript.completed 1', gen_random_uuid(), '', 'first', 0, 0)",
    "INSERT INTO notices (id, whole_id, room_id, event, body, owed_at, ready_at)
    VALUES ('transcript.completed 2', 'transcript.completed 2', gen_random_uuid(), '', 'second', 0, 0)",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_owe_the_same_notices_in_another_order_wait_for_each_other_in_turn() {
    let mut world = World::begin("runs-notices").await;
    let (_, held) = begun(&world.store).await;
    world.rival(RIVAL_NOTICES[0]).await;
    let store = Arc::clone(&world.store);
    let commit = ended(&held, vec![notice(2), notice(1)]);
    let committing = world.waiting(async move { store.commit_run(commit).await });
    // Notices are written in the order of their ids: whoever waits for the first one has not written the other yet.
    world.rival(RIVAL_NOTICES[1]).await;
    world.rival("COMMIT").await;
    assert_eq!(committing.await.unwrap().unwrap(), Committed::Stored);
    let owed = world.store.claim_notices(at(9), at(10), 10).await.unwrap();
    let bodies: Vec<_> = owed.iter().map(|claimed| claimed.notice.body.as_str()).collect();
    assert_eq!(bodies, ["first", "second"], "what was owed first stays");
}
