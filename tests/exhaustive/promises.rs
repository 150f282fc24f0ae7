//! What must hold in every state and after every commit, in words.

use reflector_core::lifecycle::Phase;

use crate::lives::{LifeId, Lives};
use crate::people::later;
use crate::servers::{Servers, begin};
use crate::state::{Hand, Minute, Room, State, Work};

pub(crate) const NOBODY_IS_PUT_OUT: &str = "nobody is put out by a close that was not forced";
pub(crate) const CLOSED_IS_THE_END: &str = "closed is the end";
pub(crate) const NOTHING_OWED_IS_LOST: &str = "nothing owed is lost";
pub(crate) const A_DELIVERY_IS_TAKEN_IN_ONCE: &str = "a delivery is taken in once";
pub(crate) const A_PROMISE_TO_LET_IN_IS_KEPT: &str =
    "no room is ended that came back from closing in an earlier instant";
pub(crate) const AN_EMPTY_MEETING_IS_CLOSED: &str = "once faults stop, an empty meeting is closed";
pub(crate) const AN_OCCUPIED_MEETING_GOES_ON: &str =
    "once faults stop, an occupied meeting is known to be live";
pub(crate) const NO_ROOM_IS_LEFT_OVER: &str = "once faults stop, the room of a closed meeting is gone";

/// How long after the last fault all must be well: a silence that has doubled twice, and a grace.
const PATIENCE: Minute = 20;

/// What a state breaks by itself.
pub(crate) fn broken_in(state: &State, lives: &Lives) -> Option<&'static str> {
    let owes = |work: Work| state.store.owed[work as usize].is_some();
    match lives.phase(state.store.life) {
        Phase::Opening { .. } if !owes(Work::Open) => Some(NOTHING_OWED_IS_LOST),
        Phase::Closing { .. } if !owes(Work::Close) => Some(NOTHING_OWED_IS_LOST),
        _ => None,
    }
}

/// What a commit breaks, told from what was kept before it and not from what its writer had read.
pub(crate) fn broken_by_commit(kept: LifeId, written: LifeId, lives: &Lives) -> Option<&'static str> {
    let (kept, written) = (lives.phase(kept), lives.phase(written));
    (kept.is_closed() && written != kept).then_some(CLOSED_IS_THE_END)
}

/// What is not well some time after the last fault, with one server that does what is due and owed.
pub(crate) fn broken_at_rest(state: &State, servers: &mut Servers<'_>) -> Option<&'static str> {
    let mut state = *state;
    let until = state.now + PATIENCE;
    while state.now <= until {
        for _ in 0..32 {
            let Some(next) = works_on(&state, servers) else { break };
            match next {
                Ok(next) => state = next,
                Err(promise) => return Some(promise),
            }
        }
        state = later(&state);
    }
    let phase = servers.lives.phase(state.store.life);
    match (phase.is_closed(), state.provider.is_empty()) {
        (false, true) => Some(AN_EMPTY_MEETING_IS_CLOSED),
        (false, false) => (!phase.is_live()).then_some(AN_OCCUPIED_MEETING_GOES_ON),
        // An empty room that a server made before it died is found by its name: the engine looks at all there are.
        (true, true) => None,
        (true, false) => (state.provider.room == Room::Open).then_some(NO_ROOM_IS_LEFT_OVER),
    }
}

/// The first server goes on with what it has in hand, or takes what is due, or what is owed.
fn works_on(state: &State, servers: &mut Servers<'_>) -> Option<Result<State, &'static str>> {
    if state.servers[0] != Hand::Idle {
        return Some(servers.goes_on(state, 0));
    }
    begin::sweep(state, 0)
        .or_else(|| begin::claims(state, 0, servers).into_iter().next())
        .map(|(_, next)| Ok(next))
}
