//! Recordings from a bucket over its queue to their meetings: the program itself, beside a server that speaks S3 and SQS.

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../harness/mod.rs"]
mod harness;
mod lost;
mod poison;
mod studio;
mod ways;

use harness::{http, program};
