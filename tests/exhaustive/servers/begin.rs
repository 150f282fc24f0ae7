//! What a server that has nothing in hand can begin.

use super::{A_WHILE, Servers, read};
use crate::lives::Happening;
use crate::people::{arrives, on_the_way};
use crate::state::{Hand, Row, State, WORK, What, World};

/// Everything that it can begin.
pub(crate) fn next(
    state: &State,
    server: usize,
    world: &World,
    servers: &Servers<'_>,
    found: &mut Vec<(What, State)>,
) {
    found.extend(messages(state, server, world));
    found.extend(sweep(state, server));
    found.extend(claims(state, server, servers));
    found.extend(requests(state, server));
}

/// A message comes; a second copy of it may be on its way.
fn messages(state: &State, server: usize, world: &World) -> Vec<(What, State)> {
    let mut found = Vec::new();
    for place in on_the_way(state) {
        let Some(message) = state.provider.messages[place] else { continue };
        let humans = world.counted.then_some(message.humans);
        let (connection, at, received_at) = (message.connection, message.at, state.now);
        let told = if message.joined {
            Happening::Joined { connection, at, received_at, humans }
        } else {
            Happening::Left { connection, at, received_at, humans }
        };
        let number = u8::try_from(place).ok();
        let mut last = *state;
        last.servers[server] = read(state, told, number, None, state.now);
        if let Some(copies) = state.left.copies.checked_sub(1) {
            let mut first = last;
            first.left.copies = copies;
            found.push((What::Receives { server, message: place, another_copy_follows: true }, first));
        }
        arrives(&mut last, place);
        found.push((What::Receives { server, message: place, another_copy_follows: false }, last));
    }
    found
}

/// The meeting is due, and is read to be woken. That due rows are claimed for a while is left out: correctness does
/// not rest on it.
pub(crate) fn sweep(state: &State, server: usize) -> Option<(What, State)> {
    state.store.due.filter(|due| *due <= state.now)?;
    let mut next = *state;
    next.servers[server] = read(state, Happening::Deadline, None, None, state.now);
    Some((What::FindsItDue { server }, next))
}

/// Owed work whose time has come is claimed.
pub(crate) fn claims(state: &State, server: usize, servers: &Servers<'_>) -> Vec<(What, State)> {
    let mut found = Vec::new();
    for work in WORK {
        let Some(Row { ready_at, .. }) = state.store.owed[work as usize] else { continue };
        if ready_at > state.now {
            continue;
        }
        let mut next = *state;
        let claimed = Row { ready_at: state.now + A_WHILE, holder: Some(server as u8) };
        next.store.owed[work as usize] = servers.faults.settles_only_when_done.then_some(claimed);
        let believed = (!servers.faults.rereads_before_the_call).then_some(state.store.life);
        next.servers[server] = Hand::Claimed { work, believed, at: state.now };
        found.push((What::Claims { server, work }, next));
    }
    found
}

/// Somebody asks to join, or the owner ends the meeting.
fn requests(state: &State, server: usize) -> Vec<(What, State)> {
    let mut found = Vec::new();
    if let Some(asks) = state.left.asks.checked_sub(1) {
        let mut next = *state;
        next.left.asks = asks;
        next.servers[server] = read(state, Happening::JoinRequested, None, None, state.now);
        found.push((What::IsAskedToLetIn { server }, next));
    }
    if let Some(ends) = state.left.ends.checked_sub(1) {
        let mut next = *state;
        next.left.ends = ends;
        next.servers[server] = read(state, Happening::EndRequested, None, None, state.now);
        found.push((What::IsAskedToEnd { server }, next));
    }
    found
}
