//! From a recording to its transcript: the program itself, beside endpoints that answer as OpenAI's do, a receiver of
//! what rooms' owners are told, and a bucket or a folder with real recordings.

#[expect(dead_code, clippy::unwrap_used, reason = "other tests need more of it, and fail by it")]
#[path = "../../../reflector-pipeline/tests/pipeline/endpoints.rs"]
mod endpoints;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../harness/mod.rs"]
mod harness;
#[expect(dead_code, clippy::unwrap_used, reason = "other tests need more of it, and fail by it")]
#[path = "../../../reflector-pipeline/tests/pipeline/media.rs"]
mod media;

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../identity/issuer.rs"]
mod issuer;
#[path = "../harness/sse.rs"]
mod sse;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../harness/webhook.rs"]
mod webhook;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../harness/whereby.rs"]
mod whereby;

mod consent;
mod killed;
mod notices;
mod operated;
mod secrets;
mod shared;
mod studio;
mod whole;

use harness::{http, program};
