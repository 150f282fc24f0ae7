//! Messages as they come: early, late, doubled, for others, forged.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Town, now, signed, time};
use crate::whereby_stub::{Message, SUBDOMAIN};

/// A message about a room that only its id leads to.
fn joined_elsewhere(meeting_id: &str) -> Message {
    let created_at = now().to_string();
    Message {
        body: json!({
            "id": format!("{:0>64}", "early"), "apiVersion": "1.0", "createdAt": created_at, "type": "room.client.joined",
            "data": {
                "meetingId": meeting_id, "roomName": "/of-another-name", "subdomain": SUBDOMAIN, "roleName": "host",
                "participantId": "ann", "numClients": 1, "numClientsByRoleName": {"host": 1},
            },
        }),
    }
}

#[tokio::test]
async fn a_message_that_comes_before_its_meeting_is_kept_for_it() {
    let town = Town::new().await;
    let early = joined_elsewhere("777");
    assert_eq!(town.hears(&early).await, "kept");
    assert_eq!(town.hears(&early).await, "duplicate");
    assert_eq!(town.hears(&joined_elsewhere("778").of_id("other")).await, "kept");

    town.stub.next_id("777");
    let place = town.meets_in_new("standup").await;
    assert_eq!(place.room, "777");
    let meeting = town.becomes(&place, "live").await;
    assert_eq!(meeting["num_clients"], 1);
    let told = town.history(&place).await;
    let of_message = |line: &&Value| line["delivery_id"] == early.body["id"];
    assert_eq!(told.iter().filter(of_message).count(), 1, "{told:?}");
    assert_eq!(town.hears(&early).await, "duplicate");
}

#[tokio::test]
async fn a_leaving_that_comes_before_its_joining_leaves_nobody_in() {
    let town = Town::new().await;
    let place = town.meets_in_new("standup").await;
    let joined = town.stub.enters(&place.room, "ann", "host");
    let left = town.stub.leaves(&place.room, "ann");
    town.hears(&left).await;
    town.hears(&joined).await;
    let meeting = town.sees(&place).await;
    assert_eq!((&meeting["phase"], &meeting["num_clients"]), (&json!("grace"), &json!(0)));
    assert_eq!(time(&meeting["last_participant_left_at"]), time(&left.body["createdAt"]));
}

#[tokio::test]
async fn the_leaving_of_an_old_connection_after_the_joining_of_a_new_one_changes_nobody() {
    let town = Town::new().await;
    let place = town.meets_in_new("standup").await;
    town.enters(&place, "ann-old", "host").await;
    let dropped = town.stub.leaves(&place.room, "ann-old");
    let back = town.stub.enters(&place.room, "ann-new", "host");
    town.hears(&back).await;
    town.hears(&dropped).await;
    let meeting = town.sees(&place).await;
    assert_eq!((&meeting["phase"], &meeting["num_clients"]), (&json!("live"), &json!(1)));
}

#[tokio::test]
async fn a_message_that_comes_twice_is_taken_in_once() {
    let town = Town::new().await;
    let place = town.meets_in_new("standup").await;
    let joined = town.stub.enters(&place.room, "ann", "host");
    assert_eq!(town.hears(&joined).await, "applied");
    let before = town.history(&place).await;
    assert_eq!(town.hears(&joined).await, "duplicate");
    assert_eq!(town.history(&place).await, before);
    assert_eq!(town.sees(&place).await["num_clients"], 1);
}

#[tokio::test]
async fn a_message_for_another_organisation_is_ignored() {
    let town = Town::new().await;
    let place = town.meets_in_new("standup").await;
    let foreign = town.stub.enters(&place.room, "ann", "host").with("subdomain", "others");
    assert_eq!(town.hears(&foreign).await, "ignored");
    assert_eq!(town.sees(&place).await["phase"], "waiting");
}

#[tokio::test]
async fn a_name_in_any_script_is_verified_over_the_bytes_as_they_came() {
    let town = Town::new().await;
    let place = town.meets_in_new("standup").await;
    for (participant, name) in [("a", "José"), ("b", "Zoë Ångström"), ("c", "会议 👋"), ("d", "\u{202e}")]
    {
        let joined = town.stub.enters(&place.room, participant, "visitor").with("displayName", name);
        assert!(
            joined.bytes().windows(name.len()).any(|bytes| bytes == name.as_bytes()),
            "it is sent unescaped"
        );
        assert_eq!(town.hears(&joined).await, "applied", "{name}");
    }
    // The same message in other bytes: with escapes and spaces, and a number written in another way.
    let joined = town.stub.enters(&place.room, "e", "visitor").with("displayName", "PLACE");
    let text =
        String::from_utf8(joined.bytes()).unwrap().replace("PLACE", "Jos\\u00e9").replace(":5,", ": 5.0 ,");
    assert!(text.contains("5.0"), "{text}");
    town.posts(text.as_bytes(), Some(&signed(now(), text.as_bytes()))).await.with(200);
    assert_eq!(town.sees(&place).await["num_clients"], 5);
}

