//! `reflector doctor`: what is well is said to be well, what is not is named with what to do, and nothing is changed.

use std::fs;
use std::path::Path;
use std::process::Output;

use hmac::{Hmac, KeyInit, Mac};
use reflector_test_aws::moto;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::runtime::Runtime;
use wiremock::matchers::{any, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::http::Request;
use crate::program::{Program, run};
use crate::uploads::Uploads;

const KEY: &str = "key-of-ours";
const SECRET: &str = "hook-of-ours";

/// What stands in for Whereby and for both endpoints, and takes one key.
struct Stub {
    runtime: Runtime,
    server: MockServer,
}

impl Stub {
    fn start() -> Self {
        let runtime = Runtime::new().expect("it can be made");
        let server = runtime.block_on(MockServer::start());
        let stub = Self { runtime, server };
        let authorization = format!("Bearer {KEY}");
        let models = json!({ "data": [{ "id": "hears" }, { "id": "answers" }] });
        for (at, body) in [("/v1/models", models), ("/v1/meetings", json!({ "results": [], "cursor": null }))]
        {
            let answer = ResponseTemplate::new(200).set_body_json(body);
            stub.mount(
                Mock::given(path(at)).and(header("authorization", &*authorization)).respond_with(answer),
            );
        }
        let stranger = json!({ "error": "Invalid token" });
        stub.mount(
            Mock::given(any())
                .respond_with(ResponseTemplate::new(401).set_body_json(stranger))
                .with_priority(9),
        );
        stub
    }

    fn mount(&self, mock: Mock) {
        self.runtime.block_on(mock.mount(&self.server));
    }

    /// Settings that lead to it, with this key.
    fn settings(&self, key: &str) -> Vec<(&'static str, String)> {
        let base = format!("{}/v1", self.server.uri());
        let settings = [
            ("WHEREBY_API_URL", base.as_str()),
            ("WHEREBY_API_KEY", key),
            ("WHEREBY_WEBHOOK_SECRET", SECRET),
            ("REFLECTOR_STT_URL", &base),
            ("REFLECTOR_STT_KEY", key),
            ("REFLECTOR_STT_MODEL", "hears"),
            ("REFLECTOR_LLM_URL", &base),
            ("REFLECTOR_LLM_KEY", key),
            ("REFLECTOR_LLM_MODEL", "answers"),
        ];
        settings.map(|(name, value)| (name, value.to_owned())).to_vec()
    }
}

fn borrowed<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// What the doctor finds, by check, and how it ends.
struct Found {
    findings: Vec<Value>,
    code: Option<i32>,
    said: String,
}

impl Found {
    fn by(folder: &Path, environment: &[(&str, &str)]) -> Self {
        let output: Output = run(folder, environment, &["doctor", "--json"]);
        let findings = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!said.contains(KEY) && !said.contains(SECRET), "a secret is in {said}");
        Self { findings, code: output.status.code(), said }
    }

    fn of(&self, check: &str) -> (&str, &str) {
        let found = self.findings.iter().find(|finding| finding["check"] == check);
        let found = found.unwrap_or_else(|| panic!("{check} is not in {}", self.said));
        (found["outcome"].as_str().expect("text"), found["detail"].as_str().expect("text"))
    }

    /// Asserts how a check came out, and a word that its line has.
    #[track_caller]
    fn has(&self, check: &str, outcome: &str, word: &str) {
        let (found, detail) = self.of(check);
        assert!(found == outcome && detail.contains(word), "{check}: {found} {detail}");
    }
}

fn migrated() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &[], &["migrate"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    folder
}

#[test]
fn where_all_is_well_every_check_says_so_and_nothing_is_changed() {
    let (stub, uploads, folder) = (Stub::start(), Uploads::at(moto(), true, Some(5)), migrated());
    fs::create_dir(folder.path().join("recordings")).expect("it can be made");
    let settings = stub.settings(KEY);
    let mut environment = [borrowed(&settings), uploads.environment()].concat();
    environment.push(("REFLECTOR_RECORDINGS_DIR", "recordings"));
    uploads.wait(uploads.bucket.put("a folder/one.mp4", b"video"));
    let before = (uploads.counts(), uploads.wait(uploads.bucket.versions("")));

    let found = Found::by(folder.path(), &environment);
    for check in [
        "store",
        "provider",
        "tokens",
        "folder",
        "queue",
        "bucket",
        "erasing",
        "announces",
        "speech",
        "chat",
        "working",
    ] {
        found.has(check, "ok", "");
    }
    found.has("queue", "ok", "dead letters are set aside");
    found.has("webhooks", "warn", "/whereby");
    assert_eq!(found.code, Some(0), "{}", found.said);

    assert_eq!((uploads.counts(), uploads.wait(uploads.bucket.versions(""))), before);
    for inside in ["recordings", "."] {
        let names = fs::read_dir(folder.path().join(inside)).expect("it is there");
        let names: Vec<_> = names.map(|entry| entry.expect("it is there").file_name()).collect();
        assert!(names.iter().all(|name| !name.to_string_lossy().contains("doctor")), "{names:?}");
        assert!(names.iter().all(|name| name != "data"), "{names:?}");
    }
    let lines = run(folder.path(), &environment, &["doctor"]);
    let text = String::from_utf8_lossy(&lines.stdout).into_owned();
    assert_eq!(text.lines().count(), found.findings.len(), "a line for each check: {text}");
    assert!(text.lines().all(|line| line.starts_with("ok ") || line.starts_with("warn ")), "{text}");
}

