//! Messages: which are taken out of the queue, when, and what becomes of those that cannot be read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reflector_core::recording::RecordingSource;
use reflector_core::store::DeadLetter;
use reflector_core::testing::{Fault, Flaky};

use super::archive::{Archive, recordings_on};

const POISON: &str = r#"{"Records":[{"eventName":"#;

#[tokio::test]
async fn what_nobody_wants_is_acknowledged_and_not_kept() {
    let archive = Archive::new().await;
    for key in ["notes.txt", "thumbs/standup.jpg", "a folder.mp4/", ".mp4"] {
        archive.puts(key);
    }
    archive.source.send_test();
    let sum = archive.takes_in().await;
    assert_eq!((sum.others, sum.acknowledged, sum.stored), (5, 5, 0));
    assert_eq!(archive.source.queued(), 0);
    assert_eq!(archive.reconciles().await.there, 0);
    assert_eq!(archive.kept().await, []);
}

#[tokio::test]
async fn while_the_store_is_ill_no_message_is_acknowledged() {
    let mut archive = Archive::new().await;
    let id = archive.town.meet().await;
    archive.records(id).await;
    archive.puts("notes.txt");
    archive.source.send_garbage(POISON);
    let ill = Arc::new(Flaky::new(Arc::clone(&archive.town.store), |_| Some(Fault::Before)));
    let recordings = recordings_on(&archive.town, ill);
    let messages = archive.source.receive().await.expect("sound");
    assert_eq!(messages.len(), 3);
    for _ in 0..3 {
        let ingested = recordings.ingest_once(&archive.source, &messages, archive.now(), &*archive.ids).await;
        assert!(ingested.is_err(), "{ingested:?}");
    }
    assert_eq!(archive.source.queued(), 3);

    let ingested = archive.recordings.ingest_once(&archive.source, &messages, archive.now(), &*archive.ids);
    assert_eq!(ingested.await.expect("sound").acknowledged, 2);
    assert_eq!((archive.kept().await.len(), archive.source.queued()), (1, 1));
}

#[tokio::test]
async fn a_message_that_cannot_be_acknowledged_is_named_and_holds_up_no_other() {
    let mut archive = Archive::new().await;
    let id = archive.town.meet().await;
    archive.records(id).await;
    let lost = archive.source.receive().await.expect("sound");
    // It was too long in hand, and somebody else has it.
    archive.pass(archive.source.in_hand());
    archive.puts("notes.txt");
    let mut messages = archive.source.receive().await.expect("sound");
    messages[0].receipt = lost[0].receipt.clone();
    let ingested = archive.recordings.ingest_once(&archive.source, &messages, archive.now(), &*archive.ids);
    let ingested = ingested.await.expect("sound");
    assert_eq!((ingested.stored.len(), ingested.acknowledged), (1, 1));
    let left: Vec<_> = ingested.unacknowledged.iter().map(|left| &left.receipt).collect();
    assert_eq!(left, [&lost[0].receipt]);
    assert!(!ingested.unacknowledged[0].error.is_empty());

    archive.pass(archive.source.in_hand());
    let sum = archive.takes_in().await;
    assert_eq!((sum.known, sum.acknowledged, archive.source.queued()), (1, 1, 0));
    archive.only().await;
}

/// 500 that can be read around one that cannot, taken in for so many times that a message is in hand. How often each
/// was received.
async fn beside_poison(archive: &mut Archive, rounds: u32) -> BTreeMap<String, u32> {
    let id = archive.town.meet().await;
    let mut receives = BTreeMap::new();
    for n in 0..500 {
        if n == 3 {
            archive.source.send_garbage(POISON);
        }
        archive.puts(&format!("{n}/{}", archive.key(id, n).await));
    }
    for _ in 0..rounds {
        loop {
            let messages = archive.source.receive().await.expect("sound");
            if messages.is_empty() {
                break;
            }
            for message in &messages {
                receives.insert(message.id.clone(), message.receives);
            }
            let ingested =
                archive.recordings.ingest_once(&archive.source, &messages, archive.now(), &*archive.ids);
            ingested.await.expect("sound");
        }
        archive.pass(archive.source.in_hand());
    }
    receives
}

#[tokio::test]
async fn one_message_that_cannot_be_read_holds_up_none_of_five_hundred_and_is_set_aside_after_five_receives()
{
    let mut archive = Archive::new().await;
    let receives = beside_poison(&mut archive, 4).await;
    assert_eq!((archive.kept().await.len(), archive.source.queued()), (500, 1));
    assert_eq!(receives.values().filter(|times| **times == 1).count(), 500, "each good one came once");
    assert_eq!(receives.values().max(), Some(&4));
    assert_eq!(archive.letters().await, []);

    let set_aside_at = archive.now();
    let sum = archive.takes_in().await;
    assert_eq!((sum.set_aside, sum.unreadable, sum.acknowledged), (1, 0, 1));
    assert_eq!(archive.source.queued(), 0);
    let letters = archive.letters().await;
    let DeadLetter { body, error, at, .. } = &letters[0];
    assert_eq!((letters.len(), body.as_str(), *at), (1, POISON, set_aside_at));
    assert!(!error.is_empty());
}

#[tokio::test]
async fn one_message_that_cannot_be_read_is_never_deleted_where_a_queue_of_dead_letters_takes_it() {
    let mut archive = Archive::new().await;
    archive.source = archive.source.with_dead_letters();
    let receives = beside_poison(&mut archive, 20).await;
    assert_eq!((archive.kept().await.len(), archive.source.queued()), (500, 1));
    assert_eq!(receives.values().filter(|times| **times == 1).count(), 500, "each good one came once");
    assert_eq!(receives.values().max(), Some(&20));
    assert_eq!(archive.letters().await, []);
}

#[tokio::test]
async fn a_source_that_cannot_say_whether_it_sets_dead_letters_aside_keeps_its_message() {
    let mut archive = Archive::new().await;
    archive.source.send_garbage(POISON);
    let mut messages = Vec::new();
    for _ in 0..5 {
        messages = archive.source.receive().await.expect("sound");
        archive.pass(archive.source.in_hand() + Duration::from_secs(1));
    }
    archive.source.fail(true);
    let ingested = archive.recordings.ingest_once(&archive.source, &messages, archive.now(), &*archive.ids);
    let ingested = ingested.await.expect("the store is well");
    assert_eq!((ingested.set_aside, ingested.unreadable.len()), (0, 1));
    archive.source.fail(false);
    assert_eq!(archive.source.queued(), 1);
    assert_eq!(archive.takes_in().await.set_aside, 1);
}
