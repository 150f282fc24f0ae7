//! A day of a large deployment, back to back: 500 active meetings and 36,000 events.

use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::board::row;
use crate::eyes::browser;
use crate::program::within;
use crate::town::Town;
use crate::webdriver::Browser;
use crate::webhook::{Place, Seen, now, webhook};

const MEETINGS: usize = 500;
/// How many events each meeting has before it is measured: the browser learns what the page does, and compiles it.
const WARMING: usize = 15;
const EVENTS: usize = 36_000;
/// How many send at once; each keeps to its own meetings, so that these are told in order.
const SENDERS: usize = 4;
/// The whole may take that long on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(300);
/// How many nodes of the page an update may touch.
const HANDFUL: usize = 12;

#[test]
fn thirty_six_thousand_events_leave_nothing_behind_in_the_page_and_an_update_touches_a_handful_of_nodes() {
    let (town, browser) = (Town::start(), browser());
    let places: Vec<_> = (0..MEETINGS).map(|n| town.meet(&format!("room-{n:03}"))).collect();
    browser.go(&town.at("/board"));
    browser.until("return document.querySelectorAll('#rows tr').length", &json!(MEETINGS));
    tell(&town, &places, 1..=WARMING);
    await_last(&browser, &town, &places[0], 2);
    let before = Weight::of(&browser);
    tell(&town, &places, WARMING + 1..=WARMING + EVENTS / MEETINGS);
    await_last(&browser, &town, &places[0], 3);
    let after = Weight::of(&browser);
    println!("{before:?}, then {after:?}");
    assert!(after.heap < before.heap + before.heap / 10, "the heap grew: {before:?}, then {after:?}");
    assert!(after.nodes < before.nodes + before.nodes / 10, "nodes are left: {before:?}, then {after:?}");

    // The last one leaves: there is nothing in its row that does not change.
    let last = format!("guest-{}", (WARMING + EVENTS / MEETINGS).div_ceil(2));
    let touched = touched_by(&browser, &town, &places[1], &last);
    println!("an update touched {touched} nodes");
    assert!((1..=HANDFUL).contains(&touched), "an update touched {touched} nodes");
    browser.is_content(false);
}

/// In all meetings somebody comes, leaves, another comes, and so on.
fn tell(town: &Town, places: &[Place], turns: RangeInclusive<usize>) {
    let address = town.program.address;
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let turns = turns.clone();
            scope.spawn(move || {
                for turn in turns {
                    for place in places.iter().skip(sender).step_by(SENDERS) {
                        let (who, joins) = (format!("guest-{}", turn.div_ceil(2)), !turn.is_multiple_of(2));
                        let message = webhook(
                            place,
                            &format!("{}-{turn}", place.name),
                            &Seen { joins, who, at: now() },
                        );
                        let answer = message.send(address);
                        assert_eq!(answer.status, 200, "{}", answer.text());
                    }
                }
            });
        }
    });
}

/// Waits until the board shows that so many are in a meeting, to which somebody comes now, behind all the others.
fn await_last(browser: &Browser, town: &Town, place: &Place, people: usize) {
    town.sees(place, &format!("last-{people}"), true, 0);
    let (row, mut seen) = (row(place), Value::Null);
    let come = within(PATIENCE, || {
        seen = browser.text(&row);
        seen.as_str().is_some_and(|text| text.contains(&format!("{people} people"))).then_some(())
    });
    assert!(come.is_some(), "there never were {people}, but {seen}");
}

/// What a page weighs after everything is gone that is not needed: bytes of its scripts, and nodes.
#[derive(Debug)]
struct Weight {
    heap: u64,
    nodes: u64,
}

impl Weight {
    fn of(browser: &Browser) -> Self {
        // Twice: what is only held by what goes the first time goes the second.
        for _ in 0..2 {
            browser.tool("HeapProfiler.collectGarbage", &json!({}));
        }
        let number = |value: &Value| value.as_f64().expect("a number") as u64;
        let heap = number(&browser.tool("Runtime.getHeapUsage", &json!({}))["usedSize"]);
        let nodes = number(&browser.tool("Memory.getDOMCounters", &json!({}))["nodes"]);
        Self { heap, nodes }
    }
}

/// How many nodes change when the last one leaves this meeting. What a page does in one go its observers are told in one go.
fn touched_by(browser: &Browser, town: &Town, place: &Place, last: &str) -> usize {
    browser.script(&format!(
        "const row = document.querySelector({:?});
        new MutationObserver((changes) => {{
            if (!changes.some(({{ target }}) => row.contains(target))) return;
            const nodes = new Set(changes.flatMap(({{ target, addedNodes, removedNodes }}) => [target, ...addedNodes, ...removedNodes]));
            // A countdown moves by itself.
            if ([...nodes].every((node) => node.parentElement?.closest('.left'))) return;
            window.touched ??= nodes.size;
        }}).observe(document.body, {{ subtree: true, childList: true, characterData: true, attributes: true }});",
        row(place)
    ));
    town.sees(place, last, false, 0);
    browser.until("return window.touched > 0", &json!(true));
    let touched = browser.script("return window.touched");
    usize::try_from(touched.as_u64().expect("a number")).expect("it is small")
}
