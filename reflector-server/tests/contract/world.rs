//! A program with something in it, so that not everything that is asked for is not found.

use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::program::{Program, eventually, run};
use crate::silence;

/// What messages of Whereby are signed with.
pub(crate) const WEBHOOK_SECRET: &str = "what Whereby and we know";

/// Whereby is configured to take its messages, and is away: nobody meets there.
const SETTINGS: &[(&str, &str)] = &[
    ("REFLECTOR_LOG", "warn"),
    ("REFLECTOR_PROVIDER", "builtin"),
    ("WHEREBY_API_KEY", "of-nobody"),
    ("WHEREBY_API_URL", "http://127.0.0.1:9/v1"),
    ("WHEREBY_WEBHOOK_SECRET", WEBHOOK_SECRET),
    ("REFLECTOR_RECORDINGS_DIR", "recordings"),
    ("REFLECTOR_RECORDING_SUFFIXES", ".wav"),
];
/// How many recordings there are: most stay.
const RECORDINGS: usize = 8;
/// How many of each kind there are to be deleted.
const DOOMED: usize = 3;

/// Rooms, meetings, recordings and transcripts of an operator. What is doomed is there to be ended or deleted.
pub(crate) struct World {
    pub(crate) program: Program,
    /// Whether it asks callers who they are.
    pub(crate) asks_who_calls: bool,
    /// What tells who calls.
    pub(crate) key: String,
    pub(crate) rooms: Vec<String>,
    pub(crate) doomed_rooms: Vec<String>,
    pub(crate) meetings: Vec<String>,
    pub(crate) doomed_meetings: Vec<String>,
    pub(crate) recordings: Vec<String>,
    pub(crate) doomed_recordings: Vec<String>,
    pub(crate) transcripts: Vec<String>,
    pub(crate) doomed_transcripts: Vec<String>,
    /// Tokens of the participants of the first meeting.
    pub(crate) tokens: Vec<String>,
}

impl World {
    pub(crate) fn new(more: &[(&str, &str)]) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        fs::create_dir(folder.path().join("recordings")).expect("it can be made");
        let settings = [SETTINGS, more].concat();
        let program = Program::start_in(Arc::clone(&folder), &settings);
        let made = run(folder.path(), &settings, &["keys", "create", "--user", "ada", "--operator"]);
        let key = String::from_utf8(made.stdout).expect("text").trim().to_owned();
        let mut world = Self {
            program,
            asks_who_calls: more.iter().any(|(name, _)| *name == "REFLECTOR_AUTH"),
            key,
            rooms: Vec::new(),
            doomed_rooms: Vec::new(),
            meetings: Vec::new(),
            doomed_meetings: Vec::new(),
            recordings: Vec::new(),
            doomed_recordings: Vec::new(),
            transcripts: Vec::new(),
            doomed_transcripts: Vec::new(),
            tokens: Vec::new(),
        };
        world.fill();
        world
    }

    fn fill(&mut self) {
        let room = self.post("/rooms", &json!({ "name": "standup", "guests": true, "is_shared": true }));
        self.rooms = vec!["standup".to_owned(), text(&room["id"])];
        for number in 0..DOOMED {
            let name = format!("doomed-{number}");
            self.post("/rooms", &json!({ "name": name }));
            self.doomed_rooms.push(name);
            let meeting = text(&self.schedule(number)["id"]);
            self.doomed_meetings.push(meeting);
        }
        let current = self.post("/rooms/standup/meeting", &json!({}));
        let scheduled = self.schedule(DOOMED);
        self.meetings = vec![text(&current["id"]), text(&scheduled["id"])];
        for _ in 0..2 {
            let join = format!("/rooms/standup/meetings/{}/join", self.meetings[0]);
            let joined = self.post(&join, &json!({}));
            self.tokens.push(text(&joined["participant_token"]));
        }
        self.record(&current);
    }

    fn schedule(&self, number: usize) -> Value {
        let dates = json!({
            "start_date": format!("210{number}-01-01T09:00:00Z"),
            "end_date": format!("210{number}-01-01T10:00:00Z"),
        });
        self.post("/rooms/standup/meetings", &dates)
    }

    fn record(&mut self, meeting: &Value) {
        let (place, began) = (text(&meeting["room_name"]), text(&meeting["start_date"]));
        let folder = self.program.folder.path();
        for number in 0..RECORDINGS {
            let second = &began[.."2026-11-22T09:30:00".len()];
            silence::record(folder, &format!("{place}-{second}.{number:06}Z.wav"));
        }
        let listing = eventually("every recording is a transcript", || {
            let listing = self.ask(&Request::new("GET", "/recordings?status=completed")).json();
            (listing["total"] == RECORDINGS).then_some(listing)
        });
        for recording in listing["items"].as_array().expect("an array") {
            self.recordings.push(text(&recording["id"]));
            self.transcripts.push(text(&recording["transcript_id"]));
        }
        self.doomed_recordings = self.recordings.split_off(RECORDINGS - DOOMED);
        // Not those of doomed recordings, so that each is deleted by itself.
        self.transcripts.truncate(RECORDINGS - DOOMED);
        self.doomed_transcripts = self.transcripts.split_off(2);
    }

    fn ask(&self, request: &Request) -> Answer {
        self.program.send(&request.clone().header("x-api-key", &self.key))
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.ask(&Request::new("POST", path).json(body));
        assert!(matches!(answer.status, 200 | 201), "{path} {body}: {}", answer.text());
        answer.json()
    }

    /// It lives on, and nothing went wrong in it.
    pub(crate) fn is_well(&self) {
        assert_eq!(self.program.get("/healthz").status, 200);
        let logged = self.program.logged();
        assert!(!logged.contains("panicked"), "{logged}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("it is text").to_owned()
}
