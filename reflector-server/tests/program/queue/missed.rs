//! What no message tells of: looked for at the start, by command, and only where it may be.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;

use super::Uploads;
use crate::program::{PROGRAM, Program, bare, eventually, run};
use crate::shell::said;

/// Started with a flag.
fn start_with_flag(folder: &Arc<tempfile::TempDir>, environment: &[(&str, &str)], flag: &str) -> Program {
    let mut command = bare(Command::new(PROGRAM), folder.path());
    command.arg(flag).envs(environment.iter().copied());
    Program::start_as(command, Arc::clone(folder))
}

pub(super) fn reconciled(folder: &Path, environment: &[(&str, &str)]) -> String {
    let output = run(folder, environment, &["recordings", "reconcile"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The next message is lost.
fn lose_one(uploads: &Uploads) {
    uploads.wait(uploads.bucket.lose_one()).expect("there is a message");
}

#[test]
fn what_was_never_announced_is_taken_in_by_command_and_at_the_start_if_that_is_asked() {
    let uploads = Uploads::new();
    let environment = uploads.environment();
    uploads.put("one.mp4", "video");
    lose_one(&uploads);
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    said(folder.path(), &["migrate"]);
    assert_eq!(
        reconciled(folder.path(), &environment),
        "queue: 1 recordings there, 1 taken in, 0 queued again\n"
    );

    uploads.put("other.mp4", "video");
    lose_one(&uploads);
    let program = start_with_flag(&folder, &environment, "--reconcile");
    program.recording("other.mp4");
    assert_eq!(program.recordings().len(), 2);
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
