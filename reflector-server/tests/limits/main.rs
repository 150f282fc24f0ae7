//! The program while others mean no good: connections that dribble, that read nothing, and messages that prove nothing, beside
//! providers whose messages must all be taken in. How fast that goes is told by the benchmark `flood`, and by no test.

mod attack;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../harness/mod.rs"]
mod harness;
mod signed;

use harness::{http, program};
