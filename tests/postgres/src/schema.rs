//! A schema for one test.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::Write;
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

    /// Its name, for statements that look into several.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Carries out SQL in it, and gives what `psql` prints: lines of values with `|` between them.
    ///
    /// # Panics
    ///
    /// If the server refuses it.
    pub fn sql(&self, text: &str) -> String {
        self.run(&self.url, text)
    }

    /// Lets `pgbench` carry out a script over and over in it, with these arguments.
    ///
    /// # Panics
    ///
    /// If there is no `pgbench`, or the server refuses a part of the script.
    pub fn pgbench(&self, script: &str, arguments: &[&str]) -> Ran {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        file.write_all(script.as_bytes()).expect("there is room for a script");
        let mut pgbench = Command::new(programs::folder().join("pgbench"));
        pgbench.arg("-n").args(arguments).arg("-f").arg(file.path()).arg(&self.url).stdin(Stdio::null());
        let output = pgbench.output().unwrap_or_else(|error| panic!("pgbench cannot be started: {error}"));
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        // It does not fail when all its clients do.
        assert!(output.status.success() && !complaint.contains("error"), "{script}\n{complaint}");
        Ran::read(&said).unwrap_or_else(|| panic!("pgbench did not say how often it ran: {said}"))
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

/// What `pgbench` has done.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    /// How often it carried out its script.
    pub transactions: u64,
    /// How often in a second, not counting the time to connect.
    pub per_second: f64,
}

impl Ran {
    fn read(said: &str) -> Option<Self> {
        let after = |beginning: &str| {
            let rest = said.lines().find_map(|line| line.strip_prefix(beginning))?;
            rest.split([' ', '/']).find(|word| !word.is_empty())
        };
        Some(Self {
            transactions: after("number of transactions actually processed: ")?.parse().ok()?,
            per_second: after("tps = ")?.parse().ok()?,
        })
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
