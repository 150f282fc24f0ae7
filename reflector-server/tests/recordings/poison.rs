//! A message that nobody can read.

use crate::program::eventually;
use crate::studio::{Studio, figure};

const POISON: &str = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":"#;

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
