//! What keeps the store from being opened is told to whoever can do something about it.

use std::error::Error;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reflector_core::store::document::Document;
use reflector_core::store::{RoomCreated, RoomStore};
use reflector_core::testing::sample::{listening_room, room};
use reflector_store_postgres::{OpenError, PostgresOptions, PostgresStore, Schema};
use reflector_test_postgres::schema;
use sqlx::{Connection, PgConnection};

async fn connect(url: &str) -> Result<PostgresStore, OpenError> {
    PostgresStore::connect(&url.to_owned().into(), PostgresOptions::default()).await
}

async fn refusal(url: &str) -> OpenError {
    connect(url).await.expect_err("this cannot be opened")
}

#[tokio::test]
async fn a_store_is_behind_until_it_is_migrated() -> Result<(), OpenError> {
    let schema = schema();
    let store = connect(schema.url()).await?;
    assert_eq!(store.schema().await?, Schema::Behind);
    assert_eq!(
        schema.sql("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema"),
        "0",
        "looking makes nothing"
    );
    store.migrate().await?;
    assert_eq!(store.schema().await?, Schema::Current);
    store.migrate().await?;
    schema.sql("DELETE FROM reflector_migrations WHERE version = 2");
    assert_eq!(store.schema().await?, Schema::Behind);
    Ok(())
}

/// The schema since which it is told apart which rooms' owners listen.
const LISTENS: i64 = 7;

