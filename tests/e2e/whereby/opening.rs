//! How a meeting's room comes to be at Whereby.

use std::time::Duration;

use reflector_core::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Place, Town, UPLOAD_SECRET, now, time};
use crate::server::{answer, until};
use crate::whereby_stub::{Failure, Where};

const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE: Duration = Duration::from_secs(60);
const MILLISECOND: Duration = Duration::from_millis(1);

/// What the room was ordered with.
fn order(town: &Town, place: &Place) -> Value {
    town.stub.room(&place.room).expect("it is there").order
}

fn between(from: Timestamp, at: &Value, to: Timestamp) {
    assert!((from..=to).contains(&time(at)), "{at} is not between {from} and {to}");
}

#[tokio::test]
async fn a_room_is_ordered_as_it_is_set() {
    let town = Town::new().await;
    let settings = json!({
        "is_locked": true, "room_mode": "group", "recording_type": "cloud", "recording_trigger": "automatic",
    });
    town.makes_room("board", settings).await;
    let place = town.meets("board").await;
    let mut order = order(&town, &place);
    let prefix = order["roomNamePrefix"].take();
    order["endDate"].take();
    let expected = json!({
        "endDate": null, "roomNamePrefix": null, "isLocked": true, "roomMode": "group",
        "recording": {
            "type": "cloud", "startTrigger": "automatic",
            "destination": {
                "provider": "s3", "authenticationType": "accessKey", "bucket": "recordings/whereby",
                "accessKeyId": "AKIAEXAMPLE", "accessKeySecret": UPLOAD_SECRET,
            },
        },
        "fields": ["hostRoomUrl"],
    });
    assert_eq!(order, expected);
    let name = place.shown["room_name"].as_str().unwrap();
    assert!(name.starts_with("reflector-") && name.starts_with(prefix.as_str().unwrap()), "{name}");
    assert_eq!(town.stub.count("POST", None), 1);
}

#[tokio::test]
async fn a_room_that_is_not_recorded_is_given_no_key() {
    let town = Town::new().await;
    town.makes_room("board", json!({"recording_type": "none"})).await;
    let order = order(&town, &town.meets("board").await);
    assert_eq!(order["recording"], json!({"type": "none", "destination": null, "startTrigger": "none"}));
    assert_eq!((&order["isLocked"], &order["roomMode"]), (&json!(false), &json!("normal")));
}

#[tokio::test]
async fn a_new_meeting_shows_its_addresses_and_waits() {
    let town = Town::new().await;
    let shown = town.meets_in_new("standup").await.shown;
    let url = format!("https://acme.whereby.com/{}", shown["room_name"].as_str().unwrap());
    assert_eq!(shown["room_url"], url);
    assert!(shown["host_room_url"].as_str().unwrap().starts_with(&format!("{url}?roomKey=")));
    assert_eq!(
        (&shown["phase"], &shown["is_active"], &shown["is_current"]),
        (&json!("waiting"), &json!(true), &json!(true))
    );
    assert_eq!((&shown["num_clients"], &shown["last_participant_left_at"]), (&json!(0), &Value::Null));
    assert_eq!(shown["provider"], "whereby");
}

#[tokio::test]
async fn a_room_is_kept_past_the_forced_close_and_past_what_an_extension_may_ask_for() {
    let town = Town::new().await;
    let unscheduled = town.meets_in_new("standup").await;
    let start = time(&unscheduled.shown["start_date"]);
    between(start + 25 * HOUR, &order(&town, &unscheduled)["endDate"], start + 25 * HOUR + MILLISECOND);

    let asked = now();
    let far = schedules(&town, asked + 47 * HOUR, asked + 48 * HOUR).await;
    let end = time(&far.shown["end_date"]) + 30 * MINUTE + HOUR;
    between(end, &order(&town, &far)["endDate"], end + MILLISECOND);

    let near = schedules(&town, asked, asked + HOUR).await;
    between(asked + 25 * HOUR, &order(&town, &near)["endDate"], now() + 25 * HOUR + MILLISECOND);
}

async fn schedules(town: &Town, start: Timestamp, end: Timestamp) -> Place {
    let dates = json!({"start_date": start, "end_date": end});
    town.place_of(town.server.post("/rooms/standup/meetings", &dates).await.with(201))
}

#[tokio::test]
async fn twenty_who_want_to_meet_at_once_get_one_meeting_and_one_room() {
    let town = Town::new().await;
    town.makes_room("standup", json!({})).await;
    let mut asking = JoinSet::new();
    for _ in 0..20 {
        asking.spawn(answer(town.server.request(Method::POST, "/rooms/standup/meeting").json(&json!({}))));
    }
    let answers = asking.join_all().await;
    let meetings: Vec<_> = answers.into_iter().map(|answer| answer.with(200)).collect();
    assert_eq!(meetings.len(), 20);
    for meeting in &meetings {
        assert_eq!((&meeting["id"], &meeting["room_url"]), (&meetings[0]["id"], &meetings[0]["room_url"]));
    }
    assert_eq!((town.stub.count("POST", None), town.stub.rooms()), (1, 1));
}

