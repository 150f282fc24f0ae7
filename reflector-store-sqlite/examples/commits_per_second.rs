//! How many webhooks a second the store takes in, and how many batches of ten new recordings: `cargo run --release -p
//! reflector-store-sqlite --example commits_per_second [FOLDER]`, on the disk that matters.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reflector_core::Meeting;
use reflector_core::store::{
    Commit, Committed, MeetingStore, RecordingStore, RoomStore, TakenDelivery, TakenIn,
};
use reflector_core::testing::sample::{
    commit, delivery_key, due, entry, meeting_id, meeting_in_full, new_meeting, recording, recording_in_full,
    room, taken,
};
use reflector_store_sqlite::{SqliteOptions, SqliteStore};
use tokio::task::JoinSet;

const TIME: Duration = Duration::from_secs(3);
const BATCH: u32 = 10;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    for tasks in [1, 4, 16] {
        let commits = by_tasks(tasks, &folder, commits).await?;
        let batches = by_tasks(tasks, &folder, batches).await?;
        println!("{tasks:>2} tasks: {commits:.0} commits/s, {batches:.0} batches/s");
    }
    Ok(())
}

/// How often a second so many tasks do something at once, in a store of their own.
async fn by_tasks<F>(
    tasks: u32,
    folder: &str,
    each: fn(Arc<SqliteStore>, u32, Instant) -> F,
) -> Result<f64, Failure>
where
    F: Future<Output = Result<u32, Failure>> + Send + 'static,
{
    let folder = tempfile::tempdir_in(folder)?;
    let file = folder.path().join("reflector.db");
    let store = Arc::new(SqliteStore::open(&file.to_string_lossy(), &SqliteOptions::default()).await?);
    store.migrate().await?;
    store.create_room(room(1)).await?;
    for n in 0..tasks {
        let meeting = Meeting { claim: None, ..meeting_in_full(n, &room(1)) };
        store.create(new_meeting(meeting)).await.map(drop)?;
    }
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for n in 0..tasks {
        running.spawn(each(Arc::clone(&store), n, begun));
    }
    let mut done = 0;
    while let Some(of_one) = running.join_next().await {
        done += of_one??;
    }
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}

/// Takes in one message after the other, as a webhook does: what is loaded is changed and committed.
async fn commits(store: Arc<SqliteStore>, n: u32, begun: Instant) -> Result<u32, Failure> {
    let mut done = 0;
    while begun.elapsed() < TIME {
        let loaded = store.load(meeting_id(n)).await?.ok_or("the meeting is there")?;
        let number = n * 1_000_000 + done;
        let delivery = TakenDelivery { key: delivery_key(number), ..taken(number, u64::from(done)) };
        let commit = Commit {
            due: Some(due(u64::from(done))),
            delivery: Some(delivery),
            entries: vec![entry(done)],
            ..commit(&loaded)
        };
        if store.commit(commit).await? != Committed::Stored {
            return Err("the commit was refused".into());
        }
        done += 1;
    }
    Ok(done)
}

/// Takes in one batch of recordings after the other, half of them of a meeting.
async fn batches(store: Arc<SqliteStore>, n: u32, begun: Instant) -> Result<u32, Failure> {
    let new = |n: u32| if n.is_multiple_of(2) { recording(n, 1) } else { recording_in_full(n, 1) };
    let mut done = 0;
    while begun.elapsed() < TIME {
        let first = n * 100_000_000 + done * BATCH;
        let answers = store.take_in((first..first + BATCH).map(new).collect()).await?;
        if answers.iter().any(|answer| *answer != (TakenIn::Stored { revision: 1 })) {
            return Err("something was there before".into());
        }
        done += 1;
    }
    Ok(done)
}
