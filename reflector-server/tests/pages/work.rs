//! What the board tells of recordings, of their runs, and of what is owed.

use std::fs;
use std::sync::Arc;

use serde_json::json;

use crate::eyes::browser;
use crate::program::Program;
use crate::silence::record;
use crate::town::{Town, at};

#[test]
fn the_board_shows_recordings_and_how_far_their_runs_are_as_they_come() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    fs::create_dir(folder.path().join("recordings")).expect("it can be made");
    let settings = [("REFLECTOR_RECORDINGS_DIR", "recordings"), ("REFLECTOR_RECORDING_SUFFIXES", ".wav")];
    let program = Program::start_in(Arc::clone(&folder), &settings);
    program.make_room("standup");
    let meeting = program.meet("standup");
    let text = |field: &str| meeting[field].as_str().expect("it is shown").to_owned();
    let browser = browser();
    browser.go(&at(&program, "/board"));
    browser.until_says("#owed", "Nothing is owed.");
    // What comes while somebody looks is shown to them.
    record(folder.path(), &format!("{}-{}.wav", text("room_name"), text("start_date")));
    record(folder.path(), "of nobody.wav");
    browser.until_says("#recordings", "of nobody.wav");
    browser.until_says("#recordings .unmatched", "unmatched");
    browser.until_says("#recordings .completed", "completed");
    browser.until_says("#runs .ended", "ended");
    // Each stage says in a word how it is, not by its sign alone.
    let stages = "return [...document.querySelectorAll('#runs .stages li')].every((stage) => / (done|skipped)$/.test(stage.textContent))";
    assert_eq!(browser.script(stages), true);
    let some = "return document.querySelectorAll('#runs .stages li').length > 3";
    assert_eq!(browser.script(some), true);
    browser.screen("light", 900, 600);
    browser.script("document.getElementById('work-title').scrollIntoView()");
    browser.picture("board-work");
    browser.is_content(false);
}

#[test]
fn what_is_owed_is_said_in_words() {
    let (town, browser) = (Town::start(), browser());
    browser.go(&town.at("/board"));
    browser.until_says("#shown", "No meeting is open.");
    browser.until_says("#owed", "Nothing is owed.");
    let take = |figures: &serde_json::Value| {
        browser.script_that_waits(&format!(
            "const tell = arguments[arguments.length - 1];
            import('/assets/work.js').then(({{ Work }}) => {{ new Work().take({figures}); tell(); }})"
        ));
    };
    take(
        &json!({ "owed": { "effects": 0, "notices": 0, "oldest_seconds": null }, "recordings": {}, "runs": {} }),
    );
    assert_eq!(
        (browser.text("#owed"), browser.text("#runs-figures")),
        (json!("Nothing is owed."), json!("Nothing is on its way."))
    );
    take(&json!({
        "owed": { "effects": 1, "notices": 2, "oldest_seconds": 300 },
        "recordings": { "pending": 3, "unmatched": 1, "failed": 0 },
        "runs": { "processing": 2 },
    }));
    assert_eq!(
        browser.text("#owed"),
        "Owed: 1 thing at providers, 2 messages to owners; the oldest for 5 min."
    );
    assert_eq!(browser.text("#recordings-figures"), "3 pending, 1 unmatched");
    assert_eq!(browser.text("#runs-figures"), "2 processing");
    browser.is_content(false);
}
