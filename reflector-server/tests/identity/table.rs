//! Every route × everybody who may call.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::issuer::{claims, hs256, none};
use crate::program::Program;
use crate::town::{Says, Town};

/// What everybody is answered whose token or key is no good, wherever they go.
const UNIDENTIFIED: u16 = 401;

/// What is asked, and what each is answered: who says nothing, a stranger, and the owner of the room that it is about.
struct Row {
    route: &'static str,
    method: &'static str,
    body: Value,
    nobody: u16,
    stranger: u16,
    owner: u16,
}

fn row(method: &'static str, route: &'static str, body: Value, answers: [u16; 3]) -> Row {
    let [nobody, stranger, owner] = answers;
    Row { route, method, body, nobody, stranger, owner }
}

/// The routes, those that end something last.
fn table() -> Vec<Row> {
    let dates = json!({ "start_date": "2100-01-01T09:00:00Z", "end_date": "2100-01-01T10:00:00Z" });
    let answer = json!({ "consent_given": false, "participant_token": "of nobody" });
    let empty = || json!({});
    vec![
        row("GET", "/rooms", empty(), [401, 200, 200]),
        row("POST", "/rooms", json!({ "name": "NAME" }), [401, 201, 201]),
        row("GET", "/rooms/{room}", empty(), [401, 404, 200]),
        row("PATCH", "/rooms/{room}", empty(), [401, 404, 200]),
        row("POST", "/rooms/{room}/meeting", empty(), [401, 404, 200]),
        row("POST", "/rooms/{room}/meetings", dates, [401, 404, 201]),
        row("GET", "/rooms/{room}/meetings/active", empty(), [404, 404, 200]),
        row("POST", "/rooms/{room}/meetings/{meeting}/join", empty(), [404, 404, 200]),
        row("GET", "/meetings/{meeting}", empty(), [401, 404, 200]),
        row("PATCH", "/meetings/{meeting}", json!({ "grace_period_minutes": 5 }), [401, 404, 200]),
        row(
            "POST",
            "/meetings/{meeting}/extend",
            json!({ "until": "2100-01-01T10:00:00Z" }),
            [401, 404, 200],
        ),
        row("GET", "/meetings/{meeting}/history", empty(), [401, 404, 200]),
        // Whoever has the token that joining gave, and nobody else, whoever they are.
        row("POST", "/meetings/{meeting}/consent", answer, [403, 403, 403]),
        row("GET", "/recordings", empty(), [401, 200, 200]),
        row("GET", "/recordings/{recording}", empty(), [401, 404, 200]),
        // Operators alone.
        row("POST", "/recordings/{recording}/attach", json!({ "meeting_id": "{meeting}" }), [401, 403, 403]),
        row("GET", "/transcripts", empty(), [401, 200, 200]),
        row("GET", "/transcripts/{transcript}", empty(), [401, 404, 200]),
        // It has no text.
        row("GET", "/transcripts/{transcript}/webvtt", empty(), [401, 404, 404]),
        row("GET", "/transcripts/{transcript}/audio", empty(), [401, 404, 200]),
        row("GET", "/transcripts/{transcript}/events", empty(), [401, 404, 200]),
        // Each is told of what they see.
        row("GET", "/events", empty(), [401, 200, 200]),
        row("GET", "/events?room={room}", empty(), [404, 404, 200]),
        row("POST", "/transcripts/{transcript}/process", json!({ "from": "publish" }), [401, 404, 202]),
        row("POST", "/recordings/{recording}/requeue", empty(), [401, 404, 202]),
        row("DELETE", "/transcripts/{transcript}", empty(), [401, 404, 204]),
        row("DELETE", "/recordings/{recording}", empty(), [401, 404, 204]),
        row("POST", "/meetings/{meeting}/end", empty(), [401, 404, 200]),
        row("DELETE", "/meetings/{meeting}", empty(), [401, 404, 409]),
        row("DELETE", "/rooms/{room}?end=true", empty(), [401, 404, 204]),
    ]
}

/// A room of Ada's with a meeting, a recording of it and its transcript.
struct Place {
    meeting: String,
    recording: String,
    transcript: String,
}

impl Place {
    fn make(town: &Town, program: &Program, owner: &Says) -> Self {
        owner.post(program, "/rooms", &json!({ "name": "adas" }));
        let meeting = owner.post(program, "/rooms/adas/meeting", &json!({}));
        let text = |value: &Value| value.as_str().expect("it is text").to_owned();
        town.record(&format!("{}-{}.wav", text(&meeting["room_name"]), text(&meeting["start_date"])));
        let recording = owner.finds(program, "/recordings", |one| one["status"] == "completed");
        let transcript = text(&recording["transcript_id"]);
        Self { meeting: text(&meeting["id"]), recording: text(&recording["id"]), transcript }
    }

    fn filled(&self, text: &str) -> String {
        let filled = text.replace("{room}", "adas").replace("{meeting}", &self.meeting);
        filled.replace("{recording}", &self.recording).replace("{transcript}", &self.transcript)
    }
}