#[tokio::test]
async fn a_database_of_any_older_schema_is_brought_up_to_date_with_what_is_in_it() {
    let newest = sqlx::migrate!().iter().map(|migration| migration.version).max().unwrap();
    for version in 1..newest {
        let schema = schema();
        let mut older = sqlx::migrate!();
        older.dangerous_set_table_name("reflector_migrations");
        older.migrations.to_mut().retain(|migration| migration.version <= version);
        let mut connection = PgConnection::connect(schema.url()).await.unwrap();
        older.run_direct(None, &mut connection, false).await.unwrap();
        for room in [room(1), listening_room(2)] {
            let insert = "INSERT INTO rooms (id, name, owner, is_shared, policy, document)
                VALUES ($1, $2, $3, $4, $5, $6)";
            sqlx::query(insert)
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

        let store = connect(schema.url()).await.unwrap();
        assert_eq!(store.schema().await.unwrap(), Schema::Behind, "{version}");
        store.migrate().await.unwrap();
        assert_eq!(store.schema().await.unwrap(), Schema::Current, "{version}");
        for room in [room(1), listening_room(2)] {
            assert_eq!(store.load_room(room.id).await.unwrap(), Some(room), "{version}");
        }
        if version < LISTENS {
            assert_eq!(schema.sql("SELECT name FROM rooms WHERE listens"), "room-2", "{version}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_empty_database_is_migrated_once_however_many_begin() {
    let schema = schema();
    let mut migrating = Vec::new();
    for _ in 0..8 {
        let store = Arc::new(connect(schema.url()).await.unwrap());
        migrating.push(tokio::spawn(async move { store.migrate().await }));
    }
    for migrated in migrating {
        migrated.await.unwrap().unwrap();
    }
    let there_are = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().count();
    assert_eq!(schema.sql("SELECT count(*) FROM reflector_migrations"), there_are.to_string());
    assert_eq!(connect(schema.url()).await.unwrap().schema().await.unwrap(), Schema::Current);
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_found_also_when_it_has_all_of_ours() {
    let schema = schema();
    let store = connect(schema.url()).await.unwrap();
    store.migrate().await.unwrap();
    schema.sql("INSERT INTO reflector_migrations VALUES (9000, 'later', now(), true, '', 0)");
    for refused in [store.schema().await.map(drop), store.migrate().await] {
        let error = refused.unwrap_err();
        assert!(matches!(error, OpenError::NewerSchema { version: 9000 }), "{error:?}");
        assert!(error.to_string().contains("update the program"), "{error}");
    }
    // Nothing of the refusal stays behind, such as a lock.
    schema.sql("DELETE FROM reflector_migrations WHERE version = 9000");
    store.migrate().await.unwrap();
}

#[tokio::test]
async fn a_migration_that_is_another_or_half_done_is_named() {
    let schema = schema();
    let store = connect(schema.url()).await.unwrap();
    store.migrate().await.unwrap();
    schema.sql("UPDATE reflector_migrations SET checksum = '' WHERE version = 2");
    for refused in [store.schema().await.map(drop), store.migrate().await] {
        assert!(matches!(refused, Err(OpenError::MigrationChanged { version: 2 })), "{refused:?}");
    }
    schema.sql("UPDATE reflector_migrations SET success = false WHERE version = 1");
    for refused in [store.schema().await.map(drop), store.migrate().await] {
        assert!(matches!(refused, Err(OpenError::MigrationUnfinished { version: 1 })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_of_itself() {
    let schema = schema();
    schema.sql("CREATE TABLE deadlines (of_another_program int)");
    let store = connect(schema.url()).await.unwrap();
    let error = store.migrate().await.unwrap_err();
    assert!(matches!(error, OpenError::MigrationFailed(_)), "{error:?}");
    assert_eq!(schema.sql("SELECT to_regclass('meetings') IS NULL"), "t");
    assert_eq!(store.schema().await.unwrap(), Schema::Behind);
}

#[tokio::test]
async fn a_database_that_may_not_be_written_is_not_opened() {
    let schema = schema();
    let url = format!("{}%20-c%20default_transaction_read_only%3Don", schema.url());
    let error = refusal(&url).await;
    assert!(matches!(error, OpenError::ReadOnly), "{error:?}");
}

#[tokio::test]
async fn an_address_that_leads_nowhere_says_what_is_wrong_with_it() {
    let schema = schema();
    let unknown_user = schema.url().replace("user=postgres", "user=stranger");
    let error = refusal(&unknown_user).await;
    assert!(matches!(error, OpenError::RefusedCredentials(_)), "{error:?}");
    let unknown_database = schema.url().replace("/postgres?", "/nowhere?");
    let error = refusal(&unknown_database).await;
    assert!(matches!(error, OpenError::NoSuchDatabase(_)), "{error:?}");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("postgres://ada:hunter2@127.0.0.1:{port}/x");
    let options =
        PostgresOptions { connect_within: Duration::from_millis(200), ..PostgresOptions::default() };
    let begun = Instant::now();
    let silent = PostgresStore::connect(&url.clone().into(), options).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(3), "it was not waited for");
    drop(listener);
    let closed = refusal(&url).await;
    for error in [silent, closed] {
        assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    }
}

#[tokio::test]
async fn no_message_shows_a_password() {
    for url in [
        "postgres://ada:hunter2@127.0.0.1:notaport/x",
        "postgres://ada:hunter2@127.0.0.1:1/x",
        "postgres://ada:hunter2@127.0.0.1:1/x?sslmode=hunter2",
        "hunter2",
    ] {
        let error = refusal(url).await;
        let mut said = format!("{error:?} {error}");
        let mut source = error.source();
        while let Some(error) = source {
            said += &format!(" {error:?} {error}");
            source = error.source();
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
    let schema = schema();
    let with_password = format!("{}&password=hunter2", schema.url());
    let store = connect(&with_password).await.unwrap();
    assert!(!format!("{store:?}").contains("hunter2"), "{store:?}");
}

#[tokio::test]
async fn two_schemas_of_one_database_are_two_stores() {
    let (one, other) = (schema(), schema());
    for schema in [&one, &other] {
        let store = connect(schema.url()).await.unwrap();
        store.migrate().await.unwrap();
        assert_eq!(store.create_room(room(1)).await.unwrap(), RoomCreated::Stored);
    }
    assert_eq!(one.sql("SELECT count(*) FROM rooms"), "1");
}
