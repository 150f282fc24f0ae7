//! The session of a browser.

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::issuer::claims;
use crate::program::Program;
use crate::town::{Says, Town};

fn set_by(answer: &Answer) -> &str {
    answer.header("set-cookie").unwrap_or_default()
}

#[test]
fn a_session_says_who_one_is_and_is_over_when_one_signs_out() {
    let town = Town::new();
    let program = town.start();
    let ada = town.user("ada");
    let begun = ada.ask(&program, "POST", "/session", &json!({}));
    assert_eq!(begun.status, 204);
    for word in ["reflector_session=", "; HttpOnly", "; SameSite=Strict", "; Path=/;"] {
        assert!(set_by(&begun).contains(word), "{word} is not in {}", set_by(&begun));
    }
    // The token has ten minutes.
    let lasts = set_by(&begun).split("Max-Age=").nth(1).and_then(|rest| rest.split(';').next());
    let lasts: u64 = lasts.expect("it ends").parse().expect("a number");
    assert!((540..=600).contains(&lasts), "{lasts} s");

    let browser = ada.in_a_browser(&program);
    let seen = browser.get(&program, "/session");
    assert_eq!((&seen["user"], &seen["is_operator"]), (&json!("ada"), &json!(false)));
    assert!(seen["expires_at"].is_string(), "{seen}");
    let ended = browser.ask(&program, "DELETE", "/session", &json!({}));
    assert!(set_by(&ended).starts_with("reflector_session=;") && set_by(&ended).contains("Max-Age=0"));
    assert_eq!(Says::Nothing.ask(&program, "GET", "/session", &json!({})).status, 401);
    let again = browser.ask(&program, "POST", "/session", &json!({}));
    assert_eq!((again.status, again.header("set-cookie")), (204, None), "it does not renew itself");
    let Says::Token(token) = &ada else { panic!("it is one") };
    assert!(!program.logged().contains(token.as_str()));
}

#[test]
fn whether_somebody_is_an_operator_is_judged_at_each_request() {
    let town = Town::new();
    let program = town.start();
    let browser = town.user("root").in_a_browser(&program);
    let operator_by_key = town.key("somebody", &["--operator"]).0.in_a_browser(&program);
    let is_operator = |program: &Program, who: &Says| who.get(program, "/session")["is_operator"].clone();
    assert_eq!([is_operator(&program, &browser), is_operator(&program, &operator_by_key)], [true, true]);
    drop(program);
    // Another server of the deployment, in which somebody else is.
    let program = town.start_with(&[("REFLECTOR_ADMINS", "ada")]);
    assert_eq!([is_operator(&program, &browser), is_operator(&program, &operator_by_key)], [false, true]);
}

#[test]
fn a_header_goes_before_a_cookie() {
    let town = Town::new();
    let program = town.start();
    let Says::Cookie(cookie) = town.user("root").in_a_browser(&program) else { panic!("it is one") };
    let (Says::Token(eve), bad) = (town.user("eve"), "Bearer nonsense") else { panic!("it is one") };
    let ask = |authorization: &str| {
        let request = Request::new("GET", "/session").header("cookie", &cookie);
        program.send(&request.header("authorization", authorization))
    };
    assert_eq!(ask(&format!("Bearer {eve}")).json()["user"], "eve");
    assert_eq!(ask(bad).status, 401);
}

#[test]
fn pages_of_this_server_change_things_by_whatever_name_it_is_reached() {
    let town = Town::new();
    let program = town.start_with(&[("REFLECTOR_PUBLIC_URL", "http://meet.example")]);
    let Says::Cookie(cookie) = town.user("ada").in_a_browser(&program) else { panic!("it is one") };
    let make = |number: usize, headers: &[(&str, &str)]| {
        let request = Request::new("POST", "/rooms").json(&json!({ "name": format!("room-{number}") }));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        program.send(&request.header("cookie", &cookie)).status
    };
    let here = format!("http://{}", program.address);
    for (number, (status, headers)) in [
        (201, vec![("origin", "http://meet.example")]),
        (201, vec![("origin", here.as_str())]),
        (201, vec![("host", "inside.example"), ("origin", "http://inside.example")]),
        (201, vec![("sec-fetch-site", "same-origin")]),
        (403, vec![("origin", "http://meet.example.evil.example")]),
        (403, vec![("origin", "null"), ("sec-fetch-site", "same-origin")]),
        (403, vec![("sec-fetch-site", "same-site")]),
        (403, vec![("sec-fetch-site", "none")]),
        (403, vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(make(number, &headers), status, "{headers:?}");
    }
}

#[test]
fn no_page_of_another_origin_is_let_in_by_a_cookie() {
    let town = Town::new();
    let origin = "https://pages.example";
    let program = town.start_with(&[("REFLECTOR_CORS_ORIGINS", origin)]);
    let Says::Cookie(cookie) = town.user("ada").in_a_browser(&program) else { panic!("it is one") };
    let request = |method: &str| Request::new(method, "/rooms").header("origin", origin);
    let asked = program.send(&request("OPTIONS").header("access-control-request-method", "POST"));
    let read = program.send(&request("GET").header("cookie", &cookie));
    assert_eq!(read.header("access-control-allow-origin"), Some(origin));
    for answer in [&asked, &read] {
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    let changed = request("POST").header("cookie", &cookie).json(&json!({ "name": "theirs" }));
    assert_eq!(program.send(&changed).status, 403);
}

#[test]
fn a_session_over_https_is_sent_over_nothing_else() {
    let town = Town::new();
    let program = town.start_with(&[("REFLECTOR_PUBLIC_URL", "https://meet.example")]);
    let begun = town.user("ada").ask(&program, "POST", "/session", &json!({}));
    assert!(set_by(&begun).starts_with("__Host-reflector_session="), "{}", set_by(&begun));
    assert!(set_by(&begun).ends_with("; Secure"), "{}", set_by(&begun));
}

#[test]
fn a_token_that_has_just_expired_begins_no_session() {
    let town = Town::new();
    let program = town.start();
    let late = Says::Token(town.issuer.rs256(&claims("ada", -5)));
    assert_eq!(late.ask(&program, "GET", "/rooms", &json!({})).status, 200, "clocks may differ");
    let answer = late.ask(&program, "POST", "/session", &json!({}));
    assert_eq!((answer.status, answer.header("set-cookie")), (401, None));
    assert_eq!(answer.json()["detail"], Value::from("the bearer token has expired"));
}
