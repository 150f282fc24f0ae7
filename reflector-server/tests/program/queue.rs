//! A bucket and its queue as the source of recordings, of a server that looks like S3 and SQS.

mod away;
mod missed;
mod poison;
mod ways;

use reflector_test_aws::{Counts, moto};
use serde_json::{Value, json};

use crate::http::Request;
use crate::program::{Program, eventually};
use crate::uploads::{Meeting, Uploads};

impl Uploads {
    fn new() -> Self {
        Self::at(moto(), false, None)
    }

    /// Puts an object there.
    fn put(&self, key: &str, text: &str) {
        self.wait(self.bucket.put(key, text.as_bytes()));
    }

    /// How many objects and versions there are of keys that begin like this.
    fn objects(&self, prefix: &str) -> usize {
        self.wait(self.bucket.versions(prefix))
    }

    /// Waits until the queue is empty.
    fn are_done(&self) {
        eventually("all is acknowledged", || (self.counts() == Counts::default()).then_some(()));
    }
}

impl Program {
    /// Waits until there are so many recordings.
    fn until_there_are(&self, count: usize) -> Vec<Value> {
        let all = || Some(self.recordings()).filter(|all| all.len() >= count);
        let all = eventually(&format!("there are {count} recordings"), all);
        assert_eq!(all.len(), count, "{all:?}");
        all
    }

    fn erases(&self, recording: &Value) {
        let id = recording["id"].as_str().expect("an id");
        let answer = self.send(&Request::new("DELETE", format!("/recordings/{id}")));
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
}

#[test]
fn what_a_bucket_announces_becomes_recordings_once_and_is_erased_with_them() {
    let uploads = Uploads::new();
    let environment = uploads.environment();
    let program = Program::start_with(&environment);
    let standup = Meeting::begin(&program, "standup");
    uploads.put("page 4", "text");
    let key = format!("a folder/{}", standup.key(1));
    uploads.put(&key, "video");
    let recording = program.recording(&key);
    let said = |field: &str| recording[field].clone();
    assert_eq!((said("meeting_id"), said("bucket_name")), (standup.id, json!(uploads.bucket.bucket())));
    assert_eq!((said("status"), said("size")), (json!("pending"), json!(5)));
    // The page, and the message by which a bucket tries its queue.
    eventually("the others are passed over", || (program.measured("others_total") == 2.0).then_some(()));
    uploads.are_done();

    let program = Program::start_in(program.kill(), &environment);
    uploads.put(&key, "longer video");
    let two = program.until_there_are(2);
    assert_eq!((&two[0]["revision"], &two[1]), (&json!(2), &recording));
    assert_eq!(uploads.objects(""), 2);
    program.erases(&two[0]);
    assert_eq!(uploads.objects(""), 1, "the page");
}
