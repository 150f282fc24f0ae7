//! What goes wrong at Whereby, and what must not follow from it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Place, Town, now, signed};
use crate::server::until;
use crate::whereby_stub::{Failure, Where};

async fn is_left_empty(town: &Town, place: &Place) {
    town.enters(place, "ann", "host").await;
    town.leaves(place, "ann").await;
}

#[tokio::test]
async fn a_room_that_whereby_fails_for_stops_no_other() {
    for failure in [Failure::Away, Failure::Hangs, Failure::Refuses] {
        let town = Town::with(&[("REFLECTOR_GRACE", "200ms")]).await;
        let (failing, well, occupied) =
            (town.meets_in_new("a").await, town.meets_in_new("b").await, town.meets_in_new("c").await);
        town.enters(&occupied, "eve", "visitor").await;
        town.stub.fails(Where::Room(failing.room.clone()), failure);
        is_left_empty(&town, &failing).await;
        until("its close is asked for", async || {
            Some(()).filter(|()| town.stub.count("GET", Some(&failing.room)) > 0)
        })
        .await;
        is_left_empty(&town, &well).await;
        town.becomes(&well, "closed").await;
        let meeting = town.sees(&failing).await;
        assert_eq!(
            (&meeting["phase"], &meeting["closed_at"]),
            (&json!("closing"), &Value::Null),
            "{failure:?}"
        );
        assert!(town.stub.room(&failing.room).is_some());
        assert_eq!(town.sees(&occupied).await["phase"], "live");
        if failure == Failure::Away {
            town.stub.recovers();
            town.becomes(&failing, "closed").await;
        }
        assert!(town.stub.put_out().is_empty());
    }
}

#[tokio::test]
async fn an_outage_is_not_everybody_leaving() {
    let settings = [("REFLECTOR_RECONCILE_AFTER", "50ms"), ("REFLECTOR_GRACE", "0s")];
    for failure in [Failure::Away, Failure::Refuses] {
        let town = Town::with(&settings).await;
        let place = town.meets_in_new("standup").await;
        town.enters(&place, "ann", "host").await;
        town.stub.fails(Where::Everywhere, failure);
        let polls = async || {
            let history = town.history(&place).await;
            (history.iter().filter(|line| line["source"] == "poll").count() > 1).then_some(history)
        };
        let history = until("it is asked in vain", polls).await;
        assert!(
            history.iter().filter(|line| line["source"] == "poll").all(|line| line["outcome"] == "ignored")
        );
        let meeting = town.sees(&place).await;
        assert_eq!((&meeting["phase"], &meeting["num_clients"]), (&json!("live"), &json!(1)));
    }
}

#[tokio::test]
async fn insights_that_lag_or_know_no_session_put_nobody_out() {
    for lag in [Duration::from_secs(15 * 60), Duration::ZERO] {
        let town = Town::with(&[("REFLECTOR_RECONCILE_AFTER", "50ms"), ("REFLECTOR_GRACE", "0s")]).await;
        town.stub.lag(lag);
        let place = town.meets_in_new("standup").await;
        town.enters(&place, "ann", "host").await;
        town.enters(&place, "bob", "visitor").await;
        // The session is over, and one is still in.
        town.leaves(&place, "bob").await;
        let asked = async || (town.stub.count("GET", Some("room-sessions")) > 1).then_some(());
        until("it is asked who is in", asked).await;
        let meeting = town.sees(&place).await;
        assert_eq!(
            (&meeting["phase"], &meeting["num_clients"]),
            (&json!("live"), &json!(1)),
            "a lag of {lag:?}"
        );
        town.leaves(&place, "ann").await;
        town.becomes(&place, "closed").await;
        assert!(town.stub.put_out().is_empty());
    }
}

