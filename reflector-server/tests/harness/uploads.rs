//! Recordings as tests make and see them: a bucket that tells a queue, meetings that are recorded, and what a program has
//! taken in.

use std::net::SocketAddr;

use reflector_test_aws::{BucketWithQueue, Counts, Moto};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::http::Request;
use crate::program::Program;

/// How long a message is in hand unless a test says something else: what a program that was killed had in its hands, and
/// what is received on its behalf after its end, comes again after that.
const IN_HAND: &str = "4s";
/// What a program does beside which nothing is made of what was taken in.
pub(crate) const INTAKE: (&str, &str) = ("REFLECTOR_ROLES", "api,lifecycle,recordings");
/// How many recordings a page has at most.
const PAGE: usize = 200;

/// A bucket that tells a queue, and what a program needs to know of them.
pub(crate) struct Uploads {
    runtime: Runtime,
    pub(crate) bucket: BucketWithQueue,
    environment: Vec<(&'static str, String)>,
}

impl Uploads {
    /// Objects are announced if their keys end with a 4.
    pub(crate) fn at(moto: &Moto, versioned: bool, redrive: Option<u32>) -> Self {
        let runtime = Runtime::new().expect("it can be made");
        let bucket = runtime.block_on(moto.bucket_with_queue(versioned, "4", redrive));
        let ours = [
            ("AWS_PROCESS_RECORDING_QUEUE_URL", bucket.queue_url()),
            ("RECORDING_STORAGE_AWS_BUCKET_NAME", bucket.bucket()),
            ("REFLECTOR_RECORDINGS_IN_HAND", IN_HAND),
            INTAKE,
        ];
        let all = moto.environment().into_iter().chain(ours);
        let environment = all.map(|(name, value)| (name, value.to_owned())).collect();
        Self { runtime, bucket, environment }
    }

    /// What leads a program there.
    pub(crate) fn environment(&self) -> Vec<(&str, &str)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Waits for something that is done to the bucket.
    pub(crate) fn wait<T>(&self, done: impl Future<Output = T>) -> T {
        self.runtime.block_on(done)
    }

    pub(crate) fn send(&self, body: &str) {
        self.wait(self.bucket.send(body));
    }

    pub(crate) fn counts(&self) -> Counts {
        self.wait(self.bucket.counts())
    }
}

/// A meeting, and how its recordings are called.
pub(crate) struct Meeting {
    pub(crate) id: Value,
    /// The name of its room at the provider.
    pub(crate) place: String,
    began: String,
}

impl Meeting {
    /// The one that somebody wants now in a room of this name, which is made.
    pub(crate) fn begin(program: &Program, room: &str) -> Self {
        program.make_room(room);
        let meeting = program.meet(room);
        let text = |field: &str| meeting[field].as_str().expect("it is shown").to_owned();
        Self { id: meeting["id"].clone(), place: text("room_name"), began: text("start_date") }
    }

    /// The key of its recording with this number, which is a fraction of the second in which it began.
    pub(crate) fn key(&self, n: usize) -> String {
        format!("{}-{}.{n:06}Z.mp4", self.place, &self.began[.."2026-11-22T09:30:00".len()])
    }
}

impl Program {
    /// All recordings.
    pub(crate) fn recordings(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for page in 1.. {
            let listing = self.read(&format!("/recordings?size={PAGE}&page={page}"));
            let items = listing["items"].as_array().expect("an array");
            all.extend_from_slice(items);
            if items.len() < PAGE {
                break;
            }
        }
        all
    }

    /// What a figure of recordings stands at.
    pub(crate) fn measured(&self, name: &str) -> f64 {
        measured(self.address, name).expect("it is measured")
    }
}

pub(crate) fn measured(address: SocketAddr, name: &str) -> Option<f64> {
    let answer = Request::new("GET", "/metrics").send(address);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let beginning = format!("reflector_recordings_{name}");
    let text = answer.text();
    let line = text.lines().find(|line| line.starts_with(&beginning))?;
    line.rsplit(' ').next()?.parse().ok()
}
