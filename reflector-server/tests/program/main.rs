//! The program from outside: started with its settings, called over HTTP, used in a browser, stopped by signals.

mod browser;
mod contract;
mod doctor;
mod hands;
#[path = "../harness/mod.rs"]
mod harness;
mod input;
mod live;
mod queue;
mod recordings;
mod replay;
mod shell;
mod shipped;
#[path = "../harness/sse.rs"]
mod sse;
mod start;
mod stop;
mod traces;
#[path = "../harness/uploads.rs"]
mod uploads;
#[path = "../harness/webdriver.rs"]
mod webdriver;

use harness::{http, program};
