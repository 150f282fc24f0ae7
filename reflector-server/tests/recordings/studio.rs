//! A deployment with a bucket, its queue, and meetings whose recordings go there.

use std::sync::Arc;

use reflector_test_aws::{BucketWithQueue, Moto, moto};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{self, Program, eventually};

/// How long a message is in hand: what a program that was killed had in its hands comes again after that.
const IN_HAND: &str = "3s";

pub(crate) struct Studio {
    pub(crate) bucket: BucketWithQueue,
    folder: Arc<TempDir>,
    settings: Vec<(String, String)>,
}

impl Studio {
    /// With a SQLite file of its own.
    pub(crate) async fn new(versioned: bool, redrive: Option<u32>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = format!("sqlite://{}/reflector.db", folder.path().display());
        Self::of(folder, database, moto(), versioned, redrive).await
    }

    async fn of(
        folder: TempDir,
        database: String,
        moto: &Moto,
        versioned: bool,
        redrive: Option<u32>,
    ) -> Self {
        let bucket = moto.bucket_with_queue(versioned, ".mp4", redrive).await;
        let settings = [
            ("DATABASE_URL", database.as_str()),
            ("AWS_PROCESS_RECORDING_QUEUE_URL", bucket.queue_url()),
            ("RECORDING_STORAGE_AWS_BUCKET_NAME", bucket.bucket()),
            ("REFLECTOR_RECORDINGS_IN_HAND", IN_HAND),
        ];
        let settings = settings.iter().chain(&moto.environment()).map(own).collect();
        Self { bucket, folder: Arc::new(folder), settings }
    }

    /// A program that takes recordings in, once it answers.
    pub(crate) fn start(&self) -> Program {
        Program::start_in(Arc::clone(&self.folder), &self.settings())
    }

    /// The same with other settings beside.
    pub(crate) fn start_with(&self, more: &[(&str, &str)]) -> Program {
        let settings: Vec<_> = self.settings().into_iter().chain(more.iter().copied()).collect();
        Program::start_in(Arc::clone(&self.folder), &settings)
    }

    /// What a command says, which must succeed.
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let output = program::run(self.folder.path(), &self.settings(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

fn own((name, value): &(&str, &str)) -> (String, String) {
    ((*name).to_owned(), (*value).to_owned())
}

/// A meeting, and the name of its recordings.
pub(crate) struct Meeting {
    pub(crate) id: String,
    /// The name of its room at the provider.
    pub(crate) place: String,
}

impl Meeting {
    /// The one that somebody wants now in a room of this name, which is made.
    pub(crate) fn begin(program: &Program, room: &str) -> Self {
        program.make_room(room);
        let meeting = program.meet(room);
        let text = |field: &str| meeting[field].as_str().expect("it is shown").to_owned();
        Self { id: text("id"), place: text("room_name") }
    }

    /// The key of its recording with this number.
    pub(crate) fn key(&self, n: usize) -> String {
        let now = reflector_server::clock::system()();
        let at = now.to_string();
        // A time of today, told apart by its fraction.
        format!("{}-{}.{n:06}Z.mp4", self.place, &at[..19])
    }
}

/// How many recordings there are, of one status or all.
pub(crate) fn total(program: &Program, status: Option<&str>) -> u64 {
    let status = status.map(|status| format!("&status={status}")).unwrap_or_default();
    program.read(&format!("/recordings?size=1{status}"))["total"].as_u64().expect("it is counted")
}

/// All recordings.
pub(crate) fn all(program: &Program) -> Vec<Value> {
    let mut all = Vec::new();
    for page in 1.. {
        let listing = program.read(&format!("/recordings?size=200&page={page}"));
        let items = listing["items"].as_array().expect("a listing").clone();
        if items.is_empty() {
            break;
        }
        all.extend(items);
    }
    all
}

/// Waits until there are so many recordings.
pub(crate) fn await_total(program: &Program, count: u64) {
    eventually(&format!("there are {count} recordings"), || (total(program, None) >= count).then_some(()));
}

/// What a figure of the program's stands at.
pub(crate) fn figure(program: &Program, name: &str) -> f64 {
    let text = program.get("/metrics").text();
    let line = text.lines().find(|line| line.starts_with(name) && line.contains("queue"));
    let value = line.and_then(|line| line.rsplit(' ').next()).and_then(|value| value.parse().ok());
    value.unwrap_or_else(|| panic!("{name} is not in {text}"))
}
