//! Where recordings are put, what hears and answers, and the programs in between.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use reflector_test_postgres::Schema;
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use crate::endpoints::{self, COMPLETIONS, TRANSCRIPTIONS};
use crate::http::Request;
use crate::program::{Program, eventually, run};

/// What rooms' owners verify messages with.
pub(crate) const SECRET: &str = "a secret of the room's owner";

/// A database, a folder for recordings, and what the pipeline calls.
pub(crate) struct Studio {
    pub(crate) schema: Schema,
    pub(crate) folder: Arc<TempDir>,
    settings: Vec<(String, String)>,
    /// What hears and answers.
    pub(crate) endpoints: MockServer,
    /// What a room's owner listens with.
    pub(crate) receiver: MockServer,
    pub(crate) runtime: Runtime,
}

/// A meeting, and how its recordings are called.
pub(crate) struct Held {
    pub(crate) id: String,
    pub(crate) room: String,
    place: String,
    began: String,
}

impl Held {
    /// A meeting in a new room, whose owner listens.
    pub(crate) fn begin(program: &Program, studio: &Studio, room: &str, more: &Value) -> Self {
        let mut new = json!({ "name": room, "webhook_url": studio.receiver.uri(), "webhook_secret": SECRET });
        new.as_object_mut().expect("it is one").extend(more.as_object().expect("it is one").clone());
        program.post("/rooms", &new);
        let meeting = program.meet(room);
        let text = |field: &str| meeting[field].as_str().expect("it is text").to_owned();
        Self { id: text("id"), room: room.to_owned(), place: text("room_name"), began: text("start_date") }
    }

    /// The key of its recording, with this ending.
    pub(crate) fn key(&self, ending: &str) -> String {
        format!("{}-{}.{ending}", self.place, self.began)
    }

    /// The token that joining gives.
    pub(crate) fn token(&self, program: &Program) -> String {
        let joined = program.post(&format!("/rooms/{}/meetings/{}/join", self.room, self.id), &json!({}));
        joined["participant_token"].as_str().expect("it is text").to_owned()
    }

    /// Somebody says whether they agree.
    pub(crate) fn answers(&self, program: &Program, token: &str, agrees: bool) -> (u16, Value) {
        let body = json!({ "consent_given": agrees, "participant_token": token });
        let path = format!("/meetings/{}/consent", self.id);
        let answer = program.send(&Request::new("POST", path).json(&body));
        (answer.status, answer.json())
    }
}

impl Studio {
    /// Without anything that hears or answers.
    pub(crate) fn silent() -> Self {
        let runtime = Runtime::new().expect("it can be made");
        let endpoints = runtime.block_on(MockServer::start());
        let receiver = runtime.block_on(MockServer::start());
        let (schema, folder) = (reflector_test_postgres::schema(), tempfile::tempdir().expect("a folder"));
        fs::create_dir(folder.path().join("recordings")).expect("it can be made");
        let settings = [
            ("DATABASE_URL", schema.url()),
            ("REFLECTOR_RECORDINGS_DIR", "recordings"),
            ("REFLECTOR_RECORDING_SUFFIXES", ".mp4,.wav"),
            ("REFLECTOR_ALLOW_PRIVATE_URLS", "yes"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let studio = Self { schema, folder: Arc::new(folder), settings, endpoints, receiver, runtime };
        studio.receives(200);
        studio
    }

    /// With endpoints that hear what is said in the recordings of speech, and answer questions about it.
    pub(crate) fn new() -> Self {
        let mut studio = Self::silent();
        let base = format!("{}/v1", studio.endpoints.uri());
        for (name, value) in [
            ("REFLECTOR_STT_URL", base.as_str()),
            ("REFLECTOR_STT_MODEL", "hears"),
            ("REFLECTOR_LLM_URL", &base),
            ("REFLECTOR_LLM_KEY", "key-that-is-secret"),
            ("REFLECTOR_LLM_MODEL", "answers"),
        ] {
            studio.settings.push((name.to_owned(), value.to_owned()));
        }
        studio.answers(TRANSCRIPTIONS, endpoints::hears(&endpoints::spoken()));
        studio.answers(COMPLETIONS, endpoints::Asked);
        studio
    }

    /// With these settings as well.
    pub(crate) fn with(mut self, more: &[(&str, &str)]) -> Self {
        self.settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    pub(crate) fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    pub(crate) fn start(&self) -> Program {
        self.start_with(&[])
    }

    pub(crate) fn start_with(&self, more: &[(&str, &str)]) -> Program {
        let settings = [self.settings(), more.to_vec()].concat();
        Program::start_in(Arc::clone(&self.folder), &settings)
    }

    /// Runs a command beside whatever runs.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run(self.folder.path(), &self.settings(), arguments)
    }

    /// What a command says, which must be done.
    pub(crate) fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).expect("it is text")
    }

