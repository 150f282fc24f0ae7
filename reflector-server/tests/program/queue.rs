//! A bucket and its queue as the source of recordings, of a server that looks like S3 and SQS.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use reflector_test_aws::{BucketWithQueue, Counts, moto};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::http::Request;
use crate::program::{PROGRAM, Program, bare, eventually, run};
use crate::recordings::held;
use crate::shell::said;

/// A bucket that tells a queue, and what a program needs to know of them.
struct Uploads {
    runtime: Runtime,
    bucket: BucketWithQueue,
}

impl Uploads {
    fn new() -> Self {
        let runtime = Runtime::new().expect("it can be made");
        let bucket = runtime.block_on(moto().bucket_with_queue(false, "4", None));
        Self { runtime, bucket }
    }

    /// Puts an object there, which is announced if its key ends with a 4.
    fn put(&self, key: &str, text: &str) {
        self.runtime.block_on(self.bucket.put(key, text.as_bytes()));
    }

    fn lose_one(&self) {
        self.runtime.block_on(self.bucket.lose_one()).expect("there is a message");
    }

    fn send(&self, body: &str) {
        self.runtime.block_on(self.bucket.send(body));
    }

    fn counts(&self) -> Counts {
        self.runtime.block_on(self.bucket.counts())
    }

    /// How many objects there are.
    fn objects(&self) -> usize {
        self.runtime.block_on(self.bucket.versions(""))
    }

    fn environment(&self) -> Vec<(&str, &str)> {
        let ours = [
            ("AWS_PROCESS_RECORDING_QUEUE_URL", self.bucket.queue_url()),
            ("RECORDING_STORAGE_AWS_BUCKET_NAME", self.bucket.bucket()),
        ];
        moto().environment().into_iter().chain(ours).collect()
    }
}

/// Started with a flag.
fn start_with_flag(folder: &Arc<tempfile::TempDir>, environment: &[(&str, &str)], flag: &str) -> Program {
    let mut command = bare(Command::new(PROGRAM), folder.path());
    command.arg(flag).envs(environment.iter().copied());
    Program::start_as(command, Arc::clone(folder))
}

