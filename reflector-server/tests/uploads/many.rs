//! Two thousand objects, notifications that are doubled and lost, and a program that is killed again and again.

use std::collections::BTreeSet;
use std::sync::Arc;

use reflector_test_aws::{Counts, Moto};
use reflector_test_postgres::{Cluster, Durability, Schema};
use serde_json::json;

use crate::in_the_end;
use crate::program::{Program, run};
use crate::uploads::{Meeting, Uploads};

const OBJECTS: usize = 2_000;
const MEETINGS: usize = 20;
const KILLS: usize = 5;
/// How many objects come before each kill.
const WAVE: usize = OBJECTS / KILLS;
/// Every tenth notification comes twice, and every hundredth, which is none of these, not at all.
const DOUBLED: usize = 10;
const LOST: usize = 100;

#[test]
fn of_two_thousand_objects_each_becomes_one_recording_whatever_happens_on_the_way() {
    let moto = Moto::start();
    let cluster = Cluster::start(Durability::Full);
    let schema = cluster.schema();
    let uploads = Uploads::at(&moto, false, None);
    let environment = [&uploads.environment()[..], &[("DATABASE_URL", schema.url())]].concat();
    let without_recordings = [&environment[..], &[("REFLECTOR_ROLES", "api,lifecycle")]].concat();

    let program = Program::start_in(Arc::new(tempfile::tempdir().expect("a folder")), &without_recordings);
    let meetings: Vec<_> = (0..MEETINGS).map(|n| Meeting::begin(&program, &format!("room-{n}"))).collect();
    let mut folder = program.kill();
    let mut announced = 0;
    for wave in 0..KILLS {
        // Nobody reads the queue meanwhile: what is lost is lost before anybody has read it.
        announced += announce(&uploads, &meetings, wave);
        let before = kept(&schema);
        let program = Program::start_in(folder, &environment);
        in_the_end("it takes recordings in", || kept(&schema) >= before + WAVE / 10);
        cut_connections(&schema);
        in_the_end("it goes on", || kept(&schema) >= announced - WAVE / 8);
        folder = program.kill();
        println!("killed with {} kept and {:?}", kept(&schema), uploads.counts());
    }
    let program = Program::start_in(folder, &environment);
    in_the_end("all that was announced is kept", || kept(&schema) >= announced);
    in_the_end("the queue is empty", || uploads.counts() == Counts::default());
    let output = run(program.folder.path(), &environment, &["recordings", "reconcile"]);
    let said = String::from_utf8(output.stdout).expect("text");
    let lost = OBJECTS / LOST;
    assert_eq!(said, format!("queue: {OBJECTS} recordings there, {lost} taken in, 0 queued again\n"));
    each_is_there_once(&program, &meetings);
    assert_eq!(uploads.counts(), Counts::default());
}

/// Puts a wave of objects there, loses some notifications and doubles others. Gives how many objects are announced.
fn announce(uploads: &Uploads, meetings: &[Meeting], wave: usize) -> usize {
    let numbers = wave * WAVE..(wave + 1) * WAVE;
    let keys: Vec<_> = numbers.clone().map(|n| key(meetings, n)).collect();
    let puts = uploads.put_all(&keys);
    let mut lost = 0;
    while lost < WAVE / LOST {
        let body = uploads.wait(uploads.bucket.lose_one()).expect("there are messages");
        let n = number(&body);
        if numbers.contains(&n) && !n.is_multiple_of(DOUBLED) {
            lost += 1;
        } else {
            uploads.send(&body);
        }
    }
    for (n, (key, put)) in numbers.zip(keys.iter().zip(puts)).filter(|(n, _)| n % DOUBLED == 0) {
        let object = json!({ "key": key.replace(':', "%3A"), "size": key.len(), "eTag": put.tag });
        let record = json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": { "bucket": { "name": uploads.bucket.bucket() }, "object": object },
        });
        assert_eq!(number(key), n);
        uploads.send(&json!({ "Records": [record] }).to_string());
    }
    WAVE - lost
}

fn key(meetings: &[Meeting], n: usize) -> String {
    meetings[n % MEETINGS].key(n)
}

/// Which object a key, or what has one in it, is about.
fn number(text: &str) -> usize {
    let end = text.find("Z.mp4").expect("there is a key in it");
    text[end - 6..end].parse().expect("a number")
}

fn kept(schema: &Schema) -> usize {
    schema.sql("SELECT count(*) FROM recordings").parse().expect("a number")
}

fn cut_connections(schema: &Schema) {
    let cut = schema.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND datname = current_database()",
    );
    assert_ne!(cut, "0", "the program is connected");
}

fn each_is_there_once(program: &Program, meetings: &[Meeting]) {
    let recordings = program.recordings();
    assert_eq!(recordings.len(), OBJECTS);
    let mut numbers = BTreeSet::new();
    for recording in &recordings {
        let n = number(recording["object_key"].as_str().expect("a key"));
        assert_eq!(recording["object_key"], key(meetings, n));
        assert_eq!(recording["meeting_id"], meetings[n % MEETINGS].id, "{recording}");
        assert_eq!((&recording["revision"], &recording["status"]), (&json!(1), &json!("pending")));
        numbers.insert(n);
    }
    assert_eq!(numbers, (0..OBJECTS).collect());
}
