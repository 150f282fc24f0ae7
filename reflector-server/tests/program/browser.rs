//! What people do: rooms and meetings in a real browser.

use std::time::Duration;

use reflector_core::Timestamp;
use serde_json::{Value, json};

use crate::program::Program;
use crate::webdriver::Browser;

const HERE: &str = "return document.body?.dataset.state ?? null";

#[test]
fn an_empty_meeting_waits_fifteen_minutes_and_is_live_again_when_somebody_returns() {
    let (program, browser) = (Program::start(), Browser::start());
    program.make_room("standup");
    let made = program.meet("standup");
    let (id, url) = (text(&made, "id"), text(&made, "room_url"));
    assert!(url.starts_with(&program.origin()), "{url}");
    assert_eq!((&made["phase"], &made["num_clients"]), (&json!("waiting"), &json!(0)));

    let tabs = [browser.open(url), browser.open(url)];
    let live = program.until(id, "two people", |meeting| meeting["num_clients"] == 2);
    assert_eq!((&live["phase"], &live["last_participant_left_at"]), (&json!("live"), &Value::Null));
    for tab in &tabs {
        browser.look_at(tab);
        browser.until("return document.getElementById('count').textContent", &json!("2 people are here"));
    }

    browser.close(&tabs[0]);
    let live = program.until(id, "one person", |meeting| meeting["num_clients"] == 1);
    assert_eq!((&live["phase"], &live["last_participant_left_at"]), (&json!("live"), &Value::Null));

    browser.close(&tabs[1]);
    let empty = program.until(id, "the grace", |meeting| meeting["phase"] == "grace");
    assert_eq!((&empty["num_clients"], &empty["is_active"]), (&json!(0), &json!(true)));
    assert_eq!(empty["closes_because"], "grace_expired");
    let waits = time(&empty, "closes_at").since(time(&empty, "last_participant_left_at"));
    assert_eq!(waits, Duration::from_secs(15 * 60));
    let active = program.read("/rooms/standup/meetings/active");
    assert_eq!(active.as_array().expect("a list").len(), 1, "{active:#}");

    let tab = browser.open(url);
    let live = program.until(id, "somebody back", |meeting| meeting["phase"] == "live");
    assert_eq!((&live["num_clients"], &live["last_participant_left_at"]), (&json!(1), &Value::Null));

    browser.close(&tab);
    let again = program.until(id, "the grace again", |meeting| meeting["phase"] == "grace");
    assert!(time(&again, "closes_at") > time(&empty, "closes_at"), "the patience began anew");
}

#[test]
fn a_meeting_whose_grace_is_over_is_closed_and_its_history_tells_every_step() {
    // Whoever asked to join is awaited for the length of a lease, also in an empty meeting (rule L6).
    let quick = [("REFLECTOR_GRACE", "800ms"), ("REFLECTOR_LEASE", "300ms")];
    let (program, browser) = (Program::start_with(&quick), Browser::start());
    program.make_room("standup");
    let made = program.meet("standup");
    let (id, url) = (text(&made, "id"), text(&made, "room_url"));

    let tab = browser.open(url);
    program.until(id, "somebody", |meeting| meeting["phase"] == "live");
    browser.close(&tab);
    let closed = program.until(id, "the end", |meeting| meeting["phase"] == "closed");

    assert_eq!((&closed["close_reason"], &closed["is_active"]), (&json!("grace_expired"), &json!(false)));
    assert_eq!((&closed["closes_at"], &closed["num_clients"]), (&Value::Null, &json!(0)));
    assert_eq!(program.read("/rooms/standup/meetings/active"), json!([]));
    assert_eq!(program.get(&url[program.origin().len()..]).status, 404, "its room is gone");

    let history = program.read(&format!("/meetings/{id}/history"));
    let entries = history["items"].as_array().expect("a list");
    let told: Vec<_> = entries.iter().map(|entry| text(entry, "event")).collect();
    // Asking for the meeting and asking to join are told as well; when depends on who was faster.
    let steps: Vec<_> = told.iter().copied().filter(|event| *event != "join_requested").collect();
    let expected = [
        "created",
        "room_opened",
        "participant_joined",
        "participant_left",
        "deadline_reached",
        "room_closed",
    ];
    assert_eq!(steps, expected, "{told:?}");
    let asked = told.iter().position(|event| *event == "join_requested").expect("somebody asked to join");
    assert!(asked < told.iter().position(|event| *event == "participant_joined").expect("told"), "{told:?}");
    assert_eq!(history["total"], told.len());
    let numbers: Vec<_> = entries.iter().filter_map(|entry| entry["seq"].as_u64()).collect();
    assert_eq!(numbers, (1..=told.len() as u64).collect::<Vec<_>>());

    let entry = |event: &str| entries.iter().find(|entry| entry["event"] == event).expect("told");
    assert_eq!(entry("deadline_reached")["reason"], "grace_expired");
    assert_eq!(entry("deadline_reached")["phase"], "closing");
    assert_eq!(entry("room_closed")["phase"], "closed");
    let waited = time(entry("deadline_reached"), "at").since(time(entry("participant_left"), "at"));
    assert!(waited >= Duration::from_millis(800), "closed after {waited:?}");

    assert_ne!(text(&program.meet("standup"), "id"), id, "the room has another meeting now");
}

