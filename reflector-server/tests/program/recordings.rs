//! A folder as the source of recordings: what is put there becomes recordings of meetings, once.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::Request;
use crate::program::{Program, eventually, run};
use crate::shell::{json, refused, said};
use crate::uploads::{INTAKE, measured};

const FROM_A_FOLDER: &[(&str, &str)] = &[("REFLECTOR_RECORDINGS_DIR", "recordings"), INTAKE];

/// Where files are put, in the folder that a program runs in.
struct Shelf(Arc<TempDir>);

impl Shelf {
    fn new() -> Self {
        let shelf = Self(Arc::new(tempfile::tempdir().expect("a folder")));
        fs::create_dir(shelf.path("")).expect("it can be made");
        shelf
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("recordings").join(name)
    }

    /// Moves a file in that was written an hour ago.
    fn put(&self, name: &str) {
        self.put_written_at(name, SystemTime::now() - Duration::from_secs(3600));
    }

    fn put_written_at(&self, name: &str, at: SystemTime) {
        let outside = self.0.path().join("outside");
        fs::write(&outside, "video").expect("it can be written");
        File::options()
            .write(true)
            .open(&outside)
            .and_then(|file| file.set_modified(at))
            .expect("its time is set");
        fs::rename(outside, self.path(name)).expect("it can be moved");
    }

    fn served(&self) -> Program {
        self.served_with(FROM_A_FOLDER)
    }

    fn served_with(&self, environment: &[(&str, &str)]) -> Program {
        Program::start_in(Arc::clone(&self.0), environment)
    }
}

impl Program {
    /// The recording of a key, once it is there.
    pub(crate) fn recording(&self, key: &str) -> Value {
        eventually(&format!("{key} is taken in"), || {
            self.recordings().into_iter().find(|one| one["object_key"] == key)
        })
    }

    fn ask(&self, method: &str, recording: &Value, more: &str, body: &Value) -> (u16, Value) {
        let id = recording["id"].as_str().expect("an id");
        let answer = self.send(&Request::new(method, format!("/recordings/{id}{more}")).json(body));
        (answer.status, if answer.text().is_empty() { Value::Null } else { answer.json() })
    }
}

/// A meeting in a new room, and how a recording of it is called.
fn held(program: &Program) -> (Value, String) {
    program.make_room("standup");
    let meeting = program.meet("standup");
    let (room, began) = (meeting["room_name"].as_str(), meeting["start_date"].as_str());
    let name = format!("{}-{}.mp4", room.expect("a name"), began.expect("a time"));
    (meeting, name)
}

#[test]
fn a_file_that_is_put_there_becomes_a_recording_of_its_meeting_and_no_other_does() {
    let shelf = Shelf::new();
    let program = shelf.served();
    let (meeting, name) = held(&program);
    let writing = Writing::of(shelf.path("growing.mp4"));
    shelf.put("notes.txt");
    shelf.put(&name);
    let recording = program.recording(&name);
    let expected = json!({
        "id": recording["id"], "version": recording["version"], "bucket_name": "file:recordings",
        "object_key": name, "revision": 1, "size": 5, "recorded_at": meeting["start_date"],
        "meeting_id": meeting["id"], "room_id": meeting["room_id"], "status": "pending", "error": null,
        "transcript_id": null,
    });
    assert_eq!(recording, expected);
    assert_eq!(program.read(&format!("/recordings/{}", recording["id"].as_str().unwrap())), expected);
    eventually("the text is passed over", || (program.measured("others_total") == 1.0).then_some(()));
    assert_eq!(program.recordings().len(), 1, "somebody still writes to the other one");
    writing.end();
    program.recording("growing.mp4");

    for (query, count) in [
        ("status=pending", 1),
        ("status=unmatched", 1),
        ("status=failed", 0),
        ("room=standup", 1),
        ("room=standup&status=unmatched", 0),
        ("page=2&size=1", 1),
    ] {
        let listed = program.read(&format!("/v1/recordings?{query}"));
        assert_eq!(listed["items"].as_array().expect("an array").len(), count, "{query}: {listed}");
    }
    assert_eq!(program.get("/recordings?room=nobody").status, 422);
    assert_eq!(program.get("/recordings?status=lost").status, 422);
}

