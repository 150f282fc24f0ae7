//! The folder as a source: the contracts, and what a file has to be to become a recording.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use reflector_core::Timestamp;
use reflector_core::recording::{Message, ObjectVersion, Objects, RecordingSource, SourceError, Version};
use reflector_core::testing::objects_suite::ObjectsHarness;
use reflector_core::testing::source_suite::SourceHarness;
use tempfile::TempDir;

use super::{Directory, IN_HAND, PAGE, Pace};

const QUIET: Duration = Duration::from_secs(5);

/// A folder that is watched, and a clock that only its test moves.
#[derive(Debug)]
struct Folder {
    directory: Directory,
    folder: TempDir,
    now: Arc<AtomicU64>,
    put: AtomicU64,
}

impl Folder {
    fn watched() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let now = Arc::new(AtomicU64::new(1_790_000_000));
        let seconds = Arc::clone(&now);
        let clock = Arc::new(move || at(seconds.load(Ordering::SeqCst)));
        let pace = Pace { look: Duration::ZERO, quiet: QUIET, wait: Duration::ZERO };
        let directory = Directory::new(&folder.path().join("recordings"), pace, clock);
        fs::create_dir(folder.path().join("recordings")).expect("it can be made");
        Self { directory, folder, now, put: AtomicU64::new(0) }
    }

    fn pass(&self, span: Duration) {
        self.now.fetch_add(span.as_secs(), Ordering::SeqCst);
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("recordings")
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root().join(key)
    }

    /// Writes a file, as somebody does who writes now, and differently each time.
    fn write(&self, key: &str) {
        let path = self.path(key);
        fs::create_dir_all(path.parent().expect("it is below the folder")).expect("it can be made");
        let times = 1 + self.put.fetch_add(1, Ordering::SeqCst);
        fs::write(&path, "x".repeat(usize::try_from(times).expect("few"))).expect("it can be written");
        self.touch(key, self.now.load(Ordering::SeqCst));
    }

    fn touch(&self, key: &str, seconds: u64) {
        let file = File::options().write(true).open(self.path(key)).expect("it is there");
        let written_at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        file.set_modified(written_at).expect("its time can be set");
    }

    /// One look, and what it finds to announce.
    async fn look(&self) -> Vec<String> {
        keys(&self.directory.receive().await.expect("the folder is there"))
    }

    async fn listed(&self) -> Vec<String> {
        let listing = self.directory.list(None).await.expect("the folder is there");
        listing.notices.into_iter().map(|notice| notice.object.key).collect()
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(0) + Duration::from_secs(seconds)
}

fn keys(messages: &[Message]) -> Vec<String> {
    let notices = messages.iter().flat_map(|message| &message.notices);
    notices.map(|notice| notice.object.key.clone()).collect()
}

#[async_trait]
impl SourceHarness for Folder {
    fn source(&self) -> &dyn RecordingSource {
        &self.directory
    }

    /// Puts a finished file there: written a while ago, and moved in.
    async fn put(&self, key: &str) {
        self.write(key);
        self.touch(key, self.now.load(Ordering::SeqCst) - QUIET.as_secs());
    }

    async fn send_garbage(&self, _: &str) -> bool {
        false
    }
}

#[async_trait]
impl ObjectsHarness for Folder {
    fn objects(&self) -> &dyn Objects {
        &self.directory
    }

    async fn put_bytes(&self, key: &str, bytes: &[u8]) -> ObjectVersion {
        self.put(key).await;
        fs::write(self.path(key), bytes).expect("it can be written");
        // Nobody writes twice in an instant.
        self.touch(key, 1_780_000_000 + self.put.fetch_add(1, Ordering::SeqCst));
        self.look().await;
        let listing = self.directory.list(None).await.expect("the folder is there");
        let mut listed = listing.notices.into_iter().map(|notice| notice.object);
        listed.find(|object| object.key == key).expect("it is listed")
    }

