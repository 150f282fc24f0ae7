//! Every route × everybody who may call.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::http::{Answer, Request};
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
        row("POST", "/session", empty(), [401, 204, 204]),
        row("GET", "/session", empty(), [401, 200, 200]),
        // Also who cannot say any more who they are.
        row("DELETE", "/session", empty(), [204, 204, 204]),
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
    let bad = bad_credentials(&town);
    each_route(&town, &program, [Says::Nothing, town.user("eve"), owner], |what, ask| {
        for (why, who) in &bad {
            let answer = ask(who, "bad");
            assert_eq!(answer.status, UNIDENTIFIED, "{what}, {why}: {}", answer.text());
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{what}, {why}");
        }
    });
}

#[test]
fn a_browser_in_which_somebody_signed_in_does_and_sees_what_they_may_and_nothing_else() {
    let town = Town::new();
    let program = town.start();
    let [eve, owner] = [town.user("eve"), town.key("ada", &[]).0].map(|who| who.in_a_browser(&program));
    let bad = bad_cookies(&town, &program);
    let of_foreign_page = |path: &str, method: &str, body: &Value| {
        let Says::Cookie(cookie) = &owner else { panic!("it is one") };
        let origins =
            [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("x-no", "word")];
        origins.map(|(name, value)| {
            let request = Request::new(method, path).json(body).header("cookie", cookie);
            program.send(&request.header(name, value)).status
        })
    };
    for Row { route, method, body, .. } in table().into_iter().filter(|row| row.method != "GET") {
        let path = route.replace("{room}", "adas").replace(['{', '}'], "");
        assert_eq!(of_foreign_page(&path, method, &body), [403; 3], "{method} {route}");
    }
    each_route(&town, &program, [Says::Nothing, eve, owner.clone()], |what, ask| {
        let nobody = ask(&Says::Nothing, "bad").status;
        for (why, who) in &bad {
            assert_eq!(ask(who, "bad").status, nobody, "{what}, {why}: it says nothing");
        }
    });
}

/// Each route by nobody, a stranger and the owner of what it is about, after something else was tried with it.
fn each_route(
    town: &Town,
    program: &Program,
    [nobody, stranger, owner]: [Says; 3],
    before: impl Fn(&str, &dyn Fn(&Says, &str) -> Answer),
) {
    let place = Place::make(town, program, &owner);
    for (number, row) in table().into_iter().enumerate() {
        let Row { route, method, body, .. } = row;
        let path = place.filled(route);
        let ask = |who: &Says, what: &str| {
            let body = place.filled(&body.to_string()).replace("NAME", &format!("{what}-{number}"));
            who.ask(program, method, &path, &serde_json::from_str(&body).expect("it is JSON"))
        };
        before(&format!("{method} {route}"), &ask);
        for (what, who, status) in [
            ("nobody", &nobody, row.nobody),
            ("stranger", &stranger, row.stranger),
            ("owner", &owner, row.owner),
        ] {
            let answer = ask(who, what);
            assert_eq!(answer.status, status, "{method} {route}, {what}: {}", answer.text());
        }
    }
}

/// Cookies that say nothing, and why.
fn bad_cookies(town: &Town, program: &Program) -> Vec<(&'static str, Says)> {
    let (key, id) = town.key("ada", &[]);
    let revoked = key.in_a_browser(program);
    assert_eq!(town.run(&["keys", "revoke", &id]).status.code(), Some(0));
    let Says::Cookie(sound) = town.user("ada").in_a_browser(program) else { panic!("it is one") };
    let (name, text) = sound.split_once('=').expect("it has a name");
    let another = Town::new();
    let elsewhere = another.user("ada").in_a_browser(&another.start());
    let last = if text.ends_with('0') { "1" } else { "0" };
    let cookie = |text: &str| Says::Cookie(format!("{name}={text}"));
    vec![
        ("of a key that was revoked", revoked),
        ("of another deployment", elsewhere),
        ("changed at its end", cookie(&format!("{}{last}", &text[..text.len() - 1]))),
        ("for another user", cookie(&text.replacen("616461", "726f6f74", 1))),
        ("cut", cookie(&text[..text.len() - 2])),
        ("empty", cookie("")),
        ("nonsense", cookie("nonsense")),
        ("there twice", Says::Cookie(format!("{sound}; {name}=0"))),
    ]
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
    let api = source.split("fn api(").nth(1).and_then(|rest| rest.split("\n}").next()).expect("it is there");
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