#[test]
fn a_key_that_is_not_taken_is_named_by_its_setting() {
    let (stub, folder) = (Stub::start(), migrated());
    let settings = stub.settings("another-key");
    let found = Found::by(folder.path(), &borrowed(&settings));
    found.has("provider", "fail", "WHEREBY_API_KEY");
    found.has("speech", "fail", "REFLECTOR_STT_KEY");
    found.has("chat", "fail", "REFLECTOR_LLM_KEY");
    found.has("store", "ok", "");
    assert_eq!(found.code, Some(1), "{}", found.said);
    assert!(found.said.contains("reflector: 3 of "), "{}", found.said);
    assert!(!found.said.contains("another-key"), "{}", found.said);
}

#[test]
fn keys_of_tokens_that_cannot_be_had_or_used_are_told_and_so_is_how_many_can() {
    let (stub, folder) = (Stub::start(), migrated());
    let serves = |at: &str, body: Value| {
        let answer = ResponseTemplate::new(200).set_body_json(body);
        stub.mount(Mock::given(path(at)).respond_with(answer));
        format!("{}{at}", stub.server.uri())
    };
    let rsa = json!({ "kty": "RSA", "kid": "one", "n": "AQAB", "e": "AQAB" });
    let encrypts = json!({ "kty": "RSA", "kid": "two", "use": "enc", "n": "AQAB", "e": "AQAB" });
    let good = serves("/keys", json!({ "keys": [rsa, encrypts] }));
    let unfit = serves("/unfit", json!({ "keys": [encrypts] }));
    let empty = serves("/empty", json!({ "keys": [] }));
    let nowhere = format!("{}/nowhere", stub.server.uri());
    for (keys, outcome, word) in [
        (good.as_str(), "ok", "1 of them"),
        (&unfit, "fail", "REFLECTOR_JWT_JWKS"),
        (&empty, "fail", "none of RSA"),
        (&nowhere, "fail", "401"),
        ("http://127.0.0.1:9/", "fail", "REFLECTOR_JWT_JWKS"),
        ("no-such-file.json", "fail", "no-such-file.json"),
    ] {
        let found = Found::by(folder.path(), &[("REFLECTOR_AUTH", "jwt"), ("REFLECTOR_JWT_JWKS", keys)]);
        found.has("tokens", outcome, word);
    }
    let secret = "a secret that has thirty-two characters";
    let found = Found::by(folder.path(), &[("REFLECTOR_AUTH", "jwt"), ("REFLECTOR_JWT_SECRET", secret)]);
    found.has("tokens", "ok", "REFLECTOR_JWT_SECRET");
    assert!(!found.said.contains(secret), "{}", found.said);
    Found::by(folder.path(), &[]).has("tokens", "ok", "REFLECTOR_AUTH");
}

#[test]
fn a_model_that_the_endpoint_does_not_have_and_one_that_lists_none_are_warned_of() {
    let (stub, folder) = (Stub::start(), migrated());
    let mut settings = stub.settings(KEY);
    let base = format!("{}/nothing", stub.server.uri());
    stub.mount(
        Mock::given(path("/nothing/models")).respond_with(ResponseTemplate::new(404)).with_priority(1),
    );
    for (name, value) in &mut settings {
        match *name {
            "REFLECTOR_STT_MODEL" => "deaf".clone_into(value),
            "REFLECTOR_LLM_URL" => value.clone_from(&base),
            _ => {}
        }
    }
    let found = Found::by(folder.path(), &borrowed(&settings));
    found.has("speech", "warn", "REFLECTOR_STT_MODEL");
    found.has("chat", "warn", "not tried");
    assert_eq!(found.code, Some(0), "{}", found.said);
}

