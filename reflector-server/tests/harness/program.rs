//! The program `reflector`, run in a folder of its own with nothing of this machine's environment.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::{Answer, Request};

/// Longer than anything waited for takes on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(20);

/// A server that runs. It ends with the test.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) said: Lines,
    logged: Lines,
    pub(crate) address: SocketAddr,
    /// Goes when nobody needs it any more: what is kept there outlives a server that is killed.
    pub(crate) folder: Arc<TempDir>,
}

impl Program {
    /// In a folder that may hold what another one kept there, with these settings, once it answers.
    pub(crate) fn start_in(folder: Arc<TempDir>, environment: &[(&str, &str)]) -> Self {
        let mut command = command(folder.path(), &[]);
        command.envs(environment.iter().copied());
        Self::start_as(command, folder)
    }

    /// Started by a command of one's own, which says nothing of where to listen.
    pub(crate) fn start_as(mut command: Command, folder: Arc<TempDir>) -> Self {
        let mut child = command.env("REFLECTOR_LISTEN", "127.0.0.1:0").spawn().expect("it starts");
        let said = Lines::of(child.stdout.take().expect("piped"));
        let logged = Lines::of(child.stderr.take().expect("piped"));
        let greeting =
            eventually("the program says where it listens", || match child.try_wait().expect("a child") {
                Some(status) => panic!("it ended with {status}: {}", logged.text()),
                None => said.text().lines().next().map(str::to_owned),
            });
        let listens = greeting.strip_prefix("Reflector listens on ").and_then(|said| said.split_once(": "));
        let address = listens.and_then(|(address, _)| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in: {greeting}"));
        let program = Self { child, said, logged, address, folder };
        eventually("the program answers", || (program.get("/healthz").status == 200).then_some(()));
        program
    }

    /// Ends it as a power cut would, and gives the folder for the next one.
    pub(crate) fn kill(mut self) -> Arc<TempDir> {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("a child");
        Arc::clone(&self.folder)
    }

    pub(crate) fn send(&self, request: &Request) -> Answer {
        request.send(self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&Request::new("GET", path))
    }

    /// What is at a path, which must be there.
    pub(crate) fn read(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Posts something, which must be taken.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.send(&Request::new("POST", path).json(body));
        assert!(matches!(answer.status, 200 | 201), "{path} {body}: {}", answer.text());
        answer.json()
    }

    pub(crate) fn make_room(&self, name: &str) {
        self.post("/rooms", &json!({ "name": name }));
    }

    /// The current meeting of a room, made if there is none.
    pub(crate) fn meet(&self, room: &str) -> Value {
        self.post(&format!("/rooms/{room}/meeting"), &json!({}))
    }

    /// What it wrote to standard error until now.
    pub(crate) fn logged(&self) -> String {
        self.logged.text()
    }
}

/// How many of its last lines are told when a test fails.
const LAST: usize = 40;

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let text = self.said.text() + &self.logged.text();
            let lines: Vec<_> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(LAST)..];
            eprintln!("in {} it said at last:\n{}", self.folder.path().display(), last.join("\n"));
        }
    }
}

/// Runs the program to its end, which must come soon.
pub(crate) fn run(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = command(folder, arguments);
    command.envs(environment.iter().copied());
    run_as(command)
}

/// The same by a command of one's own.
pub(crate) fn run_as(mut command: Command) -> Output {
    let mut child = command.spawn().expect("it starts");
    let (stdout, stderr) = (all_of(child.stdout.take()), all_of(child.stderr.take()));
    let ended = within(PATIENCE, || child.try_wait().expect("a child"));
    let _ = child.kill();
    let status = child.wait().expect("a child");
    let [stdout, stderr] = [stdout, stderr].map(|read| read.join().expect("it reads to the end"));
    let output = Output { status, stdout, stderr };
    assert!(ended.is_some(), "{command:?} goes on: {output:?}");
    output
}

/// Reads all that comes out of a pipe, so that nobody waits for a full one.
fn all_of(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.expect("piped").read_to_end(&mut bytes).expect("it can be read");
        bytes
    })
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    bare(command, folder)
}

/// Where the program is.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_reflector");

/// A command with nothing around it: in this folder, without an environment.
pub(crate) fn bare(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for something that comes soon.
pub(crate) fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, look).unwrap_or_else(|| panic!("it never happened that {what}"))
}

/// What comes of it, if it comes in time.
pub(crate) fn within<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if begun.elapsed() > patience {
            return None;
        }
        std::thread::sleep(LOOK);
    }
}

/// The lines of an output, read as they come so that nobody waits for a full pipe.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Mutex<String>>);

impl Lines {
    pub(crate) fn of(output: impl Read + Send + 'static) -> Self {
        let lines = Self(Arc::default());
        let kept = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let mut text = kept.0.lock().expect("nobody panics with it");
                text.push_str(&line);
                text.push('\n');
            }
        });
        lines
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().expect("nobody panics with it").clone()
    }
}
