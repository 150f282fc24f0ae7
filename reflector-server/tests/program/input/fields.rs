//! Fields, parameters and bodies that cannot be taken: whoever sent them is told which, and what they should be.

use serde_json::{Value, json};

use super::{MEBIBYTE, NOBODY, World, far, is_problem};
use crate::http::Request;

#[test]
fn an_invalid_field_of_a_room_is_named() {
    let world = World::new();
    let fields: &[(&str, &[Value])] = &[
        ("is_locked", &[json!("yes"), json!(1)]),
        ("room_mode", &[json!("huge"), json!(5)]),
        ("recording_type", &[json!("tape"), json!(false)]),
        ("recording_trigger", &[json!("maybe"), json!([])]),
        ("is_shared", &[json!(1)]),
        ("guests", &[json!("no")]),
        ("grace_period_minutes", &[json!("15"), json!(-1), json!(525_601), json!(1e300), json!({})]),
        ("overtime_minutes", &[json!(true), json!("forever"), json!(-0.5), json!(1e9), json!([5])]),
        ("provider", &[json!("zoom"), json!(7), json!("whereby"), json!("")]),
    ];
    let mut rows = Vec::new();
    for (field, values) in fields {
        for value in *values {
            rows.push((
                Request::new("POST", "/rooms").json(&json!({ "name": "new", *field: value })),
                422,
                Some(*field),
            ));
            rows.push((
                Request::new("PATCH", "/rooms/standup").json(&json!({ *field: value })),
                422,
                Some(*field),
            ));
        }
    }
    let long = "x".repeat(64);
    for name in [
        json!(5),
        json!(""),
        json!("Stand up"),
        json!("-a"),
        json!("../etc"),
        json!("a\0b"),
        json!("ü"),
        json!(NOBODY),
        json!(long),
    ] {
        rows.push((Request::new("POST", "/rooms").json(&json!({ "name": name })), 422, Some("name")));
        rows.push((
            Request::new("PATCH", "/rooms/standup").json(&json!({ "name": name })),
            422,
            Some("name"),
        ));
    }
    // Sixteen bytes, and eight characters: it is characters that are counted.
    let short = json!({ "webhook_url": "https://example.com/told", "webhook_secret": "ü".repeat(8) });
    rows.push((Request::new("PATCH", "/rooms/standup").json(&short), 422, Some("webhook_secret")));
    rows.push((Request::new("POST", "/rooms").json(&json!({})), 422, Some("name")));
    rows.push((Request::new("POST", "/rooms"), 422, Some("name")));
    world.refuses(rows);
    is_problem(&world.program.get("/rooms/new"), 404, None, "a room whose fields were invalid");
}

#[test]
fn an_invalid_field_of_a_meeting_is_named() {
    let world = World::new();
    let post = |body: Value| Request::new("POST", "/rooms/standup/meetings").json(&body);
    let with = |field: &str, value: Value| {
        let mut body = json!({ "start_date": far(1), "end_date": far(2) });
        body[field] = value;
        post(body)
    };
    let (past, before) = ("2001-01-01T09:00:00Z", "2001-01-01T10:00:00Z");
    let mut rows = vec![
        (post(json!({ "end_date": far(2) })), 422, Some("start_date")),
        (post(json!({ "start_date": far(1) })), 422, Some("end_date")),
        (with("start_date", json!(5)), 422, Some("start_date")),
        (with("start_date", json!("tomorrow")), 422, Some("start_date")),
        (with("start_date", json!(null)), 422, Some("start_date")),
        (with("end_date", json!("2030-02-30T09:00:00Z")), 422, Some("end_date")),
        (with("end_date", json!("2030-01-01T09:00:00")), 422, Some("end_date")),
        (with("end_date", json!([])), 422, Some("end_date")),
        (with("end_date", json!(far(1))), 422, Some("end_date")),
        (with("end_date", json!(past)), 422, Some("end_date")),
        (post(json!({ "start_date": past, "end_date": before })), 422, Some("end_date")),
        (with("calendar_event_id", json!(5)), 422, Some("calendar_event_id")),
        (with("calendar_event_id", json!("")), 422, Some("calendar_event_id")),
        (with("calendar_event_id", json!("x".repeat(1025))), 422, Some("calendar_event_id")),
    ];
    let patch = |body: Value| Request::new("PATCH", format!("/meetings/{}", world.scheduled)).json(&body);
    for grace in [json!("15"), json!(-1), json!(525_601), json!(true)] {
        rows.push((with("grace_period_minutes", grace.clone()), 422, Some("grace_period_minutes")));
        rows.push((patch(json!({ "grace_period_minutes": grace })), 422, Some("grace_period_minutes")));
    }
    rows.extend([
        (patch(json!({ "start_date": "x" })), 422, Some("start_date")),
        (patch(json!({ "end_date": 5 })), 422, Some("end_date")),
        (patch(json!({ "end_date": past })), 422, Some("end_date")),
        (patch(json!({ "start_date": far(2) })), 422, Some("start_date")),
        (patch(json!({ "start_date": far(3), "end_date": far(3) })), 422, Some("end_date")),
    ]);
    let extend =
        |meeting: &str, body: Value| Request::new("POST", format!("/meetings/{meeting}/extend")).json(&body);
    rows.extend([
        (extend(&world.scheduled, json!({})), 422, Some("until")),
        (extend(&world.scheduled, json!({ "until": "later" })), 422, Some("until")),
        (extend(&world.scheduled, json!({ "until": far(1) })), 422, Some("until")),
        (extend(&world.scheduled, json!({ "until": far(2) })), 422, Some("until")),
        (extend(&world.current, json!({ "until": past })), 422, Some("until")),
    ]);
    world.refuses(rows);
    for meeting in [&world.scheduled, &world.current] {
        assert_eq!(
            world.program.read(&format!("/meetings/{meeting}"))["is_active"],
            true,
            "nothing was changed"
        );
    }
}