#[test]
fn nobody_does_or_sees_what_is_not_theirs() {
    let town = Town::new();
    let program = town.start();
    let owner = town.user("ada");
    let place = Place::make(&town, &program, &owner);
    let bad = bad_credentials(&town);
    for (number, Row { route, method, body, nobody, stranger, owner: owners }) in
        table().into_iter().enumerate()
    {
        let path = place.filled(route);
        let ask = |who: &Says, what: &str| {
            let body = place.filled(&body.to_string()).replace("NAME", &format!("{what}-{number}"));
            who.ask(&program, method, &path, &serde_json::from_str(&body).expect("it is JSON"))
        };
        for (what, who) in &bad {
            let answer = ask(who, "bad");
            assert_eq!(answer.status, UNIDENTIFIED, "{method} {route}, {what}: {}", answer.text());
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{method} {route}, {what}");
        }
        for (what, who, status) in [
            ("nobody", Says::Nothing, nobody),
            ("stranger", town.user("eve"), stranger),
            ("owner", owner.clone(), owners),
        ] {
            let answer = ask(&who, what);
            assert_eq!(answer.status, status, "{method} {route}, {what}: {}", answer.text());
        }
    }
}

/// What says nothing that can be believed, and why.
fn bad_credentials(town: &Town) -> Vec<(&'static str, Says)> {
    let (revoked, id) = town.key("ada", &[]);
    assert_eq!(town.run(&["keys", "revoke", &id]).status.code(), Some(0));
    let sound = claims("ada", 600);
    let with = |field: &str, value: Value| {
        let mut claims = sound.clone();
        claims[field] = value;
        claims
    };
    let without = |field: &str| {
        let mut claims = sound.clone();
        claims.as_object_mut().expect("it is one").remove(field);
        claims
    };
    let issuer = &town.issuer;
    let token = |claims: &Value| Says::Token(issuer.rs256(claims));
    let mut cut = issuer.rs256(&sound);
    cut.truncate(cut.len() - 8);
    let says_hs256 = issuer.signed_by_rsa(&json!({ "alg": "HS256", "kid": "first-rsa" }), &sound);
    let of_another_kind = issuer.signed_by_rsa(&json!({ "alg": "ES256", "kid": "first-ec" }), &sound);
    let of_nobody = issuer.signed_by_rsa(&json!({ "alg": "RS256", "kid": "of nobody" }), &sound);
    vec![
        ("a revoked key", revoked),
        ("a key that is none", Says::Key("rfl_of-nobody".to_owned())),
        ("an expired token", token(&claims("ada", -61))),
        ("a token that is not valid yet", token(&with("nbf", json!(4_000_000_000_u64)))),
        ("a token for somebody else", token(&with("aud", json!("another")))),
        ("a token of somebody else", token(&with("iss", json!("https://another.example")))),
        ("a token without an end", token(&without("exp"))),
        ("a token for nobody in particular", token(&without("aud"))),
        ("a token of nobody", token(&without("sub"))),
        ("a token that nobody signed", Says::Token(none(&sound))),
        ("a token signed with the public key as a secret", Says::Token(hs256(&issuer.public_text(), &sound))),
        ("a token that says another algorithm", Says::Token(says_hs256)),
        ("a token that names a key of another kind", Says::Token(of_another_kind)),
        ("a token that names a key that is not there", Says::Token(of_nobody)),
        ("a token that was cut", Says::Token(cut)),
        ("no token", Says::Token("nonsense".to_owned())),
    ]
}

#[test]
fn every_route_of_the_api_is_in_the_table() {
    let source = include_str!("../../src/router.rs");
    let api = source.split("fn api()").nth(1).and_then(|rest| rest.split("\n}").next()).expect("it is there");
    let mut routes = BTreeSet::new();
    for route in api.split(".route(\"").skip(1) {
        let (path, handlers) = route.split_once('"').expect("it ends");
        for (word, method) in
            [("get(", "GET"), ("post(", "POST"), ("patch(", "PATCH"), ("put(", "PUT"), ("delete(", "DELETE")]
        {
            if handlers.contains(word) {
                routes.insert((method, path));
            }
        }
    }
    let rows = table();
    let known = rows.iter().map(|row| (row.method, row.route.split('?').next().unwrap_or_default()));
    assert_eq!(known.collect::<BTreeSet<_>>(), routes);
}

/// The table as people read it.
fn written() -> String {
    let mut text = "| route | nobody | stranger | owner |\n| --- | --- | --- | --- |\n".to_owned();
    for Row { method, route, nobody, stranger, owner, .. } in table() {
        text += &format!("| `{method} {route}` | {nobody} | {stranger} | {owner} |\n");
    }
    text
}

#[test]
fn the_table_is_the_one_that_people_read() {
    let page = include_str!("../../../docs/access.md");
    assert!(page.contains(&written()), "docs/access.md should hold:\n\n{}", written());
}
