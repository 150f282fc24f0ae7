//! A throw-away server that looks like AWS.

use std::env;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::BucketWithQueue;

/// The variable that names moto's program, `moto_server`.
pub const PROGRAM: &str = "REFLECTOR_TEST_MOTO";
/// The region in which everything is.
pub const REGION: &str = "us-east-1";
/// A key that may do everything, as any key may.
pub const ACCESS_KEY_ID: &str = "test";
/// Its secret.
pub const SECRET_ACCESS_KEY: &str = "test";

/// Where Python finds what is to be done before the server starts.
const MENDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/moto");

/// A server that looks like S3 and SQS and keeps everything in memory. It goes away when it is dropped, and when the
/// process ends, even by `kill -9`.
#[derive(Debug)]
pub struct Moto {
    endpoint: String,
    watchdog: Child,
}

impl Moto {
    /// Starts one on a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// If there is no moto, saying how to get it, or if it does not start, with what it said.
    pub fn start() -> Self {
        let mut watchdog = watchdog(&program());
        let said = watchdog.stderr.take().expect("it is piped");
        let mut said = BufReader::new(said);
        let mut all = String::new();
        let endpoint = loop {
            let before = all.len();
            let read = said.read_line(&mut all).expect("it says something or ends");
            assert!(read > 0, "moto does not start: {all}");
            if let Some((_, endpoint)) = all[before..].split_once("Running on ") {
                break endpoint.trim().to_owned();
            }
        };
        // It says a line for every request, and would stand still if nobody took them.
        thread::spawn(move || io::copy(&mut said, &mut io::sink()));
        Self { endpoint, watchdog }
    }

    /// Where S3 and SQS are.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What leads a program that uses AWS here, and keeps it from looking elsewhere.
    pub fn environment(&self) -> [(&'static str, &str); 5] {
        [
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
    }

    /// A bucket of its own for one test, and a queue that it tells of new objects with this ending. With `redrive`
    /// there is a queue of dead letters, where a message goes instead of being received more often than that.
    ///
    /// The first message in the queue is the one by which a bucket tries it.
    ///
    /// # Panics
    ///
    /// If the server is away.
    pub async fn bucket_with_queue(
        &self,
        versioned: bool,
        suffix: &str,
        redrive: Option<u32>,
    ) -> BucketWithQueue {
        BucketWithQueue::make(&self.endpoint, versioned, suffix, redrive).await
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        // A watchdog that cannot be waited for does its work all the same.
        self.watchdog.wait().ok();
    }
}

/// Where moto's program is: where the variable says, or where the tests' own script puts it.
fn program() -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/moto/bin/moto_server");
    let program = env::var_os(PROGRAM).map_or(ours, PathBuf::from);
    assert!(
        program.is_file(),
        "these tests need moto's server at {}: run bash scripts/test.sh",
        program.display()
    );
    program
}

/// Starts the server beside what takes it away when nobody holds the other end of its standard input any more.
fn watchdog(program: &Path) -> Child {
    // Only the server holds the pipe that tells its end.
    let script = r#""$1" -H 127.0.0.1 -p 0 </dev/null >/dev/null &
        exec 2>/dev/null
        read -r _
        kill -s KILL $!
        wait"#;
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script, "sh"]).arg(program).current_dir("/tmp").env("PYTHONPATH", MENDED);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    // In a group of its own: what interrupts the tests must not interrupt it.
    shell.process_group(0).spawn().expect("a shell can be started")
}
