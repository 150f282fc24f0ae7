//! A full disk: writes say that the store is away, and what was acknowledged before is there when there is room again.
//!
//! The disk is full for a child process, whose files may not grow beyond a limit.
#![cfg(unix)]

mod world;

use std::process::Command;

use reflector_core::store::{Commit, Committed, Loaded, MeetingStore, RoomStore, StoreError};
use reflector_core::testing::sample::{commit, entry, meeting, meeting_id, new_meeting, room, taken};
use reflector_store_sqlite::{SqliteOptions, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, query_scalar};
use world::OnFile;

/// In the child: the file that it is to fill.
const FILE: &str = "REFLECTOR_TEST_FILE_TO_FILL";

#[tokio::test]
async fn what_was_acknowledged_before_the_disk_was_full_is_there_afterwards() {
    if let Ok(file) = std::env::var(FILE) {
        return fill(&file).await;
    }
    let world = OnFile::empty().await;
    world.create_room(room(1)).await.unwrap();
    world.create(new_meeting(meeting(1, &room(1)))).await.unwrap();

    // Without the signal, a write beyond the limit is an error, as on a full disk.
    let output = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 6000; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "what_was_acknowledged_before_the_disk_was_full_is_there_afterwards",
            "--nocapture",
        ])
        .env(FILE, world.file())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let acknowledged = told.lines().find_map(|line| line.strip_prefix("acknowledged ")).unwrap();
    let acknowledged: u64 = acknowledged.parse().unwrap();
    assert!(acknowledged > 10, "{acknowledged} were written before the disk was full");

    let loaded = loaded(&world).await.unwrap();
    assert_eq!((loaded.version, loaded.entries), (1 + acknowledged, acknowledged));
    assert_eq!(world.history(meeting_id(1), 0, 100_000).await.unwrap().len() as u64, acknowledged);
    assert_eq!(write(&world, &loaded).await.unwrap(), Committed::Stored, "there is room again");
    let mut connection = SqliteConnectOptions::new().filename(world.file()).connect().await.unwrap();
    let check: String = query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
    assert_eq!(check, "ok");
}

/// Writes until there is no more room, and a little on.
async fn fill(file: &str) {
    let store = SqliteStore::open(file, &SqliteOptions::default()).await.expect("the file can be read");
    let mut acknowledged = 0_u64;
    let mut refused = 0;
    while refused < 5 {
        let loaded = loaded(&store).await.expect("the file can be read");
        assert_eq!(loaded.version, 1 + acknowledged, "what was not acknowledged is not there");
        match write(&store, &loaded).await {
            Ok(answer) => {
                assert_eq!(answer, Committed::Stored);
                acknowledged += 1;
            }
            Err(error) => {
                assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
                refused += 1;
            }
        }
    }
    println!("\nacknowledged {acknowledged}");
}

async fn loaded(store: &SqliteStore) -> Result<Loaded, StoreError> {
    Ok(store.load(meeting_id(1)).await?.expect("the meeting is there"))
}

async fn write(store: &SqliteStore, loaded: &Loaded) -> Result<Committed, StoreError> {
    let n = u32::try_from(loaded.version).unwrap_or_default();
    let delivery = Some(taken(n, u64::from(n)));
    store.commit(Commit { delivery, entries: vec![entry(n)], ..commit(loaded) }).await
}