#[tokio::test]
async fn a_message_that_proves_nothing_changes_nothing() {
    let town = Town::new().await;
    let place = town.meets_in_new("standup").await;
    let bytes = town.stub.enters(&place.room, "ann", "host").bytes();
    let right = signed(now(), &bytes);
    let minutes = |number: u64| Duration::from_secs(60 * number);
    let forged = reflector_whereby::signature::sign(&"another-secret".into(), now(), &bytes);
    let unproven = [
        ("none", None),
        ("of another secret", Some(forged)),
        ("stale", Some(signed(now() - minutes(6), &bytes))),
        ("of the future", Some(signed(now() + minutes(6), &bytes))),
        ("of another body", Some(signed(now(), b"{}"))),
        ("cut short", Some(right[..right.len() - 1].to_owned())),
        ("no signature", Some("hello".to_owned())),
    ];
    for (what, signature) in unproven {
        let answer = town.posts(&bytes, signature.as_deref()).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.body);
    }
    assert_eq!(town.sees(&place).await["phase"], "waiting");
    assert!(readiness(&town).await.contains("not heard"), "what proves nothing is not heard");
    town.posts(&bytes, Some(&right)).await.with(200);
    assert_eq!(town.sees(&place).await["phase"], "live");
    assert!(readiness(&town).await.contains("heard without a gap"));
}

async fn readiness(town: &Town) -> String {
    town.server.get("/readyz").await.with(200)["providers"]["whereby"].to_string()
}

#[tokio::test]
async fn either_secret_will_do_while_one_is_changed_for_the_other() {
    let both = format!("the-next-secret,{}", crate::whereby_stub::SECRET);
    let town = Town::with(&[("WHEREBY_WEBHOOK_SECRET", &both)]).await;
    let place = town.meets_in_new("standup").await;
    let next = town.stub.enters(&place.room, "ann", "host").bytes();
    let signature = reflector_whereby::signature::sign(&"the-next-secret".into(), now(), &next);
    town.posts(&next, Some(&signature)).await.with(200);
    town.enters(&place, "bob", "visitor").await;
    assert_eq!(town.sees(&place).await["num_clients"], 2);
}

#[tokio::test]
async fn what_is_no_json_is_a_bad_request_once_it_is_verified() {
    let town = Town::new().await;
    for bytes in [&b"hello"[..], b"", b"[]", b"{\"type\":\"room.client.joined\"}", b"\xff\xfe"] {
        let answer = town.posts(bytes, Some(&signed(now(), bytes))).await;
        assert_eq!(answer.status, 400, "{bytes:?}: {}", answer.body);
        town.posts(bytes, Some(&signed(now(), b"other"))).await.with(401);
    }
}

#[tokio::test]
async fn a_message_of_a_new_kind_is_taken_in_and_noted() {
    let town = Town::new().await;
    let place = town.meets_in_new("standup").await;
    let told = town.stub.tells(&place.room, "room.client.waved");
    town.posts(&told.bytes(), Some(&signed(now(), &told.bytes()))).await.with(200);
    let history = town.history(&place).await;
    let noted = history.iter().find(|line| line["delivery_id"] == told.body["id"]).expect("it is noted");
    assert_eq!((&noted["event"], &noted["outcome"]), (&json!("provider_noticed"), &json!("ignored")));
    assert_eq!(town.sees(&place).await["phase"], "waiting");
    // Also one that speaks of no room.
    let mut nowhere = town.stub.tells(&place.room, "plan.changed");
    nowhere.body["data"] = json!({});
    assert_eq!(town.hears(&nowhere).await, "ignored");
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_not_found() {
    let town = Town::new().await;
    let place = town.meets_in_new("standup").await;
    let bytes = town.stub.enters(&place.room, "ann", "host").bytes();
    for (path, status) in [("/webhooks/nobody", 404), ("/webhooks/whereby", 200)] {
        let request = town.server.request(reqwest::Method::POST, path).body(bytes.clone());
        let request = request.header("Whereby-Signature", signed(now(), &bytes));
        crate::server::answer(request).await.with(status);
    }
}
