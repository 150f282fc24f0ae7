//! A cluster comes up, keeps what it holds, and goes away with whoever started it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{io::BufRead, io::BufReader, thread};

use reflector_test_postgres::{Cluster, Durability, RUNNING, schema};

#[test]
fn each_schema_is_empty_and_of_its_own() {
    let (one, other) = (schema(), schema());
    one.sql("CREATE TABLE things (n int); INSERT INTO things VALUES (1)");
    other.sql("CREATE TABLE things (n int)");
    assert_eq!(one.sql("SELECT count(*) FROM things"), "1");
    assert_eq!(other.sql("SELECT count(*) FROM things"), "0");
    assert_eq!(one.sql("SHOW fsync"), "off", "suites are quick");
}

#[test]
fn a_cluster_that_stops_or_crashes_has_its_data_when_it_resumes() {
    let cluster = Cluster::start_with_port(Durability::Full);
    let schema = cluster.schema();
    assert_eq!(
        schema.sql("SELECT current_setting('fsync') || current_setting('synchronous_commit')"),
        "onon"
    );
    schema.sql("CREATE TABLE things (n int); INSERT INTO things VALUES (1)");
    cluster.stop();
    cluster.resume();
    schema.sql("INSERT INTO things VALUES (2)");
    cluster.crash();
    cluster.resume();
    assert_eq!(schema.sql("SELECT count(*) FROM things"), "2");

    let folder = folder_of(&cluster.url());
    assert!(folder.is_dir());
    assert!(cluster.url_with_port().starts_with("postgres://postgres@127.0.0.1:"));
    drop(cluster);
    assert!(!folder.exists(), "it takes everything with it");
}

#[test]
fn a_cluster_goes_away_with_a_process_that_is_killed() {
    let mut holder = Command::new(env!("CARGO_BIN_EXE_reflector-test-postgres"))
        .args(["sh", "-c", &format!("echo \"${RUNNING}\"; exec cat")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let folder = folder_of(&lines.next().unwrap().unwrap());
    assert!(folder.join("data/postmaster.pid").is_file());
    holder.kill().unwrap();
    // What it ran ends with its standard input.
    drop(holder.stdin.take());
    holder.wait().unwrap();

    // Another process takes it away, and tells nobody when it has.
    let begun = Instant::now();
    while folder.exists() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{} is still there", folder.display());
        thread::sleep(Duration::from_millis(20));
    }
}

fn folder_of(url: &str) -> PathBuf {
    let host = url.split("host=").nth(1).expect("the address names its folder");
    Path::new(host.split_once('&').map_or(host, |(folder, _)| folder)).to_owned()
}
