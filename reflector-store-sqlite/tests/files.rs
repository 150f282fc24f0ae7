//! Opening files: what cannot be a store is refused in one line that says what to do, and several may share one.

mod world;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use reflector_core::store::document::Document;
use reflector_core::store::{
    Commit, Committed, Created, DueClaim, MeetingStore, NewMeeting, RoomCreated, RoomStore, StoreError,
};
use reflector_core::testing::sample::{
    at, commit, due, entry, listening_room, meeting, meeting_id, new_meeting, room, taken,
};
use reflector_store_sqlite::{OpenError, Schema, SqliteOptions, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, query};
use tempfile::TempDir;
use world::OnFile;

async fn open(url_or_path: &str) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(url_or_path, &SqliteOptions::default()).await
}

/// Asserts that the message is one line with these words in it.
fn says(error: &OpenError, words: &[&str]) {
    let line = error.to_string();
    assert!(!line.contains('\n'), "{line}");
    for word in words {
        assert!(line.contains(word), "{line:?} does not say {word:?}");
    }
}

async fn run(file: &Path, sql: &str) {
    let connect = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let mut connection = connect.connect().await.expect("the file can be opened");
    query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("it can be written");
    connection.close().await.expect("it can be closed");
}

#[tokio::test]
async fn a_file_that_is_missing_is_made_and_is_behind_until_it_is_migrated() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("new one.db");
    let store = open(&format!("sqlite://{}", file.display())).await.unwrap();
    assert!(file.is_file());
    assert_eq!(store.file(), file);
    assert_eq!(store.schema().await.unwrap(), Schema::Behind);
    assert!(matches!(store.create_room(room(1)).await, Err(StoreError::Unavailable(_))));
    store.migrate().await.unwrap();
    assert_eq!(store.schema().await.unwrap(), Schema::Current);
    store.migrate().await.unwrap();
    assert_eq!(store.create_room(room(1)).await.unwrap(), RoomCreated::Stored);
    store.close_file().await;
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["new one.db"], "a closed store is one file");
}

/// The schema since which it is told apart which rooms' owners listen.
const LISTENS: i64 = 6;

#[tokio::test]
async fn a_file_of_any_older_schema_is_brought_up_to_date_with_what_is_in_it() {
    let newest = sqlx::migrate!().iter().map(|migration| migration.version).max().unwrap();
    for version in 1..newest {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("reflector.db");
        let mut older = sqlx::migrate!();
        older.migrations.to_mut().retain(|migration| migration.version <= version);
        let connect = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut connection = connect.connect().await.unwrap();
        older.run_direct(None, &mut connection, false).await.unwrap();
        for room in [room(1), listening_room(2)] {
            let insert = "INSERT INTO rooms (id, name, owner, is_shared, policy, document)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            query(insert)
                .bind(room.id.0)
                .bind(room.name.as_str())
                .bind(room.owner.as_str())
                .bind(room.is_shared)
                .bind(room.policy.to_document().unwrap())
                .bind(room.to_document().unwrap())
                .execute(&mut connection)
                .await
                .unwrap();
        }
        connection.close().await.unwrap();

        let store = open(&file.display().to_string()).await.unwrap();
        assert_eq!(store.schema().await.unwrap(), Schema::Behind, "{version}");
        store.migrate().await.unwrap();
        assert_eq!(store.schema().await.unwrap(), Schema::Current, "{version}");
        for room in [room(1), listening_room(2)] {
            assert_eq!(store.load_room(room.id).await.unwrap(), Some(room), "{version}");
        }
        if version < LISTENS {
            let mut connection = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
            let listening: Vec<String> = sqlx::query_scalar("SELECT name FROM rooms WHERE listens")
                .fetch_all(&mut connection)
                .await
                .unwrap();
            assert_eq!(listening, ["room-2"], "{version}");
        }
    }
}

#[tokio::test]
async fn many_may_bring_one_file_up_to_date_at_once() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("reflector.db");
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let file = file.display().to_string();
        racers.spawn(async move {
            let store = open(&file).await?;
            store.migrate().await?;
            store.schema().await
        });
    }
    while let Some(schema) = racers.join_next().await {
        assert_eq!(schema.unwrap().unwrap(), Schema::Current);
    }
}

#[tokio::test]
async fn a_folder_that_is_missing_is_named() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing");
    let error = open(&missing.join("reflector.db").display().to_string()).await.unwrap_err();
    assert!(matches!(&error, OpenError::NoFolder { folder } if *folder == missing), "{error:?}");
    says(&error, &["missing", "does not exist"]);
}

