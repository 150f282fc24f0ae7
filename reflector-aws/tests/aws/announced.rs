//! What is put into a bucket arrives under its very key, however it was put there.

use reflector_core::recording::{Message, Notice, RecordingSource, Version};
use reflector_test_aws::{Put, moto};

use crate::world::{listed, received, source_of};

/// Keys with all that form-encoding changes.
const KEYS: [&str; 5] = [
    "a folder/a b.mp4",
    "My Room+1-2023-10-31T13:09:35Z.mp4",
    "100% sure %20 %2B.mp4",
    "Übung/größe.mp4",
    "a=b&c?d#e~f'g(h).mp4",
];

fn tag(put: &Put) -> Version {
    Version::Tag(put.tag.clone())
}

fn notices(messages: &[Message]) -> Vec<&Notice> {
    messages.iter().flat_map(|message| &message.notices).collect()
}

#[tokio::test]
async fn an_object_arrives_under_its_very_key_and_is_listed_under_the_same() {
    let uploads = moto().bucket_with_queue(false, ".mp4", None).await;
    let source = source_of(&uploads).await;
    for key in KEYS {
        let put = uploads.put(key, b"sound").await;
        let messages = received(&source).await;
        let announced = notices(&messages);
        assert_eq!(announced.len(), 1, "{key}: {messages:?}");
        let object = &announced[0].object;
        assert_eq!((object.bucket.as_str(), object.key.as_str()), (uploads.bucket(), key));
        assert_eq!((&object.version, announced[0].size), (&tag(&put), 5));
    }
    let mut listed: Vec<_> = listed(&source).await.0.into_iter().map(|notice| notice.object.key).collect();
    listed.sort();
    let mut keys = KEYS;
    keys.sort_unstable();
    assert_eq!(listed, keys);
}

#[tokio::test]
async fn an_upload_in_parts_is_one_object_however_often_it_is_announced() {
    let uploads = moto().bucket_with_queue(false, ".mp4", None).await;
    let source = source_of(&uploads).await;
    for key in KEYS {
        let put = uploads.put_in_parts(key, b"sound").await;
        let messages = received(&source).await;
        let announced = notices(&messages);
        assert!(!announced.is_empty(), "{key}");
        for notice in announced {
            assert_eq!((notice.object.key.as_str(), &notice.object.version), (key, &tag(&put)));
            assert_eq!(notice.size, (5 << 20) + 5);
        }
    }
}

#[tokio::test]
async fn a_copy_is_an_object_of_its_own() {
    let uploads = moto().bucket_with_queue(false, ".mp4", None).await;
    let source = source_of(&uploads).await;
    uploads.put("plain.mp4", b"sound").await;
    received(&source).await;
    for key in KEYS {
        let put = uploads.copy("plain.mp4", key).await;
        let messages = received(&source).await;
        let announced: Vec<_> = notices(&messages).into_iter().map(|notice| &notice.object).collect();
        assert_eq!(announced.len(), 1, "{key}: {messages:?}");
        assert_eq!((announced[0].key.as_str(), &announced[0].version), (key, &tag(&put)));
    }
}

#[tokio::test]
async fn what_has_another_ending_is_not_announced() {
    let uploads = moto().bucket_with_queue(false, ".mp4", None).await;
    let source = source_of(&uploads).await;
    for key in ["a.txt", "a.mp4.txt", "a.MP4"] {
        uploads.put(key, b"text").await;
    }
    assert_eq!(notices(&received(&source).await), Vec::<&Notice>::new());
}

#[tokio::test]
async fn the_message_by_which_a_bucket_tries_its_queue_is_counted_and_announces_nothing() {
    let uploads = moto().bucket_with_queue(false, ".mp4", None).await;
    let messages = received(&source_of(&uploads).await).await;
    assert_eq!(messages.len(), 1);
    let tried = &messages[0];
    assert_eq!((tried.notices.as_slice(), tried.others, &tried.unreadable), (&[][..], 1, &None));
    assert!(!tried.id.is_empty() && tried.sent_at.is_some(), "{tried:?}");
}

#[tokio::test]
async fn of_several_records_the_good_ones_arrive_and_the_message_is_unreadable() {
    let uploads = moto().bucket_with_queue(false, ".mp4", None).await;
    let source = source_of(&uploads).await;
    received(&source).await;
    let body = include_str!("../../fixtures/several_records.json");
    uploads.send(body).await;
    let messages = source.receive().await.unwrap();
    let keys: Vec<_> = notices(&messages).into_iter().map(|notice| notice.object.key.as_str()).collect();
    assert_eq!(keys, ["first.mp4", "last.mp4"]);
    assert_eq!((messages.len(), messages[0].others), (1, 2));
    assert_eq!(messages[0].unreadable.as_ref().map(|unreadable| unreadable.body.as_str()), Some(body));
}