fn reconciled(folder: &Path, environment: &[(&str, &str)]) -> String {
    let output = run(folder, environment, &["recordings", "reconcile"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn what_a_bucket_announces_becomes_recordings_once_and_is_erased_with_them() {
    let uploads = Uploads::new();
    let environment = uploads.environment();
    let program = Program::start_with(&environment);
    let (meeting, name) = held(&program);
    uploads.send("no JSON at all");
    uploads.put("page 4", "text");
    let key = format!("a folder/{name}");
    uploads.put(&key, "video");
    let recording = program.recording(&key);
    let said = |field: &str| recording[field].clone();
    assert_eq!(
        (said("meeting_id"), said("bucket_name")),
        (meeting["id"].clone(), json!(uploads.bucket.bucket()))
    );
    assert_eq!((said("status"), said("size")), (json!("pending"), json!(5)));
    // The page, and the message by which a bucket tries its queue.
    eventually("the others are passed over", || (program.measured("others_total") == 2.0).then_some(()));
    assert!(program.measured("unreadable_total") >= 1.0);
    let left = Counts { in_hand: 1, ..Counts::default() };
    eventually("only what cannot be read is left", || (uploads.counts() == left).then_some(()));

    let program = Program::start_in(program.kill(), &environment);
    uploads.put(&key, "longer video");
    let two =
        eventually("the newer one is there", || Some(program.recordings()).filter(|all| all.len() == 2));
    assert_eq!((&two[0]["revision"], &two[1]), (&json!(2), &recording));
    let id = two[0]["id"].as_str().expect("an id");
    assert_eq!(uploads.objects(), 2);
    assert_eq!(program.send(&Request::new("DELETE", format!("/recordings/{id}"))).status, 204);
    assert_eq!(uploads.objects(), 1, "the page");
}

#[test]
fn what_was_never_announced_is_taken_in_by_command_and_at_the_start_if_that_is_asked() {
    let uploads = Uploads::new();
    let environment = uploads.environment();
    uploads.put("one.mp4", "video");
    uploads.lose_one();
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    said(folder.path(), &["migrate"]);
    assert_eq!(
        reconciled(folder.path(), &environment),
        "queue: 1 recordings there, 1 taken in, 0 queued again\n"
    );

    uploads.put("other.mp4", "video");
    uploads.lose_one();
    let program = start_with_flag(&folder, &environment, "--reconcile");
    program.recording("other.mp4");
    assert_eq!(program.recordings().len(), 2);
}

#[test]
fn a_queue_that_is_away_holds_up_neither_requests_nor_another_source() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    std::fs::create_dir(folder.path().join("recordings")).expect("it can be made");
    std::fs::write(folder.path().join("recordings/one.mp4"), "video").expect("it can be written");
    let queue_url = "http://127.0.0.1:1/123456789012/recordings";
    let mut environment = moto().environment().to_vec();
    environment.retain(|(name, _)| *name != "AWS_ENDPOINT_URL");
    environment.extend([
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_PROCESS_RECORDING_QUEUE_URL", queue_url),
        ("REFLECTOR_RECORDINGS_DIR", "recordings"),
    ]);
    let program = Program::start_in(folder, &environment);
    program.recording("one.mp4");
    let sources = eventually("it is told", || {
        let ready = program.read("/readyz");
        (ready["status"] == "degraded").then(|| ready["recordings"].clone())
    });
    assert_eq!(sources["folder"], "taken in");
    assert!(sources["queue"].as_str().is_some_and(|said| said.starts_with("away since")), "{sources}");
    let text = program.get("/metrics").text();
    for line in ["source_up{source=\"queue\"} 0", "source_up{source=\"folder\"} 1"] {
        assert!(text.contains(line), "`{line}` is not in {text}");
    }
    program.make_room("standup");
}

#[test]
fn without_a_bucket_any_is_taken_from_and_none_is_compared() {
    let uploads = Uploads::new();
    let mut environment = uploads.environment();
    environment.retain(|(name, _)| *name != "RECORDING_STORAGE_AWS_BUCKET_NAME");
    let program = Program::start_with(&environment);
    uploads.put("one.mp4", "video");
    program.recording("one.mp4");
    eventually("it is said", || program.logged().contains("names no bucket").then_some(()));
    let said = reconciled(program.folder().path(), &environment);
    assert!(said.starts_with("queue: not compared") && said.lines().count() == 1, "{said}");
}

#[test]
fn what_is_in_another_bucket_is_passed_over_if_one_is_named() {
    let (ours, others) = (Uploads::new(), Uploads::new());
    let mut environment = others.environment();
    environment.retain(|(name, _)| *name != "RECORDING_STORAGE_AWS_BUCKET_NAME");
    let with_folder = format!("{}/recordings", ours.bucket.bucket());
    environment.push(("RECORDING_STORAGE_AWS_BUCKET_NAME", &with_folder));
    let program = Program::start_with(&environment);
    others.put("one.mp4", "video");
    eventually("it is passed over", || (program.measured("others_total") == 2.0).then_some(()));
    assert_eq!(program.recordings(), [] as [Value; 0]);
    ours.put("below/other.mp4", "video");
    let said = reconciled(program.folder().path(), &environment);
    assert_eq!(
        said, "queue: 1 recordings there, 1 taken in, 0 queued again\n",
        "the bucket is listed without the folder"
    );
}

#[test]
fn a_queue_of_no_region_stops_the_start_with_one_line() {
    let environment = [
        ("AWS_PROCESS_RECORDING_QUEUE_URL", "http://127.0.0.1:1/1/q"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &environment, &["serve"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = said.lines().find(|line| line.starts_with("reflector: ")).unwrap_or_default();
    assert!(output.status.code() == Some(1) && line.contains("AWS_REGION"), "{output:?}");
}
