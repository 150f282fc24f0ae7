//! What a person at the machine does with the program: start it as it comes, look at it, stop it.

use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::http::Request;
use crate::program::{PATIENCE, Program, within};

impl Program {
    /// With the embedded defaults; only the port is any free one.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With these settings, once it answers.
    pub(crate) fn start_with(environment: &[(&str, &str)]) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().expect("a folder")), environment)
    }

    /// What its addresses begin with.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for a meeting to come to this.
    pub(crate) fn until(&self, meeting: &str, what: &str, it_is: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Value::Null;
        let found = within(PATIENCE, || {
            seen = self.read(&format!("/meetings/{meeting}"));
            it_is(&seen).then(|| seen.clone())
        });
        found.unwrap_or_else(|| panic!("{what} never came; the meeting is {seen:#}\n{}", self.logged()))
    }

    /// What it wrote to standard output until now.
    pub(crate) fn said(&self) -> String {
        self.said.text()
    }

    /// The folder it runs in.
    pub(crate) fn folder(&self) -> Arc<TempDir> {
        Arc::clone(&self.folder)
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("kill can be run");
        assert!(sent.success(), "no {name} for process {id}");
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        within(patience, || self.child.try_wait().expect("a child"))
    }
}

impl Request {
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// The same below another path.
    pub(crate) fn below(mut self, path: &str) -> Self {
        self.target.insert_str(0, path);
        self
    }
}
