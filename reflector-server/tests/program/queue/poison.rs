//! A message that nobody can read, where nobody else sets it aside.

use serde_json::json;

use super::{Meeting, Uploads};
use crate::program::{Program, eventually};
use crate::shell::json;

const POISON: &str = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":"#;

#[test]
fn without_a_queue_of_dead_letters_it_holds_up_nothing_comes_again_and_is_kept_and_shown() {
    let uploads = Uploads::new();
    let program = Program::start_with(&uploads.environment());
    uploads.send(POISON);
    let standup = Meeting::begin(&program, "standup");
    uploads.put(&standup.key(1), "video");
    program.recording(&standup.key(1));
    eventually("it is set aside", || (program.measured("set_aside_total") == 1.0).then_some(()));
    assert!(program.measured("unreadable_total") >= 1.0, "it came again before");
    uploads.are_done();
    let shown = json(program.folder().path(), &["recordings", "list", "--unreadable", "--json"]);
    assert_eq!(shown[0]["body"], json!(POISON));
    assert_eq!(
        program.measured("acknowledged_total"),
        3.0,
        "with the recording, and the bucket's own message"
    );
}
