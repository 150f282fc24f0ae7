//! What is acknowledged stays, whatever becomes of the program and of its database: the program itself, killed, run
//! three at once, and on databases that go away or cannot be used.

mod away;
mod books;
#[path = "../harness/mod.rs"]
mod harness;
mod killed;
mod load;
mod sick;
mod three;
mod town;
#[path = "../harness/webhook.rs"]
mod webhook;
#[path = "../harness/whereby.rs"]
mod whereby;

use harness::{http, program};
