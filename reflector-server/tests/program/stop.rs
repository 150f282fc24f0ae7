//! How the program stops.

use std::time::{Duration, Instant};

use crate::program::{Program, eventually};

/// What is in hand may take that long.
const LONGEST: Duration = Duration::from_secs(25);

#[test]
fn asked_to_stop_it_says_that_it_is_not_ready_goes_on_for_a_while_and_ends_well() {
    let mut program = Program::start();
    program.make_room("standup");
    assert_eq!(program.get("/readyz").status, 200);
    program.signal("TERM");
    not_ready(&program);
    // Whoever has not heard of it yet is still served.
    assert_eq!(program.get("/healthz").status, 200);
    assert_eq!(program.meet("standup")["phase"], "waiting");
    let ended = program.ended(LONGEST).expect("it ends by itself");
    assert_eq!(ended.code(), Some(0), "{}", program.logged());
    assert!(!program.logged().contains("panicked"), "{}", program.logged());
}

#[test]
fn asked_twice_it_stops_at_once() {
    let mut program = Program::start();
    program.signal("INT");
    not_ready(&program);
    let asked = Instant::now();
    program.signal("TERM");
    let ended = program.ended(LONGEST).expect("it ends by itself");
    assert!(asked.elapsed() < Duration::from_secs(4), "it took {:?}", asked.elapsed());
    assert_eq!(ended.code(), Some(1), "it did not finish what was in hand");
}

fn not_ready(program: &Program) {
    eventually("it is not ready", || (program.get("/readyz").status == 503).then_some(()));
}

#[test]
fn a_server_that_is_killed_goes_on_where_it_was() {
    let program = Program::start();
    program.make_room("standup");
    let made = program.meet("standup");
    let path = format!("/meetings/{}", made["id"].as_str().expect("an id"));
    let before = (program.read(&path), program.read(&format!("{path}/history")));

    let program = Program::start_in(program.kill(), &[]);
    let after = (program.read(&path), program.read(&format!("{path}/history")));
    assert_eq!(after.1, before.1);
    assert_eq!((&after.0["phase"], &after.0["closes_at"]), (&before.0["phase"], &before.0["closes_at"]));
    assert_eq!(program.meet("standup")["id"], made["id"], "it is the same meeting");
}
