//! Many objects, notifications that are doubled and lost, and a program that is killed again and again.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use reflector_test_postgres::{Cluster, Durability};
use serde_json::json;

use crate::program::{Program, within};
use crate::studio::{Meeting, Studio, all, total};

const OBJECTS: usize = 2_000;
const KILLS: usize = 5;
/// How many objects come before each kill.
const WAVE: usize = OBJECTS / KILLS;
const DOUBLED: usize = 10;
const LOST: usize = 100;
/// So many objects take a while to be listed and received.
const PATIENCE: Duration = Duration::from_secs(240);
/// How many are put at once.
const AT_ONCE: usize = 20;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes minutes; `cargo test -p reflector-server --test recordings -- --ignored` runs it"]
async fn of_two_thousand_objects_each_becomes_one_recording_whatever_happens_on_the_way() {
    let cluster = Cluster::start(Durability::Full);
    let schema = cluster.schema();
    let studio = Studio::on(schema.url()).await;
    let mut program = studio.start_with(&[("REFLECTOR_ROLES", "api,lifecycle")]);
    let meetings: Vec<_> = (0..20).map(|n| Meeting::begin(&program, &format!("room-{n}"))).collect();
    let mut keys = BTreeSet::new();
    for wave in 0..KILLS {
        let before = total(&program, None);
        program.kill();
        // Nobody reads the queue while objects are put, so that what is lost is lost before anybody read it.
        keys.extend(put(&studio, &meetings, wave).await);
        program = studio.start();
        comes("it takes recordings in", || total(&program, None) >= before + 40);
        schema.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()");
        comes("it goes on", || is_ready(&program));
    }
    program.kill();
    let program = studio.start();
    comes("what was in its hands comes again", || total(&program, None) as usize >= OBJECTS - OBJECTS / LOST);
    studio.says(&["recordings", "reconcile"]);

    let recordings = all(&program);
    let kept: Vec<_> = recordings.iter().map(|one| one["object_key"].as_str().expect("a key")).collect();
    assert_eq!(kept.len(), OBJECTS);
    assert_eq!(kept.iter().copied().collect::<BTreeSet<_>>(), keys.iter().map(String::as_str).collect());
    for recording in &recordings {
        let key = recording["object_key"].as_str().expect("a key");
        let meeting = meetings.iter().find(|meeting| key.starts_with(&meeting.place)).expect("it is of one");
        assert_eq!(
            (&recording["meeting_id"], &recording["revision"]),
            (&json!(meeting.id), &json!(1)),
            "{key}"
        );
    }
    // What the killed ones had in their hands comes again and is known.
    let mut left = studio.bucket.counts().await;
    for _ in 0..200 {
        if (left.waiting, left.in_hand) == (0, 0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        left = studio.bucket.counts().await;
    }
    assert_eq!((left.waiting, left.in_hand), (0, 0), "the queue is empty");
    assert_eq!(total(&program, None) as usize, OBJECTS);
}

/// Puts a wave of objects there, doubles every tenth notification and loses every hundredth.
async fn put(studio: &Studio, meetings: &[Meeting], wave: usize) -> Vec<String> {
    let numbers: Vec<_> = (wave * WAVE..(wave + 1) * WAVE).collect();
    let mut keys = Vec::new();
    for some in numbers.chunks(AT_ONCE) {
        let put = some.iter().map(|n| async move {
            let key = meetings[n % meetings.len()].key(*n);
            let put = studio.bucket.put(&key, format!("recording {n}").as_bytes()).await;
            if n % DOUBLED == 0 {
                let object = json!({ "key": key.replace(':', "%3A"), "size": 1, "eTag": put.tag });
                let record = json!({
                    "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                    "s3": { "bucket": { "name": studio.bucket.bucket() }, "object": object },
                });
                studio.bucket.send(&json!({ "Records": [record] }).to_string()).await;
            }
            key
        });
        keys.extend(join_all(put).await);
    }
    for _ in 0..WAVE / LOST {
        studio.bucket.lose_one().await.expect("there are messages");
    }
    keys
}

/// Waits for something that comes, even if a machine is busy with much else.
fn comes(what: &str, has_come: impl Fn() -> bool) {
    let seen = within(PATIENCE, || has_come().then_some(()));
    assert!(seen.is_some(), "it never happened that {what}");
}

fn is_ready(program: &Program) -> bool {
    program.get("/readyz").status == 200
}
