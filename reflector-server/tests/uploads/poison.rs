//! A message that nobody can read beside hundreds that can be, and a queue of dead letters that takes it.

use std::sync::Arc;

use reflector_test_aws::{Counts, moto};

use crate::in_the_end;
use crate::program::Program;
use crate::uploads::{Meeting, Uploads};

const GOOD: usize = 500;
const POISON: &str = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":"#;
/// How often a message is received before it goes to the dead letters.
const REDRIVE: u32 = 3;
/// As long as it takes from one receive of the poison to the next, and so long that none of the good ones comes twice on a
/// machine that is busy with other things.
const IN_HAND: (&str, &str) = ("REFLECTOR_RECORDINGS_IN_HAND", "12s");

#[test]
fn beside_a_message_that_cannot_be_read_each_good_one_is_received_once_until_it_lies_with_the_dead_letters() {
    let uploads = Uploads::at(moto(), false, Some(REDRIVE));
    let environment = [&uploads.environment()[..], &[IN_HAND]].concat();
    let without_recordings = [&environment[..], &[("REFLECTOR_ROLES", "api,lifecycle")]].concat();
    let program = Program::start_in(Arc::new(tempfile::tempdir().expect("a folder")), &without_recordings);
    let standup = Meeting::begin(&program, "standup");
    let folder = program.kill();
    let keys: Vec<_> = (0..GOOD).map(|n| standup.key(n)).collect();
    uploads.put_all(&keys[..GOOD / 2]);
    uploads.send(POISON);
    uploads.put_all(&keys[GOOD / 2..]);

    let program = Program::start_in(folder, &environment);
    let left = Counts { in_hand: 1, ..Counts::default() };
    in_the_end("all but the poison is taken in", || uploads.counts() == left);
    in_the_end("it lies with the dead letters", || {
        uploads.counts() == Counts { dead: 1, ..Counts::default() }
    });
    let measured = ["messages_received", "unreadable", "set_aside", "stored", "known", "others"]
        .map(|name| program.measured(&format!("{name}_total")));
    let good = GOOD as f64;
    // The other one is the message by which a bucket tries its queue.
    assert_eq!(measured, [good + 1.0 + f64::from(REDRIVE), f64::from(REDRIVE), 0.0, good, 0.0, 1.0]);
    assert_eq!(program.recordings().len(), GOOD);
}
