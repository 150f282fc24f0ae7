//! What there is in the model: the store, the servers, the provider, the people, and what may still go wrong.

use crate::lives::{Happening, LifeId};

/// An instant: so many minutes into the world.
pub(crate) type Minute = u16;

/// How many messages a world can have: one for each coming and going.
pub(crate) const MESSAGES: usize = 3;

/// Where a world begins, and how much may happen in it.
pub(crate) struct World {
    pub(crate) name: &'static str,
    /// Whether the provider's room is made already.
    pub(crate) is_open: bool,
    /// The scheduled end, if it has one.
    pub(crate) scheduled_until: Option<Minute>,
    /// Whether the provider tells how many people are in.
    pub(crate) counted: bool,
    /// The last instant at which anything can go wrong.
    pub(crate) last: Minute,
    pub(crate) budget: Budget,
}

/// How often each thing may happen still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// Comings and goings.
    pub(crate) moves: u8,
    /// Second copies of messages.
    pub(crate) copies: u8,
    pub(crate) losses: u8,
    /// Requests to join.
    pub(crate) asks: u8,
    /// Ends asked for by the owner.
    pub(crate) ends: u8,
    pub(crate) crashes: u8,
    /// Calls that fail, whether or not they were carried out.
    pub(crate) outages: u8,
}

/// What the model does as the engine does it. Each can be left out, and that must be found.
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
#[derive(Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) version_checked: bool,
    pub(crate) rereads_before_the_call: bool,
    pub(crate) asks_instead_of_telling: bool,
    pub(crate) deduplicates: bool,
    pub(crate) settles_only_when_done: bool,
    pub(crate) owes_in_the_same_commit: bool,
    pub(crate) keeps_the_deadline: bool,
}

impl Faults {
    /// As the engine is.
    pub(crate) const NONE: Self = Self {
        version_checked: true,
        rereads_before_the_call: true,
        asks_instead_of_telling: true,
        deduplicates: true,
        settles_only_when_done: true,
        owes_in_the_same_commit: true,
        keeps_the_deadline: true,
    };
}

/// What can happen next.
#[expect(dead_code, reason = "it is shown, field by field, in the trace of what is found")]
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    AMinutePasses,
    Joins { person: usize, message: usize },
    Leaves { person: usize, message: usize },
    IsLost { message: usize },
    Receives { server: usize, message: usize, another_copy_follows: bool },
    FindsItDue { server: usize },
    Claims { server: usize, work: Work },
    IsAskedToLetIn { server: usize },
    IsAskedToEnd { server: usize },
    GoesOn { server: usize, with: Hand },
    CallFails { server: usize, carried_out: bool },
    Dies { server: usize },
    AllGoesWellFromHere,
}

/// One state of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) now: Minute,
    pub(crate) store: Store,
    pub(crate) servers: [Hand; 2],
    pub(crate) provider: Provider,
    pub(crate) left: Budget,
}

/// The store, as far as this one meeting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Store {
    pub(crate) life: LifeId,
    /// The row of the deadline index.
    pub(crate) due: Option<Minute>,
    /// What is owed, by kind: there is at most one of each here.
    pub(crate) owed: [Option<Row>; WORK.len()],
    /// Which messages were taken in, one bit each.
    pub(crate) taken: u8,
    /// Whether it has come back from closing, and not in this very instant.
    pub(crate) came_back: CameBack,
}

/// Whether a meeting has come back from closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CameBack {
    No,
    InThisInstant,
    Before,
}

/// Owed work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    /// When it can be claimed: at its time, or when the claim on it has run out.
    pub(crate) ready_at: Minute,
    /// Which server can settle it.
    pub(crate) holder: Option<u8>,
}

/// Kinds of owed work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Work {
    Close,
    Open,
    Retire,
    Ask,
}

pub(crate) const WORK: [Work; 4] = [Work::Close, Work::Open, Work::Retire, Work::Ask];

/// What a server has in hand. Between any two of these everything else may happen, or the server may die.
///
/// `at` is the instant at which it began: the engine takes one for all of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Hand {
    Idle,
    /// The meeting is read; next it is stepped and committed.
    Read {
        told: Happening,
        message: Option<u8>,
        /// The owed work that this is the outcome of.
        work: Option<Work>,
        life: LifeId,
        /// Whether nobody has committed since it was read.
        fresh: bool,
        at: Minute,
    },
    /// Only where a fault has it: the state is committed, and what it owes is not yet.
    Owing {
        owed: [bool; WORK.len()],
        work: Option<Work>,
        at: Minute,
    },
    /// Work is claimed; next the meeting is read again.
    Claimed {
        work: Work,
        /// Only where a fault has it: what the meeting was when the work was claimed, and is not read again.
        believed: Option<LifeId>,
        at: Minute,
    },
    /// The meeting is read again; next the provider is called, within the same instant.
    Reread {
        work: Work,
        life: LifeId,
        at: Minute,
    },
    /// The provider has answered; next the meeting is read to be told.
    Answered {
        work: Work,
        told: Happening,
        at: Minute,
    },
    /// The work is to be settled.
    Settling {
        work: Work,
        done: bool,
        at: Minute,
    },
}

/// The truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Provider {
    pub(crate) room: Room,
    /// By which connection each of the two people is in, if they are.
    pub(crate) inside: [Option<u8>; 2],
    /// What has happened, in order; the place of a joining is the connection.
    pub(crate) messages: [Option<Message>; MESSAGES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Room {
    NotMade,
    Open,
    Gone,
}

/// What the provider tells, and how many copies of it are on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Message {
    pub(crate) joined: bool,
    pub(crate) connection: u8,
    pub(crate) at: Minute,
    pub(crate) humans: u8,
    pub(crate) on_the_way: bool,
}

impl Message {
    /// What is left of a message that will not come again.
    const ARRIVED: Self = Self { joined: false, connection: 0, at: 0, humans: 0, on_the_way: false };
}

impl Provider {
    pub(crate) fn humans(&self) -> u8 {
        u8::from(self.inside[0].is_some()) + u8::from(self.inside[1].is_some())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.room != Room::Open || self.humans() == 0
    }

    pub(crate) fn end_room(&mut self) {
        self.room = Room::Gone;
        self.inside = [None, None];
    }
}

impl State {
    /// Of states that go on alike, one: what nobody will look at again is forgotten, and the two servers are alike.
    pub(crate) fn told_apart(mut self) -> Self {
        for row in self.store.owed.iter_mut().flatten().filter(|row| row.ready_at <= self.now) {
            row.ready_at = 0;
        }
        let in_hand = |place: usize| {
            let holds = |hand: &Hand| matches!(hand, Hand::Read { message: Some(held), .. } if usize::from(*held) == place);
            self.servers.iter().any(holds)
        };
        for place in 0..MESSAGES {
            let arrived = self.provider.messages[place].is_some_and(|message| !message.on_the_way);
            if arrived && !in_hand(place) {
                self.provider.messages[place] = Some(Message::ARRIVED);
                self.store.taken &= !(1 << place);
            }
        }
        self.sorted()
    }

    fn sorted(mut self) -> Self {
        if self.servers[0] > self.servers[1] {
            self.servers.swap(0, 1);
            for row in self.store.owed.iter_mut().flatten() {
                row.holder = row.holder.map(|server| 1 - server);
            }
        }
        self
    }

    /// Whether nothing is on its way and nobody is at work.
    pub(crate) fn is_quiet(&self) -> bool {
        self.servers == [Hand::Idle, Hand::Idle]
            && !self.provider.messages.iter().flatten().any(|message| message.on_the_way)
    }
}
