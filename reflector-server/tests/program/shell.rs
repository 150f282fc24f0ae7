//! The commands of an operator, beside a server that runs on the same database or without one.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::program::{Program, eventually, run};

#[test]
fn rooms_are_made_listed_and_deleted_from_a_shell() {
    let program = Program::start();
    let folder = program.folder();
    let id = said(folder.path(), &["rooms", "create", "standup"]);
    assert_eq!(program.read("/rooms/standup")["id"], id.trim(), "the server sees it");
    assert!(refused(folder.path(), &["rooms", "create", "standup"]).contains("another room has this name"));
    program.make_room("retro");

    let listed = json(folder.path(), &["rooms", "list", "--json"]);
    let names: Vec<_> = listed.as_array().expect("an array").iter().map(|room| &room["name"]).collect();
    assert_eq!(names, ["retro", "standup"]);
    assert_eq!(said(folder.path(), &["rooms", "list"]).lines().count(), 2);

    program.meet("standup");
    assert!(refused(folder.path(), &["rooms", "delete", "standup"]).contains("--end"));
    said(folder.path(), &["rooms", "delete", "standup", "--end"]);
    said(folder.path(), &["rooms", "delete", "retro"]);
    assert_eq!(json(folder.path(), &["rooms", "list", "--json"]), serde_json::json!([]));
    assert!(refused(folder.path(), &["rooms", "delete", "retro"]).contains("rooms list"));
}

#[test]
fn closes_are_put_on_hold_and_let_go_on_from_a_shell() {
    let program = Program::start();
    let folder = program.folder();
    let closes = || program.read("/readyz")["closes"].as_str().expect("it is text").to_owned();
    assert_eq!(closes(), "as the rules say");
    assert!(said(folder.path(), &["hold", "on"]).contains("on hold since"));
    assert!(closes().contains("on hold since") && closes().contains("reflector hold off"), "{}", closes());
    let doctor = run(folder.path(), &[], &["doctor"]);
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("on hold since"), "{doctor:?}");
    assert!(said(folder.path(), &["hold", "off"]).contains("as the rules say"));
    assert_eq!(closes(), "as the rules say");
}

#[test]
fn meetings_are_listed_explained_and_ended_from_a_shell() {
    let program = Program::start();
    let folder = program.folder();
    program.make_room("standup");
    let made = program.meet("standup");
    let id = made["id"].as_str().expect("an id");

    let listed = json(folder.path(), &["meetings", "list", "--room", "standup", "--json"]);
    assert_eq!(listed[0]["id"], *id);
    assert_eq!(listed[0]["host_room_url"], "");
    assert!(said(folder.path(), &["meetings", "list"]).contains("waiting"));

    said(folder.path(), &["meetings", "end", id]);
    let closed = eventually("the server closes it", || {
        let meeting = program.read(&format!("/meetings/{id}"));
        (meeting["phase"] == "closed").then_some(meeting)
    });
    assert_eq!(closed["close_reason"], "ended_by_owner");
    assert_eq!(json(folder.path(), &["meetings", "list", "--json"]), serde_json::json!([]));
    assert_eq!(json(folder.path(), &["meetings", "list", "--all", "--json"])[0]["phase"], "closed");

    let told = said(folder.path(), &["meetings", "explain", id]);
    for sentence in
        ["somebody wanted to meet now", "the provider made its room", "its owner ended it", "is gone"]
    {
        assert!(told.contains(sentence), "`{sentence}` is not in: {told}");
    }
    assert!(
        told.starts_with(&format!("Meeting {id} in standup, by builtin: Closed: ended_by_owner")),
        "{told}"
    );
    let nobody = "0190a5c2-6e9c-7b7e-8d3e-0123456789ab";
    for command in ["explain", "end"] {
        assert!(refused(folder.path(), &["meetings", command, nobody]).contains("there is no meeting"));
    }
    let output = run(folder.path(), &[], &["meetings", "end", "standup"]);
    assert_eq!(output.status.code(), Some(2), "what is no id is wrong usage");
}

#[test]
fn what_is_exported_can_be_replayed_and_holds_no_secret() {
    let program = Program::start();
    let folder = program.folder();
    program.make_room("standup");
    let made = program.meet("standup");
    let id = made["id"].as_str().expect("an id");
    said(folder.path(), &["meetings", "end", id]);
    program.until(id, "its end", |meeting| meeting["phase"] == "closed");

    let exported = said(folder.path(), &["meetings", "export"]);
    let first: Value = serde_json::from_str(exported.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&first["meeting_id"], &first["event"]["event"]), (&made["id"], &Value::from("created")));
    let history = program.read(&format!("/meetings/{id}/history"));
    assert_eq!(history["total"], exported.lines().count());
    let file = folder.path().join("history.jsonl");
    std::fs::write(&file, &exported).expect("it can be written");
    let replayed = said(folder.path(), &["replay", "history.jsonl"]);
    assert!(replayed.contains("of 1 meetings in 1 rooms"), "{replayed}");
    assert_eq!(said(folder.path(), &["meetings", "export", "--since", "2100-01-01T00:00:00Z"]), "");
    let output = run(folder.path(), &[], &["meetings", "export", "--since", "yesterday"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn the_history_of_what_closed_longer_ago_than_the_retention_is_forgotten() {
    let program = Program::start();
    program.make_room("standup");
    let made = program.meet("standup");
    let id = made["id"].as_str().expect("an id").to_owned();
    said(program.folder().path(), &["meetings", "end", &id]);
    program.until(&id, "its end", |meeting| meeting["phase"] == "closed");
    assert!(said(program.folder().path(), &["meetings", "explain", &id]).contains("its owner ended it"));

    // What is old is looked for when a server starts.
    let program = Program::start_in(program.kill(), &[("REFLECTOR_RETENTION", "1us")]);
    eventually("its history is dropped", || {
        let history = program.read(&format!("/meetings/{id}/history"));
        (history["items"] == serde_json::json!([])).then_some(())
    });
    assert_eq!(
        program.read(&format!("/meetings/{id}"))["close_reason"],
        "ended_by_owner",
        "the meeting stays"
    );
    assert!(said(program.folder().path(), &["meetings", "explain", &id]).contains("REFLECTOR_RETENTION"));
}

#[test]
fn a_schema_that_is_not_up_to_date_is_left_alone_unless_it_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(refused(folder.path(), &["rooms", "list"]).contains("reflector migrate"));
    let unmigrated = run(folder.path(), &[("REFLECTOR_LISTEN", "127.0.0.1:0")], &["serve", "--no-migrate"]);
    assert!(line(&unmigrated, 1).contains("reflector migrate"), "{unmigrated:?}");
    said(folder.path(), &["migrate"]);
    assert_eq!(said(folder.path(), &["rooms", "list"]), "");
}

#[test]
fn what_a_server_keeps_in_memory_no_command_pretends_to_see() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &[("DATABASE_URL", "memory:")], &["rooms", "list"]);
    assert!(line(&output, 1).contains("no other process can see"), "{output:?}");
}

/// What a command says that does what it is asked.
pub(crate) fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, &[], arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

pub(crate) fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&said(folder, arguments)).expect("JSON")
}

/// The line with which a command refuses.
pub(crate) fn refused(folder: &Path, arguments: &[&str]) -> String {
    line(&run(folder, &[], arguments), 1)
}

fn line(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{output:?}");
    said
}
