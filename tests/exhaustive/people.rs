//! What happens in the world by itself: time passes, people come and go, messages are lost.

use crate::lives::Lives;
use crate::state::{CameBack, Hand, Message, Room, State, What, World};

/// What people, messages and time can do next.
pub(crate) fn next(state: &State, world: &World, lives: &Lives, found: &mut Vec<(What, State)>) {
    let in_a_call = state.servers.iter().any(|hand| matches!(hand, Hand::Reread { .. }));
    if state.now < world.last && !in_a_call {
        found.push((What::AMinutePasses, later(state)));
    }
    // People are led to a room by its meeting, while that is active.
    let address_is_known = lives.phase(state.store.life).is_active();
    if state.left.moves > 0 && address_is_known && state.provider.room == Room::Open {
        // The second person comes first only if the first is in: otherwise they are alike.
        for person in 0..2 {
            if state.provider.inside[person].is_none() && person == 1 && state.provider.inside[0].is_none() {
                continue;
            }
            found.push(moves(state, person));
        }
    }
    if state.left.losses > 0 {
        for place in on_the_way(state) {
            let mut lost = *state;
            lost.left.losses -= 1;
            arrives(&mut lost, place);
            found.push((What::IsLost { message: place }, lost));
        }
    }
}

pub(crate) fn later(state: &State) -> State {
    let mut next = State { now: state.now + 1, ..*state };
    if next.store.came_back == CameBack::InThisInstant {
        next.store.came_back = CameBack::Before;
    }
    next
}

/// Somebody comes who is not in, or goes who is; the provider tells.
fn moves(state: &State, person: usize) -> (What, State) {
    let mut next = *state;
    next.left.moves -= 1;
    let place = next.provider.messages.iter().take_while(|message| message.is_some()).count();
    let joined = next.provider.inside[person].is_none();
    let this = u8::try_from(place).expect("there are few messages");
    let connection = next.provider.inside[person].unwrap_or(this);
    next.provider.inside[person] = joined.then_some(this);
    let humans = next.provider.humans();
    next.provider.messages[place] =
        Some(Message { joined, connection, at: state.now, humans, on_the_way: true });
    let message = place;
    (if joined { What::Joins { person, message } } else { What::Leaves { person, message } }, next)
}

/// The places of the messages that have not come yet.
pub(crate) fn on_the_way(state: &State) -> impl Iterator<Item = usize> + use<> {
    let messages = state.provider.messages;
    (0..messages.len()).filter(move |place| messages[*place].is_some_and(|message| message.on_the_way))
}

/// The last copy of a message is on its way no more.
pub(crate) fn arrives(state: &mut State, place: usize) {
    if let Some(message) = &mut state.provider.messages[place] {
        message.on_the_way = false;
    }
}
