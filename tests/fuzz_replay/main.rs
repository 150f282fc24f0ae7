//! The fuzz targets without a fuzzer: what was found once stays found, and much that is like it is tried.
//!
//! `scripts/fuzz.sh` looks for what is new, where cargo-fuzz is installed.

mod mutate;
#[expect(unreachable_pub, reason = "cargo-fuzz reaches it from another package")]
#[path = "../../fuzz/targets/mod.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use mutate::Mutations;

/// How many made-up inputs each target is given.
const MADE_UP: usize = 20_000;

/// The kept inputs of a target, in a fixed order.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a folder can be read").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| fs::read(file).expect("a file of it can be read")).collect()
}

/// Runs a target, and says with which input it failed.
fn run(name: &str, target: targets::Target, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
        eprintln!("{name} fails with b\"{}\": keep it in fuzz/corpus/{name}", input.escape_ascii());
        resume_unwind(panic);
    }
}

fn keeps_its_promises(name: &str) {
    let (_, target) = targets::ALL.iter().find(|(known, _)| *known == name).expect("it is a target");
    let corpus = corpus(name);
    for input in &corpus {
        run(name, *target, input);
    }
    for input in Mutations::of(&corpus).take(MADE_UP) {
        run(name, *target, &input);
    }
}

#[test]
fn nothing_unsigned_is_believed_and_nothing_signed_brings_the_reader_down() {
    keeps_its_promises("whereby_webhook");
}

#[test]
fn settings_are_read_or_refused_in_one_line() {
    keeps_its_promises("configuration");
}

#[test]
fn a_room_name_is_read_as_it_is_written_or_refused() {
    keeps_its_promises("room_name");
}

#[test]
fn a_rooms_name_leads_to_no_meeting_but_its_own() {
    keeps_its_promises("meeting_of");
}

#[test]
fn no_history_breaks_a_rule() {
    keeps_its_promises("history");
}

#[test]
fn no_message_of_a_queue_is_taken_for_understood_and_says_nothing() {
    keeps_its_promises("s3_notice");
}

#[test]
fn a_key_is_decoded_to_what_it_was_or_refused() {
    keeps_its_promises("object_key");
}

#[test]
fn the_corpus_stays_small_and_has_nothing_that_no_target_reads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let folders = fs::read_dir(root.join("corpus")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut files = 0;
    for folder in folders.map(|name| name.into_string().unwrap()) {
        assert!(targets::ALL.iter().any(|(name, _)| *name == folder), "{folder} is read by no target");
        assert!(
            root.join(format!("fuzz_targets/{folder}.rs")).is_file(),
            "cargo-fuzz does not know {folder}"
        );
        files += corpus(&folder).len();
    }
    assert!(files < 200, "{files} files: keep those that tell something");
}

#[test]
fn cargo_fuzz_plays_each_target_under_its_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
    for (name, _) in targets::ALL {
        let text = fs::read_to_string(folder.join(format!("{name}.rs"))).expect("it can be read");
        let used =
            text.split_once("use reflector_fuzz::targets::").and_then(|(_, rest)| rest.split_once(';'));
        let (module, played) = used.and_then(|(path, _)| path.split_once("::")).expect("it names its target");
        assert!(module == *name || played == *name, "{name} plays {played} of {module}");
        assert!(
            text.contains(&format!("| {played}(input));")),
            "{name} names {played} and plays another: {text}"
        );
    }
}
