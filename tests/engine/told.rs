//! What a room's owner is told of its meetings: owed with what happened, in its order.

use std::sync::Arc;

use reflector_core::lifecycle::Event;
use reflector_core::store::{NoticeStore, RoomStore, Settlement};
use reflector_core::{MeetingId, Room, RoomWebhook, WebhookSecret};
use serde_json::{Value, json};

use crate::town::{MINUTE, Town};

/// A town in whose room somebody listens.
async fn town() -> Town {
    let mut town = Town::new().await;
    let secret = WebhookSecret::new("a secret".to_owned());
    let webhook = Some(RoomWebhook { url: "https://ann.example/hook".to_owned(), secret });
    town.room = Room { webhook, ..town.room.clone() };
    assert!(town.store.update_room(town.room.clone()).await.expect("sound"));
    town
}

/// What is owed by now, in its order; it is owed no longer.
async fn owed(town: &Town) -> Vec<Value> {
    let store = Arc::clone(&town.store);
    let claimed = store.claim_notices(town.now, town.now + MINUTE, 100).await.expect("sound");
    let mut bodies = Vec::new();
    for claimed in claimed {
        let body: Value = serde_json::from_str(&claimed.notice.body).expect("it is JSON");
        assert_eq!(body["event"], claimed.notice.event.as_str());
        assert_eq!((&body["room_id"], claimed.notice.room), (&json!(town.room.id), town.room.id));
        store.settle_notice(&claimed, Settlement::Done, town.now).await.expect("sound");
        bodies.push(body);
    }
    bodies
}

/// The events and some of what they say.
async fn events(town: &Town, id: MeetingId, field: &str) -> Vec<(String, Value)> {
    let told = owed(town).await;
    assert!(told.iter().all(|body| body["meeting_id"] == json!(id)), "{told:?}");
    told.iter()
        .map(|body| (body["event"].as_str().expect("it is text").to_owned(), body[field].clone()))
        .collect()
}

fn told(event: &str, value: Value) -> (String, Value) {
    (event.to_owned(), value)
}

#[tokio::test]
async fn an_owner_is_told_when_people_come_leave_come_back_and_when_it_is_over() {
    let mut town = town().await;
    let id = town.meet().await;
    assert_eq!(owed(&town).await, Vec::<Value>::new(), "nobody has come yet");
    town.joins(id, "ann").await;
    assert_eq!(events(&town, id, "again").await, [told("meeting.started", json!(false))]);
    town.joins(id, "bob").await;
    town.leaves(id, "ann").await;
    assert_eq!(owed(&town).await, Vec::<Value>::new(), "somebody is in");
    town.leaves(id, "bob").await;
    let left_at = town.now;
    assert_eq!(events(&town, id, "closes_at").await, [told("meeting.empty", json!(left_at + MINUTE * 15))]);
    town.now = town.now + MINUTE;
    town.joins(id, "ann, once more").await;
    assert_eq!(events(&town, id, "again").await, [told("meeting.started", json!(true))]);
    town.now = town.now + MINUTE;
    town.leaves(id, "ann, once more").await;
    town.now = town.now + MINUTE * 15;
    town.work().await;
    let over = events(&town, id, "close_reason").await;
    assert_eq!(over, [told("meeting.empty", json!(null)), told("meeting.closed", json!("grace_expired"))]);
}

#[tokio::test]
async fn an_owner_is_warned_twice_of_a_forced_close_and_told_of_it_once() {
    let mut town = town().await;
    let id = town.schedule(MINUTE, MINUTE * 60, None).await;
    town.joins(id, "ann").await;
    assert_eq!(owed(&town).await.len(), 1);
    let closes_at = town.now + MINUTE * 90;
    let mut heard = Vec::new();
    for _ in 0..120 {
        town.now = town.now + MINUTE;
        town.work().await;
        for body in owed(&town).await {
            heard.push((body["event"].clone(), body["closes_at"].clone(), body["close_reason"].clone()));
        }
    }
    let soon = || (json!("meeting.closing_soon"), json!(closes_at), json!(null));
    let expected = [soon(), soon(), (json!("meeting.closed"), json!(null), json!("overtime"))];
    assert_eq!(heard, expected);
    town.tell(id, Event::EndRequested).await;
    assert_eq!(owed(&town).await, Vec::<Value>::new(), "it was over already");
}

#[tokio::test]
async fn an_owner_who_listens_to_nothing_is_owed_nothing() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    assert_eq!(town.store.next_notice().await.expect("sound"), None);
}