#[test]
fn an_invalid_parameter_is_named() {
    let world = World::new();
    let mut rows = Vec::new();
    for listing in
        ["/rooms".to_owned(), "/recordings".to_owned(), format!("/meetings/{}/history", world.current)]
    {
        for page in ["0", "-1", "x", "", "1.5", "18446744073709551616", "%ff", "%00"] {
            rows.push((Request::new("GET", format!("{listing}?page={page}")), 422, Some("page")));
        }
        for size in ["0", "201", "-1", "many", "%ff"] {
            rows.push((Request::new("GET", format!("{listing}?size={size}")), 422, Some("size")));
        }
    }
    for (parameter, value) in [
        ("status", "lost"),
        ("status", ""),
        ("status", "%ff"),
        ("room", "nobody"),
        ("room", ""),
        ("room", "%00"),
    ] {
        let request = Request::new("GET", format!("/recordings?{parameter}={value}"));
        rows.push((request, 422, Some(parameter)));
    }
    for meeting in [json!({}), json!({ "meeting_id": "standup" }), json!({ "meeting_id": 5 })] {
        let request = Request::new("POST", format!("/recordings/{NOBODY}/attach")).json(&meeting);
        rows.push((request, 422, Some("meeting_id")));
    }
    rows.push((Request::new("DELETE", "/rooms/standup?end=maybe"), 422, Some("end")));
    rows.push((Request::new("DELETE", "/rooms/standup?end=%ff"), 422, Some("end")));
    world.refuses(rows);
    // Beyond the last page there is nothing, and that is no mistake; nor is what nobody knows.
    for query in ["page=18446744073709551615&size=200", "%ff=%ff", "&&=&", "colour=red"] {
        let history = world.program.read(&format!("/meetings/{}/history?{query}", world.current));
        assert!(history["total"].as_u64() >= Some(2), "{query}: {history}");
        assert_eq!(world.program.read(&format!("/recordings?{query}"))["total"], 0, "{query}");
    }
}

#[test]
fn a_body_that_cannot_be_read_is_refused() {
    let world = World::new();
    let deep = "[".repeat(10_000);
    let not_json: &[&[u8]] =
        &[b"{", b"{\"name\":", b"nonsense", b"{\"name\": \"\xff\"}", b"\0", b"{}{}", deep.as_bytes()];
    let not_objects: &[&[u8]] = &[b"[]", b"5", b"null", b"\"name\"", b"true"];
    let mut rows = Vec::new();
    for (method, path) in [
        ("POST", "/rooms".to_owned()),
        ("PATCH", "/rooms/standup".to_owned()),
        ("POST", "/rooms/standup/meetings".to_owned()),
        ("PATCH", format!("/meetings/{}", world.current)),
        ("POST", format!("/meetings/{}/extend", world.current)),
    ] {
        let request = Request::new(method, path);
        rows.extend(not_json.iter().chain(not_objects).map(|body| (request.clone().body(body), 400, None)));
        rows.push((request.clone().body(vec![b' '; MEBIBYTE + 1]), 413, None));
        rows.push((in_chunks(&request, MEBIBYTE + 1), 413, None));
        rows.push((request.clone().without("content-type").body("{}"), 415, None));
        for kind in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"]
        {
            let said = request.clone().without("content-type").header("content-type", kind);
            rows.push((said.body("{}"), 415, None));
        }
    }
    rows.push((Request::new("POST", "/rooms/standup/meeting").without("content-type"), 415, None));
    world.refuses(rows);
    let limit = format!("{{\"name\": \"large\"{}}}", " ".repeat(MEBIBYTE - 17));
    assert_eq!(limit.len(), MEBIBYTE);
    let answer = world.program.send(&Request::new("POST", "/rooms").body(limit));
    assert_eq!(answer.status, 201, "a body of just 1 MiB: {}", answer.text());
}

/// A body that does not say how long it is.
fn in_chunks(request: &Request, length: usize) -> Request {
    let body = format!("{length:x}\r\n{}\r\n0\r\n\r\n", " ".repeat(length));
    request.clone().header("transfer-encoding", "chunked").body(body)
}
