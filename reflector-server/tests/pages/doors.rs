//! Signing in and out, and what is shown to whom, where everybody is asked who they are.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::eyes::{ENTER, browser};
use crate::http::Request;
use crate::program::{Program, run};
use crate::town::at;
use crate::webdriver::Browser;

const SETTINGS: &[(&str, &str)] =
    &[("REFLECTOR_AUTH", "jwt"), ("REFLECTOR_JWT_SECRET", "a secret of thirty-two characters")];

/// A deployment that asks everybody who they are.
struct Guarded {
    program: Program,
    folder: Arc<TempDir>,
}

impl Guarded {
    fn start() -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self { program: Program::start_in(Arc::clone(&folder), SETTINGS), folder }
    }

    /// A key of a user, and its id.
    fn key(&self, user: &str, more: &[&str]) -> (String, String) {
        let made = run(self.folder.path(), SETTINGS, &[&["keys", "create", "--user", user], more].concat());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
        let id = text(made.stderr).split(':').next().expect("it begins with the id").to_owned();
        (text(made.stdout).trim().to_owned(), id)
    }

    fn post(&self, key: &str, path: &str, body: &Value) -> Value {
        let answer = self.program.send(&Request::new("POST", path).json(body).header("x-api-key", key));
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text());
        answer.json()
    }
}

/// Pastes a secret on the page that is there, by the keyboard alone.
fn sign_in(browser: &Browser, secret: &str) {
    browser.until("return document.activeElement?.id ?? null", &json!("secret"));
    browser.write("#secret", secret);
    browser.press(ENTER);
}

#[test]
fn whoever_may_not_see_a_room_signs_in_and_comes_back_to_its_lobby() {
    let (town, browser) = (Guarded::start(), browser());
    let (key, id) = town.key("ada", &[]);
    town.post(&key, "/rooms", &json!({ "name": "adas" }));
    let lobby = at(&town.program, "/lobby/adas");
    browser.go(&lobby);
    browser.until_says("#news", "open only to those who sign in");
    browser.tab_to("#instead a");
    browser.press(ENTER);
    sign_in(&browser, "rfl_of-nobody");
    browser.until_says("#said", "the API key is not known, or was revoked");
    sign_in(&browser, &key);
    browser.until_says("#news", "Nobody is meeting now.");
    assert_eq!(browser.script("return location.href"), lobby.as_str());
    assert_eq!(
        browser.script("return [document.cookie, localStorage.length + sessionStorage.length]"),
        json!(["", 0])
    );
    browser.until_says("#start", "Start a meeting");

    // The session is worth as much as the key, and no longer.
    assert_eq!(run(town.folder.path(), SETTINGS, &["keys", "revoke", &id]).status.code(), Some(0));
    browser.go(&lobby);
    browser.until_says("#news", "open only to those who sign in");
    browser.is_content(true);
}

#[test]
fn a_guest_sees_who_is_in_and_joins_but_starts_nothing() {
    let (town, browser) = (Guarded::start(), browser());
    let (key, _) = town.key("ada", &[]);
    town.post(&key, "/rooms", &json!({ "name": "open", "guests": true }));
    browser.go(&at(&town.program, "/lobby/open"));
    browser.until_says("#none-hint", "as soon as somebody starts a meeting");
    assert_eq!(browser.script("return document.getElementById('start').hidden"), true);
    let meeting = town.post(&key, "/rooms/open/meeting", &json!({}));
    browser.until_says("#going", "Nobody yet");
    browser.tab_to("#going button");
    browser.press(ENTER);
    browser.until("return document.body?.dataset.state ?? null", &json!("in"));
    assert_eq!(browser.script("return location.href"), meeting["room_url"]);
    browser.is_content(true);
}

#[test]
fn a_room_of_our_own_that_is_not_open_to_guests_sends_them_to_sign_in_and_back() {
    let (town, browser) = (Guarded::start(), browser());
    let (key, _) = town.key("ada", &[]);
    town.post(&key, "/rooms", &json!({ "name": "adas" }));
    let meeting = town.post(&key, "/rooms/adas/meeting", &json!({}));
    browser.go(meeting["room_url"].as_str().expect("an address"));
    browser.until("return document.body.dataset.state", &json!("refused"));
    browser.click("#sign-in");
    sign_in(&browser, &key);
    browser.until("return document.body?.dataset.state ?? null", &json!("in"));
    browser.is_content(true);
}

#[test]
fn the_board_is_the_operators_and_one_signs_out() {
    let (town, browser) = (Guarded::start(), browser());
    let ((operator, _), (ada, _)) = (town.key("somebody", &["--operator"]), town.key("ada", &[]));
    town.post(&ada, "/rooms", &json!({ "name": "adas" }));
    town.post(&ada, "/rooms/adas/meeting", &json!({}));
    let board = at(&town.program, "/board");
    browser.go(&board);
    browser.until_says("#instead", "The board is for operators: say who you are.");
    browser.click("#instead a");
    sign_in(&browser, &operator);
    browser.until_says("#rows", "adas");
    browser.until_says("#who", "somebody");
    browser.click("#who button");
    browser.until_says("#instead", "say who you are");
    browser.click("#instead a");
    sign_in(&browser, &ada);
    browser.until_says("#instead", "The board is for operators.");
    browser.go(&at(&town.program, "/"));
    browser.until_says("#rooms", "adas");
    assert_eq!(browser.script("return document.getElementById('board').hidden"), true);
    browser.is_content(true);
}

#[test]
fn signing_in_leads_to_no_other_place() {
    let (town, browser) = (Guarded::start(), browser());
    let (key, _) = town.key("ada", &[]);
    let home = at(&town.program, "/");
    for elsewhere in [
        "https://example.org/",
        "//example.org/",
        "/\\example.org/",
        "javascript:alert(1)",
        "\\\\example.org",
        "/%09/example.org",
    ] {
        let to: String = elsewhere.bytes().map(|byte| format!("%{byte:02X}")).collect();
        browser.go(&at(&town.program, &format!("/sign-in?to={to}")));
        sign_in(&browser, &key);
        browser.until(
            "return location.pathname !== '/sign-in' && document.readyState === 'complete'",
            &json!(true),
        );
        let origin = browser.script("return location.origin + '/'");
        assert_eq!(origin, home.as_str(), "{elsewhere}");
    }
}
