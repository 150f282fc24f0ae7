//! What is shared, what takes in guests, and what operators do.

use serde_json::{Value, json};

use crate::program::eventually;
use crate::town::{Says, Town};

#[test]
fn whoever_a_room_is_shared_with_meets_there_and_changes_nothing() {
    let town = Town::new();
    let program = town.start();
    let (ada, bob) = (town.user("ada"), town.user("bob"));
    ada.post(&program, "/rooms", &json!({ "name": "ours", "is_shared": true }));
    let meeting = bob.post(&program, "/rooms/ours/meeting", &json!({}));
    let id = meeting["id"].as_str().expect("an id");
    assert!(meeting["room_url"].as_str().is_some_and(|url| !url.is_empty()));
    let names = |who: &Says| {
        let rooms = who.get(&program, "/rooms")["items"].clone();
        rooms.as_array().expect("an array").iter().map(|room| room["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((names(&bob), names(&ada)), (vec![json!("ours")], vec![json!("ours")]));
    assert_eq!(bob.get(&program, &format!("/meetings/{id}"))["is_active"], true);
    assert_eq!(
        bob.post(&program, &format!("/rooms/ours/meetings/{id}/join"), &json!({}))["phase"],
        "waiting"
    );
    for (method, path) in [
        ("PATCH", "/rooms/ours".to_owned()),
        ("DELETE", "/rooms/ours".to_owned()),
        ("POST", format!("/meetings/{id}/end")),
        ("GET", format!("/meetings/{id}/history")),
    ] {
        assert_eq!(bob.ask(&program, method, &path, &json!({})).status, 403, "{method} {path}");
    }
    assert_eq!(Says::Nothing.ask(&program, "GET", "/rooms/ours", &json!({})).status, 401);
}

#[test]
fn a_guest_sees_what_a_guest_needs_and_answers_for_themselves() {
    let town = Town::new();
    let program = town.start();
    let ada = town.user("ada");
    ada.post(&program, "/rooms", &json!({ "name": "open", "guests": true }));
    let meeting = ada.post(&program, "/rooms/open/meeting", &json!({}));
    let id = meeting["id"].as_str().expect("an id");
    for guest in [Says::Nothing, town.user("eve")] {
        let seen = guest.ask(&program, "GET", "/rooms/open/meetings/active", &json!({})).json();
        let fields: Vec<_> = seen[0].as_object().expect("a meeting").keys().cloned().collect();
        assert_eq!(fields, ["end_date", "id", "num_clients", "phase", "start_date"]);
        let joined = guest.post(&program, &format!("/rooms/open/meetings/{id}/join"), &json!({}));
        assert_eq!((&joined["room_url"], joined.get("host_room_url")), (&meeting["room_url"], None));
        let answer = json!({ "consent_given": true, "participant_token": joined["participant_token"] });
        assert_eq!(guest.post(&program, &format!("/meetings/{id}/consent"), &answer)["status"], "success");
    }
    assert_eq!(Says::Nothing.ask(&program, "GET", &format!("/meetings/{id}"), &json!({})).status, 401);
    assert_eq!(town.user("eve").ask(&program, "GET", "/rooms/open", &json!({})).status, 404);
}

#[test]
fn each_is_told_live_of_what_they_see_and_of_nothing_else() {
    let town = Town::new();
    let program = town.start();
    let (ada, eve) = (town.user("ada"), town.user("eve"));
    for (room, setting) in [("open", "guests"), ("ours", "is_shared"), ("mine", "is_locked")] {
        ada.post(&program, "/rooms", &json!({ "name": room, setting: true }));
        ada.post(&program, &format!("/rooms/{room}/meeting"), &json!({}));
    }
    let stands = |who: &Says, path: &str| {
        let mut listening = who.listens(&program, path);
        let heard = listening.until(|heard| heard.kind == "ready");
        let rooms = heard.iter().filter_map(|heard| heard.data["room"].as_str().map(str::to_owned));
        (rooms.collect::<std::collections::BTreeSet<_>>(), listening)
    };
    let set = |rooms: &[&str]| rooms.iter().map(|room| (*room).to_owned()).collect();
    assert_eq!(stands(&ada, "/events").0, set(&["mine", "open", "ours"]));
    assert_eq!(stands(&town.user("root"), "/events").0, set(&["mine", "open", "ours"]));
    let (seen, mut eves) = stands(&eve, "/events");
    assert_eq!(seen, set(&["ours"]), "guests are let in where they ask, and not told what there is");
    let (seen, mut guests) = stands(&Says::Nothing, "/events?room=open");
    assert_eq!(seen, set(&["open"]));

    for room in ["mine", "open", "ours"] {
        let id = ada.get(&program, &format!("/rooms/{room}/meetings/active"))[0]["id"].clone();
        ada.post(&program, &format!("/meetings/{}/end", id.as_str().expect("an id")), &json!({}));
    }
    let over = eves.until(|heard| heard.data["meeting"]["phase"] == "closed");
    assert!(over.iter().all(|heard| heard.kind == "meeting" && heard.data["room"] == "ours"), "{over:?}");
    assert!(
        over.iter()
            .all(|heard| heard.data.get("entry").is_none() && heard.data["meeting"]["host_room_url"] == "")
    );
    let over = guests.until(|heard| heard.data["meeting"]["phase"] == "closed");
    for heard in over {
        assert_eq!((heard.kind.as_str(), &heard.data["room"]), ("meeting", &json!("open")));
        let fields: Vec<_> = heard.data["meeting"].as_object().expect("a meeting").keys().cloned().collect();
        assert_eq!(fields, ["end_date", "id", "num_clients", "phase", "start_date"]);
        assert!(heard.data.get("entry").is_none());
    }
}

#[test]
fn an_operator_sees_everything_and_attaches_what_nobody_owns() {
    let town = Town::new();
    let program = town.start();
    let (ada, root) = (town.user("ada"), town.user("root"));
    ada.post(&program, "/rooms", &json!({ "name": "adas" }));
    let meeting = ada.post(&program, "/rooms/adas/meeting", &json!({}));
    town.record("of nobody.wav");
    let unmatched = root.finds(&program, "/recordings?status=unmatched", |_| true);
    let path = format!("/recordings/{}", unmatched["id"].as_str().expect("an id"));
    assert_eq!(ada.ask(&program, "GET", &path, &json!({})).status, 404);
    assert_eq!(ada.get(&program, "/recordings")["total"], 0);
    let (key, _) = town.key("somebody", &["--operator"]);
    let attached = key.post(&program, &format!("{path}/attach"), &json!({ "meeting_id": meeting["id"] }));
    assert_eq!(attached["meeting_id"], meeting["id"]);
    assert_eq!(ada.get(&program, &path)["object_key"], "of nobody.wav");
    assert_eq!(root.get(&program, "/rooms")["items"][0]["owner"], "ada");
    let transcript = eventually("it is Ada's transcript", || {
        ada.get(&program, "/transcripts")["items"][0]["id"].as_str().map(str::to_owned)
    });
    assert_eq!(town.user("eve").get(&program, "/transcripts")["total"], json!(0));
    assert_eq!(root.get(&program, &format!("/transcripts/{transcript}"))["recording_id"], unmatched["id"]);
    let whose: Value = root.get(&program, "/transcripts?room=adas");
    assert_eq!(whose["total"], 1);
    let hidden = town.user("eve").ask(&program, "GET", "/transcripts?room=adas", &json!({}));
    assert_eq!((hidden.status, hidden.json()["field"].as_str()), (422, Some("room")));
}
