//! S3 and SQS of their own for tests: [moto](https://docs.getmoto.org)'s server, gone with the process.
//!
//! ```no_run
//! # async fn example() {
//! let uploads = reflector_test_aws::moto().bucket_with_queue(false, ".mp4", None).await;
//! uploads.put("a folder/a recording.mp4", b"its sound").await;
//! println!("{} announces it, at {}", uploads.queue_url(), reflector_test_aws::moto().endpoint());
//! # }
//! ```
//!
//! Every test has a [`BucketWithQueue`] of its own. All of a process share one [`Moto`], which is started when the
//! first asks and which a watchdog takes away when the process is gone, however it went.
//! `cargo run -p reflector-test-aws -- COMMAND` starts one and runs a command with the variables set that lead there.
//!
//! What moto does otherwise than AWS: a message about an object in a bucket that keeps versions names none, a
//! multipart upload is announced twice, and there are no sequencers. What its queues do wrong when many use them at once,
//! `moto/sitecustomize.py` mends.

mod bucket;
mod server;

use std::sync::OnceLock;

pub use bucket::{BucketWithQueue, Counts, Put};
pub use server::{ACCESS_KEY_ID, Moto, PROGRAM, REGION, SECRET_ACCESS_KEY};

/// The one that all tests of the process share.
///
/// # Panics
///
/// If there is no moto, saying how to get it.
pub fn moto() -> &'static Moto {
    static SHARED: OnceLock<Moto> = OnceLock::new();
    SHARED.get_or_init(Moto::start)
}