#[tokio::test]
async fn a_meeting_is_not_closed_for_emptiness_until_whereby_was_ever_heard() {
    let settings = [("REFLECTOR_NEVER_JOINED", "100ms"), ("REFLECTOR_RECONCILE_AFTER", "50ms")];
    let town = Town::with(&settings).await;
    let place = town.meets_in_new("standup").await;
    let withheld = town
        .explains(&place, "withheld, because we do not hear the provider or closes are on hold: never_joined")
        .await;
    assert_eq!(withheld["phase"], "waiting");
    let asked = async || {
        (town.history(&place).await.iter().filter(|line| line["source"] == "poll").count() > 1).then_some(())
    };
    until("it is asked who is in", asked).await;
    assert_eq!(
        (town.sees(&place).await["phase"].as_str(), town.stub.count("DELETE", None)),
        (Some("waiting"), 0)
    );

    // Any message of theirs shows that we hear them, also one about nobody.
    let other = town.meets_in_new("other").await;
    town.hears(&town.stub.tells(&other.room, "room.session.started")).await;
    assert_eq!(town.becomes(&place, "closed").await["close_reason"], "never_joined");
}

#[tokio::test]
async fn the_wrong_webhook_secret_puts_nobody_out() {
    let settings = [("WHEREBY_WEBHOOK_SECRET", "not-the-one"), ("REFLECTOR_NEVER_JOINED", "100ms")];
    let town = Town::with(&settings).await;
    let place = town.meets_in_new("standup").await;
    let bytes = town.stub.enters(&place.room, "ann", "host").bytes();
    town.posts(&bytes, Some(&signed(now(), &bytes))).await.with(401);
    let withheld = town
        .explains(&place, "withheld, because we do not hear the provider or closes are on hold: never_joined")
        .await;
    assert_eq!(withheld["phase"], "waiting");
    assert!(town.sees(&place).await["is_active"].as_bool().unwrap());
    assert_eq!((town.stub.count("DELETE", None), town.stub.put_out()), (0, Vec::new()));
    assert!(town.server.logged().contains("wrong: check the webhook secret"), "the log says what to do");
}

#[tokio::test]
async fn a_close_that_is_still_owed_when_somebody_comes_back_is_not_carried_out() {
    let town = Town::with(&[("REFLECTOR_GRACE", "100ms"), ("REFLECTOR_LEASE", "500ms")]).await;
    let (back, over) = (town.meets_in_new("a").await, town.meets_in_new("b").await);
    for place in [&back, &over] {
        town.stub.fails(Where::Room(place.room.clone()), Failure::Away);
        is_left_empty(&town, place).await;
    }
    for place in [&back, &over] {
        town.becomes(place, "closing").await;
    }
    let joined = town.server.post(&format!("/rooms/a/meetings/{}/join", back.id), &json!({})).await.with(200);
    assert_eq!((&joined["phase"], &joined["is_active"]), (&json!("grace"), &json!(true)));
    town.enters(&back, "ann-again", "host").await;
    town.stub.recovers();
    // The other's close was owed later, and is asked for again later.
    town.becomes(&over, "closed").await;
    let meeting = town.sees(&back).await;
    assert_eq!((&meeting["phase"], &meeting["num_clients"]), (&json!("live"), &json!(1)));
    assert_eq!((town.stub.count("DELETE", Some(&back.room)), town.stub.put_out()), (0, Vec::new()));
}

#[tokio::test]
async fn a_deployment_that_observes_says_what_it_would_close_and_closes_nothing() {
    let settings =
        [("REFLECTOR_CLOSE", "observe"), ("REFLECTOR_GRACE", "50ms"), ("REFLECTOR_OVERTIME", "0s")];
    let town = Town::with(&settings).await;
    let place = town.meets_in_new("standup").await;
    is_left_empty(&town, &place).await;
    let said = town.explains(&place, "would close: grace_expired").await;
    assert_eq!((&said["event"], &said["phase"]), (&json!("deadline_reached"), &json!("grace")));

    town.enters(&place, "eve", "visitor").await;
    let end = now();
    town.changes(&place, json!({"end_date": end})).await;
    assert_eq!(town.explains(&place, "would close: overtime").await["phase"], "live");
    let refused = town.server.post(&format!("/meetings/{}/end", place.id), &json!({})).await.with(409);
    assert!(refused["detail"].as_str().unwrap().contains("observes"), "{refused}");
    assert_eq!((town.stub.count("DELETE", None), town.stub.rooms()), (0, 1));
    assert_eq!(town.sees(&place).await["num_clients"], 1);
}
