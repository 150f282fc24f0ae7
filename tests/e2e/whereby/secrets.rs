//! What is secret stays so.

use serde_json::json;

use super::{Town, UPLOAD_SECRET};
use crate::whereby_stub::{Failure, KEY, ROOM_KEY, SECRET, Where};

/// Every way a room's life touches its secrets: made, failed, joined, asked about, closed.
#[tokio::test]
async fn no_secret_is_in_a_log_line_a_history_or_a_problem() {
    let town = Town::with(&[("REFLECTOR_GRACE", "50ms"), ("REFLECTOR_RECONCILE_AFTER", "50ms")]).await;
    town.makes_room("standup", json!({})).await;
    town.stub.fails(Where::Opening, Failure::Refuses);
    let refused = town.server.post("/rooms/standup/meeting", &json!({})).await.with(502).to_string();
    town.stub.recovers();
    let place = town.meets("standup").await;
    assert!(
        place.shown["host_room_url"].as_str().unwrap().contains(ROOM_KEY),
        "its owner is shown the address"
    );
    town.server.post(&format!("/rooms/standup/meetings/{}/join", place.id), &json!({})).await.with(200);
    town.enters(&place, "ann", "host").await;
    town.posts(b"{}", Some(&format!("t=1,v1={}", "0".repeat(64)))).await.with(401);
    town.stub.fails(Where::Room(place.room.clone()), Failure::Away);
    town.leaves(&place, "ann").await;
    town.becomes(&place, "closing").await;
    town.stub.recovers();
    town.becomes(&place, "closed").await;

    let logged = town.server.logged();
    for said in [
        place.id.as_str(),
        "your plan does not allow it",
        "check WHEREBY_API_KEY",
        "wrong: check the webhook secret",
    ] {
        assert!(logged.contains(said), "the log says nothing of `{said}`");
    }
    let history = format!("{:?}", town.history(&place).await);
    let ready = town.server.get("/readyz").await.with(200).to_string();
    for secret in [ROOM_KEY, KEY, SECRET, UPLOAD_SECRET] {
        for (what, text) in
            [("log", &logged), ("history", &history), ("readiness", &ready), ("problem", &refused)]
        {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} is in the {what}");
        }
    }
}
