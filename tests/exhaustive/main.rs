//! Every interleaving of small worlds: two people, two servers, one meeting, a few instants.
//!
//! The rules are the real ones. The store, the servers and the provider are a model of what the engine does with
//! them, in the pieces between which another server, a message, a person or a crash can come: load, step, commit;
//! claim, read again, call the provider, apply, settle. All that can happen next is tried from each state, until no
//! state is new. The same promises must find faults that are planted in the model, or they prove nothing.

mod explore;
mod lives;
mod people;
mod promises;
mod servers;
mod state;

use explore::explore;
use state::{Budget, Faults, World};

/// People come and go; the room is open and nobody has been in.
const COMING_AND_GOING: World = World {
    name: "coming and going",
    is_open: true,
    scheduled_until: None,
    counted: false,
    last: 2,
    budget: Budget { moves: 3, copies: 0, losses: 0, asks: 0, ends: 0, crashes: 0, outages: 0 },
};

/// Messages come twice, and servers die.
const COPIES: World = World {
    name: "copies",
    budget: Budget { moves: 2, copies: 1, losses: 0, asks: 0, ends: 0, crashes: 1, outages: 0 },
    ..COMING_AND_GOING
};

/// Messages are lost, and the provider tells how many are in.
const LOSSES: World = World {
    name: "losses",
    counted: true,
    budget: Budget { moves: 2, copies: 0, losses: 1, asks: 0, ends: 0, crashes: 0, outages: 1 },
    ..COMING_AND_GOING
};

/// Somebody asks to join while the meeting is being closed.
const ASKING: World = World {
    name: "asking",
    last: 3,
    budget: Budget { moves: 1, copies: 0, losses: 0, asks: 1, ends: 0, crashes: 1, outages: 1 },
    ..COMING_AND_GOING
};

/// The room is still to be made, and the provider is ill now and then.
const OPENING: World = World {
    name: "opening",
    is_open: false,
    last: 3,
    budget: Budget { moves: 1, copies: 0, losses: 0, asks: 0, ends: 0, crashes: 1, outages: 1 },
    ..COMING_AND_GOING
};

/// A scheduled meeting runs over and its owner may end it.
const FORCED: World = World {
    name: "forced",
    scheduled_until: Some(1),
    last: 3,
    budget: Budget { moves: 1, copies: 0, losses: 0, asks: 0, ends: 1, crashes: 1, outages: 0 },
    ..COMING_AND_GOING
};

fn keeps_its_promises(world: &World) {
    match explore(world, Faults::NONE) {
        Ok(seen) => {
            assert!(seen.at_rest > 0, "{} never comes to rest: {seen}", world.name);
            println!("{}: {seen}", world.name);
        }
        Err(found) => panic!("{}: {found}", world.name),
    }
}

#[test]
fn nobody_is_put_out_however_people_come_and_go() {
    keeps_its_promises(&COMING_AND_GOING);
}

#[test]
fn nobody_is_put_out_when_messages_come_twice_and_servers_die() {
    keeps_its_promises(&COPIES);
}

#[test]
fn lost_messages_keep_no_room_open_and_put_nobody_out() {
    keeps_its_promises(&LOSSES);
}

#[test]
fn whoever_asks_to_join_finds_the_room() {
    keeps_its_promises(&ASKING);
}

#[test]
fn a_room_is_made_or_given_up_and_never_forgotten() {
    keeps_its_promises(&OPENING);
}

#[test]
fn a_forced_close_ends_the_meeting_once() {
    keeps_its_promises(&FORCED);
}

/// The first promise that a fault breaks, in the world that has room for it.
fn broken_by(faults: Faults, world: &World) -> &'static str {
    match explore(world, faults) {
        Ok(seen) => panic!("nothing is found in {}: {seen}", world.name),
        Err(found) => {
            println!("{}: {found}", world.name);
            found.promise
        }
    }
}

#[test]
fn a_store_that_checks_no_version_is_found() {
    let faults = Faults { version_checked: false, ..Faults::NONE };
    assert_eq!(broken_by(faults, &COPIES), promises::NOTHING_OWED_IS_LOST);
}

#[test]
fn a_worker_that_does_not_read_again_before_the_call_is_found() {
    let faults = Faults { rereads_before_the_call: false, ..Faults::NONE };
    assert_eq!(broken_by(faults, &ASKING), promises::A_PROMISE_TO_LET_IN_IS_KEPT);
}

#[test]
fn a_worker_that_tells_instead_of_asking_is_found() {
    let faults = Faults { asks_instead_of_telling: false, ..Faults::NONE };
    assert_eq!(broken_by(faults, &COPIES), promises::NOBODY_IS_PUT_OUT);
}

#[test]
fn a_store_that_takes_a_message_in_twice_is_found() {
    let faults = Faults { deduplicates: false, ..Faults::NONE };
    assert_eq!(broken_by(faults, &COPIES), promises::A_DELIVERY_IS_TAKEN_IN_ONCE);
}

#[test]
fn a_worker_that_settles_before_it_has_done_the_work_is_found() {
    let faults = Faults { settles_only_when_done: false, ..Faults::NONE };
    assert_eq!(broken_by(faults, &COPIES), promises::NOTHING_OWED_IS_LOST);
}

#[test]
fn a_store_that_keeps_the_state_and_forgets_what_it_owes_is_found() {
    let faults = Faults { owes_in_the_same_commit: false, ..Faults::NONE };
    assert_eq!(broken_by(faults, &COPIES), promises::NOTHING_OWED_IS_LOST);
}

#[test]
fn a_store_that_keeps_an_old_deadline_is_found() {
    let faults = Faults { keeps_the_deadline: false, ..Faults::NONE };
    assert_eq!(broken_by(faults, &COPIES), promises::AN_EMPTY_MEETING_IS_CLOSED);
}