#[test]
fn what_is_not_there_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a file"), "text").expect("it can be written");
    let queue = moto().endpoint().to_owned() + "/123456789012/no-such-queue";
    let mut environment = moto().environment().to_vec();
    environment.extend([
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing"),
        ("WHEREBY_API_KEY", KEY),
        ("WHEREBY_WEBHOOK_SECRET", SECRET),
        ("WHEREBY_API_URL", "http://127.0.0.1:1/v1"),
        ("AWS_PROCESS_RECORDING_QUEUE_URL", queue.as_str()),
        ("RECORDING_STORAGE_AWS_BUCKET_NAME", "no-such-bucket"),
        ("REFLECTOR_RECORDINGS_DIR", "no such folder"),
        ("REFLECTOR_STT_URL", "http://127.0.0.1:1/v1"),
        ("REFLECTOR_STT_MODEL", "hears"),
        ("REFLECTOR_DATA_DIR", "a file/data"),
    ]);
    let found = Found::by(folder.path(), &environment);
    found.has("store", "fail", "DATABASE_URL");
    found.has("provider", "fail", "Whereby cannot be reached");
    found.has("webhooks", "warn", "see the store");
    found.has("folder", "fail", "no such folder is not there: make it");
    found.has("queue", "fail", "does not exist");
    found.has("bucket", "fail", "no-such-bucket");
    found.has("erasing", "warn", "not tried");
    found.has("speech", "fail", "REFLECTOR_STT_URL");
    found.has("working", "fail", "REFLECTOR_DATA_DIR");
    assert_eq!(found.code, Some(1), "{}", found.said);
}

#[test]
fn a_permission_that_is_missing_is_named_and_what_could_not_be_tried_is_said() {
    let (stub, folder) = (Stub::start(), migrated());
    let of_sqs = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no"}"#;
    let of_s3 = "<Error><Code>AccessDenied</Code></Error>";
    for (verb, body, kind) in
        [("POST", of_sqs, "application/x-amz-json-1.0"), ("GET", of_s3, "application/xml")]
    {
        let denied = ResponseTemplate::new(403).set_body_raw(body, kind);
        stub.mount(Mock::given(method(verb)).respond_with(denied).with_priority(1));
    }
    let (endpoint, queue) = (stub.server.uri(), format!("{}/123456789012/recordings", stub.server.uri()));
    let mut environment = moto().environment().to_vec();
    environment.extend([
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_PROCESS_RECORDING_QUEUE_URL", &queue),
        ("RECORDING_STORAGE_AWS_BUCKET_NAME", "recordings"),
    ]);
    let found = Found::by(folder.path(), &environment);
    found.has("queue", "fail", "sqs:GetQueueAttributes");
    found.has("bucket", "fail", "s3:ListBucketVersions");
    found.has("erasing", "warn", "not tried");
    found.has("announces", "warn", "s3:GetBucketNotification");
    assert_eq!(found.code, Some(1), "{}", found.said);
}

#[test]
fn a_queue_without_dead_letters_is_warned_of_and_so_is_a_bucket_that_is_not_named() {
    let (uploads, folder) = (Uploads::at(moto(), false, None), migrated());
    let mut environment = uploads.environment();
    environment.retain(|(name, _)| *name != "RECORDING_STORAGE_AWS_BUCKET_NAME");
    let found = Found::by(folder.path(), &environment);
    found.has("queue", "warn", "no redrive policy");
    found.has("bucket", "warn", "RECORDING_STORAGE_AWS_BUCKET_NAME");
    assert_eq!(found.code, Some(0), "{}", found.said);
}

#[test]
fn an_endpoint_of_webhooks_is_heard_once_a_signed_message_came_and_a_server_listens() {
    let stub = Stub::start();
    let settings = stub.settings(KEY);
    let program = Program::start_with(&borrowed(&settings));
    let found = Found::by(program.folder().path(), &borrowed(&settings));
    found.has("webhooks", "warn", "no verified message has come");

    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let body = r#"{"id":"e-1","apiVersion":"1.0","createdAt":"2026-11-22T09:30:00.000Z","type":"assistant.requested","data":{}}"#;
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key will do");
    mac.update(format!("{now}.{body}").as_bytes());
    let signature = format!("t={now},v1={}", hex::encode(mac.finalize().into_bytes()));
    let message = Request::new("POST", "/whereby").header("whereby-signature", &signature).body(body);
    assert_eq!(program.send(&message).status, 200);
    Found::by(program.folder().path(), &borrowed(&settings)).has(
        "webhooks",
        "ok",
        "the last verified message",
    );
}

#[test]
fn a_store_whose_schema_is_not_current_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..2 {
        let found = Found::by(folder.path(), &[]);
        found.has("store", "fail", "reflector migrate");
        assert_eq!(found.code, Some(1), "{}", found.said);
    }
    let found = Found::by(folder.path(), &[("DATABASE_URL", "memory:")]);
    found.has("store", "warn", "DATABASE_URL");
    assert_eq!(found.code, Some(0), "{}", found.said);
}
