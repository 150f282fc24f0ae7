//! Bad input: every row is answered with a problem that a person can read, and the program lives on.

mod door;
mod fields;

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::program::Program;

const NOBODY: &str = "0190a5c2-6e9c-7b7e-8d3e-0123456789ab";
const MEBIBYTE: usize = 1024 * 1024;
/// Where the program listens both with and without a version.
const VERSIONS: [&str; 2] = ["", "/v1"];

/// A request, the status it is answered with, and the field that a 422 names.
type Row = (Request, u16, Option<&'static str>);

/// Rooms and meetings in every state that the rows need.
struct World {
    program: Program,
    /// Scheduled for a day from now, in `standup`.
    scheduled: String,
    /// The meeting that `standup` has now; unscheduled.
    current: String,
    /// Ended, in `standup`.
    closed: String,
    /// In `other`.
    foreign: String,
}

impl World {
    fn new() -> Self {
        let program = Program::start();
        for room in ["standup", "other", "gone"] {
            program.make_room(room);
        }
        let id = |meeting: &Value| meeting["id"].as_str().expect("an id").to_owned();
        let closed = id(&program.meet("standup"));
        program.post(&format!("/meetings/{closed}/end"), &json!({}));
        program.until(&closed, "its end", |meeting| meeting["phase"] == "closed");
        let dates = json!({ "start_date": far(1), "end_date": far(2) });
        let scheduled = id(&program.post("/rooms/standup/meetings", &dates));
        let current = id(&program.meet("standup"));
        let foreign = id(&program.meet("other"));
        assert_eq!(program.send(&Request::new("DELETE", "/rooms/gone")).status, 204);
        Self { program, scheduled, current, closed, foreign }
    }

    /// Every row holds, with the version and without.
    fn refuses(&self, rows: Vec<Row>) {
        assert!(!rows.is_empty(), "a table without rows proves nothing");
        for (request, status, field) in rows {
            for version in VERSIONS {
                let request = request.clone().below(version);
                is_problem(&self.program.send(&request), status, field, &shown(&request));
            }
        }
        self.lives_on();
    }

    fn lives_on(&self) {
        assert_eq!(self.program.get("/healthz").status, 200);
        let logged = self.program.logged();
        assert!(!logged.contains("panicked"), "{logged}");
        assert!(!logged.contains("ERROR"), "{logged}");
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let world = World::new();
    let long = "a".repeat(8000);
    let mut rows = Vec::new();
    for room in
        ["nobody", "gone", NOBODY, "No-Such", "-", "%00", "..", "%2e%2e%2fetc", "..%5cetc", "%ff%fe", &long]
    {
        rows.extend([
            get(format!("/rooms/{room}")),
            get(format!("/rooms/{room}/meetings/active")),
            ("PATCH".to_owned(), format!("/rooms/{room}"), json!({})),
            ("DELETE".to_owned(), format!("/rooms/{room}"), json!({})),
            post(format!("/rooms/{room}/meeting"), json!({})),
            post(format!("/rooms/{room}/meetings"), json!({ "start_date": far(1), "end_date": far(2) })),
            post(format!("/rooms/{room}/meetings/{}/join", world.current), json!({})),
        ]);
    }
    for meeting in
        [NOBODY, "standup", "1", "%00", "..", "%2e%2e%2fetc", "%3Cscript%3E", "%ff%fe", "%F0%9F", &long]
    {
        rows.extend([
            get(format!("/meetings/{meeting}")),
            get(format!("/meetings/{meeting}/history")),
            ("PATCH".to_owned(), format!("/meetings/{meeting}"), json!({ "end_date": far(3) })),
            ("DELETE".to_owned(), format!("/meetings/{meeting}"), json!({})),
            post(format!("/meetings/{meeting}/extend"), json!({ "until": far(3) })),
            post(format!("/meetings/{meeting}/end"), json!({})),
            post(format!("/rooms/standup/meetings/{meeting}/join"), json!({})),
        ]);
    }
    for recording in [NOBODY, "standup", &world.current, "%00", "..", "%2e%2e%2fetc", "%ff%fe", &long] {
        rows.extend([
            get(format!("/recordings/{recording}")),
            ("DELETE".to_owned(), format!("/recordings/{recording}"), json!({})),
            post(format!("/recordings/{recording}/requeue"), json!({})),
            post(format!("/recordings/{recording}/attach"), json!({ "meeting_id": world.current })),
        ]);
    }
    rows.extend(
        ["/nothing", "/rooms/", "//", "/rooms/standup/nothing", "/rooms/../etc"]
            .map(|path| get(path.to_owned())),
    );
    let row =
        |(method, path, body): (String, String, Value)| (Request::new(&method, path).json(&body), 404, None);
    world.refuses(rows.into_iter().map(row).collect());
}

#[test]
fn messages_for_a_provider_that_sends_none_here_are_not_found() {
    let world = World::new();
    for path in
        ["/webhooks/zoom", "/webhooks/builtin", "/webhooks/%ff", "/webhooks/..", "/webhooks/", "/whereby"]
    {
        let request = Request::new("POST", path).body("{}");
        is_problem(&world.program.send(&request), 404, None, path);
    }
    let large = Request::new("POST", "/whereby").body(vec![b' '; MEBIBYTE + 1]);
    is_problem(&world.program.send(&large), 404, None, "a large message, of which nothing is read");
    world.lives_on();
}

#[test]
fn what_a_meeting_does_not_allow_is_refused() {
    let world = World::new();
    let (current, closed) = (&world.current, &world.closed);
    world.refuses(vec![
        (Request::new("POST", format!("/rooms/standup/meetings/{}/join", world.foreign)), 403, None),
        (Request::new("POST", format!("/rooms/standup/meetings/{closed}/join")), 400, None),
        (
            Request::new("PATCH", format!("/meetings/{closed}")).json(&json!({ "end_date": far(3) })),
            409,
            None,
        ),
        (
            Request::new("PATCH", format!("/meetings/{closed}")).json(&json!({ "grace_period_minutes": 1 })),
            409,
            None,
        ),
        (
            Request::new("POST", format!("/meetings/{closed}/extend")).json(&json!({ "until": far(99) })),
            409,
            None,
        ),
        (Request::new("DELETE", format!("/meetings/{closed}")), 409, None),
        (Request::new("POST", "/rooms").json(&json!({ "name": "standup" })), 409, None),
        (Request::new("DELETE", "/rooms/standup"), 409, None),
        (Request::new("DELETE", "/rooms/standup?end=false"), 409, None),
    ]);
    let end = Request::new("POST", format!("/meetings/{closed}/end"));
    assert_eq!(world.program.send(&end).status, 200, "to end what has ended is no mistake");
    for version in VERSIONS {
        let remove = Request::new("DELETE", "/rooms/standup?end=true").below(version);
        let expected = if version.is_empty() { 204 } else { 404 };
        assert_eq!(world.program.send(&remove).status, expected, "{version}");
    }
    let ended = world.program.until(current, "its end", |meeting| meeting["phase"] == "closed");
    assert_eq!(ended["close_reason"], "ended_by_owner");
    is_problem(&world.program.get("/rooms/standup"), 404, None, "the deleted room");
}

fn is_problem(answer: &Answer, status: u16, field: Option<&str>, what: &str) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{what}: {text}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}: {text}");
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{what}: {text}");
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{what}: {text}");
    assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{what}: {text}");
    assert_eq!(problem["field"].as_str(), field, "{what}: {text}");
}

fn shown(request: &Request) -> String {
    format!("{request:?}").chars().take(400).collect()
}

fn get(path: String) -> (String, String, Value) {
    ("GET".to_owned(), path, json!({}))
}

fn post(path: String, body: Value) -> (String, String, Value) {
    ("POST".to_owned(), path, body)
}

/// So many years on, more or less.
fn far(years: u32) -> String {
    format!("{}-01-01T09:00:00Z", 2090 + years)
}
