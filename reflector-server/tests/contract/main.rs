//! What the document of the API promises, tried on the running program by [schemathesis](https://schemathesis.io): it
//! makes requests of the document, good ones and bad ones, and holds each answer to what the document says of it.
//!
//! A run has 20 examples a route, always the same ones; `scripts/contract.sh` has 200 and others each time.

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../harness/mod.rs"]
mod harness;
mod schemathesis;
#[path = "../harness/silence.rs"]
mod silence;
mod world;

use std::fs;
use std::process::Command;

use harness::{http, program};
use serde_json::{Value, json};

use crate::program::run_as;
use crate::schemathesis::{Schemathesis, python};
use crate::world::World;

#[test]
fn the_program_keeps_its_contract() {
    let world = World::new(&[]);
    let outcome = Schemathesis::of(&world).run();
    assert!(outcome.found_nothing(), "{outcome}");
    world.is_well();
}

#[test]
fn the_program_keeps_its_contract_where_callers_say_who_they_are() {
    let world = World::new(&[
        ("REFLECTOR_AUTH", "jwt"),
        ("REFLECTOR_JWT_SECRET", "a secret of this test, as long as it has to be"),
    ]);
    let outcome = Schemathesis::of(&world).run();
    assert!(outcome.found_nothing(), "{outcome}");
    world.is_well();
}

/// Otherwise the tests above would prove nothing.
#[test]
fn a_document_that_says_otherwise_than_the_program_does_is_found_out() {
    let world = World::new(&[]);
    let mut document = world.program.read("/openapi.json");
    let schemas = &mut document["components"]["schemas"];
    let phases = schemas["Phase"]["enum"].as_array_mut().expect("it is one");
    phases.retain(|phase| phase != "waiting");
    schemas["RoomName"]["pattern"] = json!("^x$");
    let routes = &mut document["paths"];
    for (route, status) in [("/v1/recordings/{recording}", "404"), ("/v1/transcripts", "422")] {
        let answers = routes[route]["get"]["responses"].as_object_mut().expect("it has answers");
        assert!(answers.remove(status).is_some(), "{route} names {status}");
    }
    let captions = &mut routes["/v1/transcripts/{transcript}/webvtt"]["get"]["responses"]["404"]["content"];
    *captions = json!({ "text/plain": {} });
    let folder = world.program.folder.path();
    fs::write(folder.join("wrong.json"), document.to_string()).expect("it can be written");
    let outcome = Schemathesis::of(&world).with_document("wrong.json").run();
    for wrong in [
        "GET /v1/rooms/{room}/meetings/active",
        "GET /v1/rooms/{room}",
        "GET /v1/recordings/{recording}",
        "GET /v1/transcripts",
        "GET /v1/transcripts/{transcript}/webvtt",
    ] {
        assert!(outcome.blames(wrong), "{wrong}: {outcome}");
    }
    assert!(!outcome.blames("GET /healthz"), "{outcome}");
}

#[test]
fn every_example_of_the_document_fits_its_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut document: Value =
        serde_json::from_str(include_str!("../../../docs/openapi.json")).expect("it is JSON");
    let check = |document: &Value| {
        fs::write(folder.path().join("openapi.json"), document.to_string()).expect("it can be written");
        let mut command = Command::new(python());
        command.args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/examples.py"), "openapi.json"]);
        run_as(program::bare(command, folder.path()))
    };
    let output = check(&document);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    document["components"]["schemas"]["Room"]["examples"][0]["owner"] = json!(5);
    assert!(!check(&document).status.success(), "an example that does not fit is found out");
}
