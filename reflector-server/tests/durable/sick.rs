//! Databases that cannot be used: one clear line at the start, 503 while running, and nothing is damaged.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use reflector_test_postgres::{Cluster, Durability};
use serde_json::json;
use sqlx::{Connection, SqliteConnection};

use crate::books;
use crate::http::Request;
use crate::program::{PROGRAM, Program, bare, eventually, run, run_as};
use crate::town::Town;
use crate::webhook::{Place, Seen, now, webhook};

/// A database of this schema is newer than the program will be for a while.
const FUTURE: i64 = 9999;
/// Somebody who is not root, for tests that run as root: no permission keeps that from anything.
const NOBODY: u32 = 65_534;

#[test]
fn a_sqlite_file_that_is_newer_is_refused_in_one_line_and_left_alone() {
    let (town, held) = with_something(Town::on_sqlite());
    let insert = format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES ({FUTURE}, 'of the future', true, x'00', 0)"
    );
    in_sqlite(&town.database, &insert);
    assert!(refusal(&starts(&town)).contains("run a newer version"));
    in_sqlite(&town.database, &format!("DELETE FROM _sqlx_migrations WHERE version = {FUTURE}"));
    held.stays(&town);
}

#[test]
fn a_postgres_that_is_newer_is_refused_in_one_line_and_left_alone() {
    let schema = reflector_test_postgres::schema();
    let (town, held) = with_something(Town::on(schema.url(), &[]));
    schema.sql(&format!(
        "INSERT INTO reflector_migrations (version, description, success, checksum, execution_time)
         VALUES ({FUTURE}, 'of the future', true, '\\x00', 0)"
    ));
    assert!(refusal(&starts(&town)).contains("newer than this program"));
    schema.sql(&format!("DELETE FROM reflector_migrations WHERE version = {FUTURE}"));
    held.stays(&town);
}

#[test]
fn a_postgres_that_is_not_there_is_said_in_one_line() {
    let cluster = Cluster::start(Durability::Full);
    let schema = cluster.schema();
    let (town, held) = with_something(Town::on(schema.url(), &[]));
    cluster.stop();
    assert!(refusal(&starts(&town)).contains("cannot be reached"));
    cluster.resume();
    held.stays(&town);
}

#[test]
fn a_postgres_that_can_only_be_read_is_refused_at_the_start_and_costs_nothing_while_running() {
    let cluster = Cluster::start(Durability::Full);
    let schema = cluster.schema();
    let (town, mut held) = with_something(Town::on(schema.url(), &[]));
    let only_read = |yes: bool| {
        schema.sql(&format!("ALTER SYSTEM SET default_transaction_read_only = {yes}"));
        schema.sql("SELECT pg_reload_conf()");
    };
    let program = town.start();
    only_read(true);
    held.is_refused(&program);
    assert!(refusal(&starts(&town)).contains("read-only"));
    assert_eq!(
        program.read(&format!("/meetings/{}", held.place.meeting))["phase"],
        "live",
        "reading goes on"
    );
    eventually("it is said", || says(&program, 503, "takes nothing in"));
    only_read(false);
    eventually("it is ready again", || says(&program, 200, "reachable"));
    held.is_taken(&program);
    program.kill();
    held.stays(&town);
}

#[test]
fn a_sqlite_file_that_can_only_be_read_is_refused_in_one_line_and_left_alone() {
    let (town, held) = with_something(Town::on_sqlite());
    let somebody = as_nobody(&town);
    permit(town.folder.path(), 0o444, 0o555);
    let said = refusal(&run_as(somebody));
    permit(town.folder.path(), 0o644, 0o755);
    assert!(said.contains("can only be read") || said.contains("cannot be opened"), "{said}");
    held.stays(&town);
}

#[test]
fn a_sqlite_file_without_a_place_is_said_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    for (database, should) in [
        (format!("sqlite://{}/nowhere/reflector.db", folder.path().display()), "make it"),
        (format!("sqlite://{}", folder.path().display()), "cannot be opened"),
    ] {
        let said = refusal(&starts(&Town::on(&database, &[])));
        assert!(said.contains(should), "{said}");
    }
}

#[test]
fn a_full_disk_at_the_start_is_said_in_one_line_and_damages_nothing() {
    let (town, held) = with_something(Town::on_sqlite());
    let said = refusal(&run_as(limited(&town, 8)));
    assert!(said.contains("disk is full"), "{said}");
    held.stays(&town);
}

#[test]
fn a_disk_that_fills_up_while_running_is_answered_with_503_and_loses_nothing() {
    let (town, mut held) = with_something(Town::on_sqlite());
    // A little more than there is already can be written, and no more.
    let program = Program::start_as(limited(&town, longest(&town) + 512), Arc::clone(&town.folder));
    held.is_taken(&program);
    held.is_refused(&program);
    assert_eq!(
        program.read(&format!("/meetings/{}", held.place.meeting))["phase"],
        "live",
        "reading goes on"
    );
    program.kill();
    held.stays(&town);
}