#[tokio::test]
async fn a_folder_is_no_file() {
    let folder = TempDir::new().unwrap();
    let error = open(&folder.path().display().to_string()).await.unwrap_err();
    assert!(matches!(error, OpenError::NotOpened { .. }), "{error:?}");
    says(&error, &["cannot be opened", "may read and write it"]);
    let beneath = std::error::Error::source(&error).expect("what SQLite said").to_string();
    assert!(beneath.contains("unable to open database file"), "{beneath}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("notes.txt");
    let text = "Dear diary, ".repeat(1_000);
    fs::write(&file, &text).unwrap();
    let error = open(&file.display().to_string()).await.unwrap_err();
    assert!(matches!(error, OpenError::NoDatabase { .. }), "{error:?}");
    says(&error, &["notes.txt", "no SQLite database"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("photos.db");
    run(&file, "CREATE TABLE photos (it)").await;
    let store = open(&file.display().to_string()).await.unwrap();
    for error in [store.schema().await.unwrap_err(), store.migrate().await.unwrap_err()] {
        assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
        says(&error, &["photos.db", "another program"]);
    }
}

#[tokio::test]
async fn a_file_that_can_only_be_read_is_refused() {
    let world = OnFile::empty().await;
    world.close_file().await;
    let error = open(&format!("sqlite://{}?mode=ro", world.file().display())).await.unwrap_err();
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
    says(&error, &["reflector.db", "can only be read"]);
}

#[tokio::test]
async fn a_store_in_memory_is_refused() {
    for url in ["sqlite::memory:", "sqlite://:memory:", ":memory:", "sqlite://x?mode=memory", ""] {
        let error = open(url).await.unwrap_err();
        assert!(matches!(error, OpenError::NoFile(_)), "{url}: {error:?}");
        says(&error, &["sqlite://reflector.db"]);
    }
    let error = open("sqlite://x.db?colour=red").await.unwrap_err();
    says(&error, &["colour"]);
}

#[tokio::test]
async fn a_newer_schema_is_refused_also_when_every_migration_of_ours_is_there() {
    let world = OnFile::empty().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'tomorrow', true, x'00', 0)";
    run(&world.file(), newer).await;
    for error in [world.schema().await.unwrap_err(), world.migrate().await.unwrap_err()] {
        assert!(matches!(error, OpenError::Newer { found: 9999, .. }), "{error:?}");
        says(&error, &["9999", "newer version"]);
    }
}

#[tokio::test]
async fn a_schema_that_is_not_ours_of_that_number_is_refused() {
    let world = OnFile::empty().await;
    run(&world.file(), "UPDATE _sqlx_migrations SET checksum = x'00'").await;
    for error in [world.schema().await.unwrap_err(), world.migrate().await.unwrap_err()] {
        assert!(matches!(error, OpenError::Changed(1)), "{error:?}");
        says(&error, &["another build"]);
    }
    run(&world.file(), "UPDATE _sqlx_migrations SET success = false").await;
    for error in [world.schema().await.unwrap_err(), world.migrate().await.unwrap_err()] {
        assert!(matches!(error, OpenError::HalfDone(1)), "{error:?}");
        says(&error, &["not finished"]);
    }
}

#[tokio::test]
async fn a_file_that_another_process_holds_on_to_is_waited_for_and_then_given_up() {
    let world = OnFile::empty().await;
    let mut other = SqliteConnectOptions::new().filename(world.file()).connect().await.unwrap();
    query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut hasty = SqliteOptions::default();
    hasty.patience = std::time::Duration::from_millis(20);
    let file = world.file().display().to_string();
    let error = SqliteStore::open(&file, &hasty).await.unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    says(&error, &["locked by another process"]);

    let patient = tokio::spawn({
        let store = Arc::clone(&world.store);
        async move { store.create_room(room(1)).await }
    });
    assert_eq!(world.load_room(room(1).id).await.unwrap(), None, "who reads waits for nobody");
    query("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(patient.await.unwrap().unwrap(), RoomCreated::Stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_share_one_file_and_lose_nothing() -> Result<(), StoreError> {
    let world = OnFile::empty().await;
    let handles = [Arc::clone(&world.store), world.again().await];
    world.create_room(room(1)).await?;
    let new = NewMeeting { due: Some(due(1)), ..new_meeting(meeting(1, &room(1))) };
    assert_eq!(world.create(new).await?, Created::Stored);

    let mut racers = tokio::task::JoinSet::new();
    for n in 0..16_u32 {
        let store = Arc::clone(&handles[n as usize % 2]);
        racers.spawn(async move {
            let mut written = 0;
            while written < 10 {
                let loaded = store.load(meeting_id(1)).await?.expect("the meeting is there");
                let delivery = Some(taken(n * 100 + written, 5));
                let commit =
                    Commit { delivery, entries: vec![entry(n)], due: Some(due(1)), ..commit(&loaded) };
                written += u32::from(store.commit(commit).await? == Committed::Stored);
            }
            Ok::<_, StoreError>(())
        });
    }
    while let Some(done) = racers.join_next().await {
        done.expect("nobody panics")?;
    }
    for store in &handles {
        let loaded = store.load(meeting_id(1)).await?.expect("the meeting is there");
        assert_eq!((loaded.version, loaded.entries), (161, 160));
        assert_eq!(store.history(meeting_id(1), 0, 1_000).await?.len(), 160);
    }
    let claim = DueClaim { now: at(1), until: at(2), limit: 10 };
    let given = tokio::try_join!(handles[0].due(claim), handles[1].due(claim))?;
    assert_eq!(given.0.len() + given.1.len(), 1, "{given:?}");
    Ok(())
}
