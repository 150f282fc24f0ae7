//! A meeting's page.

use serde_json::json;

use crate::eyes::browser;
use crate::town::Town;

const LINES: &str = "return document.querySelectorAll('#history li').length";

#[test]
fn a_meetings_page_tells_its_history_in_sentences_as_it_goes_on() {
    let (town, browser) = (Town::start(), browser());
    let place = town.meet("standup");
    town.sees(&place, "ada", true, 1);
    browser.go(&town.at("/board"));
    browser.click(&format!("#rows a[href$='{}']", place.meeting));
    browser.until_says("#room", "standup");
    browser.until_says("#history", "wanted to meet now");
    browser.until_says("#history li:last-child", "a person came (taken in 60 s later). One is in");
    town.sees(&place, "ada", false, 0);
    browser.until_says("#history li:last-child", "a person left. Empty since");
    // Instants stand there as the viewer's.
    let raw = "return /\\d{4}-\\d\\d-\\d\\dT/.test(document.querySelector('#history').innerText)";
    assert_eq!(browser.script(raw), false);
    browser.until_says("#phase", "Empty");
    town.program.post(&format!("/meetings/{}/end", place.meeting), &json!({}));
    browser.until_says("#closes", "its owner ended it");
    browser.until_says("#history li:last-child", "Closed: ");
    browser.is_content(false);
}

#[test]
fn a_long_history_begins_with_its_newest_page_and_shows_the_rest_on_demand() {
    let (town, browser) = (Town::start(), browser());
    let place = town.meet("standup");
    for n in 0..450 {
        town.sees(&place, &format!("guest-{n}"), true, 0);
    }
    let total = town.program.read(&format!("/meetings/{}/history", place.meeting))["total"].clone();
    let total = total.as_u64().expect("a number");
    browser.go(&town.at(&format!("/board/meetings/{}", place.meeting)));
    browser.until(LINES, &json!(total - 200));
    browser.click("#earlier");
    browser.until(LINES, &json!(total));
    browser.until("return document.getElementById('earlier').hidden", &json!(true));
    browser.until_says("#history li:first-child", "wanted to meet now");
    browser.is_content(false);
}

#[test]
fn a_meeting_that_is_not_there_is_said_not_to_be() {
    let (town, browser) = (Town::start(), browser());
    browser.go(&town.at("/board/meetings/0190a5c2-6e9c-7b7e-8d3e-0123456789ab"));
    browser.until_says("#instead", "There is no such meeting.");
    browser.is_content(true);
}
