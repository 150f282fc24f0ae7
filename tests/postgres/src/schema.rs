//! A schema for one test.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::process::{Command, Stdio};

use crate::programs;

/// A schema of its own for one test, empty at first. Whoever connects to its address sees nothing else.
#[derive(Debug)]
pub struct Schema {
    server: String,
    url: String,
    name: String,
    dropped_after: bool,
}

impl Schema {
    /// One in a server that goes away by itself.
    pub(crate) fn new(server: &str) -> Self {
        let name = format!("t{:016x}", RandomState::new().build_hasher().finish());
        let joint = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{joint}options=-c%20search_path%3D{name}");
        let schema = Self { server: server.to_owned(), url, name, dropped_after: false };
        schema.run(&schema.server, &format!("CREATE SCHEMA {}", schema.name));
        schema
    }

    /// One in a server that stays.
    pub(crate) fn dropped_after(server: &str) -> Self {
        let mut schema = Self::new(server);
        schema.dropped_after = true;
        schema
    }

    /// The address to connect to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Carries out SQL in it, and gives what `psql` prints: lines of values with `|` between them.
    ///
    /// # Panics
    ///
    /// If the server refuses it.
    pub fn sql(&self, text: &str) -> String {
        self.run(&self.url, text)
    }

    fn run(&self, url: &str, text: &str) -> String {
        let mut psql = Command::new(programs::folder().join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text, url]).stdin(Stdio::null());
        let output = psql.output().unwrap_or_else(|error| panic!("psql cannot be started: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}\n{said}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // A test that has failed leaves it for whoever looks; and there must be no second panic.
        if self.dropped_after && !std::thread::panicking() {
            let drop = format!(
                "SET lock_timeout = '5s'; SET client_min_messages = warning; DROP SCHEMA {} CASCADE",
                self.name
            );
            self.run(&self.server, &drop);
        }
    }
}
