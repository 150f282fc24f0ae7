//! A headless Chromium, driven through chromedriver in the words of W3C WebDriver.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::Request;
use crate::program::{Lines, eventually};

const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
/// How WebDriver calls the key under which it names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with a profile of its own. It ends with the test.
pub(crate) struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    /// The tab that keeps the browser alive while all others are closed.
    home: Tab,
    profile: TempDir,
}

/// A tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tab(String);

impl Browser {
    /// One that notes what stands in the console, and what is asked for over the network.
    pub(crate) fn start() -> Self {
        Self::noting(&json!({ "browser": "ALL", "performance": "ALL" }))
    }

    pub(crate) fn noting(logs: &Value) -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        let mut driver = Command::new(program("chromedriver"))
            .arg("--port=0")
            .env("HOME", profile.path())
            .env("TMPDIR", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let said = Lines::of(driver.stdout.take().expect("piped"));
        let port = eventually("chromedriver says its port", || {
            let text = said.text();
            text.split("successfully on port ").nth(1)?.trim().trim_end_matches('.').parse().ok()
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // Whatever fails from here on ends the driver as well.
        let mut browser = Self { driver, address, session: String::new(), home: Tab(String::new()), profile };
        browser.session = browser.begin(logs);
        browser.home = Tab(browser.ask("GET", "/window", None).as_str().expect("a handle").to_owned());
        browser
    }

    fn begin(&self, logs: &Value) -> String {
        let profile = format!("--user-data-dir={}", self.profile.path().join("profile").display());
        let flags: Vec<_> = FLAGS.iter().copied().chain([profile.as_str()]).collect();
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": program("chromium"), "args": flags },
            "goog:loggingPrefs": logs,
        });
        let begun =
            self.call("POST", "/session", Some(&json!({ "capabilities": { "alwaysMatch": wanted } })));
        begun["sessionId"].as_str().expect("a session").to_owned()
    }

    /// Opens an address in a tab of its own and looks at it.
    pub(crate) fn open(&self, url: &str) -> Tab {
        let made = self.ask("POST", "/window/new", Some(&json!({ "type": "tab" })));
        let tab = Tab(made["handle"].as_str().expect("a handle").to_owned());
        self.look_at(&tab);
        self.ask("POST", "/url", Some(&json!({ "url": url })));
        tab
    }

    pub(crate) fn look_at(&self, tab: &Tab) {
        self.ask("POST", "/window", Some(&json!({ "handle": tab.0 })));
    }

    /// Closes a tab as a person does.
    pub(crate) fn close(&self, tab: &Tab) {
        self.look_at(tab);
        self.ask("DELETE", "/window", None);
        self.look_at(&self.home);
    }

    /// What a script gives, in the tab that is looked at.
    pub(crate) fn script(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", Some(&json!({ "script": script, "args": [] })))
    }

    /// What a script gives later, through the function that is its last argument.
    pub(crate) fn script_that_waits(&self, script: &str) -> Value {
        self.ask("POST", "/execute/async", Some(&json!({ "script": script, "args": [] })))
    }

    /// Waits for a script to give this.
    pub(crate) fn until(&self, script: &str, expected: &Value) {
        eventually(&format!("`{script}` is {expected}"), || (self.script(script) == *expected).then_some(()));
    }

    pub(crate) fn click(&self, selector: &str) {
        self.with(selector, "click", &json!({}));
    }

    pub(crate) fn write(&self, selector: &str, text: &str) {
        self.with(selector, "value", &json!({ "text": text }));
    }

    /// Does something with an element as soon as there is one: pages draw themselves anew.
    fn with(&self, selector: &str, action: &str, body: &Value) {
        let session = format!("/session/{}", self.session);
        let wanted = json!({ "using": "css selector", "value": selector });
        eventually(&format!("{selector} is there"), || {
            let found = self.taken(&Request::new("POST", format!("{session}/element")).json(&wanted))?;
            let element = found[ELEMENT].as_str().expect("an element");
            self.taken(&Request::new("POST", format!("{session}/element/{element}/{action}")).json(body))
        });
    }

    /// What stands in the console, of every tab since this was asked last.
    pub(crate) fn console(&self) -> Vec<String> {
        self.log("browser").iter().map(|entry| format!("{}: {}", entry["level"], entry["message"])).collect()
    }

    /// The addresses that were asked for over the network, by every tab since this was asked last.
    pub(crate) fn requests(&self) -> Vec<String> {
        let read = |entry: &Value| -> Option<String> {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let (event, params) = (message["message"]["method"].as_str()?, &message["message"]["params"]);
            match event {
                "Network.requestWillBeSent" => params["request"]["url"].as_str().map(str::to_owned),
                "Network.webSocketCreated" => params["url"].as_str().map(str::to_owned),
                _ => None,
            }
        };
        // What the browser draws its own empty tabs with is in them, or in itself.
        let leaves = |url: &String| !url.starts_with("chrome:") && !url.starts_with("data:");
        self.log("performance").iter().filter_map(read).filter(leaves).collect()
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        self.ask("POST", "/se/log", Some(&json!({ "type": kind }))).as_array().expect("a list").clone()
    }

    /// What a command of WebDriver gives, by its path.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.call(method, &format!("/session/{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let request = Request::new(method, path);
        let request = if let Some(body) = body { request.json(body) } else { request };
        self.taken(&request).unwrap_or_else(|| panic!("{request:?}: there is no such thing"))
    }

    /// What comes of a command; nothing if what it speaks of is not there, or not any more.
    fn taken(&self, request: &Request) -> Option<Value> {
        let answer = request.send(self.address);
        assert!(matches!(answer.status, 200 | 404), "{request:?}: {}", answer.text());
        (answer.status == 200).then(|| answer.json()["value"].clone())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session; the driver alone would leave it behind.
        if !self.session.is_empty() {
            let end = Request::new("DELETE", format!("/session/{}", self.session));
            let address = self.address;
            let _ = std::thread::spawn(move || end.send(address)).join();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Where a program of this machine is.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed: scripts/test.sh does that"))
}
