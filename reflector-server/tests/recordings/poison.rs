//! A message that nobody can read, beside many that can be.

use crate::program::eventually;
use crate::studio::{Meeting, Studio, await_total, figure, total};

const GOOD: usize = 500;
const POISON: &str = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":"#;
/// How often a message is received before it goes to the dead letters.
const REDRIVE: u32 = 3;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes a minute; `cargo test -p reflector-server --test recordings -- --ignored` runs it"]
async fn beside_a_message_that_cannot_be_read_each_good_one_is_received_once() {
    let studio = Studio::new(false, Some(REDRIVE)).await;
    let program = studio.start_with(&[("REFLECTOR_ROLES", "api,lifecycle")]);
    let standup = Meeting::begin(&program, "standup");
    program.kill();
    studio.bucket.send(POISON).await;
    for n in 0..GOOD {
        studio.bucket.put(&standup.key(n), b"good").await;
    }
    // Long enough that no good one comes again before it is acknowledged, however busy the machine is.
    let program = studio.start_with(&[("REFLECTOR_RECORDINGS_IN_HAND", "12s")]);
    await_total(&program, GOOD as u64);
    let mut dead = 0;
    for _ in 0..1_200 {
        dead = studio.bucket.counts().await.dead;
        if dead == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(dead, 1, "it is among the dead letters");
    // The bucket's own test message is one more.
    let received = figure(&program, "reflector_recordings_messages_received_total");
    assert_eq!(received, (GOOD + 1) as f64 + f64::from(REDRIVE));
    assert_eq!(figure(&program, "reflector_recordings_unreadable_total"), f64::from(REDRIVE));
    assert_eq!(total(&program, None) as usize, GOOD);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_queue_of_dead_letters_it_is_kept_and_shown() {
    let studio = Studio::new(false, None).await;
    let program = studio.start();
    studio.bucket.send(POISON).await;
    eventually("it is set aside", || {
        (figure(&program, "reflector_recordings_set_aside_total") >= 1.0).then_some(())
    });
    let shown = studio.says(&["recordings", "list", "--unreadable", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("it is JSON");
    assert_eq!(shown[0]["body"], POISON);
    eventually("it is acknowledged", || {
        (figure(&program, "reflector_recordings_acknowledged_total") >= 2.0).then_some(())
    });
}
