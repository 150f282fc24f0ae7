//! What else a browser does for the tests of pages: keys, sizes, colours, zones, pictures, and what readers are told.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::program::eventually;
use crate::webdriver::Browser;

/// How WebDriver calls these keys.
pub(crate) const TAB: &str = "\u{E004}";
pub(crate) const ENTER: &str = "\u{E007}";

/// A browser that notes what stands in the console and nothing more, with a blank page to set up.
pub(crate) fn browser() -> Browser {
    let browser = Browser::noting(&json!({ "browser": "ALL" }));
    browser.open("about:blank");
    browser
}

impl Browser {
    /// Goes to an address in the tab that is looked at.
    pub(crate) fn go(&self, url: &str) {
        self.ask("POST", "/url", Some(&json!({ "url": url })));
    }

    /// A command of the browser's own tools.
    pub(crate) fn tool(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.ask("POST", "/goog/cdp/execute", Some(&body))
    }

    pub(crate) fn press(&self, key: &str) {
        let strokes = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        let body = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] });
        self.ask("POST", "/actions", Some(&body));
    }

    /// Presses Tab until this is in focus, which must come soon; gives how often.
    pub(crate) fn tab_to(&self, selector: &str) -> usize {
        let is_there = format!("return document.activeElement.matches({selector:?})");
        (1..=40)
            .find(|_| {
                self.press(TAB);
                self.script(&is_there) == true
            })
            .unwrap_or_else(|| panic!("Tab never leads to {selector}"))
    }

    /// A screen of this width in the light or the dark.
    pub(crate) fn screen(&self, scheme: &str, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.tool("Emulation.setDeviceMetricsOverride", &size);
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.tool("Emulation.setEmulatedMedia", &scheme);
    }

    pub(crate) fn zone(&self, name: &str) {
        self.tool("Emulation.setTimezoneOverride", &json!({ "timezoneId": name }));
    }

    /// Keeps a picture of what is seen, for people.
    pub(crate) fn picture(&self, name: &str) {
        let picture = self.ask("GET", "/screenshot", None);
        let bytes = STANDARD.decode(picture.as_str().expect("text")).expect("it is base64");
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        fs::write(file, bytes).expect("it can be written");
    }

    /// What readers are told: each role with its name.
    pub(crate) fn told(&self) -> Vec<(String, String)> {
        let tree = self.tool("Accessibility.getFullAXTree", &json!({}));
        let nodes = tree["nodes"].as_array().expect("a list").iter().filter(|node| node["ignored"] != true);
        let text = |node: &Value, what: &str| node[what]["value"].as_str().unwrap_or_default().to_owned();
        nodes.map(|node| (text(node, "role"), text(node, "name"))).collect()
    }

    /// The text of the first element that is meant; nothing if there is none to be seen.
    pub(crate) fn text(&self, selector: &str) -> Value {
        self.script(&format!(
            "const element = document.querySelector({selector:?});
            return element?.checkVisibility() ? element.innerText.trim() : null"
        ))
    }

    /// Waits until an element says something with these words in it.
    pub(crate) fn until_says(&self, selector: &str, words: &str) {
        let mut seen = Value::Null;
        let says = || {
            seen = self.text(selector);
            seen.as_str().is_some_and(|text| text.contains(words)).then_some(())
        };
        eventually(&format!("{selector} says `{words}`"), says);
    }

    /// Nothing stands in the console but what the browser itself says of an answer that is no success, where one is
    /// expected.
    pub(crate) fn is_content(&self, refusals_are_expected: bool) {
        let said = self.console();
        let is_ill = |line: &&String| !(refusals_are_expected && line.contains("Failed to load resource"));
        assert_eq!(said.iter().filter(is_ill).collect::<Vec<_>>(), Vec::<&String>::new());
    }
}