#[test]
fn one_that_nobody_knows_the_meeting_of_is_seen_and_attached_by_request_and_from_a_shell() {
    let shelf = Shelf::new();
    let program = shelf.served();
    let (meeting, _) = held(&program);
    shelf.put("one.mp4");
    shelf.put("other.mp4");
    let (one, other) = (program.recording("one.mp4"), program.recording("other.mp4"));
    assert_eq!((&one["status"], &one["meeting_id"]), (&json!("unmatched"), &Value::Null));
    let (status, problem) = program.ask("POST", &one, "/requeue", &json!({}));
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("attach")), "{problem}");
    let (status, problem) = program.ask("POST", &one, "/attach", &json!({ "meeting_id": one["id"] }));
    assert_eq!((status, &problem["field"]), (422, &json!("meeting_id")));

    let (status, attached) = program.ask("POST", &one, "/attach", &json!({ "meeting_id": meeting["id"] }));
    assert_eq!(
        (status, &attached["meeting_id"], &attached["status"]),
        (202, &meeting["id"], &json!("pending"))
    );
    let (status, queued) = program.ask("POST", &one, "/requeue", &json!({}));
    assert_eq!((status, &queued["id"]), (202, &one["id"]));

    let folder = shelf.0.path();
    let listed = json(folder, &["recordings", "list", "--status", "unmatched", "--json"]);
    assert_eq!(listed, json!([other]));
    let (id, meeting_id) = (other["id"].as_str().unwrap(), meeting["id"].as_str().unwrap());
    assert!(refused(folder, &["recordings", "requeue", id]).contains("attach"));
    assert!(refused(folder, &["recordings", "attach", id, id]).contains("there is no meeting"));
    assert!(
        refused(folder, &["recordings", "attach", meeting_id, meeting_id]).contains("there is no recording")
    );
    assert_eq!(said(folder, &["recordings", "attach", id, meeting_id]), "pending\n");
    assert_eq!(said(folder, &["recordings", "requeue", id]), "pending\n");
    let lines = said(folder, &["recordings", "list"]);
    assert_eq!(lines.lines().filter(|line| line.contains(meeting_id)).count(), 2, "{lines}");
    assert_eq!(said(folder, &["recordings", "list", "--status", "unmatched"]), "");
    assert_eq!(json(folder, &["recordings", "list", "--unreadable", "--json"]), json!([]));
    let wrong = run(folder, &[], &["recordings", "list", "--status", "lost"]);
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
}

#[test]
fn a_server_that_is_killed_takes_nothing_in_twice() {
    let shelf = Shelf::new();
    let program = shelf.served();
    let (_, name) = held(&program);
    for name in [&name, "other.mp4"] {
        shelf.put(name);
    }
    let before = (program.recording(&name), program.recording("other.mp4"));
    program.kill();

    let program = shelf.served();
    eventually("both are announced again", || (program.measured("known_total") == 2.0).then_some(()));
    assert_eq!((program.recording(&name), program.recording("other.mp4")), before);
    assert_eq!((program.recordings().len(), program.measured("stored_total")), (2, 0.0));
    shelf.put_written_at("other.mp4", SystemTime::now() - Duration::from_secs(60));
    let again = eventually("it is there anew", || {
        program.recordings().into_iter().find(|one| one["object_key"] == "other.mp4" && one["revision"] == 2)
    });
    assert_ne!(again["version"], before.1["version"]);
}

#[test]
fn what_is_deleted_is_gone_from_the_folder_too_and_does_not_come_back() {
    let shelf = Shelf::new();
    let program = shelf.served();
    let written_at = SystemTime::now() - Duration::from_secs(60);
    shelf.put_written_at("one.mp4", written_at);
    let one = program.recording("one.mp4");

    let elsewhere = shelf.0.path().join("elsewhere");
    fs::rename(shelf.path(""), &elsewhere).expect("it can be moved");
    let (status, problem) = program.ask("DELETE", &one, "", &json!({}));
    assert_eq!(status, 502);
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("nothing was deleted") && detail.contains("recordings"), "{problem}");
    fs::rename(&elsewhere, shelf.path("")).expect("it can be moved");
    assert_eq!(program.recordings(), std::slice::from_ref(&one));

    assert_eq!(program.ask("DELETE", &one, "", &json!({})), (204, Value::Null));
    assert!(!shelf.path("one.mp4").exists());
    assert_eq!(program.ask("DELETE", &one, "", &json!({})).0, 404);
    assert_eq!(program.ask("GET", &one, "", &json!({})).0, 404);

    // The same is there once more, and is announced to the next server.
    shelf.put_written_at("one.mp4", written_at);
    program.kill();
    let program = shelf.served();
    eventually("it is known", || (program.measured("known_total") == 1.0).then_some(()));
    assert_eq!(program.recordings(), [] as [Value; 0]);
}

#[test]
fn a_recording_of_a_source_that_is_not_configured_is_not_deleted_and_it_is_said_what_to_do() {
    let shelf = Shelf::new();
    let program = shelf.served();
    shelf.put("one.mp4");
    let one = program.recording("one.mp4");
    program.kill();
    let program = shelf.served_with(&[]);
    let (status, problem) = program.ask("DELETE", &one, "", &json!({}));
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(status == 502 && detail.contains("REFLECTOR_RECORDINGS_DIR"), "{status} {problem}");
    assert_eq!(program.recordings(), [one]);
    eventually("it is said that none come in", || {
        program.logged().contains("no recordings are taken in").then_some(())
    });
}

