//! The board.

use serde_json::{Value, json};

use crate::eyes::browser;
use crate::town::{Town, in_minutes, where_it_is_noon};
use crate::webhook::Place;

/// The row of a meeting.
pub(crate) fn row(place: &Place) -> String {
    format!("tr:has(a[href$='{}'])", place.meeting)
}

#[test]
fn the_board_shows_each_meeting_as_it_stands_and_counts_down_to_its_close() {
    let (town, browser) = (Town::start(), browser());
    let places = ["alpha", "beta", "gamma"].map(|room| town.meet(room));
    town.sees(&places[0], "ada", true, 0);
    browser.go(&town.at("/board"));
    browser.until_says(&row(&places[0]), "1 person");
    browser.until_says(&row(&places[1]), "Nobody yet");
    assert_eq!(
        (browser.text("#all"), browser.text("#live"), browser.text("#people")),
        (json!("3"), json!("1"), json!("1"))
    );

    town.sees(&places[0], "bob", true, 0);
    browser.until_says(&row(&places[0]), "2 people");
    town.sees(&places[0], "ada", false, 0);
    town.sees(&places[0], "bob", false, 0);
    browser.until_says(&row(&places[0]), "Empty");
    browser.until_says(&row(&places[0]), "in 14:");
    browser.until_says(&row(&places[0]), "unless somebody comes back");
    browser.until_says("#next li:first-child", "alpha");
    let left = browser.text(&format!("{} .left", row(&places[0])));
    browser.until(
        &format!(
            "return document.querySelector({:?}).innerText !== {left}",
            format!("{} .left", row(&places[0]))
        ),
        &json!(true),
    );

    let another = town.meet("beta-2");
    browser.until_says(&row(&another), "Nobody yet");
    let rooms = "return [...document.querySelectorAll('#rows th a')].map((link) => link.innerText)";
    assert_eq!(browser.script(rooms), json!(["alpha", "beta", "beta-2", "gamma"]));
    browser.is_content(false);
}

#[test]
fn a_meeting_that_closes_leaves_the_board_with_a_word_and_the_focus_goes_to_its_neighbour() {
    let (town, browser) = (Town::start(), browser());
    let places = ["alpha", "beta", "gamma"].map(|room| town.meet(room));
    browser.go(&town.at("/board"));
    browser.until_says(&row(&places[2]), "gamma");
    browser.tab_to(&format!("#rows a[href$='{}']", places[1].meeting));
    town.sees(&places[1], "ada", true, 0);
    browser.until_says(&row(&places[1]), "1 person");
    assert_eq!(
        browser.script("return document.activeElement.innerText"),
        "beta",
        "an update leaves it alone"
    );
    town.program.post(&format!("/meetings/{}/end", places[1].meeting), &json!({}));
    browser.until_says("#lately", "its owner ended it");
    assert_eq!(browser.text("#rows").as_str().map(|text| text.contains("beta")), Some(false));
    assert_eq!(browser.script("return document.activeElement.innerText"), "gamma");
    browser.until_says("#news", "beta closed at");
    assert_eq!(browser.text("#all"), "2");
    browser.is_content(false);
}

#[test]
fn a_days_bar_tells_what_a_meeting_went_through() {
    let (town, browser) = (Town::start(), browser());
    browser.zone(&where_it_is_noon());
    let place = town.meet("standup");
    town.sees(&place, "ada", true, 240);
    town.sees(&place, "ada", false, 120);
    town.sees(&place, "ada again", true, 60);
    browser.go(&town.at("/board"));
    browser.until_says(&row(&place), "1 person");
    let bars = format!(
        "return [...document.querySelectorAll({:?})].map((part) => part.dataset.phase)",
        format!("{} .part", row(&place))
    );
    browser.until(&bars, &json!(["live", "grace", "live"]));
    // As wide as they were long, in percent of the day.
    let widths = format!(
        "const day = document.querySelector({:?}); return [...day.querySelectorAll('.part')].map((part) => Math.round(24 * part.offsetWidth / day.offsetWidth))",
        format!("{} .day", row(&place))
    );
    assert_eq!(browser.script(&widths), json!([2, 1, 1]));
    let words = browser
        .script(&format!("return document.querySelector({:?}).ariaLabel", format!("{} .day", row(&place))));
    let words = words.as_str().expect("text");
    assert!(words.starts_with("Today: live from ") && words.contains("empty from "), "{words}");

    // What happens now is added without asking again.
    town.sees(&place, "ada again", false, 30);
    browser.until(&bars, &json!(["live", "grace", "live", "grace"]));
    browser.is_content(false);
}

