//! A policy tried on a recorded history, from the command line.

use std::path::Path;
use std::process::Output;

use crate::program::run;

const OFFICE: [&str; 8] = ["simulate", "--rooms", "3", "--days", "2", "--export", "office.jsonl", "--seed=3"];

/// A folder with the histories of a small office in `office.jsonl`.
fn recorded() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), &[], &OFFICE);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    folder
}

/// Replays the office, and gives the figures of a row: what was recorded, and what would have happened.
fn figures(folder: &Path, policy: &[&str], name: &str) -> (u64, u64) {
    let output = run(folder, &[], &[&["replay", "office.jsonl"], policy].concat());
    assert_eq!((output.status.code(), said(&output.stderr).as_str()), (Some(0), ""));
    let text = said(&output.stdout);
    let row = text.lines().find(|line| line.trim_start().starts_with(name));
    let row = row.unwrap_or_else(|| panic!("no `{name}` in:\n{text}"));
    let mut numbers = row.split_whitespace().filter_map(|word| word.parse().ok());
    (numbers.next().expect("two"), numbers.next().expect("two"))
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = said(&output.stderr);
    assert!(said.lines().count() == 1 && said.starts_with("reflector: "), "{said}");
    said
}

#[test]
fn a_history_replayed_under_its_own_policy_comes_to_what_was_recorded() {
    let folder = recorded();
    for name in
        ["meetings", "people coming in", "splits", "minutes", "closed: grace_expired", "closed: never_joined"]
    {
        let (recorded, replayed) = figures(folder.path(), &[], name);
        assert_eq!(recorded, replayed, "{name}");
        assert!(recorded > 0 || name == "splits", "{name}");
    }
}

#[test]
fn a_shorter_grace_makes_splits_of_a_history_that_had_none_and_empty_rooms_fewer() {
    let folder = recorded();
    let policy = ["--grace", "1m", "--overtime", "never", "--lease", "5s"];
    let (recorded, replayed) = figures(folder.path(), &policy, "splits");
    assert!(recorded == 0 && replayed > 0, "{recorded} {replayed}");
    let (recorded, replayed) = figures(folder.path(), &policy, "minutes");
    assert!(replayed < recorded, "{recorded} {replayed}");
    let (recorded, replayed) = figures(folder.path(), &policy, "people put out by force");
    assert!(replayed <= recorded, "{recorded} {replayed}");
}

#[test]
fn a_line_that_cannot_be_read_is_named_and_nothing_is_told() {
    let folder = recorded();
    let file = folder.path().join("office.jsonl");
    let text = std::fs::read_to_string(&file).expect("it is there");
    let mut lines: Vec<_> = text.lines().collect();
    lines[2] = "{\"meeting_id\": 7}";
    std::fs::write(&file, lines.join("\n")).expect("it can be written");
    let said = refusal(&run(folder.path(), &[], &["replay", "office.jsonl"]));
    assert!(said.contains("office.jsonl: line 3 is no entry of a history"), "{said}");

    lines.remove(2);
    std::fs::write(&file, lines.join("\n")).expect("it can be written");
    let said = refusal(&run(folder.path(), &[], &["replay", "office.jsonl"]));
    assert!(said.contains("office.jsonl: line 3 ") && said.contains("whole and in order"), "{said}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = refusal(&run(folder.path(), &[], &["replay", "nowhere.jsonl"]));
    assert!(said.contains("nowhere.jsonl cannot be read: "), "{said}");
}

#[test]
fn an_export_to_where_nothing_can_be_written_is_said_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let output =
        run(folder.path(), &[], &["simulate", "--rooms", "1", "--days", "1", "--export", "no/such/folder"]);
    let said = refusal(&output);
    assert!(said.contains("no/such/folder cannot be written: "), "{said}");
}

#[test]
fn a_flag_that_is_none_and_a_policy_that_cannot_be_are_wrong_usage() {
    let folder = tempfile::tempdir().expect("a folder");
    for wrong in [
        &["replay"][..],
        &["replay", "a", "--patience", "5m"],
        &["replay", "a", "--grace", "15"],
        &["replay", "a", "--overtime", "ever"],
        &["replay", "a", "b"],
    ] {
        let output = run(folder.path(), &[], wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {output:?}");
        assert!(!output.stderr.is_empty(), "{wrong:?}");
    }
}

#[test]
fn what_comes_from_another_program_is_read_from_standard_input() {
    let folder = tempfile::tempdir().expect("a folder");
    // Nothing comes here, and of nothing there is nothing to tell.
    let output = run(folder.path(), &[], &["replay", "-"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(said(&output.stdout).starts_with("0 entries of 0 meetings in 0 rooms\n"), "{output:?}");
}