#[test]
fn what_was_put_there_while_no_server_ran_is_taken_in_by_command() {
    let shelf = Shelf::new();
    let folder = shelf.0.path();
    said(folder, &["migrate"]);
    shelf.put("one.mp4");
    shelf.put("notes.txt");
    let reconcile = || {
        let output = run(folder, FROM_A_FOLDER, &["recordings", "reconcile"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(reconcile(), "folder: 1 recordings there, 1 taken in, 0 queued again\n");
    assert_eq!(reconcile(), "folder: 1 recordings there, 0 taken in, 0 queued again\n");
    assert_eq!(json(folder, &["recordings", "list", "--json"])[0]["object_key"], "one.mp4");
    assert!(refused(folder, &["recordings", "reconcile"]).contains("REFLECTOR_RECORDINGS_DIR"));
    fs::remove_dir_all(shelf.path("")).expect("it can be removed");
    let output = run(folder, FROM_A_FOLDER, &["recordings", "reconcile"]);
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), line.lines().count()), (Some(1), 1), "{output:?}");
    assert!(line.contains("make it"), "{line}");
}

#[test]
fn a_source_that_is_away_is_told_and_keeps_no_request_from_being_answered() {
    let shelf = Shelf::new();
    fs::remove_dir(shelf.path("")).expect("it can be removed");
    let program = shelf.served();
    let degraded = |program: &Program| {
        let answer = program.get("/readyz");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["status"] == "degraded"
    };
    eventually("it is told", || degraded(&program).then_some(()));
    let said = program.read("/readyz")["recordings"]["folder"].clone();
    assert!(said.as_str().is_some_and(|said| said.starts_with("away since")), "{said}");
    assert_eq!(program.measured("source_up"), 0.0);
    program.make_room("standup");

    fs::create_dir(shelf.path("")).expect("it can be made");
    shelf.put("one.mp4");
    program.recording("one.mp4");
    assert!(!degraded(&program));
    assert_eq!(program.measured("source_up"), 1.0);
    let logged = program.logged();
    assert_eq!(logged.lines().filter(|line| line.contains("no recordings come in")).count(), 1, "{logged}");
}

#[test]
fn roles_may_be_spread_over_processes_that_share_a_database() {
    let shelf = Shelf::new();
    let in_role = |role: &str| {
        shelf.served_with(&[("REFLECTOR_ROLES", role), ("REFLECTOR_RECORDINGS_DIR", "recordings")])
    };
    let (api, lifecycle) = (in_role("api"), in_role("lifecycle"));
    let (meeting, name) = held(&api);
    assert_eq!(meeting["phase"], "waiting", "the other process made its room");
    shelf.put(&name);
    for path in ["/rooms", "/recordings", "/", "/whereby"] {
        assert_eq!(lifecycle.get(path).status, 404, "{path}");
    }
    for path in ["/readyz", "/metrics"] {
        assert_eq!(lifecycle.get(path).status, 200, "{path}");
    }
    assert!(api.read("/readyz")["recordings"].as_str().is_some_and(|said| said.contains("another process")));

    let recordings = in_role("recordings");
    assert_eq!(api.recording(&name)["meeting_id"], meeting["id"]);
    assert_eq!((recordings.measured("stored_total"), api.measured("stored_total")), (1.0, 0.0));
    let (status, _) = api.ask("DELETE", &api.recording(&name), "", &json!({}));
    assert_eq!((status, shelf.path(&name).exists()), (204, false), "the source is known to whoever is asked");
}

#[test]
fn metrics_have_an_address_of_their_own_if_that_is_wanted() {
    let shelf = Shelf::new();
    let elsewhere = [("REFLECTOR_METRICS_LISTEN", "127.0.0.1:0"), ("REFLECTOR_RECORDINGS_DIR", "recordings")];
    let program = shelf.served_with(&elsewhere);
    assert_eq!(program.get("/metrics").status, 404);
    let address = eventually("it is said where they are", || {
        let said = program.said();
        let address = said.split_once("metrics    at http://")?.1.split_once("/metrics")?.0;
        address.parse::<SocketAddr>().ok()
    });
    assert_eq!(measured(address, "source_up"), Some(1.0));
    let named = Request::new("GET", "/metrics").header("host", "metrics.example.com").send(address);
    assert_eq!(named.status, 200, "whatever it is called");
    assert_eq!(Request::new("GET", "/rooms").send(address).status, 404);
}

/// Somebody who goes on writing to a file.
struct Writing {
    is_over: Arc<AtomicBool>,
    hand: std::thread::JoinHandle<()>,
}

impl Writing {
    fn of(path: PathBuf) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let hand = std::thread::spawn(move || {
            let mut file = File::create(path).expect("it can be made");
            while !over.load(Ordering::SeqCst) {
                file.write_all(b"more").expect("it can be written");
                std::thread::sleep(Duration::from_millis(50));
            }
            file.set_modified(SystemTime::now() - Duration::from_secs(60)).expect("its time can be set");
        });
        Self { is_over, hand }
    }

    fn end(self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.hand.join().expect("it ends well");
    }
}