/// What `/readyz` says of the store, if that is it.
fn says(program: &Program, status: u16, of_store: &str) -> Option<()> {
    let answer = program.get("/readyz");
    let store = answer.json()["store"].as_str().is_some_and(|store| store.contains(of_store));
    (answer.status == status && store).then_some(())
}

/// What was acknowledged.
struct Held {
    place: Place,
    acknowledged: Vec<String>,
    tried: usize,
}

/// A deployment that holds a meeting in which somebody is. No program runs.
fn with_something(town: Town) -> (Town, Held) {
    let program = town.start();
    let place = town.meet(&program, 1).remove(0);
    let mut held = Held { place, acknowledged: Vec::new(), tried: 0 };
    held.is_taken(&program);
    program.kill();
    (town, held)
}

impl Held {
    /// Sends a message of somebody who joins. Nothing if it is refused, as it should be if it must.
    fn tries(&mut self, program: &Program) -> Option<()> {
        self.tried += 1;
        let id = format!("delivery-{:06}", self.tried);
        let seen = Seen { joins: true, who: format!("participant-{}", self.tried), at: now() };
        let answer = program.send(&webhook(&self.place, &id, &seen));
        match answer.status {
            200 => self.acknowledged.push(id),
            503 => return None,
            status => panic!("{id} is answered with {status}: {}", answer.text()),
        }
        Some(())
    }

    fn is_taken(&mut self, program: &Program) {
        eventually("a message is taken in", || self.tries(program));
    }

    /// Nothing is taken in any more, and the log says why.
    fn is_refused(&mut self, program: &Program) {
        eventually("a message is refused", || self.tries(program).is_none().then_some(()));
        // What is smaller may still find a place, until it does not.
        let mut made = 0;
        eventually("a room is refused", || {
            made += 1;
            let room = json!({ "name": format!("another-{made}") });
            let answer = program.send(&Request::new("POST", "/rooms").json(&room));
            assert!(matches!(answer.status, 201 | 503), "{}", answer.text());
            (answer.status == 503).then_some(())
        });
        eventually("the log says so", || program.logged().contains("the store is ill").then_some(()));
    }

    /// All of it is there, a program starts on it, and goes on.
    fn stays(mut self, town: &Town) {
        let program = town.start();
        self.is_taken(&program);
        program.kill();
        let books = books::read(&town.database);
        books.iter().for_each(books::Book::tells_its_life);
        let held = books::deliveries(&books);
        for id in &self.acknowledged {
            assert_eq!(held.get(id.as_str()), Some(&1), "{id}");
        }
    }
}

fn starts(town: &Town) -> Output {
    let mut settings = town.settings();
    settings.push(("REFLECTOR_LISTEN", "127.0.0.1:0"));
    run(town.folder.path(), &settings, &[])
}

/// The one line with which it gave up.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("reflector: "), "{said}");
    println!("{}", said.trim_end());
    said
}

/// The program where no file may grow beyond so many half kilobytes, and growing one fails as on a full disk.
fn limited(town: &Town, blocks: usize) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\""), PROGRAM]);
    let mut shell = bare(shell, town.folder.path());
    shell.env("REFLECTOR_LISTEN", "127.0.0.1:0").envs(town.settings());
    shell
}

/// The longest file of the deployment, in half kilobytes: the database, or its log after a kill.
fn longest(town: &Town) -> usize {
    let files = fs::read_dir(town.folder.path()).expect("it can be listed");
    let lengths = files.map(|entry| entry.and_then(|entry| entry.metadata()).expect("it is there").len());
    usize::try_from(lengths.max().unwrap_or(0).div_ceil(512)).expect("a small file")
}

/// The program as somebody whom permissions keep out.
fn as_nobody(town: &Town) -> Command {
    let folder = town.folder.path();
    // Where this is built, others may not be let in.
    let program = folder.join("program");
    fs::copy(PROGRAM, &program).expect("it can be copied");
    let mut command = bare(Command::new(&program), folder);
    if folder.metadata().expect("it is there").uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.env("REFLECTOR_LISTEN", "127.0.0.1:0").envs(town.settings());
    command
}

/// What may be done with the file of the database and those beside it, and with their folder.
fn permit(folder: &Path, files: u32, with_folder: u32) {
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("reflector.db")) {
            fs::set_permissions(path, fs::Permissions::from_mode(files)).expect("it is ours");
        }
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(with_folder)).expect("it is ours");
}

#[tokio::main(flavor = "current_thread")]
async fn in_sqlite(database: &str, statement: &str) {
    let mut connection = SqliteConnection::connect(database).await.expect("it can be opened");
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    sqlx::raw_sql(statement).execute(&mut connection).await.expect("it can be written");
    connection.close().await.expect("it can be closed");
}
