//! The server comes up, behaves like AWS where the tests rely on it, and goes away with whoever started it.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use reflector_test_aws::{Counts, Moto, PROGRAM, moto};

#[tokio::test]
async fn each_bucket_and_queue_is_of_its_own_and_told_of_what_has_its_ending() {
    let (one, other) = (
        moto().bucket_with_queue(false, ".mp4", None).await,
        moto().bucket_with_queue(false, ".mp4", None).await,
    );
    one.put("a.txt", b"1").await;
    one.put("a b.mp4", b"1").await;
    // One message is the one by which a bucket tries its queue.
    assert_eq!(one.counts().await, Counts { waiting: 2, ..Counts::default() });
    assert_eq!(other.counts().await, Counts { waiting: 1, ..Counts::default() });

    let lost = one.lose_one().await.unwrap();
    assert!(lost.contains("ObjectCreated:Put") && lost.contains("a+b.mp4"), "{lost}");
    assert_eq!(one.lose_one().await, None);
    assert_eq!(one.counts().await, Counts::default());
}

#[tokio::test]
async fn what_is_put_in_parts_or_copied_is_announced_as_that() {
    let uploads = moto().bucket_with_queue(false, ".mp4", None).await;
    let put = uploads.put_in_parts("parts.mp4", b"1").await;
    assert!(put.tag.ends_with("-2"), "{put:?}");
    uploads.copy("parts.mp4", "copied.mp4").await;
    let mut told = Vec::new();
    while let Some(body) = uploads.lose_one().await {
        told.push(body);
    }
    for event in ["ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Copy"] {
        assert!(told.iter().any(|body| body.contains(event)), "{told:?}");
    }
}

#[tokio::test]
async fn a_bucket_keeps_versions_if_it_is_to() {
    let uploads = moto().bucket_with_queue(true, ".mp4", None).await;
    let (one, other) = (uploads.put("a.mp4", b"1").await, uploads.put("a.mp4", b"1").await);
    assert!(one.version_id.is_some() && one.version_id != other.version_id, "{one:?} {other:?}");
    uploads.delete("a.mp4").await;
    assert_eq!(uploads.versions("a.mp4").await, 3, "two and a mark");

    let forgetful = moto().bucket_with_queue(false, ".mp4", None).await;
    assert_eq!(forgetful.put("a.mp4", b"1").await.version_id, None);
    forgetful.delete("a.mp4").await;
    assert_eq!(forgetful.versions("a.mp4").await, 0);
}

#[test]
fn a_server_goes_away_with_a_process_that_is_killed() {
    let mut holder = Command::new(env!("CARGO_BIN_EXE_reflector-test-aws"))
        .args(["sh", "-c", "echo \"$AWS_ENDPOINT_URL\"; exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let endpoint = lines.next().unwrap().unwrap();
    let address = endpoint.strip_prefix("http://").unwrap();
    TcpStream::connect(address).unwrap();
    holder.kill().unwrap();
    // What it ran ends with its standard input.
    drop(holder.stdin.take());
    holder.wait().unwrap();

    // Another process takes it away, and tells nobody when it has.
    let begun = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{address} is still there");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_that_is_dropped_is_gone() {
    let moto = Moto::start();
    let address = moto.endpoint().strip_prefix("http://").unwrap().to_owned();
    TcpStream::connect(&address).unwrap();
    drop(moto);
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn where_there_is_no_moto_a_line_says_how_to_get_it() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_reflector-test-aws"));
    let output = program.arg("true").env(PROGRAM, "nowhere/moto_server").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        said.lines().any(|line| line.ends_with("at nowhere/moto_server: run bash scripts/test.sh")),
        "{said}"
    );
}
