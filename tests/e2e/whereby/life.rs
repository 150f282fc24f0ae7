//! A meeting's life at Whereby, from its making to its end.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Town, now, time};
use crate::server::until;

#[tokio::test]
async fn a_meeting_waits_is_joined_emptied_joined_again_and_closed() {
    let town = Town::new().await;
    let place = town.meets_in_new("standup").await;

    town.enters(&place, "ann", "host").await;
    let meeting = town.sees(&place).await;
    assert_eq!((&meeting["phase"], &meeting["num_clients"]), (&json!("live"), &json!(1)));

    town.enters(&place, "recorder", "recorder").await;
    assert_eq!(town.sees(&place).await["num_clients"], 1, "a recorder is nobody");

    town.enters(&place, "bob", "visitor").await;
    town.leaves(&place, "ann").await;
    assert_eq!(town.sees(&place).await["num_clients"], 1);
    let last = town.stub.leaves(&place.room, "bob");
    town.hears(&last).await;
    let meeting = town.sees(&place).await;
    assert_eq!((&meeting["phase"], &meeting["num_clients"]), (&json!("grace"), &json!(0)));
    assert_eq!(time(&meeting["last_participant_left_at"]), time(&last.body["createdAt"]));
    assert_eq!((&meeting["is_active"], &meeting["closes_because"]), (&json!(true), &json!("grace_expired")));
    let grace = time(&meeting["closes_at"]).since(time(&meeting["last_participant_left_at"]));
    assert_eq!(grace, Duration::from_secs(15 * 60));

    town.enters(&place, "ann-again", "host").await;
    let meeting = town.sees(&place).await;
    assert_eq!((&meeting["phase"], &meeting["last_participant_left_at"]), (&json!("live"), &Value::Null));

    town.leaves(&place, "ann-again").await;
    town.changes(&place, json!({"grace_period_minutes": 0})).await;
    let meeting = town.becomes(&place, "closed").await;
    assert_eq!((&meeting["close_reason"], &meeting["is_active"]), (&json!("grace_expired"), &json!(false)));
    assert_eq!((town.stub.count("DELETE", Some(&place.room)), town.stub.rooms()), (1, 0));
    assert_ne!(town.meets("standup").await.id, place.id);
}

#[tokio::test]
async fn an_empty_meeting_closes_by_itself_when_its_grace_is_over_and_not_before() {
    let town = Town::with(&[("REFLECTOR_GRACE", "300ms")]).await;
    let place = town.meets_in_new("standup").await;
    town.enters(&place, "ann", "host").await;
    let left = town.stub.leaves(&place.room, "ann");
    town.hears(&left).await;
    town.becomes(&place, "closed").await;
    let closing = town.explains(&place, "grace_expired").await;
    assert_eq!((&closing["event"], &closing["source"]), (&json!("deadline_reached"), &json!("deadline")));
    let waited = time(&closing["recorded_at"]).since(time(&left.body["createdAt"]));
    assert!(waited >= Duration::from_millis(300), "it closed after {waited:?}");
    assert_eq!(town.stub.count("DELETE", Some(&place.room)), 1);
}

#[tokio::test]
async fn an_overrunning_meeting_is_listed_and_joinable_until_it_is_closed_by_force() {
    let town = Town::new().await;
    town.makes_room("standup", json!({})).await;
    let start = now();
    let hour = Duration::from_secs(60 * 60);
    let dates =
        json!({"start_date": start, "end_date": start + hour, "calendar_event_id": "daily@example.com"});
    let place = town.place_of(town.server.post("/rooms/standup/meetings", &dates).await.with(201));
    town.enters(&place, "ann", "host").await;
    let end = now();
    town.changes(&place, json!({"end_date": end})).await;

    let listed = async || {
        let listed = town.server.get("/rooms/standup/meetings/active").await.with(200);
        (now() > end).then_some(listed)
    };
    let listed = until("the end is past", listed).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!((&listed[0]["id"], &listed[0]["phase"]), (&json!(place.id), &json!("live")));
    assert_eq!(listed[0]["closes_because"], "overtime");
    let joined =
        town.server.post(&format!("/rooms/standup/meetings/{}/join", place.id), &json!({})).await.with(200);
    assert_eq!(joined["room_url"], place.shown["room_url"]);
    assert_eq!(town.meets("standup").await.id, place.id, "who asks for the room is led there");

    town.server.patch("/rooms/standup", &json!({"overtime_minutes": 0})).await.with(200);
    assert_eq!(town.becomes(&place, "closed").await["close_reason"], "overtime");
    assert_eq!(
        (town.stub.count("DELETE", Some(&place.room)), town.stub.put_out()),
        (1, vec!["ann".to_owned()])
    );
    let late = town.server.post(&format!("/rooms/standup/meetings/{}/join", place.id), &json!({})).await;
    late.with(400);
}

#[tokio::test]
async fn the_owner_ends_a_meeting_and_everybody_is_put_out() {
    let town = Town::new().await;
    let place = town.meets_in_new("standup").await;
    town.enters(&place, "ann", "host").await;
    town.server.post(&format!("/v1/meetings/{}/end", place.id), &json!({})).await.with(200);
    assert_eq!(town.becomes(&place, "closed").await["close_reason"], "ended_by_owner");
    assert_eq!(town.stub.put_out(), ["ann"]);
    town.server.post(&format!("/v1/meetings/{}/end", place.id), &json!({})).await.with(200);
    assert_eq!(town.stub.count("DELETE", Some(&place.room)), 1);
}

#[tokio::test]
async fn people_whose_joining_was_never_told_are_not_put_out() {
    let town = Town::new().await;
    let place = town.meets_in_new("standup").await;
    town.enters(&place, "ann", "host").await;
    town.leaves(&place, "ann").await;
    let _lost =
        [town.stub.enters(&place.room, "bob", "visitor"), town.stub.enters(&place.room, "eve", "visitor")];
    town.changes(&place, json!({"grace_period_minutes": 0})).await;
    assert_eq!(town.becomes(&place, "live").await["num_clients"], 2);
    assert_eq!(town.stub.count("DELETE", None), 0);
    for participant in ["bob", "eve"] {
        town.leaves(&place, participant).await;
    }
    town.becomes(&place, "closed").await;
    assert!(town.stub.put_out().is_empty());
}

#[tokio::test]
async fn a_leaving_that_was_never_told_does_not_keep_a_room_open() {
    let town = Town::with(&[("REFLECTOR_RECONCILE_AFTER", "200ms"), ("REFLECTOR_GRACE", "100ms")]).await;
    let place = town.meets_in_new("standup").await;
    town.enters(&place, "ann", "host").await;
    town.enters(&place, "bob", "visitor").await;
    let _lost = [town.stub.leaves(&place.room, "ann"), town.stub.leaves(&place.room, "bob")];
    assert_eq!(town.becomes(&place, "closed").await["close_reason"], "grace_expired");
    // Two askings may be under way at once and tell the same.
    let news = |line: &&Value| {
        line["source"] == "poll" && line["event"] == "participant_left" && line["outcome"] == "applied"
    };
    assert_eq!(town.history(&place).await.iter().filter(news).count(), 2);
}
