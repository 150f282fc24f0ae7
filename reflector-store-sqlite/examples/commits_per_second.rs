//! How many webhooks a second the store takes in: `cargo run --release -p reflector-store-sqlite --example
//! commits_per_second [FOLDER]`, on the disk that matters.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reflector_core::Meeting;
use reflector_core::store::{Commit, Committed, MeetingStore, RoomStore, TakenDelivery};
use reflector_core::testing::sample::{
    commit, delivery_key, due, entry, meeting_id, meeting_in_full, new_meeting, room, taken,
};
use reflector_store_sqlite::{SqliteOptions, SqliteStore};
use tokio::task::JoinSet;

const TIME: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    for tasks in [1, 16] {
        let folder = tempfile::tempdir_in(&folder)?;
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
            let store = Arc::clone(&store);
            running.spawn(async move { take_in(&store, n, begun).await });
        }
        let mut done = 0;
        while let Some(commits) = running.join_next().await {
            done += commits??;
        }
        println!("{tasks:>2} tasks: {:.0} commits/s", f64::from(done) / begun.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Takes in one message after the other, as a webhook does: what is loaded is changed and committed.
async fn take_in(store: &SqliteStore, n: u32, begun: Instant) -> Result<u32, Box<dyn Error + Send + Sync>> {
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
