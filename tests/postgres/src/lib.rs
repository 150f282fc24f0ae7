//! A PostgreSQL of their own for tests: started from the installed programs, gone with the process.
//!
//! ```no_run
//! let schema = reflector_test_postgres::schema();
//! println!("connect to {}", schema.url());
//! ```
//!
//! Every test has a [`Schema`] of its own. All of a process share one [`Cluster`], which is started when the first asks
//! and which a watchdog takes away when the process is gone, however it went. Where `REFLECTOR_TEST_POSTGRES` names a
//! running server, that one is used; `cargo run -p reflector-test-postgres -- COMMAND` starts one and runs a command
//! with that variable set, so that many processes can share it.
//!
//! Tests that stop their server, or that need it to keep what it promised, start a [`Cluster`] of their own.

mod cluster;
mod programs;
mod schema;

use std::env;
use std::sync::OnceLock;

pub use cluster::{Cluster, Durability};
pub use schema::{Ran, Schema};

/// The variable that names a running server.
pub const RUNNING: &str = "REFLECTOR_TEST_POSTGRES";

/// A schema for one test, in the server that all tests of the process share.
///
/// # Panics
///
/// If there is no PostgreSQL, saying what to install.
pub fn schema() -> Schema {
    match env::var(RUNNING) {
        Ok(url) => Schema::dropped_after(&url),
        Err(_) => shared().schema(),
    }
}

fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(Durability::None))
}
