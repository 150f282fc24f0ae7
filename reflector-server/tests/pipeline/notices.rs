//! What rooms' owners are told, however long they do not listen.

use serde_json::{Value, json};

use crate::http::Request;
use crate::media;
use crate::program::eventually;
use crate::studio::{Held, SECRET, Studio, was_signed};

#[test]
fn an_owner_who_does_not_listen_is_told_when_they_do() {
    let studio = Studio::silent();
    studio.receives(503);
    let program = studio.start();
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    studio.put(&meeting.key("mp4"), &media::mp4());
    program.ended(&program.transcript_of(&meeting.key("mp4")));
    let refused = eventually("the owner refuses", || studio.told().pop());
    let folder = program.kill();

    studio.receives(204);
    studio.time_goes_by();
    let program = crate::program::Program::start_in(folder, &studio.settings());
    let taken = eventually("the owner is told", || studio.told().pop());
    assert_eq!(
        (&taken.body, &taken.headers["reflector-notice-id"]),
        (&refused.body, &refused.headers["reflector-notice-id"])
    );
    was_signed(&taken);
    let settled = "SELECT count(*) FROM notices WHERE settled_at IS NOT NULL";
    // The one of the recording as well.
    eventually("it is settled", || (studio.schema.sql(settled).trim() == "2").then_some(()));
    studio.time_goes_by();
    eventually("it is counted", || {
        program.get("/metrics").text().contains(r#"reflector_notices_total{outcome="taken"} 2"#).then_some(())
    });
    assert_eq!(studio.told().len(), 1, "and not again");
}

#[test]
fn an_owner_is_told_of_a_meeting_that_ends_and_of_its_recording() {
    let studio = Studio::silent();
    let program = studio.start();
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    program.post(&format!("/meetings/{}/end", meeting.id), &json!({}));
    let over = eventually("the owner is told that it is over", || studio.told_of("meeting.").pop());
    was_signed(&over);
    let said: Value = over.body_json().expect("it is JSON");
    assert_eq!(
        (&said["event"], &said["meeting_id"], &said["close_reason"]),
        (&json!("meeting.closed"), &json!(meeting.id), &json!("ended_by_owner"))
    );
    let key = meeting.key("mp4");
    studio.put(&key, &media::mp4());
    let received = eventually("the owner is told of the recording", || studio.told_of("recording.").pop());
    was_signed(&received);
    let said: Value = received.body_json().expect("it is JSON");
    assert_eq!(
        (&said["event"], &said["meeting_id"], &said["object_key"]),
        (&json!("recording.received"), &json!(meeting.id), &json!(key))
    );
}

#[test]
fn private_addresses_are_refused_when_they_are_saved_and_when_they_are_called() {
    let studio = Studio::silent().with(&[("REFLECTOR_ALLOW_PRIVATE_URLS", "no")]);
    let allowing = studio.start_with(&[("REFLECTOR_ALLOW_PRIVATE_URLS", "yes")]);
    let meeting = Held::begin(&allowing, &studio, "standup", &json!({}));
    allowing.kill();

    let program = studio.start();
    for (url, why) in [
        (studio.receiver.uri(), "https"),
        ("https://127.0.0.1/".to_owned(), "REFLECTOR_ALLOW_PRIVATE_URLS"),
        ("https://169.254.169.254/latest/meta-data".to_owned(), "not a public address"),
        ("https://localhost/".to_owned(), "not a public address"),
        ("no address".to_owned(), "https"),
    ] {
        let room = json!({ "name": "another", "webhook_url": url, "webhook_secret": SECRET });
        let answer = program.send(&Request::new("POST", "/rooms").json(&room));
        assert_eq!((answer.status, answer.json()["field"].as_str()), (422, Some("webhook_url")), "{url}");
        assert!(answer.text().contains(why), "{url}: {}", answer.text());
    }
    studio.put(&meeting.key("mp4"), &media::mp4());
    program.ended(&program.transcript_of(&meeting.key("mp4")));
    eventually("it says why nobody is told", || {
        program.logged().contains("a room's owner could not be told").then_some(())
    });
    assert!(studio.told().is_empty());
}

#[test]
fn what_messages_are_signed_with_is_written_and_never_read() {
    let studio = Studio::silent();
    let program = studio.start();
    Held::begin(&program, &studio, "standup", &json!({}));
    let url = studio.receiver.uri() + "/";
    let room = program.read("/rooms/standup");
    assert_eq!(room["webhook_url"], json!(url));
    assert!(!room.to_string().contains(SECRET) && room.get("webhook_secret").is_none());

    let change = |body| program.send(&Request::new("PATCH", "/rooms/standup").json(&body));
    assert_eq!(change(json!({ "webhook_secret": "short" })).json()["field"], "webhook_secret");
    assert_eq!(
        change(json!({ "webhook_url": format!("{url}other") })).json()["webhook_url"],
        json!(format!("{url}other"))
    );
    assert_eq!(change(json!({ "webhook_url": null })).json()["webhook_url"], json!(null));
    assert_eq!(
        change(json!({ "webhook_url": url })).json()["field"],
        "webhook_secret",
        "the old one went with it"
    );
    assert!(!program.logged().contains(SECRET));
}
