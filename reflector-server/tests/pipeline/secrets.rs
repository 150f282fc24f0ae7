//! What is secret stays so: in nothing that the server wrote from a room's making to its transcript is any of it found.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::issuer::{claims, hs256};
use crate::media;
use crate::program::{Program, eventually};
use crate::sse::Listening;
use crate::studio::{SECRET, Studio};
use crate::webhook::{self, Place, Seen};
use crate::whereby::Whereby;

const JWT_SECRET: &str = "the-secret-that-tokens-are-signed-with-here";
const WHEREBY_KEY: &str = "the-key-of-whereby-that-nobody-may-see";
const UPLOAD_KEY: &str = "the-write-only-key-that-whereby-is-given";
const LLM_KEY: &str = "key-that-is-secret";
const STT_KEY: &str = "the-key-of-who-hears";
/// What makes an address the host's.
const HOST: &str = "roomKey=";

/// The tables, but for the three that keep a secret for whoever it is: rooms what their owners' messages are signed with,
/// meetings the hosts' addresses, the deployment its key.
const TABLES: [&str; 17] = [
    "history",
    "effects",
    "deliveries",
    "kept_deliveries",
    "heard",
    "deadlines",
    "recordings",
    "transcripts",
    "made",
    "notices",
    "consents",
    "dead_letters",
    "api_keys",
    "listening",
    "places",
    "seats",
    "tokens",
];

struct Town {
    program: Program,
    studio: Studio,
    token: String,
    /// All that must not be found, and what it is.
    secrets: Vec<(&'static str, String)>,
    /// All that was written, and where.
    written: Vec<(String, String)>,
}

impl Town {
    fn start() -> Self {
        let whereby = Whereby::start();
        let studio = Studio::new().with(&[
            ("WHEREBY_API_URL", &whereby.url()),
            ("WHEREBY_API_KEY", WHEREBY_KEY),
            ("WHEREBY_WEBHOOK_SECRET", webhook::SECRET),
            ("RECORDING_STORAGE_AWS_BUCKET_NAME", "a-bucket"),
            ("AWS_WHEREBY_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_WHEREBY_ACCESS_KEY_SECRET", UPLOAD_KEY),
            ("REFLECTOR_STT_KEY", STT_KEY),
            ("REFLECTOR_AUTH", "jwt"),
            ("REFLECTOR_JWT_SECRET", JWT_SECRET),
            ("REFLECTOR_LOG", "trace"),
        ]);
        let program = studio.start();
        let key = studio.says(&["keys", "create", "--user", "ada", "--operator"]).trim().to_owned();
        let token = hs256(JWT_SECRET.as_bytes(), &claims("ada", 600));
        let secrets = vec![
            ("the secret of tokens", JWT_SECRET.to_owned()),
            ("Whereby's key", WHEREBY_KEY.to_owned()),
            ("Whereby's signing secret", webhook::SECRET.to_owned()),
            ("the key for uploads", UPLOAD_KEY.to_owned()),
            ("the key of who answers", LLM_KEY.to_owned()),
            ("the key of who hears", STT_KEY.to_owned()),
            ("what messages to the owner are signed with", SECRET.to_owned()),
            ("the host's address", HOST.to_owned()),
            ("the owner's token", token.clone()),
            ("an API key", key),
        ];
        Self { program, studio, token, secrets, written: Vec::new() }
    }

    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::new(method, path).json(body);
        self.program.send(&request.header("authorization", &format!("Bearer {}", self.token)))
    }

