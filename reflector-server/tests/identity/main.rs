//! Who may do what: every route by everybody, with tokens and keys that are good, bad and worse.

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../harness/mod.rs"]
mod harness;
mod issuer;
mod keys;
mod rooms;
mod session;
#[path = "../harness/silence.rs"]
mod silence;
#[path = "../harness/sse.rs"]
mod sse;
mod table;
mod town;

use harness::{http, program};
