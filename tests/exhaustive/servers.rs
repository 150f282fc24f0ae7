//! What the two servers do, piece by piece: the model of the engine and of its store.

pub(crate) mod begin;

use reflector_core::lifecycle::{Close, Phase};

use crate::lives::{Happening, LifeId, Lives};
use crate::promises::{
    A_DELIVERY_IS_TAKEN_IN_ONCE, A_PROMISE_TO_LET_IN_IS_KEPT, NOBODY_IS_PUT_OUT, broken_by_commit,
};
use crate::state::{CameBack, Faults, Hand, Minute, Room, Row, State, WORK, Work};

/// For how long claimed work is kept from the other server, and failed work rests.
const A_WHILE: Minute = 1;

/// The engine of the model, and the rules it asks.
pub(crate) struct Servers<'a> {
    pub(crate) lives: &'a mut Lives,
    pub(crate) faults: Faults,
}

type Next = Result<State, &'static str>;

impl Servers<'_> {
    /// A server goes on with what it has in hand, and nothing goes wrong.
    pub(crate) fn goes_on(&mut self, state: &State, server: usize) -> Next {
        let mut next = *state;
        match state.servers[server] {
            Hand::Idle => {}
            Hand::Read { .. } => return self.commits(next, server),
            Hand::Owing { owed, work, at } => {
                owe(&mut next, owed, at);
                next.servers[server] = self.after_commit(&next, work, at);
            }
            Hand::Claimed { work, believed, at } => {
                let life = believed.unwrap_or(next.store.life);
                next.servers[server] = Hand::Reread { work, life, at };
            }
            Hand::Reread { work, life, at } => {
                next.servers[server] = self.calls(&mut next, work, life, at)?
            }
            Hand::Answered { work, told, at } => {
                next.servers[server] = read(&next, told, None, Some(work), at);
            }
            Hand::Settling { work, done, at } => {
                settle(&mut next, server, work, done, at);
                next.servers[server] = Hand::Idle;
            }
        }
        Ok(next)
    }

    // Load, step, commit.

    fn commits(&mut self, mut next: State, server: usize) -> Next {
        let Hand::Read { told: happening, message, work, life, fresh, at } = next.servers[server] else {
            return Ok(next);
        };
        let told = self.lives.tell(life, happening, at);
        if let Some(violated) = told.violated.first() {
            return Err(violated);
        }
        if !told.commits && message.is_none() {
            next.servers[server] = self.after_commit(&next, work, at);
            return Ok(next);
        }
        let bit = message.map_or(0, |place| 1_u8 << place);
        if next.store.taken & bit != 0 && self.faults.deduplicates {
            next.servers[server] = Hand::Idle;
            return Ok(next);
        }
        if !fresh && self.faults.version_checked {
            // Read again at once: a commit that was refused has changed nothing.
            next.servers[server] = read(&next, happening, message, work, at);
            return Ok(next);
        }
        if next.store.taken & bit != 0 {
            return Err(A_DELIVERY_IS_TAKEN_IN_ONCE);
        }
        if let Some(broken) = broken_by_commit(next.store.life, told.life, self.lives) {
            return Err(broken);
        }
        self.note_coming_back(&mut next, told.life);
        next.store.life = told.life;
        next.store.taken |= bit;
        if self.faults.keeps_the_deadline {
            next.store.due = told.due;
        }
        if let Hand::Read { fresh, .. } = &mut next.servers[1 - server] {
            *fresh = false;
        }
        for work in WORK.into_iter().filter(|work| told.superseded[*work as usize]) {
            next.store.owed[work as usize] = None;
        }
        if self.faults.owes_in_the_same_commit {
            owe(&mut next, told.owed, at);
            next.servers[server] = self.after_commit(&next, work, at);
        } else {
            next.servers[server] = Hand::Owing { owed: told.owed, work, at };
        }
        Ok(next)
    }

    fn note_coming_back(&self, next: &mut State, written: LifeId) {
        let closing = |life| matches!(self.lives.phase(life), Phase::Closing { .. });
        if closing(next.store.life) && !closing(written) {
            next.store.came_back = CameBack::InThisInstant;
        } else if closing(written) {
            next.store.came_back = CameBack::No;
        }
    }

    /// The work is done, unless somebody turned out to be in a room that is still to be closed.
    fn after_commit(&self, next: &State, work: Option<Work>, at: Minute) -> Hand {
        let Some(work) = work else { return Hand::Idle };
        let closing = matches!(self.lives.phase(next.store.life), Phase::Closing { .. });
        Hand::Settling { work, done: !(work == Work::Close && closing), at }
    }

    // Claim, read again, call, apply, settle.

    /// The provider is called, if the meeting as it was read still owes it.
    fn calls(&self, next: &mut State, work: Work, life: LifeId, at: Minute) -> Result<Hand, &'static str> {
        let phase = self.lives.phase(life);
        let told = match work {
            Work::Open if phase.is_opening() => {
                next.provider.room = Room::Open;
                Happening::RoomOpened
            }
            Work::Close => match phase {
                Phase::Closing { close: Close::Force, .. } => {
                    next.provider.end_room();
                    Happening::RoomClosed
                }
                Phase::Closing { close: Close::IfEmpty { .. }, .. } => self.closes_if_empty(next, at)?,
                _ => return Ok(Hand::Settling { work, done: true, at }),
            },
            Work::Retire => {
                let done = next.provider.is_empty();
                if done {
                    next.provider.end_room();
                }
                return Ok(Hand::Settling { work, done, at });
            }
            Work::Ask if phase.is_active() => match next.provider.room {
                Room::Open => Happening::Counted { humans: next.provider.humans(), asked_at: at },
                Room::NotMade | Room::Gone => Happening::RoomMissing { asked_at: at },
            },
            Work::Open | Work::Ask => return Ok(Hand::Settling { work, done: true, at }),
        };
        Ok(Hand::Answered { work, told, at })
    }

    fn closes_if_empty(&self, next: &mut State, at: Minute) -> Result<Happening, &'static str> {
        if !next.provider.is_empty() {
            if self.faults.asks_instead_of_telling {
                return Ok(Happening::Counted { humans: next.provider.humans(), asked_at: at });
            }
            return Err(NOBODY_IS_PUT_OUT);
        }
        let came_back_before = next.store.came_back == CameBack::Before;
        if next.provider.room == Room::Open
            && came_back_before
            && !self.lives.phase(next.store.life).is_closed()
        {
            return Err(A_PROMISE_TO_LET_IN_IS_KEPT);
        }
        next.provider.end_room();
        Ok(Happening::RoomClosed)
    }

    /// The call fails, whether or not it was carried out.
    pub(crate) fn call_fails(&self, state: &State, server: usize, carried_out: bool) -> Option<Next> {
        let Hand::Reread { work, life, at } = state.servers[server] else { return None };
        let mut next = *state;
        next.left.outages = next.left.outages.checked_sub(1)?;
        let hand = match self.calls(&mut next, work, life, at) {
            Ok(hand) => hand,
            Err(promise) => return Some(Err(promise)),
        };
        // Nothing was called.
        if !matches!(hand, Hand::Answered { .. }) {
            return None;
        }
        if !carried_out {
            next.provider = state.provider;
        }
        next.servers[server] = match work {
            // An outage is no news.
            Work::Ask => Hand::Answered { work, told: Happening::NoAnswer { asked_at: at }, at },
            _ => Hand::Settling { work, done: false, at },
        };
        Some(Ok(next))
    }

    /// What it had in hand is gone; what it had claimed stays claimed until the claim runs out.
    pub(crate) fn dies(state: &State, server: usize) -> Option<State> {
        if state.servers[server] == Hand::Idle {
            return None;
        }
        let mut next = *state;
        next.left.crashes = next.left.crashes.checked_sub(1)?;
        next.servers[server] = Hand::Idle;
        for row in next.store.owed.iter_mut().flatten().filter(|row| row.holder == Some(server as u8)) {
            row.holder = None;
        }
        Some(next)
    }
}

/// Reads the meeting, to tell it something.
fn read(state: &State, told: Happening, message: Option<u8>, work: Option<Work>, at: Minute) -> Hand {
    Hand::Read { told, message, work, life: state.store.life, fresh: true, at }
}

fn owe(next: &mut State, owed: [bool; WORK.len()], at: Minute) {
    for work in WORK.into_iter().filter(|work| owed[*work as usize]) {
        next.store.owed[work as usize] = Some(Row { ready_at: at, holder: None });
    }
}

/// A claim that was lost settles nothing.
fn settle(next: &mut State, server: usize, work: Work, done: bool, at: Minute) {
    let row = &mut next.store.owed[work as usize];
    if row.is_some_and(|row| row.holder == Some(server as u8)) {
        *row = (!done).then_some(Row { ready_at: at + A_WHILE, holder: None });
    }
}