    async fn erase(&self, object: &ObjectVersion) {
        self.directory.erase(object).await.expect("it can be erased");
    }
}

mod contract {
    use super::Folder;

    async fn watched() -> Folder {
        Folder::watched()
    }

    reflector_core::source_suite!(watched);
    reflector_core::objects_suite!(watched);
}

#[tokio::test]
async fn a_file_that_is_written_to_waits_until_it_looks_the_same_twice_and_is_quiet() {
    let folder = Folder::watched();
    folder.write("a.mp4");
    assert_eq!(folder.look().await, [""; 0], "seen once");
    for _ in 0..3 {
        folder.pass(Duration::from_secs(4));
        folder.write("a.mp4");
        assert_eq!(folder.look().await, [""; 0], "it grows");
    }
    folder.pass(Duration::from_secs(4));
    assert_eq!(folder.look().await, [""; 0], "it is quiet for four seconds");
    assert_eq!(folder.listed().await, [""; 0], "a listing is as careful");
    folder.pass(Duration::from_secs(1));
    assert_eq!(folder.look().await, ["a.mp4"]);
    assert_eq!(folder.look().await, [""; 0], "it is in hand");
    assert_eq!(folder.listed().await, ["a.mp4"]);
}

#[tokio::test]
async fn a_file_that_was_moved_in_is_announced_at_the_second_look() {
    let folder = Folder::watched();
    folder.write(".upload");
    folder.touch(".upload", 1_789_000_000);
    assert_eq!(folder.look().await, [""; 0], "it is hidden");
    fs::rename(folder.path(".upload"), folder.path("a.mp4")).expect("it can be moved");
    assert_eq!(folder.look().await, [""; 0]);
    assert_eq!(folder.look().await, ["a.mp4"], "and no time has passed");
}

#[tokio::test]
async fn a_file_whose_time_lies_in_the_future_is_finished_when_it_has_looked_the_same_for_long_enough() {
    let folder = Folder::watched();
    folder.write("a.mp4");
    folder.touch("a.mp4", 1_900_000_000);
    assert_eq!(folder.look().await, [""; 0]);
    folder.pass(Duration::from_secs(4));
    assert_eq!(folder.look().await, [""; 0]);
    folder.pass(Duration::from_secs(1));
    assert_eq!(folder.look().await, ["a.mp4"]);
}

#[tokio::test]
async fn an_object_is_named_after_the_folder_and_its_version_after_its_size_and_time() {
    let folder = Folder::watched();
    folder.put("below/a.mp4").await;
    folder.look().await;
    let listing = folder.directory.list(None).await.unwrap();
    let notice = &listing.notices[0];
    assert_eq!(
        (notice.object.bucket.as_str(), notice.object.key.as_str()),
        ("file:recordings", "below/a.mp4")
    );
    assert_eq!(
        (notice.size, &notice.object.version),
        (1, &Version::Tag("1-1789999995.000000000".to_owned()))
    );
}

#[tokio::test]
async fn hidden_empty_and_linked_files_and_names_that_are_not_text_are_passed_over() {
    let folder = Folder::watched();
    let outside = folder.folder.path().join("outside");
    fs::create_dir(&outside).expect("it can be made");
    fs::write(outside.join("secret.mp4"), "x").expect("it can be written");
    for key in ["a.mp4", ".hidden.mp4", ".hidden/b.mp4", "open/c.mp4"] {
        folder.put(key).await;
    }
    File::create(folder.path("empty.mp4")).expect("it can be made");
    symlink(&outside, folder.path("linked")).expect("it can be linked");
    symlink(outside.join("secret.mp4"), folder.path("linked.mp4")).expect("it can be linked");
    symlink(folder.root(), folder.path("open/round")).expect("it can be linked");
    fs::write(folder.root().join(std::ffi::OsStr::from_bytes(b"\xff.mp4")), "x").expect("it can be written");
    folder.pass(QUIET);
    folder.look().await;
    assert_eq!(folder.look().await, ["a.mp4", "open/c.mp4"]);
}

