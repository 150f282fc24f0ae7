//! The ways in which objects come into a bucket, and messages into its queue.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::program::eventually;
use crate::studio::{Meeting, Studio, all, await_total, figure, total};

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_are_put_uploaded_in_parts_and_copied_become_recordings_of_their_meetings() {
    let studio = Studio::new(false, None).await;
    let program = studio.start();
    let (standup, retro) = (Meeting::begin(&program, "standup"), Meeting::begin(&program, "retro"));
    let folder = "Größe + 100%: ein Ordner=ä";
    let keys = [
        (standup.key(1), &standup),
        (format!("{folder}/{}", standup.key(2)), &standup),
        (format!("tief/er/{}", retro.key(3)), &retro),
        (format!("{folder}/{}", retro.key(4)), &retro),
    ];
    studio.bucket.put(&keys[0].0, b"one").await;
    studio.bucket.put_in_parts(&keys[1].0, b"two").await;
    studio.bucket.put(&keys[2].0, b"three").await;
    studio.bucket.put("plain.mp4", b"four").await;
    studio.bucket.copy("plain.mp4", &keys[3].0).await;
    studio.bucket.put(&standup.key(5).replace(".mp4", ".txt"), b"no recording").await;
    await_total(&program, 5);

    let recordings: BTreeMap<_, _> = all(&program)
        .into_iter()
        .map(|one| (one["object_key"].as_str().expect("a key").to_owned(), one))
        .collect();
    assert_eq!(recordings.len(), 5, "{:?}", recordings.keys());
    for (key, meeting) in &keys {
        let recording =
            recordings.get(key).unwrap_or_else(|| panic!("{key} is not in {:?}", recordings.keys()));
        assert_eq!(recording["meeting_id"], meeting.id, "{key}");
        assert_eq!(
            (recording["revision"].as_u64(), recording["status"].as_str()),
            (Some(1), Some("pending"))
        );
    }
    assert_eq!(recordings["plain.mp4"]["status"], "unmatched");
    assert_eq!(recordings[&keys[1].0]["size"], 5 * 1024 * 1024 + 3);
    eventually("the queue is empty", || {
        (figure(&program, "reflector_recordings_acknowledged_total") >= 6.0).then_some(())
    });
    let counts = studio.bucket.counts().await;
    assert_eq!((counts.waiting, counts.in_hand), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_in_every_envelope_become_recordings_and_a_test_is_no_error() {
    let studio = Studio::new(false, None).await;
    let program = studio.start();
    let standup = Meeting::begin(&program, "standup");
    let plain = |n| json!({ "Records": [record(&standup.key(n).replace(':', "%3A"), n)] });
    let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2014-10-13T15:57:02.089Z", "Bucket": "b" });
    let wrapped = |inner: Value| json!({ "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:t", "Message": inner.to_string() });
    let bridged = json!({
        "version": "0", "id": "17793124", "detail-type": "Object Created", "source": "aws.s3",
        "detail": { "bucket": { "name": studio.bucket.bucket() }, "reason": "PutObject",
            "object": { "key": format!("a+b%2F/{}", standup.key(3)), "size": 5, "etag": "b1946ac9", "sequencer": "617f08299329d189" } },
    });
    let mut messages = vec![plain(1), wrapped(plain(2)), bridged, test.clone(), wrapped(test)];
    for message in &mut messages {
        let text = message.to_string().replace("BUCKET", studio.bucket.bucket());
        studio.bucket.send(&text).await;
    }
    await_total(&program, 3);
    let recordings = all(&program);
    assert!(recordings.iter().all(|one| one["meeting_id"] == standup.id), "{recordings:?}");
    // Keys of EventBridge are not encoded: what looks encoded is part of them.
    let keys: Vec<_> = recordings.iter().map(|one| one["object_key"].as_str().expect("a key")).collect();
    assert_eq!(keys.iter().filter(|key| key.starts_with("a+b%2F/")).count(), 1, "{keys:?}");
    eventually("all are acknowledged", || {
        (figure(&program, "reflector_recordings_acknowledged_total") >= 6.0).then_some(())
    });
    assert_eq!(figure(&program, "reflector_recordings_unreadable_total"), 0.0);
}

fn record(key: &str, n: usize) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": "BUCKET" }, "object": { "key": key, "size": 3, "eTag": format!("tag{n}") } },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_bucket_that_keeps_versions_each_is_a_revision_and_all_are_erased() {
    let studio = Studio::new(true, None).await;
    let program = studio.start();
    let standup = Meeting::begin(&program, "standup");
    let key = standup.key(1);
    studio.bucket.put(&key, b"one").await;
    await_total(&program, 1);
    studio.bucket.put(&key, b"two").await;
    await_total(&program, 2);
    let recordings = all(&program);
    let mut revisions: Vec<_> = recordings.iter().map(|one| one["revision"].as_u64()).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, [Some(1), Some(2)]);
    let id = recordings[0]["id"].as_str().expect("an id");
    let answer = program.send(&crate::http::Request::new("DELETE", format!("/recordings/{id}")));
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_eq!(studio.bucket.versions(&key).await, 0);
    assert_eq!(total(&program, None), 1, "the other revision is told of until it is deleted too");
    studio.says(&["recordings", "reconcile"]);
    assert_eq!(total(&program, None), 1);
}