#[test]
fn overtime_is_marked_from_the_end_on() {
    let (town, browser) = (Town::start(), browser());
    browser.zone(&where_it_is_noon());
    town.program.make_room("standup");
    let place = town.plan("standup", -120, 60);
    town.sees(&place, "ada", true, 110);
    browser.go(&town.at("/board"));
    browser.until_says(&row(&place), "1 person");
    let over = format!("return document.querySelector({:?}).hidden", format!("{} .over", row(&place)));
    assert_eq!(browser.script(&over), true);
    // Its page thinks that an hour and more has passed: that is when its end is over.
    browser.script("const now = Date.now; Date.now = () => now() + 61 * 60000");
    town.sees(&place, "bob", true, 0);
    browser.until(&over, &json!(false));
    browser.script("document.getElementById('phase').value = 'over'; document.getElementById('phase').dispatchEvent(new Event('change', { bubbles: true }))");
    browser.until(&format!("return document.querySelector({:?}).hidden", row(&place)), &json!(false));
    browser.is_content(false);
}

#[test]
fn a_course_takes_back_what_came_late_forgets_what_is_too_short_to_see_and_does_not_grow() {
    let (town, browser) = (Town::start(), browser());
    browser.go(&town.at("/board"));
    let script = "const tell = arguments[arguments.length - 1];
        const minutes = 60000;
        import('/assets/day.js').then(({ follow }) => {
            const told = (steps) => {
                const course = [];
                for (const [phase, at] of steps) follow(course, phase, at * minutes);
                return course.map(({ phase, from }) => [phase, from / minutes]);
            };
            const many = Array.from({ length: 5000 }, (_, n) => [n % 2 ? 'live' : 'grace', n * 5]);
            tell([
                told([['waiting', 0], ['live', 10], ['grace', 60], ['closed', 75]]),
                told([['waiting', 0], ['live', 10], ['grace', 60], ['live', 58]]),
                told([['waiting', 0], ['live', 10], ['grace', 60], ['live', 61], ['grace', 90]]),
                told(many).length,
            ]);
        });";
    let expected = json!([
        [["waiting", 0], ["live", 10], ["grace", 60], ["closed", 75]],
        [["waiting", 0], ["live", 10]],
        [["waiting", 0], ["live", 10], ["grace", 90]],
        96,
    ]);
    assert_eq!(browser.script_that_waits(script), expected);
    browser.is_content(false);
}

#[test]
fn the_board_shows_only_what_is_looked_for() {
    let (town, browser) = (Town::start(), browser());
    let places = ["alpha", "beta", "beta-2"].map(|room| town.meet(room));
    town.sees(&places[1], "ada", true, 0);
    browser.go(&town.at("/board"));
    browser.until_says(&row(&places[1]), "1 person");
    browser.write("#search", "bet");
    browser.until_says("#shown", "2 of 3 are shown.");
    browser.script("document.getElementById('phase').value = 'live'; document.getElementById('phase').dispatchEvent(new Event('change', { bubbles: true }))");
    browser.until_says("#shown", "1 of 3 are shown.");
    town.sees(&places[2], "bob", true, 0);
    browser.until_says("#shown", "2 of 3 are shown.");
    assert_eq!(browser.text(&row(&places[0])), Value::Null);
    browser.is_content(false);
}

#[test]
fn nothing_is_said_to_close_that_has_no_deadline_and_ends_are_the_viewers() {
    let (town, browser) = (Town::start(), browser());
    browser.zone("Asia/Kathmandu");
    town.program.make_room("standup");
    let place = town.plan("standup", 10, 70);
    browser.go(&town.at("/board"));
    browser.until_says(&row(&place), "Nobody yet");
    let begins = in_minutes(10).as_micros() / 1_000_000 + (5 * 60 + 45) * 60;
    let (hour, minute) = (begins / 3600 % 24, begins / 60 % 60);
    let hour = match hour % 12 {
        0 => 12,
        hour => hour,
    };
    let shown = browser.text(&format!("{} .dates", row(&place)));
    assert!(shown.as_str().is_some_and(|dates| dates.contains(&format!("{hour:02}:{minute:02}"))), "{shown}");
    browser.is_content(false);
}