#[tokio::test]
async fn a_folder_below_that_cannot_be_read_holds_up_no_other_file() {
    let folder = Folder::watched();
    folder.put("a.mp4").await;
    // Each half can be made by its path; together they are too long for one, also for whoever may read everything.
    let half = vec!["x".repeat(250); 9].join("/");
    for top in ["one", "two"] {
        fs::create_dir_all(folder.path(top).join(&half)).expect("it can be made");
    }
    fs::rename(folder.path("two"), folder.path("one").join(&half).join("two")).expect("it can be moved");
    let beneath = folder.path("one").join(&half).join("two").join(&half);
    assert!(fs::read_dir(beneath).is_err(), "otherwise this proves nothing");
    folder.look().await;
    assert_eq!(folder.look().await, ["a.mp4"]);
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again_when_nobody_has_it_in_hand_any_more() {
    let folder = Folder::watched();
    folder.put("a.mp4").await;
    folder.look().await;
    let first = folder.directory.receive().await.unwrap();
    let receipt = [first[0].receipt.clone()];
    folder.pass(IN_HAND - Duration::from_secs(1));
    assert_eq!(folder.look().await, [""; 0]);
    folder.directory.extend(&receipt).await.unwrap();
    folder.pass(IN_HAND - Duration::from_secs(1));
    assert_eq!(folder.look().await, [""; 0]);
    folder.pass(Duration::from_secs(1));
    let again = folder.directory.receive().await.unwrap();
    assert_eq!((again[0].receives, &again[0].id), (2, &first[0].id));
    let refused = folder.directory.acknowledge(&receipt).await.unwrap();
    assert_eq!(refused.len(), 1, "somebody else has it in hand");
}

#[tokio::test]
async fn a_file_that_goes_before_it_is_received_is_not_announced() {
    let folder = Folder::watched();
    for n in 0..11 {
        folder.put(&format!("{n:02}.mp4")).await;
    }
    folder.look().await;
    assert_eq!(folder.look().await.len(), 10);
    fs::remove_file(folder.path("10.mp4")).expect("it can be removed");
    assert_eq!(folder.look().await, [""; 0]);
    assert_eq!(folder.listed().await.len(), 10);
}

#[tokio::test]
async fn a_listing_of_more_files_than_a_page_holds_goes_on() {
    let folder = Folder::watched();
    for n in 0..=PAGE {
        folder.put(&format!("{n:04}.mp4")).await;
    }
    let first = folder.directory.list(None).await.unwrap();
    let second = folder.directory.list(first.next.as_deref()).await.unwrap();
    assert_eq!((first.notices.len(), second.notices.len(), second.next), (PAGE, 1, None));
    assert_eq!(second.notices[0].object.key, "1000.mp4");
}

#[tokio::test]
async fn nothing_outside_the_folder_can_be_erased_or_read() {
    let folder = Folder::watched();
    let outside = folder.folder.path().join("outside");
    fs::create_dir(&outside).expect("it can be made");
    fs::write(outside.join("a.mp4"), "x").expect("it can be written");
    folder.put("a.mp4").await;
    symlink(&outside, folder.path("linked")).expect("it can be linked");
    folder.look().await;
    let mut object = folder.directory.list(None).await.unwrap().notices[0].object.clone();
    for key in ["../outside/a.mp4", "linked/a.mp4", "linked", "/etc/passwd", "", ".", "a.mp4/", "x/../a.mp4"]
    {
        key.clone_into(&mut object.key);
        let refused = folder.directory.erase(&object).await;
        assert!(matches!(refused, Err(SourceError::Refused { .. })), "{key}: {refused:?}");
        let refused = folder.directory.open(&object, 0).await.map(|opened| opened.is_some());
        assert!(matches!(refused, Err(SourceError::Refused { .. })), "{key}: {refused:?}");
    }
    assert!(outside.join("a.mp4").exists() && folder.path("a.mp4").exists());
}

#[tokio::test]
async fn a_folder_that_is_away_is_not_taken_for_an_empty_one() {
    let folder = Folder::watched();
    folder.put("a.mp4").await;
    folder.look().await;
    folder.look().await;
    let object = folder.directory.list(None).await.unwrap().notices[0].object.clone();
    let elsewhere = folder.folder.path().join("elsewhere");
    fs::rename(folder.root(), &elsewhere).expect("it can be moved");
    for answer in [
        folder.directory.receive().await.map(drop),
        folder.directory.list(None).await.map(drop),
        folder.directory.erase(&object).await,
        folder.directory.open(&object, 0).await.map(drop),
    ] {
        assert!(matches!(answer, Err(SourceError::Unavailable { .. })), "{answer:?}");
    }
    fs::rename(&elsewhere, folder.root()).expect("it can be moved");
    assert_eq!(folder.listed().await, ["a.mp4"]);
    fs::remove_dir_all(folder.root()).expect("it can be removed");
    fs::write(folder.root(), "x").expect("it can be written");
    let refused = folder.directory.receive().await;
    assert!(matches!(refused, Err(SourceError::Refused { .. })), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_receives_waits_for_what_comes_and_several_look_no_more_often_than_one() {
    let folder = Folder::watched();
    let clock = folder.directory.clock.clone();
    let pace = Pace { look: Duration::from_secs(1), quiet: QUIET, wait: Duration::from_secs(10) };
    let directory = Directory::new(&folder.root(), pace, clock);
    let asked = tokio::time::Instant::now();
    assert_eq!(directory.receive().await.unwrap(), []);
    assert_eq!(asked.elapsed(), Duration::from_secs(10));
    folder.put("a.mp4").await;
    let asked = tokio::time::Instant::now();
    let (one, other) = tokio::join!(directory.receive(), directory.receive());
    assert_eq!(keys(&one.unwrap()).len() + keys(&other.unwrap()).len(), 1);
    assert_eq!(asked.elapsed(), Duration::from_secs(10), "the one that got nothing waited");
}

#[tokio::test]
async fn a_file_that_was_written_to_is_another_one_also_while_it_is_read() {
    let folder = Folder::watched();
    let object = folder.put_bytes("a.mp4", &[b'a'; 200_000]).await;
    let mut opened = folder.directory.open(&object, 0).await.unwrap().expect("it is there");
    let some = opened.next().await.unwrap().expect("it has bytes");
    assert!(some.len() < 200_000, "it is in the memory as a whole");
    fs::write(folder.path("a.mp4"), [b'b'; 200_000]).expect("it can be written");
    let broken = opened.next().await;
    let told =
        matches!(&broken, Err(SourceError::Unavailable { detail, .. }) if detail.contains("written to"));
    assert!(told, "{broken:?}");
    assert!(folder.directory.open(&object, some.len() as u64).await.unwrap().is_none());
    folder.touch("a.mp4", 1_770_000_000);
    assert!(folder.directory.open(&object, 0).await.unwrap().is_none(), "the same size, but another time");
}

#[tokio::test]
async fn a_file_that_is_taken_away_while_it_is_read_is_read_to_its_end() {
    let folder = Folder::watched();
    let object = folder.put_bytes("a.mp4", &[b'a'; 200_000]).await;
    let mut opened = folder.directory.open(&object, 0).await.unwrap().expect("it is there");
    let mut read = opened.next().await.unwrap().expect("it has bytes").len();
    fs::remove_file(folder.path("a.mp4")).expect("it can be removed");
    while let Some(some) = opened.next().await.unwrap() {
        read += some.len();
    }
    assert_eq!(read, 200_000);
}
