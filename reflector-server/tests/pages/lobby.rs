//! A room's lobby.

use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::eyes::{ENTER, browser};
use crate::program::{PROGRAM, Program, bare};
use crate::town::{Town, at, where_it_is_noon};

/// What stands in a list of meetings.
fn lines(list: &str) -> String {
    format!(
        "return [...document.querySelectorAll('#{list} li')].map((line) => line.innerText.replace(/\\s+/g, ' '))"
    )
}

#[test]
fn whoever_comes_to_a_lobby_joins_the_one_meeting_by_the_keyboard_alone() {
    let program = Program::start_in(Arc::new(tempfile::tempdir().expect("a folder")), &[]);
    program.make_room("standup");
    let meeting = program.meet("standup");
    let browser = browser();
    browser.go(meeting["lobby_url"].as_str().expect("an address"));
    browser.until_says("#room", "standup");
    browser.until_says("#news", "Nobody is in yet.");
    assert_eq!(browser.tab_to("button"), 1, "nothing else stands in the way");
    assert_eq!(browser.script("return document.activeElement.innerText"), "Join");
    browser.press(ENTER);
    browser.until("return document.body?.dataset.state ?? null", &json!("in"));
    assert_eq!(browser.script("return location.href"), meeting["room_url"]);
    browser.is_content(false);
}

#[test]
fn a_lobby_says_who_is_in_as_they_come_and_go_and_when_it_closes() {
    let (town, browser) = (Town::start(), browser());
    let place = town.meet("standup");
    browser.go(&town.at("/lobby/standup"));
    browser.until_says("#news", "Nobody is in yet.");
    browser.script("document.querySelector('#going button').focus()");
    town.sees(&place, "ada", true, 0);
    browser.until_says("#going", "1 person");
    town.sees(&place, "bob", true, 0);
    browser.until_says("#news", "2 people are in.");
    town.sees(&place, "ada", false, 0);
    town.sees(&place, "bob", false, 0);
    browser.until_says("#going", "Empty");
    browser.until_says("#going", "Closes in 14:");
    browser.until_says("#going", "unless somebody comes back");
    assert_eq!(browser.script("return document.activeElement.innerText"), "Join", "it stays in focus");
    assert_eq!(browser.text("#news"), "Everybody has left for now.");
    // The page thinks that eleven minutes have passed.
    browser.script("const now = Date.now; Date.now = () => now() + 11 * 60000");
    browser.until_says("#news", "It closes soon.");
    town.program.post(&format!("/meetings/{}/end", place.meeting), &json!({}));
    browser.until_says("#news", "Nobody is meeting now.");
    assert_eq!(browser.script("return document.querySelectorAll('#going li').length"), 0);
    browser.is_content(false);
}

#[test]
fn of_several_meetings_the_current_one_stands_first_and_the_next_is_named() {
    let (town, browser) = (Town::start(), browser());
    browser.zone(&where_it_is_noon());
    town.program.make_room("standup");
    let early = town.plan("standup", -30, 60);
    town.plan("standup", -20, 90);
    town.plan("standup", 120, 180);
    town.plan("standup", 60, 100);
    browser.go(&town.at("/lobby/standup"));
    browser.until_says("#news", "2 meetings are going on: choose one.");
    // Of two that nobody is in, the newest start; one with people goes before both (rule L26).
    town.sees(&early, "ada", true, 0);
    browser.until_says("#going li:first-child", "1 person");
    let (going, coming) = (browser.script(&lines("going")), browser.script(&lines("coming")));
    let says = |lines: &Value, number: usize, words: &str| {
        assert!(lines[number].as_str().is_some_and(|line| line.contains(words)), "{words}: {lines:#}");
    };
    says(&going, 0, "The one now");
    assert!(!going[1].as_str().expect("text").contains("The one now"), "{going:#}");
    says(&coming, 0, "Next");
    says(&coming, 1, "Join early");
    // What they look like does not change by being drawn again.
    let looks = "return ['#going', '#coming'].map((list) => [...document.querySelectorAll(list + ' li')].map((line) =>
        [line.classList.contains('current'), line.querySelector('button').classList.contains('quiet')]))";
    for guest in ["bob", "eve"] {
        let expected = json!([[[true, false], [false, false]], [[false, true], [false, true]]]);
        assert_eq!(browser.script(looks), expected);
        town.sees(&early, guest, true, 0);
        browser.until_says("#going li:first-child", "2 people");
        town.sees(&early, guest, false, 0);
        browser.until_says("#going li:first-child", "1 person");
    }
    assert_eq!((going.as_array().map(Vec::len), coming.as_array().map(Vec::len)), (Some(2), Some(2)));
    // Dates are those of the viewer: they began half an hour ago, where it is about noon.
    let starts = browser.script("return new Date(Date.now() - 30 * 60000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }).slice(0, 2)");
    says(&going, 0, starts.as_str().expect("text"));
    browser.is_content(false);
}

#[test]
fn where_nobody_meets_one_can_begin_and_others_see_it_at_once() {
    let program = Program::start_in(Arc::new(tempfile::tempdir().expect("a folder")), &[]);
    program.make_room("standup");
    let browser = browser();
    browser.go(&at(&program, "/lobby/standup"));
    browser.until_says("#news", "Nobody is meeting now.");
    let waiting = browser.open(&at(&program, "/lobby/standup"));
    browser.until_says("#start", "Start a meeting");
    browser.click("#start");
    browser.until("return document.body?.dataset.state ?? null", &json!("in"));
    browser.close(&waiting);
    let lobby = browser.open(&at(&program, "/lobby/standup"));
    browser.until_says("#going", "Join");
    browser.close(&lobby);
    browser.is_content(false);
}

#[test]
fn a_room_that_is_not_there_is_said_not_to_be() {
    let (town, browser) = (Town::start(), browser());
    browser.go(&town.at("/lobby/nowhere"));
    browser.until_says("#news", "There is no such room.");
    browser.is_content(true);
}

#[test]
fn while_the_server_is_away_a_lobby_says_so_and_goes_on_when_it_is_back() {
    let program = Program::start_in(Arc::new(tempfile::tempdir().expect("a folder")), &[]);
    let address = program.address.to_string();
    program.make_room("standup");
    let browser = browser();
    browser.go(&at(&program, "/lobby/standup"));
    browser.until_says("#news", "Nobody is meeting now.");
    let folder = program.kill();
    browser.until_says("#away", "The server cannot be reached.");
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--listen", &address]);
    let program = Program::start_as(bare(command, folder.path()), folder);
    assert_eq!(program.address.to_string(), address);
    browser.until("return document.getElementById('away').hidden", &json!(true));
    program.meet("standup");
    browser.until_says("#going", "Join");
    browser.is_content(true);
}