    /// Why a command cannot be done, in one line.
    pub(crate) fn refuses(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).expect("it is text");
        said.lines().last().expect("a line").to_owned()
    }

    /// Moves a file to where recordings are taken from, as if it had been written an hour ago.
    pub(crate) fn put(&self, key: &str, from: &Path) {
        let outside = self.folder.path().join("outside");
        fs::copy(from, &outside).expect("it can be copied");
        let at = SystemTime::now() - Duration::from_secs(3600);
        let file = File::options().write(true).open(&outside).expect("it is there");
        file.set_modified(at).expect("it is ours");
        fs::rename(outside, self.shelf().join(key)).expect("it can be moved");
    }

    pub(crate) fn shelf(&self) -> PathBuf {
        self.folder.path().join("recordings")
    }

    /// Whether nothing is left in the working folder.
    pub(crate) fn has_no_working_files(&self) -> bool {
        fs::read_dir(self.folder.path().join("data")).map_or(true, |entries| entries.count() == 0)
    }

    pub(crate) fn answers(&self, at: &str, answer: impl Respond + 'static) {
        self.runtime.block_on(endpoints::answers(&self.endpoints, at, answer));
    }

    /// Lets an endpoint fail so many times first.
    pub(crate) fn fails_first(&self, at: &str, times: u64, status: u16) {
        let failure = ResponseTemplate::new(status);
        self.runtime.block_on(endpoints::first_answers(&self.endpoints, at, times, failure));
    }

    /// From now on the owner answers this.
    pub(crate) fn receives(&self, status: u16) {
        self.runtime.block_on(async {
            self.receiver.reset().await;
            Mock::given(any()).respond_with(ResponseTemplate::new(status)).mount(&self.receiver).await;
        });
    }

    /// How often an endpoint was called.
    pub(crate) fn calls(&self, at: &str) -> usize {
        self.runtime.block_on(endpoints::requests(&self.endpoints, at)).len()
    }

    /// What was asked for, question by question.
    pub(crate) fn questions(&self) -> Vec<String> {
        let asked = self.runtime.block_on(endpoints::requests(&self.endpoints, COMPLETIONS));
        asked.iter().map(endpoints::kind).collect()
    }

    /// What the owner was told of transcripts.
    pub(crate) fn told(&self) -> Vec<wiremock::Request> {
        self.told_of("transcript.")
    }

    /// What the owner was told of something.
    pub(crate) fn told_of(&self, something: &str) -> Vec<wiremock::Request> {
        let all = self.runtime.block_on(self.receiver.received_requests()).expect("they are kept");
        let event =
            |told: &wiremock::Request| told.body_json::<Value>().expect("it is JSON")["event"].clone();
        let is_of =
            |told: &wiremock::Request| event(told).as_str().is_some_and(|event| event.starts_with(something));
        all.into_iter().filter(is_of).collect()
    }

    /// What stages made, as it is kept.
    pub(crate) fn made(&self, id: &str) -> Vec<(String, String)> {
        let rows = self
            .schema
            .sql(&format!("SELECT stage || '|' || text FROM made WHERE transcript = '{id}' ORDER BY stage"));
        let two = |row: &str| row.split_once('|').map(|(stage, text)| (stage.to_owned(), text.to_owned()));
        rows.lines().filter_map(two).collect()
    }

    /// As if a minute and a half had gone by for whatever waits: claims have run out, and what is to be tried again is.
    pub(crate) fn time_goes_by(&self) {
        let back = 90_000_000;
        self.schema.sql(&format!(
            "UPDATE transcripts SET ready_at = ready_at - {back}, waits_until = waits_until - {back},
             claimed_until = claimed_until - {back}"
        ));
        self.schema.sql(&format!(
            "UPDATE notices SET ready_at = ready_at - {back}, claimed_until = claimed_until - {back}"
        ));
    }
}

impl Program {
    /// The transcript of a recording, once it has begun.
    pub(crate) fn transcript_of(&self, key: &str) -> String {
        eventually(&format!("the transcript of {key} begins"), || {
            let recordings = self.read("/recordings?size=200");
            let all = recordings["items"].as_array().expect("an array").clone();
            let one = all.into_iter().find(|one| one["object_key"] == key)?;
            one["transcript_id"].as_str().map(str::to_owned)
        })
    }

    pub(crate) fn transcript(&self, id: &str) -> Value {
        self.read(&format!("/transcripts/{id}"))
    }

    /// A transcript once its run is over.
    pub(crate) fn ended(&self, id: &str) -> Value {
        eventually(&format!("the run of {id} is over"), || {
            let transcript = self.transcript(id);
            matches!(transcript["status"].as_str(), Some("ended" | "error")).then_some(transcript)
        })
    }
}

/// A message to a room's owner proves that it is ours.
pub(crate) fn was_signed(message: &wiremock::Request) {
    let signature = message.headers["reflector-signature"].to_str().expect("it is text");
    let (t, v1) = signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).expect("its form");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key of any length");
    mac.update(format!("{t}.").as_bytes());
    mac.update(&message.body);
    assert_eq!(hex::encode(mac.finalize().into_bytes()), v1);
}

/// How the stages of a transcript stand, in order, with the reason of each.
pub(crate) fn stages(transcript: &Value) -> Vec<(String, String, String)> {
    let text = |stage: &Value, field: &str| stage[field].as_str().unwrap_or_default().to_owned();
    let stages = transcript["stages"].as_array().expect("an array").iter();
    stages.map(|stage| (text(stage, "name"), text(stage, "status"), text(stage, "reason"))).collect()
}

/// A stage of a transcript.
pub(crate) fn stage<'a>(transcript: &'a Value, name: &str) -> &'a Value {
    let stages = transcript["stages"].as_array().expect("an array");
    stages.iter().find(|stage| stage["name"] == name).expect("there is such a stage")
}
