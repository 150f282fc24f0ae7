//! Tries everything that can happen, breadth first, so that what is found is told in the fewest steps.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use crate::lives::Lives;
use crate::people;
use crate::promises::{broken_at_rest, broken_in};
use crate::servers::{Servers, begin};
use crate::state::{
    CameBack, Faults, Hand, MESSAGES, Provider, Room, Row, State, Store, WORK, What, Work, World,
};

/// How much was seen.
pub(crate) struct Seen {
    states: usize,
    transitions: usize,
    pub(crate) at_rest: usize,
    lives: usize,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, transitions, at_rest, lives } = self;
        write!(f, "{states} states ({at_rest} at rest), {transitions} transitions, {lives} lives")
    }
}

/// A broken promise, and how it came to that.
pub(crate) struct Counterexample {
    pub(crate) promise: &'static str,
    trace: Vec<String>,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken: {}\n{}", self.promise, self.trace.join("\n"))
    }
}

/// Looks at every state of a world.
pub(crate) fn explore(world: &World, faults: Faults) -> Result<Seen, Box<Counterexample>> {
    let (mut lives, first) = begin_state(world);
    let mut servers = Servers { lives: &mut lives, faults };
    let mut known: HashMap<State, u32> = HashMap::from([(first, 0)]);
    // Which state each was found from, and what its number was.
    let mut from: Vec<(u32, State)> = vec![(0, first)];
    let mut frontier = VecDeque::from([0_u32]);
    let (mut transitions, mut at_rest) = (0, 0);
    let mut found = Vec::new();
    while let Some(number) = frontier.pop_front() {
        let state = from[number as usize].1;
        if state.now == world.last && state.is_quiet() {
            at_rest += 1;
            if let Some(promise) = broken_at_rest(&state, &mut servers) {
                return Err(told(promise, number, &from, world, &mut servers, What::AllGoesWellFromHere));
            }
        }
        found.clear();
        if let Err((what, promise)) = next(&state, world, &mut servers, &mut found) {
            return Err(told(promise, number, &from, world, &mut servers, what));
        }
        for (what, after) in found.drain(..) {
            transitions += 1;
            if let Some(promise) = broken_in(&after, servers.lives) {
                return Err(told(promise, number, &from, world, &mut servers, what));
            }
            let after = after.told_apart();
            let fresh = u32::try_from(from.len()).expect("there are fewer states");
            known.entry(after).or_insert_with(|| {
                from.push((number, after));
                frontier.push_back(fresh);
                fresh
            });
        }
    }
    Ok(Seen { states: known.len(), transitions, at_rest, lives: servers.lives.len() })
}

fn begin_state(world: &World) -> (Lives, State) {
    let (lives, life) = Lives::begin(world);
    let mut owed = [None; WORK.len()];
    if !world.is_open {
        owed[Work::Open as usize] = Some(Row { ready_at: 0, holder: None });
    }
    let store = Store { life, due: lives.due(life), owed, taken: 0, came_back: CameBack::No };
    let room = if world.is_open { Room::Open } else { Room::NotMade };
    let provider = Provider { room, inside: [None, None], messages: [None; MESSAGES] };
    let state = State { now: 0, store, servers: [Hand::Idle, Hand::Idle], provider, left: world.budget };
    (lives, state)
}

/// All that can happen next; or what breaks a promise, and which.
fn next(
    state: &State,
    world: &World,
    servers: &mut Servers<'_>,
    found: &mut Vec<(What, State)>,
) -> Result<(), (What, &'static str)> {
    people::next(state, world, servers.lives, found);
    for server in 0..2 {
        // Two servers with nothing in hand are alike.
        let like_the_other = server == 1 && state.servers[0] == state.servers[1];
        if state.servers[server] == Hand::Idle {
            if !like_the_other {
                begin::next(state, server, world, servers, found);
            }
            continue;
        }
        let what = What::GoesOn { server, with: state.servers[server] };
        found.push((what, servers.goes_on(state, server).map_err(|promise| (what, promise))?));
        for carried_out in [false, true] {
            if let Some(failed) = servers.call_fails(state, server, carried_out) {
                let what = What::CallFails { server, carried_out };
                found.push((what, failed.map_err(|promise| (what, promise))?));
            }
        }
        if let Some(died) = Servers::dies(state, server) {
            found.push((What::Dies { server }, died));
        }
    }
    Ok(())
}

/// The way to a state, told from the beginning.
fn told(
    promise: &'static str,
    number: u32,
    from: &[(u32, State)],
    world: &World,
    servers: &mut Servers<'_>,
    last: What,
) -> Box<Counterexample> {
    let mut way = vec![number];
    while let Some(number) = way.last().filter(|number| **number != 0) {
        way.push(from[*number as usize].0);
    }
    way.reverse();
    let mut trace = Vec::new();
    for pair in way.windows(2) {
        let [before, after] = [pair[0], pair[1]].map(|number| from[number as usize].1);
        let mut found = Vec::new();
        // The names of the two servers may change on the way: they are alike.
        let _ = next(&before, world, servers, &mut found);
        let what = found.into_iter().find(|(_, state)| state.told_apart() == after).map(|(what, _)| what);
        let phase = servers.lives.phase(after.store.life);
        trace.push(format!(
            "{} {} → {phase:?}",
            after.now,
            what.map_or_else(String::new, |what| format!("{what:?}"))
        ));
    }
    trace.push(format!("{last:?}"));
    Box::new(Counterexample { promise, trace })
}
