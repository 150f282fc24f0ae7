//! Requests that are turned away at the door, whatever they are about.

use serde_json::json;

use super::{World, is_problem, shown};
use crate::http::{Request, exchange};
use crate::program::{Program, eventually};

#[test]
fn a_method_that_an_address_does_not_have_is_told_with_those_it_has() {
    let world = World::new();
    let meeting = format!("/meetings/{}", world.current);
    let rows: Vec<_> = [
        ("PUT", "/rooms", "GET"),
        ("DELETE", "/rooms", "POST"),
        ("OPTIONS", "/rooms", "POST"),
        ("POST", "/rooms/standup", "PATCH"),
        ("GET", "/rooms/standup/meeting", "POST"),
        ("GET", "/rooms/standup/meetings", "POST"),
        ("POST", "/rooms/standup/meetings/active", "GET"),
        ("PUT", &meeting, "PATCH"),
        ("BREW", &meeting, "DELETE"),
    ]
    .map(|(method, path, has)| (Request::new(method, path), has))
    .into();
    for (request, has) in &rows {
        let answer = world.program.send(request);
        let allowed = answer.header("allow").unwrap_or_default();
        assert!(allowed.split(',').any(|method| method.trim() == *has), "{}: {allowed}", shown(request));
    }
    world.refuses(rows.into_iter().map(|(request, _)| (request, 405, None)).collect());
    for path in ["/", "/healthz", "/readyz", "/assets/start.js"] {
        is_problem(&world.program.send(&Request::new("POST", path)), 405, None, path);
    }
    is_problem(&world.program.get("/whereby"), 405, None, "/whereby");
}

#[test]
fn a_page_of_another_origin_and_a_name_that_is_not_ours_are_turned_away() {
    let world = World::new();
    let make = Request::new("POST", "/rooms").json(&json!({ "name": "foreign" }));
    let port = world.program.address.port();
    let mut rows = Vec::new();
    for origin in
        ["https://evil.example", "null", "", &format!("http://localhost:{port}"), "http://127.0.0.1:1"]
    {
        for request in
            [&make, &Request::new("GET", "/rooms"), &Request::new("DELETE", "/rooms/standup?end=true")]
        {
            rows.push((request.clone().header("origin", origin), 403, None));
        }
    }
    for host in [
        "evil.example",
        "evil.example:1250",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "192.168.0.1",
        "",
    ] {
        for request in [&make, &Request::new("GET", "/rooms"), &Request::new("GET", "/nothing")] {
            rows.push((request.clone().header("host", host), 421, None));
        }
    }
    let twice = Request::new("GET", "/rooms").header("host", "localhost").header("host", "evil.example");
    rows.push((twice, 421, None));
    world.refuses(rows);
    for path in ["/", "/healthz", "/webhooks/zoom"] {
        let request = Request::new("GET", path).header("host", "evil.example");
        is_problem(&world.program.send(&request), 421, None, path);
    }
    for (name, bytes) in [
        ("no host", "GET /rooms HTTP/1.0\r\n\r\n"),
        (
            "a whole address",
            "GET http://evil.example/rooms HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        ),
    ] {
        let answer = exchange(world.program.address, bytes.as_bytes()).expect("an answer");
        is_problem(&answer, 421, None, name);
    }
    is_problem(&world.program.get("/rooms/foreign"), 404, None, "the room that nobody made");
    let own = make.header("origin", &world.program.origin());
    assert_eq!(world.program.send(&own).status, 201, "a page of its own may");
}

#[test]
fn what_is_no_http_is_refused_and_the_next_is_served() {
    let world = World::new();
    let long = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(70_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(500));
    let bad: &[&[u8]] = &[
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /rooms\0 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"POST /rooms HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"POST /rooms HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        long.as_bytes(),
        many.as_bytes(),
    ];
    for bytes in bad {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
        // Whoever does not speak HTTP may be hung up on without an answer.
        if let Ok(answer) = exchange(world.program.address, bytes) {
            assert!((400..500).contains(&answer.status), "{start}: {}", answer.status);
        }
        world.lives_on();
    }
}

#[test]
fn a_request_is_known_by_one_id_in_its_answer_and_in_the_log_which_says_nothing_behind_its_path() {
    let program = Program::start_with(&[("REFLECTOR_LOG", "debug")]);
    let named = Request::new("GET", "/rooms?token=hush").header("x-request-id", "known-7");
    assert_eq!(program.send(&named).header("x-request-id"), Some("known-7"));
    let (one, another) = (program.get("/nowhere"), program.get("/nowhere"));
    let id = one.header("x-request-id").expect("it has one").to_owned();
    assert_ne!(another.header("x-request-id"), Some(id.as_str()));
    eventually("the log tells both", || {
        let logged = program.logged();
        (logged.contains("known-7") && logged.contains(&id)).then_some(())
    });
    assert!(!program.logged().contains("hush"), "{}", program.logged());
}

#[test]
fn pages_of_the_origins_that_are_named_may_call_and_no_others() {
    let program =
        Program::start_with(&[("REFLECTOR_CORS_ORIGINS", "https://app.example, https://other.example:8443")]);
    let asks = |origin: &str| {
        let request = Request::new("OPTIONS", "/rooms").header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        program.send(&request.header("access-control-request-headers", "authorization,content-type"))
    };
    for origin in ["https://app.example", "https://other.example:8443"] {
        let answer = asks(origin);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(origin)));
        let headers = answer.header("access-control-allow-headers").unwrap_or_default();
        assert!(
            headers.contains("authorization") && answer.header("access-control-allow-credentials").is_none()
        );
        let room = json!({ "name": format!("room-{}", origin.len()) });
        let made = program.send(&Request::new("POST", "/rooms").header("origin", origin).json(&room));
        assert_eq!((made.status, made.header("access-control-allow-origin")), (201, Some(origin)));
    }
    assert_eq!(asks("https://evil.example").header("access-control-allow-origin"), None);
    let room = json!({ "name": "evil" });
    let refused =
        program.send(&Request::new("POST", "/rooms").header("origin", "https://evil.example").json(&room));
    assert_eq!(refused.status, 403);
}
