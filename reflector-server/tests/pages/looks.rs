//! How the pages look and what readers are told: pictures are kept in `target/tmp`, for people.

use serde_json::json;

use crate::eyes::browser;
use crate::town::{Town, where_it_is_noon};
use crate::webdriver::Browser;
use crate::webhook::Place;

/// The texts that cannot be read well: less than 4.5 between their colour and what is behind them (WCAG 2.2, 1.4.3).
const FAINT: &str = "
    const light = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((part) => part / 255).map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const isOpaque = (colour) => !/rgba\\(.*, 0\\)|transparent/.test(colour);
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (isOpaque(colour)) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    return [...document.querySelectorAll('body *')]
        .filter((element) => element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
        .map((element) => {
            const [one, other] = [light(getComputedStyle(element).color), light(behind(element))];
            return [(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), element.innerText];
        })
        .filter(([contrast]) => contrast < 4.5);";
/// What can be pressed and is smaller than a fingertip (WCAG 2.2, 2.5.8), but for links in a text.
const TINY: &str = "return [...document.querySelectorAll('button, input, select')]
    .filter((element) => element.checkVisibility() && (element.offsetHeight < 24 || element.offsetWidth < 24)).map((element) => element.outerHTML)";

/// A day as it may be: many rooms, in every phase.
fn a_day(town: &Town) -> Place {
    let standup = town.meet("standup");
    town.sees(&standup, "ada", true, 240);
    town.sees(&standup, "ada", false, 130);
    town.sees(&standup, "bob", true, 90);
    let review = town.meet("a-room-with-a-name-that-is-too-long-for-a-phone");
    for guest in 0..12 {
        town.sees(&review, &format!("guest-{guest}"), true, 300 - guest);
    }
    let retro = town.meet("retro");
    town.sees(&retro, "ada", true, 180);
    town.sees(&retro, "ada", false, 5);
    town.program.make_room("all-hands");
    let all_hands = town.plan("all-hands", -150, 45);
    town.sees(&all_hands, "ada", true, 140);
    town.plan("all-hands", 60, 120);
    town.plan("standup", -10, 50);
    town.plan("standup", 90, 120);
    town.meet("planning");
    standup
}

/// Looks at a page in the light, in the dark, and on two phones.
fn look_at(browser: &Browser, name: &str) {
    for (scheme, width, height, kept) in [
        ("light", 1280, 860, "light"),
        ("dark", 1280, 860, "dark"),
        ("light", 320, 700, "narrow"),
        ("dark", 390, 844, "phone"),
    ] {
        browser.screen(scheme, width, height);
        // A phone would make room for what is too wide by making everything small.
        let fits = format!("return Math.max(document.documentElement.scrollWidth, innerWidth) <= {width}");
        browser.until(&fits, &json!(true));
        browser.until(FAINT, &json!([]));
        browser.until(TINY, &json!([]));
        browser.picture(&format!("{name}-{kept}"));
    }
    browser.screen("light", 1280, 860);
    let told = browser.told();
    let nameless: Vec<_> = told
        .iter()
        .filter(|(role, name)| {
            let needs = [
                "button",
                "link",
                "textbox",
                "searchbox",
                "combobox",
                "img",
                "image",
                "table",
                "progressbar",
            ];
            needs.contains(&role.as_str()) && name.trim().is_empty()
        })
        .collect();
    assert!(nameless.is_empty(), "{name}: {nameless:?}");
    let count = |wanted: &str| told.iter().filter(|(role, _)| role == wanted).count();
    assert_eq!(count("main"), 1, "{name}: {told:?}");
    assert!(count("heading") >= 1, "{name}: {told:?}");
    assert_eq!(browser.script("return document.querySelectorAll('h1').length"), 1, "{name}");
}

#[test]
fn every_page_can_be_read_in_the_light_in_the_dark_on_a_phone_and_by_a_reader() {
    let (town, browser) = (Town::start(), browser());
    browser.zone(&where_it_is_noon());
    browser.screen("light", 1280, 1600);
    let standup = a_day(&town);
    let ended = town.meet("one-on-one");
    browser.go(&town.at("/board"));
    browser.until_says("#rows", "12 people");
    town.program.post(&format!("/meetings/{}/end", ended.meeting), &json!({}));
    browser.until_says("#lately", "one-on-one");
    browser.until("return document.querySelectorAll('#rows .part').length > 8", &json!(true));
    look_at(&browser, "board");
    let told = browser.told();
    for role in ["rowheader", "columnheader", "cell", "search", "navigation", "status"] {
        assert!(told.iter().any(|(known, _)| known == role), "nothing is a {role}: {told:?}");
    }
    // Also as cards it is a table.
    browser.screen("light", 390, 844);
    let roles = browser.told();
    let rows = roles.iter().filter(|(role, _)| role == "rowheader").count();
    assert_eq!(rows, 8, "{roles:?}");
    browser.screen("light", 1280, 860);

    for (name, path, selector, words) in [
        ("lobby", "/lobby/standup".to_owned(), "#news", "2 meetings are going on"),
        ("meeting", format!("/board/meetings/{}", standup.meeting), "#history", "came"),
        ("start", "/".to_owned(), "#rooms", "planning"),
        ("sign-in", "/sign-in".to_owned(), "h1", "Sign in"),
    ] {
        browser.go(&town.at(&path));
        browser.until_says(selector, words);
        look_at(&browser, name);
    }
    browser.is_content(false);
}