#[test]
fn a_room_made_on_the_start_page_leads_into_its_meeting_and_nothing_goes_elsewhere() {
    let (program, browser) = (Program::start(), Browser::start());
    let tab = browser.open(&program.origin());
    browser.write("#name", "retro");
    browser.click("#make button");
    browser.until("return document.querySelector('#rooms strong')?.textContent ?? null", &json!("retro"));
    assert_eq!(browser.console(), Vec::<String>::new());
    let mut asked = browser.requests();
    loads_nothing_from_elsewhere(&browser);
    browser.click("#rooms button");
    browser.until(HERE, &json!("in"));

    let active = program.read("/rooms/retro/meetings/active");
    assert_eq!((&active[0]["phase"], &active[0]["num_clients"]), (&json!("live"), &json!(1)));
    assert_eq!(browser.script("return location.href"), active[0]["room_url"]);

    assert_eq!(browser.console(), Vec::<String>::new());
    asked.extend(browser.requests());
    loads_nothing_from_elsewhere(&browser);
    let ours = [format!("http://{}/", program.address), format!("ws://{}/", program.address)];
    for own in &ours {
        assert!(asked.iter().any(|url| url.starts_with(own)), "{own} is not among the requests: {asked:?}");
    }
    for url in &asked {
        assert!(ours.iter().any(|own| url.starts_with(own)), "{url} is not ours");
    }
    browser.close(&tab);
}

#[test]
fn whoever_is_in_when_the_owner_ends_the_meeting_is_told_and_can_meet_again() {
    let (program, browser) = (Program::start(), Browser::start());
    program.make_room("standup");
    let made = program.meet("standup");
    let (id, url) = (text(&made, "id"), text(&made, "room_url"));
    browser.open(url);
    browser.until(HERE, &json!("in"));

    program.post(&format!("/meetings/{id}/end"), &json!({}));
    browser.until(HERE, &json!("ended"));
    let closed = program.until(id, "the end", |meeting| meeting["phase"] == "closed");
    assert_eq!(closed["close_reason"], "ended_by_owner");

    browser.click("#again");
    browser.until(HERE, &json!("in"));
    let active = program.read("/rooms/standup/meetings/active");
    assert_ne!(text(&active[0], "id"), id);
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// The page that is looked at can load nothing from elsewhere, even if somebody got a script into it.
fn loads_nothing_from_elsewhere(browser: &Browser) {
    let script = "const tell = arguments[arguments.length - 1];
        addEventListener('securitypolicyviolation', (told) => tell(told.blockedURI), { once: true });
        new Image().src = 'http://127.0.0.2:9/picture.png';";
    assert_eq!(browser.script_that_waits(script), "http://127.0.0.2:9/picture.png");
    // The browser says so in its console, as it should, and nothing else.
    let said = browser.console();
    assert!(said.iter().all(|line| line.contains("Content Security Policy")), "{said:?}");
    browser.requests();
}

fn text<'a>(of: &'a Value, field: &str) -> &'a str {
    of[field].as_str().unwrap_or_else(|| panic!("no {field} in {of:#}"))
}

fn time(of: &Value, field: &str) -> Timestamp {
    text(of, field).parse().expect("a time")
}
