//! A deployment that asks everybody who they are, and those who call it.

use std::fs;
use std::process::Output;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Answer, Request};
use crate::issuer::{AUDIENCE, ISSUER, Issuer, claims};
use crate::program::{Program, eventually, run};
use crate::silence::record;
use crate::sse::Listening;

/// A deployment whose tokens come from one issuer.
pub(crate) struct Town {
    pub(crate) issuer: Issuer,
    pub(crate) folder: Arc<TempDir>,
}

/// What somebody sends to say who they are.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    Nothing,
    Token(String),
    Key(String),
    /// What a browser sends by itself from a page of this server.
    Cookie(String),
}

const SETTINGS: &[(&str, &str)] = &[
    ("REFLECTOR_AUTH", "jwt"),
    ("REFLECTOR_JWT_JWKS", "keys.json"),
    ("REFLECTOR_JWT_AUDIENCE", AUDIENCE),
    ("REFLECTOR_JWT_ISSUER", ISSUER),
    ("REFLECTOR_ADMINS", "root, another-root"),
    ("REFLECTOR_RECORDINGS_DIR", "recordings"),
    ("REFLECTOR_RECORDING_SUFFIXES", ".wav"),
];

impl Town {
    pub(crate) fn new() -> Self {
        let town =
            Self { issuer: Issuer::new("first"), folder: Arc::new(tempfile::tempdir().expect("a folder")) };
        fs::create_dir(town.folder.path().join("recordings")).expect("it can be made");
        town.publishes(&town.issuer.jwks());
        town
    }

    /// Writes the file of public keys.
    pub(crate) fn publishes(&self, jwks: &Value) {
        fs::write(self.folder.path().join("keys.json"), jwks.to_string()).expect("it can be written");
    }

    pub(crate) fn start(&self) -> Program {
        self.start_with(&[])
    }

    pub(crate) fn start_with(&self, more: &[(&str, &str)]) -> Program {
        Program::start_in(Arc::clone(&self.folder), &[SETTINGS, more].concat())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run(self.folder.path(), SETTINGS, arguments)
    }

    /// A token of a user.
    pub(crate) fn user(&self, name: &str) -> Says {
        Says::Token(self.issuer.rs256(&claims(name, 600)))
    }

    /// A key of a user, and its id.
    pub(crate) fn key(&self, user: &str, more: &[&str]) -> (Says, String) {
        let made = self.run(&[&["keys", "create", "--user", user], more].concat());
        assert_eq!(made.status.code(), Some(0), "{made:?}");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("it is text");
        let id = text(&made.stderr).split(':').next().expect("it begins with the id").to_owned();
        (Says::Key(text(&made.stdout).trim().to_owned()), id)
    }

    /// A second of silence that somebody recorded in this meeting.
    pub(crate) fn record(&self, key: &str) {
        record(self.folder.path(), key);
    }
}

impl Says {
    /// The answer to a request of theirs.
    pub(crate) fn ask(&self, program: &Program, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::new(method, path).json(body);
        program.send(&match self {
            Self::Nothing => request,
            Self::Token(token) => request.header("authorization", &format!("Bearer {token}")),
            Self::Key(key) => request.header("x-api-key", key),
            Self::Cookie(cookie) => request.header("cookie", cookie).header("sec-fetch-site", "same-origin"),
        })
    }

    /// A stream of theirs.
    pub(crate) fn listens(&self, program: &Program, path: &str) -> Listening {
        match self {
            Self::Nothing => Listening::to(program.address, path, &[]),
            Self::Token(token) => {
                Listening::to(program.address, path, &[("authorization", &format!("Bearer {token}"))])
            }
            Self::Key(key) => Listening::to(program.address, path, &[("x-api-key", key)]),
            Self::Cookie(cookie) => Listening::to(program.address, path, &[("cookie", cookie)]),
        }
    }

    /// The same in a browser where they signed in.
    pub(crate) fn in_a_browser(&self, program: &Program) -> Self {
        let answer = self.ask(program, "POST", "/session", &json!({}));
        assert_eq!(answer.status, 204, "{}", answer.text());
        let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        Self::Cookie(cookie.expect("it is set").to_owned())
    }

    /// What they are answered, which must be done.
    pub(crate) fn get(&self, program: &Program, path: &str) -> Value {
        let answer = self.ask(program, "GET", path, &json!({}));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    pub(crate) fn post(&self, program: &Program, path: &str, body: &Value) -> Value {
        let answer = self.ask(program, "POST", path, body);
        assert!(matches!(answer.status, 200..=202), "{path}: {}", answer.text());
        answer.json()
    }

    /// The first item of a listing, once there is one that fits.
    pub(crate) fn finds(&self, program: &Program, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{path} has it"), || {
            let listing = self.get(program, path);
            listing["items"].as_array().expect("an array").iter().find(|item| fits(item)).cloned()
        })
    }
}
