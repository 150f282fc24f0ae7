//! A throw-away server.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Schema;
use crate::programs::{self, RunAs};

/// What a server promises of what it has confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing, and it is quick: for suites.
    None,
    /// It is there after a crash of the server and of the machine: for tests that kill, and for benchmarks.
    Full,
}

/// A server with data in a temporary folder. It goes away when it is dropped, and when the process ends, even by
/// `kill -9`.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    run_as: Option<RunAs>,
    durability: Durability,
    port: Option<u16>,
    watchdog: Child,
}

impl Cluster {
    /// Starts one that is reached through a socket in its folder.
    ///
    /// # Panics
    ///
    /// If there is no PostgreSQL, saying what to install, or if it does not start, with what it said.
    pub fn start(durability: Durability) -> Self {
        Self::start_with(durability, None)
    }

    /// Starts one that is also reached through a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// Like [`start`](Self::start).
    pub fn start_with_port(durability: Durability) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
        let port = listener.local_addr().expect("it has an address").port();
        drop(listener);
        Self::start_with(durability, Some(port))
    }

    fn start_with(durability: Durability, port: Option<u16>) -> Self {
        // The path of a socket has little room: not below some deep temporary folder.
        let folder = tempfile::Builder::new().prefix("reflector-pg-").tempdir_in("/tmp");
        let folder = folder.expect("a temporary folder can be made").keep();
        let run_as = RunAs::instead_of(folder.metadata().expect("it was made just now").uid());
        if let Some(RunAs { uid, gid }) = run_as {
            chown(&folder, Some(uid), Some(gid)).expect("root may give a folder away");
        }
        let watchdog = watchdog(&folder, run_as);
        let cluster = Self { folder, run_as, durability, port, watchdog };
        cluster.make();
        cluster.resume();
        cluster
    }

    /// The address of its database, through the socket.
    pub fn url(&self) -> String {
        let port = self.port.map(|port| format!("&port={port}")).unwrap_or_default();
        format!("postgres:///postgres?user=postgres&host={}{port}", self.folder.display())
    }

    /// The address of its database through the port, for programs that want a host.
    ///
    /// # Panics
    ///
    /// If it was started without one.
    pub fn url_with_port(&self) -> String {
        let port = self.port.expect("a cluster without a port was asked for it");
        format!("postgres://postgres@127.0.0.1:{port}/postgres")
    }

    /// A schema in it for one test.
    ///
    /// # Panics
    ///
    /// If the server is away.
    pub fn schema(&self) -> Schema {
        Schema::new(&self.url())
    }

    /// Stops it as an operator would: who is connected is thrown out, what is confirmed is written.
    ///
    /// # Panics
    ///
    /// If it does not stop.
    pub fn stop(&self) {
        self.control(&["stop", "-m", "fast"]);
    }

    /// Stops it as a crash would: it has to recover when it resumes.
    ///
    /// # Panics
    ///
    /// If it does not stop.
    pub fn crash(&self) {
        self.control(&["stop", "-m", "immediate"]);
    }

    /// Starts it again with the data that it had, and waits until it answers.
    ///
    /// # Panics
    ///
    /// If it does not start, with what it said.
    pub fn resume(&self) {
        let on = if self.durability == Durability::Full { "on" } else { "off" };
        let (addresses, port) = match self.port {
            Some(port) => ("127.0.0.1", port),
            None => ("", 5432),
        };
        let options = format!(
            "-c listen_addresses='{addresses}' -c port={port} -c unix_socket_directories='{}' \
             -c max_connections=200 -c fsync={on} -c synchronous_commit={on} -c full_page_writes={on}",
            self.folder.display()
        );
        let log = self.folder.join("log").display().to_string();
        self.control(&["start", "-l", &log, "-o", &options]);
    }

    /// Lets it hang: it takes connections and questions, and answers nothing.
    ///
    /// # Panics
    ///
    /// If it is away.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on where it was frozen.
    ///
    /// # Panics
    ///
    /// If it is away.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let pids = fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("it runs");
        let first = pids.lines().next().expect("the first line is its number").to_owned();
        let children = programs::children_of(&first);
        let mut kill = Command::new("/bin/sh");
        kill.args(["-c", r#"signal=$1; shift; kill -s "$signal" "$@""#, "sh", signal, &first]).args(children);
        run(&mut kill, &self.folder);
    }

    fn make(&self) {
        let mut initdb = programs::quiet(programs::folder().join("initdb"), self.run_as, &self.folder);
        initdb.args(["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-D", "data"]);
        // A language in which names don't stand in the order of their bytes: who relies on that is found out.
        if programs::version().is_some_and(|version| version >= 15) {
            initdb.args(["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"]);
        }
        run(initdb.stderr(Stdio::piped()), &self.folder);
    }

    fn control(&self, args: &[&str]) {
        let mut pg_ctl = programs::quiet(programs::folder().join("pg_ctl"), self.run_as, &self.folder);
        run(pg_ctl.args(["-D", "data", "-w", "-t", "60", "-s"]).args(args), &self.folder);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        // A watchdog that cannot be waited for does its work all the same.
        self.watchdog.wait().ok();
    }
}

/// Starts what takes the server away when nobody holds the other end of its standard input any more.
fn watchdog(folder: &Path, run_as: Option<RunAs>) -> Child {
    // One that is frozen could not stop.
    let script = r#"read -r _
        kill -s CONT "$(head -n 1 "$2/data/postmaster.pid")"
        "$1/pg_ctl" -D "$2/data" -m immediate -w -t 20 -s stop
        for _ in 1 2 3; do rm -rf "$2" && break; sleep 1; done"#;
    let mut shell = programs::quiet("/bin/sh", run_as, Path::new("/tmp"));
    shell.args(["-c", script, "sh"]).arg(programs::folder()).arg(folder);
    // In a group of its own: what interrupts the tests must not interrupt it.
    shell.stdin(Stdio::piped()).process_group(0).spawn().expect("a shell can be started")
}

fn run(command: &mut Command, folder: &Path) {
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    let mut said = String::new();
    if let Some(stderr) = &mut child.stderr {
        stderr.read_to_string(&mut said).ok();
    }
    let status = child.wait().expect("a child can be waited for");
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    assert!(status.success(), "{command:?}: {status}\n{said}{log}");
}