    /// What is answered and kept for the scan.
    fn reads(&mut self, path: &str) -> Value {
        let answer = self.ask("GET", path, &json!({}));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        self.written.push((format!("GET {path}"), answer.text()));
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    fn keeps(&mut self, from: &str, text: impl Into<String>) {
        self.written.push((from.to_owned(), text.into()));
    }

    fn runs(&mut self, arguments: &[&str]) {
        let output = self.studio.run(arguments);
        self.keeps(&format!("{arguments:?}"), String::from_utf8_lossy(&output.stdout));
        self.keeps(&format!("{arguments:?}, errors"), String::from_utf8_lossy(&output.stderr));
    }

    /// A meeting from its start to its transcript, with whatever goes wrong on the way.
    fn lives(&mut self) -> Value {
        let room =
            json!({ "name": "standup", "webhook_url": self.studio.receiver.uri(), "webhook_secret": SECRET });
        assert_eq!(self.ask("POST", "/rooms", &room).status, 201);
        let again = self.ask("POST", "/rooms", &room);
        assert_eq!(again.status, 409);
        self.keeps("a name that is taken", again.text());
        let headers = [("authorization", &*format!("Bearer {}", self.token))];
        let mut live = Listening::to(self.program.address, "/events", &headers);
        live.until(|heard| heard.kind == "ready");

        let meeting = self.ask("POST", "/rooms/standup/meeting", &json!({})).json();
        assert!(meeting["host_room_url"].as_str().is_some_and(|url| url.contains(HOST)), "{meeting}");
        let id = meeting["id"].as_str().expect("an id").to_owned();
        let joined = self.ask("POST", &format!("/rooms/standup/meetings/{id}/join"), &json!({})).json();
        let participant = joined["participant_token"].as_str().expect("it is text").to_owned();
        let consent = json!({ "consent_given": true, "participant_token": participant });
        assert_eq!(self.ask("POST", &format!("/meetings/{id}/consent"), &consent).status, 200);
        self.secrets.push(("a participant's token", participant));

        let place = Place::of("standup", &meeting);
        for (n, joins) in [(1, true), (2, false)] {
            let seen = Seen { joins, who: "ann".to_owned(), at: webhook::now() };
            assert_eq!(self.program.send(&webhook::webhook(&place, &n.to_string(), &seen)).status, 200);
        }
        for signature in ["nonsense", "t=1,v1=00"] {
            let forged = Request::new("POST", "/whereby").header("whereby-signature", signature).body("{}");
            let refused = self.program.send(&forged);
            assert_eq!(refused.status, 401);
            self.keeps("a webhook that is refused", refused.text());
        }
        let bad = Request::new("GET", "/rooms").header("authorization", &format!("Bearer {}x", self.token));
        let refused = self.program.send(&bad);
        assert_eq!(refused.status, 401);
        self.keeps("a token that is refused", refused.text());

        let key = format!("{}-{}.mp4", place.name, meeting["start_date"].as_str().expect("it is text"));
        self.studio.put(&key, &media::mp4());
        eventually("it is transcribed", || {
            let listed = self.ask("GET", "/transcripts", &json!({})).json();
            (listed["items"][0]["status"] == "ended").then_some(())
        });
        assert_eq!(self.ask("POST", &format!("/meetings/{id}/end"), &json!({})).status, 200);
        let heard = live.until(|heard| heard.data["entry"]["phase"] == "closed");
        self.keeps("GET /events", format!("{heard:?}"));
        eventually("the owner is told", || self.studio.told().pop());
        meeting
    }

    /// All that anybody can read now.
    fn collects(&mut self, meeting: &Value) {
        let id = meeting["id"].as_str().expect("an id");
        let history = self.reads(&format!("/meetings/{id}/history"));
        assert!(history["total"].as_u64() >= Some(6), "{history}");
        for path in ["/rooms", "/recordings", "/transcripts", "/metrics", "/readyz"] {
            self.reads(path);
        }
        for arguments in [
            &["meetings", "explain", id][..],
            &["meetings", "export"],
            &["meetings", "list", "--all", "--json"],
            &["rooms", "list", "--json"],
            &["recordings", "list", "--json"],
            &["pipeline", "status"],
            &["keys", "list", "--json"],
            &["config"],
            &["doctor"],
        ] {
            self.runs(arguments);
        }
        for told in self.studio.told_of("") {
            self.keeps(
                "a message to the owner",
                format!("{:?} {}", told.headers, String::from_utf8_lossy(&told.body)),
            );
        }
        for table in TABLES {
            let rows = self.studio.schema.sql(&format!("SELECT row_to_json(t) FROM {table} AS t"));
            self.keeps(&format!("the table {table}"), rows);
        }
        let folder = std::sync::Arc::clone(&self.program.folder);
        self.collects_files(folder.path());
        let log = self.program.said.text() + &self.program.logged();
        assert!(log.lines().count() > 100, "it was asked to log all of it");
        self.keeps("the log", log);
    }

    fn collects_files(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("it is there") {
            let path = entry.expect("it is there").path();
            if path.is_dir() {
                self.collects_files(&path);
            } else {
                let bytes = fs::read(&path).unwrap_or_default();
                self.keeps(&path.display().to_string(), String::from_utf8_lossy(&bytes));
            }
        }
    }

    /// What was found where it must not be.
    fn found(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (from, text) in &self.written {
            for (what, secret) in &self.secrets {
                if let Some(place) = text.find(secret.as_str()) {
                    let around: String =
                        text[..place].chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect();
                    found.push(format!("{what} is in {from}, behind: {around}"));
                }
            }
        }
        found
    }
}

#[test]
fn no_secret_is_in_anything_that_was_written_from_a_rooms_making_to_its_transcript() {
    let mut town = Town::start();
    let meeting = town.lives();
    town.collects(&meeting);
    assert_eq!(town.found(), Vec::<String>::new());
    // And what it looks for would be found.
    let all: Vec<_> = town.secrets.iter().map(|(_, secret)| secret.clone()).collect();
    town.keeps("a place where all of it is", all.join(" "));
    assert_eq!(town.found().len(), all.len());
}
