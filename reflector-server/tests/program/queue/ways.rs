//! The ways in which objects come into a bucket, and messages into its queue.

use std::collections::BTreeMap;

use reflector_test_aws::moto;
use serde_json::{Value, json};

use super::missed::reconciled;
use super::{Meeting, Uploads};
use crate::program::{Program, eventually};

#[test]
fn objects_that_are_put_uploaded_in_parts_and_copied_become_recordings_of_their_meetings() {
    let uploads = Uploads::new();
    let program = Program::start_with(&uploads.environment());
    let (standup, retro) = (Meeting::begin(&program, "standup"), Meeting::begin(&program, "retro"));
    let folder = "Größe + 100%: ein Ordner=ä";
    let keys = [
        (standup.key(1), &standup),
        (format!("{folder}/{}", standup.key(2)), &standup),
        (format!("tief/er/{}", retro.key(3)), &retro),
        (format!("{folder}/{}", retro.key(4)), &retro),
    ];
    uploads.put(&keys[0].0, "one");
    uploads.wait(uploads.bucket.put_in_parts(&keys[1].0, b"two"));
    uploads.put(&keys[2].0, "three");
    uploads.put("plain.mp4", "four");
    uploads.wait(uploads.bucket.copy("plain.mp4", &keys[3].0));
    uploads.put(&standup.key(5).replace(".mp4", ".txt"), "no recording");

    let recordings = program.until_there_are(5).into_iter();
    let recordings: BTreeMap<_, _> =
        recordings.map(|one| (one["object_key"].as_str().expect("a key").to_owned(), one)).collect();
    assert_eq!(recordings.len(), 5, "{:?}", recordings.keys());
    for (key, meeting) in &keys {
        let recording =
            recordings.get(key).unwrap_or_else(|| panic!("{key} is not in {:?}", recordings.keys()));
        assert_eq!(recording["meeting_id"], meeting.id, "{key}");
        assert_eq!((&recording["revision"], &recording["status"]), (&json!(1), &json!("pending")));
    }
    assert_eq!(recordings["plain.mp4"]["status"], "unmatched");
    assert_eq!(recordings[&keys[1].0]["size"], 5 * 1024 * 1024 + 3);
    uploads.are_done();
    assert_eq!(program.recordings().len(), 5);
}

#[test]
fn messages_in_every_envelope_become_recordings_and_a_test_is_no_error() {
    let uploads = Uploads::new();
    let program = Program::start_with(&uploads.environment());
    let standup = Meeting::begin(&program, "standup");
    let bucket = uploads.bucket.bucket();
    let plain = |n| json!({ "Records": [record(bucket, &standup.key(n).replace(':', "%3A"), n)] });
    let test = json!({
        "Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2014-10-13T15:57:02.089Z", "Bucket": "b"
    });
    let wrapped = |inner: &Value| {
        let inner = inner.to_string();
        json!({ "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:t", "Message": inner })
    };
    let bridged_key = format!("a+b%2F/{}", standup.key(3));
    let bridged = json!({
        "version": "0", "id": "17793124", "detail-type": "Object Created", "source": "aws.s3",
        "detail": { "bucket": { "name": bucket }, "reason": "PutObject",
            "object": { "key": bridged_key, "size": 5, "etag": "b1946ac9", "sequencer": "617f08299329d189" } },
    });
    for message in [plain(1), wrapped(&plain(2)), bridged, wrapped(&test), test] {
        uploads.send(&message.to_string());
    }
    let recordings = program.until_there_are(3);
    assert!(recordings.iter().all(|one| one["meeting_id"] == standup.id), "{recordings:?}");
    // Keys of EventBridge are not encoded: what looks encoded is part of them.
    assert!(recordings.iter().any(|one| one["object_key"] == *bridged_key), "{recordings:?}");
    uploads.are_done();
    // With the bucket's own test.
    eventually("all are acknowledged", || (program.measured("acknowledged_total") == 6.0).then_some(()));
    assert_eq!(program.measured("unreadable_total"), 0.0);
}

fn record(bucket: &str, key: &str, n: usize) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": bucket }, "object": { "key": key, "size": 3, "eTag": format!("tag{n}") } },
    })
}

#[test]
fn of_a_bucket_that_keeps_versions_each_is_a_revision_and_all_are_erased() {
    let uploads = Uploads::at(moto(), true, None);
    let program = Program::start_with(&uploads.environment());
    let key = Meeting::begin(&program, "standup").key(1);
    uploads.put(&key, "one");
    program.until_there_are(1);
    uploads.put(&key, "two");
    let recordings = program.until_there_are(2);
    let mut revisions: Vec<_> = recordings.iter().map(|one| one["revision"].as_u64()).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, [Some(1), Some(2)]);
    program.erases(&recordings[0]);
    assert_eq!(uploads.objects(&key), 0);
    assert_eq!(program.recordings().len(), 1, "the other revision is told of until it is deleted too");
    reconciled(program.folder().path(), &uploads.environment());
    assert_eq!(program.recordings().len(), 1);
}
