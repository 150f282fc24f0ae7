//! What keeps the tree as ARCHITECTURE.md says: directions of imports, words, and sizes.

mod documents;

use std::fs;
use std::path::{Path, PathBuf};

/// The longest a file may be. Those that are longer are named with their length, and may only become shorter.
const LONGEST: usize = 420;
const LONGER: &[(&str, usize)] = &[];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file of ours below a folder whose name ends like this, as its path from the root and its text.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
            if path.is_dir() && !matches!(name.as_str(), "target" | ".git" | "data" | "node_modules") {
                folders.push(path);
            } else if name.ends_with(ending) {
                let shown = path.strip_prefix(root()).expect("it is below the root").display().to_string();
                found.push((shown, fs::read_to_string(&path).expect("it is text")));
            }
        }
    }
    assert!(!found.is_empty(), "nothing in {folder} ends with {ending}");
    found.sort();
    found
}

fn sources() -> Vec<(String, String)> {
    files(".", ".rs").into_iter().filter(|(path, _)| !path.starts_with("tests/tidy")).collect()
}

/// Complains about all at once: one run tells everything.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn no_file_is_too_long_to_hold_one_idea() {
    let mut complaints = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        let allowed = LONGER.iter().find(|(longer, _)| *longer == path).map_or(LONGEST, |(_, lines)| *lines);
        if lines > allowed {
            complaints.push(format!("{path} has {lines} lines; {allowed} are allowed: split it"));
        }
    }
    none(&complaints);
}

#[test]
fn no_word_stands_in_the_code_that_we_do_not_use() {
    let banned = [
        ("fn get_", "name it after what it gives"),
        ("Manager", "name it after what it does"),
        ("mod utils", "name it after what is in it"),
        ("mod common", "name it after what is in it"),
        ("mod helpers", "name it after what is in it"),
        ("todo!(", "do it, or leave it out"),
        ("unimplemented!(", "do it, or leave it out"),
        ("dbg!(", "use tracing"),
        ("FIXME", "fix it"),
        ("#[ignore", "run it, or delete it"),
        ("#[allow(", "use #[expect(…, reason = …)]"),
        ("#![allow(", "use #[expect(…, reason = …)]"),
    ];
    let mut complaints = Vec::new();
    for (path, text) in sources() {
        for (number, line) in (1..).zip(text.lines()) {
            for (word, instead) in banned.iter().filter(|(word, _)| line.contains(word)) {
                complaints.push(format!("{path}:{number} says `{word}`: {instead}"));
            }
        }
    }
    none(&complaints);
}

#[test]
fn the_rules_neither_wait_nor_look_at_a_clock_nor_at_what_lies_around_them() {
    let mut complaints = Vec::new();
    let pipeline = files("reflector-core/src/pipeline", ".rs");
    let pure = files("reflector-core/src/lifecycle", ".rs").into_iter().chain(
        files("reflector-core/src", ".rs").into_iter().filter(|(path, _)| path.ends_with("/admission.rs")),
    );
    let pure = pure.chain(pipeline.into_iter().filter(|(path, _)| !path.ends_with("/port.rs")));
    for (path, text) in pure {
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            for word in
                ["async ", ".await", "::now(", "crate::engine", "crate::store", "crate::provider", "println!"]
            {
                if line.contains(word) {
                    complaints.push(format!("{path}:{number} says `{word}`"));
                }
            }
        }
    }
    none(&complaints);
}

#[test]
fn the_ports_know_neither_the_engine_nor_each_others_adapters() {
    let ports = files("reflector-core/src/store", ".rs").into_iter().chain(
        files("reflector-core/src", ".rs").into_iter().filter(|(path, _)| path.ends_with("src/provider.rs")),
    );
    let complaints: Vec<_> = ports
        .filter(|(_, text)| text.contains("crate::engine"))
        .map(|(path, _)| format!("{path} uses the engine"))
        .collect();
    none(&complaints);
}

#[test]
fn no_adapter_knows_another_nor_the_server() {
    let adapters = [
        "reflector-aws",
        "reflector-pipeline",
        "reflector-store-memory",
        "reflector-store-postgres",
        "reflector-store-sqlite",
        "reflector-whereby",
    ];
    let mut complaints = Vec::new();
    for adapter in adapters {
        let manifest = fs::read_to_string(root().join(adapter).join("Cargo.toml")).unwrap();
        // Its tests may stand on others.
        let manifest = manifest.split("[dev-dependencies]").next().unwrap();
        for other in adapters.iter().chain(&["reflector-server"]).filter(|other| **other != adapter) {
            if manifest.contains(&format!("{other}.workspace")) || manifest.contains(&format!("{other} =")) {
                complaints.push(format!("{adapter} depends on {other}"));
            }
        }
    }
    none(&complaints);
}

#[test]
fn only_one_place_reads_the_wall_clock() {
    let complaints: Vec<_> = files(".", ".rs")
        .into_iter()
        .filter(|(path, _)| path.contains("/src/") && !path.ends_with("reflector-server/src/clock.rs"))
        .filter(|(_, text)| text.contains("Utc::now(") || text.contains("SystemTime::now("))
        .map(|(path, _)| format!("{path} reads the clock"))
        .collect();
    none(&complaints);
}

#[test]
fn every_rule_stands_in_the_document_and_every_invariant_names_a_rule() {
    let document = fs::read_to_string(root().join("docs/lifecycle.md")).unwrap();
    for rule in 1..=27 {
        assert!(document.contains(&format!("| **L{rule}** ")), "L{rule} is missing in docs/lifecycle.md");
    }
    for invariant in reflector_core::lifecycle::invariants::ALL {
        let (rule, _) = invariant.name.split_once('_').unwrap();
        let number = rule.strip_prefix('l').and_then(|number| number.parse::<u8>().ok());
        assert!(number.is_some_and(|number| (1..=27).contains(&number)), "{} names no rule", invariant.name);
    }
}

#[test]
fn nothing_names_a_path_of_one_machine() {
    // Put together here, so that this file names none either.
    let homes = ["/root", "/home", "/work"].map(|home| format!("{home}/"));
    let mut complaints = Vec::new();
    for ending in [".rs", ".md", ".toml", ".sh", ".html", ".js", ".css", ".json"] {
        for (path, text) in files(".", ending) {
            for home in homes.iter().filter(|home| text.contains(*home)) {
                complaints.push(format!("{path} names {home}"));
            }
        }
    }
    none(&complaints);
}
