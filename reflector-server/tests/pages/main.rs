//! The pages for people in a real browser: what they show, how they are used without a mouse and without eyes, in the
//! light, in the dark and on a phone, and that a day of events leaves nothing behind in them.

mod board;
mod doors;
mod eyes;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../harness/mod.rs"]
mod harness;
mod heavy;
mod history;
mod lobby;
mod looks;
#[path = "../harness/silence.rs"]
mod silence;
mod town;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../harness/webdriver.rs"]
mod webdriver;
#[path = "../harness/webhook.rs"]
mod webhook;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../harness/whereby.rs"]
mod whereby;
mod work;

use harness::{http, program};