#[tokio::test]
async fn a_refusal_is_a_bad_gateway_and_the_next_who_asks_gets_a_new_meeting() {
    let town = Town::new().await;
    town.makes_room("standup", json!({})).await;
    town.stub.fails(Where::Opening, Failure::Refuses);
    let refused = town.server.post("/rooms/standup/meeting", &json!({})).await;
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert!(refused.with(502)["detail"].as_str().unwrap().contains("refused"));
    assert_eq!(town.stub.count("POST", None), 1, "a refusal is not asked for again");
    assert_eq!(town.server.get("/rooms/standup/meetings/active").await.with(200), json!([]));
    town.stub.recovers();
    assert_eq!(town.meets("standup").await.shown["phase"], "waiting");
}

#[tokio::test]
async fn a_room_that_cannot_be_made_for_a_moment_is_made_once() {
    for failure in [Failure::Away, Failure::TooMany(Duration::from_millis(300))] {
        let town = Town::new().await;
        town.makes_room("standup", json!({})).await;
        town.stub.fails(Where::Opening, failure);
        let asked = tokio::spawn(answer(
            town.server.request(Method::POST, "/rooms/standup/meeting").json(&json!({})),
        ));
        let failed = async || (town.stub.count("POST", None) > 0).then_some(());
        until("the call has failed", failed).await;
        town.stub.recovers();
        let place = town.place_of(asked.await.unwrap().with(200));
        assert_eq!((place.shown["phase"].as_str(), town.stub.rooms()), (Some("waiting"), 1), "{failure:?}");
    }
}

#[tokio::test]
async fn a_room_that_was_made_although_whereby_never_said_so_is_adopted() {
    let town = Town::new().await;
    town.makes_room("standup", json!({})).await;
    town.stub.fails(Where::Opening, Failure::DoneAndAway);
    let place = town.meets("standup").await;
    assert_eq!((town.stub.count("POST", None), town.stub.rooms()), (1, 1));
    assert!(
        place.shown["host_room_url"].as_str().unwrap().contains("roomKey="),
        "also its host's address is known"
    );
}

#[tokio::test]
async fn somebody_who_joins_while_the_room_is_still_opening_is_in() {
    let town = Town::new().await;
    town.makes_room("standup", json!({})).await;
    town.stub.next_id("900");
    town.stub.fails(Where::Opening, Failure::DoneAndAway);
    let asked =
        tokio::spawn(answer(town.server.request(Method::POST, "/rooms/standup/meeting").json(&json!({}))));
    until("Whereby has made the room", async || town.stub.room("900")).await;
    assert_eq!(town.hears(&town.stub.enters("900", "ann", "host")).await, "applied");
    let place = town.place_of(asked.await.unwrap().with(200));
    assert_eq!((place.room.as_str(), &place.shown["phase"]), ("900", &json!("live")));
    assert_eq!(town.sees(&place).await["num_clients"], 1);
}

#[tokio::test]
async fn a_call_that_hangs_holds_up_no_other_room() {
    let town = Town::new().await;
    town.makes_room("slow", json!({})).await;
    town.stub.fails(Where::Opening, Failure::Hangs);
    let slow =
        tokio::spawn(answer(town.server.request(Method::POST, "/rooms/slow/meeting").json(&json!({}))));
    until("the call hangs", async || (town.stub.count("POST", None) > 0).then_some(())).await;
    town.stub.recovers();
    assert_eq!(town.meets_in_new("quick").await.shown["phase"], "waiting");
    assert!(!slow.is_finished(), "the other one goes on waiting");
    slow.abort();
}

#[tokio::test]
async fn a_server_that_knows_nothing_of_a_room_deletes_it_not() {
    let town = Town::new().await;
    let place = town.meets_in_new("standup").await;
    let often = [("REFLECTOR_RECONCILE_AFTER", "20ms")];
    for deployment in ["reflector", "reflecto", "staging"] {
        let before = town.stub.count("GET", Some("meetings"));
        // Of the same name it may be one whose store was restored from a back-up.
        let other =
            super::serves(&town.stub, &[&often[..], &[("REFLECTOR_DEPLOYMENT", deployment)]].concat());
        until("it has listed the rooms", async || {
            (town.stub.count("GET", Some("meetings")) > before + 2).then_some(())
        })
        .await;
        drop(other);
        assert!(town.stub.room(&place.room).is_some(), "{deployment} has deleted it");
    }
    assert_eq!(town.stub.count("DELETE", None), 0);
}
