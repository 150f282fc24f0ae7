//! Fetching: once, from where it was left, and never half.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Mutex;

use reflector_core::pipeline::{Inputs, Pipeline, Progress, Transcript};

use crate::bucket::Fault;
use crate::world::{World, again, failed, id, output, transcript, work};

/// A world with an object of so many bytes, which are all different.
fn with_object(size: usize) -> (World, Transcript, Vec<u8>) {
    let world = World::new();
    let transcript = transcript(size as u64);
    let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
    world.bucket.put(&transcript.object, bytes.clone());
    (world, transcript, bytes)
}

fn file(world: &World, name: &str) -> PathBuf {
    world.data_dir().join(id().to_string()).join(name)
}

fn leave(world: &World, name: &str, bytes: &[u8]) {
    let file = file(world, name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn an_object_is_fetched_to_the_byte_and_progress_is_told() {
    #[derive(Debug, Default)]
    struct Told(Mutex<Vec<(u64, u64)>>);
    impl Progress for Told {
        fn is_at(&self, done: u64, of: u64) {
            self.0.lock().unwrap().push((done, of));
        }
    }
    let (world, transcript, bytes) = with_object(100_000);
    let (told, made) = (Told::default(), Default::default());
    let inputs = Inputs { transcript: &transcript, made: &made, progress: &told };
    output(world.pipeline(world.settings()).work("fetch", inputs).await);
    assert!(fs::read(file(&world, "recording")).unwrap() == bytes, "it is not what was there");
    assert!(!file(&world, "recording.part").exists());
    let told = told.0.into_inner().unwrap();
    assert_eq!((told.first(), told.last()), (Some(&(0, 100_000)), Some(&(100_000, 100_000))));
    assert!(told.len() > 3 && told.is_sorted(), "{told:?}");
}

#[tokio::test]
async fn a_fetch_goes_on_where_it_broke_off() {
    let (world, transcript, bytes) = with_object(100_000);
    let pipeline = world.pipeline(world.settings());
    let made = Default::default();
    world.bucket.next(&[Fault::BreaksAfter(40_000), Fault::Unavailable, Fault::EndsAfter(10_000)]);
    assert!(again(work(&pipeline, "fetch", &transcript, &made).await).contains("the connection broke"));
    again(work(&pipeline, "fetch", &transcript, &made).await);
    assert_eq!(
        again(work(&pipeline, "fetch", &transcript, &made).await),
        "the object ended after 50000 of 100000 bytes"
    );
    assert!(!file(&world, "recording").exists(), "half of it was taken for all");
    output(work(&pipeline, "fetch", &transcript, &made).await);
    assert!(fs::read(file(&world, "recording")).unwrap() == bytes, "it is not what was there");
    assert_eq!(world.bucket.opened_at(), [0, 40_000, 40_000, 50_000]);
    // And what is there is not fetched again.
    output(work(&pipeline, "fetch", &transcript, &made).await);
    assert_eq!(world.bucket.opened_at().len(), 4);
}

#[tokio::test]
async fn what_was_left_is_gone_on_with_or_begun_anew_cleanly() {
    for (left, opened) in [(0, vec![0]), (70_000, vec![70_000]), (100_000, vec![]), (100_001, vec![0])] {
        let (world, transcript, bytes) = with_object(100_000);
        let mut before = bytes.clone();
        before.push(0);
        leave(&world, "recording.part", &before[..left]);
        output(work(&world.pipeline(world.settings()), "fetch", &transcript, &Default::default()).await);
        assert!(fs::read(file(&world, "recording")).unwrap() == bytes, "{left}");
        assert_eq!(world.bucket.opened_at(), opened, "{left}");
    }
}

#[tokio::test]
async fn a_recording_of_the_wrong_size_is_not_taken_for_it() {
    let (world, transcript, bytes) = with_object(1_000);
    leave(&world, "recording", &bytes[..999]);
    // A later stage needs it, too, and finds out when it has it that it is no recording.
    failed(work(&world.pipeline(world.settings()), "probe", &transcript, &Default::default()).await);
    assert!(fs::read(file(&world, "recording")).unwrap() == bytes, "it is not what was there");
}

#[tokio::test]
async fn an_object_that_is_gone_or_grew_or_may_not_be_read_fails_with_a_reason() {
    let (world, transcript, _) = with_object(1_000);
    let (pipeline, made) = (world.pipeline(world.settings()), Default::default());
    world.bucket.next(&[Fault::Refused]);
    assert!(failed(work(&pipeline, "fetch", &transcript, &made).await).contains("grant s3:GetObject"));

    let announced = Transcript { size: 999, ..transcript.clone() };
    let reason = failed(work(&pipeline, "fetch", &announced, &made).await);
    assert_eq!(
        reason,
        "the object has more than the 999 bytes that were announced: it was changed meanwhile"
    );

    world.bucket.erase(&transcript.object);
    let reason = failed(work(&pipeline, "fetch", &transcript, &made).await);
    assert!(reason.contains("is gone from the bucket `sample-bucket`"), "{reason}");
    assert!(reason.contains(&transcript.object.key), "{reason}");
}

#[tokio::test]
async fn two_workers_on_one_machine_fetch_it_once() {
    let (world, transcript, bytes) = with_object(300_000);
    let (one, other) = (world.pipeline(world.settings()), world.pipeline(world.settings()));
    let made = Default::default();
    let (first, second) =
        tokio::join!(work(&one, "fetch", &transcript, &made), work(&other, "fetch", &transcript, &made));
    assert_eq!(output(first), output(second));
    assert!(fs::read(file(&world, "recording")).unwrap() == bytes, "it is not what was there");
    assert_eq!(world.bucket.opened_at(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_another_worker_does_not_let_go_is_left_to_it() {
    let (world, transcript, _) = with_object(1_000);
    leave(&world, "recording.part", b"");
    let held = File::options().write(true).open(file(&world, "recording.part")).unwrap();
    held.lock().unwrap();
    let (pipeline, made) = (world.pipeline(world.settings()), Default::default());
    assert!(again(work(&pipeline, "fetch", &transcript, &made).await).contains("another worker"));
    held.unlock().unwrap();
    output(work(&pipeline, "fetch", &transcript, &made).await);
}

#[tokio::test]
async fn working_files_are_listed_and_discarded_by_transcript() {
    let (world, transcript, _) = with_object(1_000);
    let pipeline = world.pipeline(world.settings());
    assert!(pipeline.working_on().await.unwrap().is_empty());
    output(work(&pipeline, "fetch", &transcript, &Default::default()).await);
    fs::write(world.data_dir().join("not ours"), "").unwrap();
    assert_eq!(pipeline.working_on().await.unwrap(), [transcript.id]);
    pipeline.discard(transcript.id).await.unwrap();
    pipeline.discard(transcript.id).await.unwrap();
    assert!(pipeline.working_on().await.unwrap().is_empty());
    assert!(world.data_dir().join("not ours").exists());
}
