//! What a world is made of, and how much goes wrong in it.

use std::time::Duration;

use reflector_core::lifecycle::{Overtime, Policy};

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How many rooms.
    pub rooms: u32,
    /// How many people use each of them.
    pub people: u32,
    /// How many servers share one store.
    pub servers: u32,
    /// How patient the deployment is.
    pub policy: Policy,
    /// How the provider tells who is in.
    pub shape: Shape,
    /// Whether its events tell how many people are in, and not only who came or went.
    pub counts: bool,
    /// How long people come and go, and things go wrong.
    pub span: Duration,
    /// How busy the people are.
    pub pace: Pace,
    /// Whether meetings of two and more are recorded, and servers take the recordings in. Everything else is the same
    /// with and without.
    pub recordings: bool,
    /// Whether a pipeline works on recordings, where there are some. Everything else is the same with and without,
    /// but that recordings whose runs fail are queued again.
    pub runs: bool,
    /// What goes wrong.
    pub faults: Faults,
}

/// How the provider tells who is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It can be asked, as the built-in one.
    Asked,
    /// It tells by events, and asked it tells facts, as Whereby.
    Facts,
    /// It tells by events only.
    Events,
}

/// How busy people are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// They come and go all the time: for finding faults.
    Hectic,
    /// They meet a few times a working day: for trying a policy.
    Office,
}

/// How probable each thing is that goes wrong, each time that it can.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faults {
    /// A message is lost.
    pub lost: f64,
    /// A message comes twice.
    pub doubled: f64,
    /// A message comes late, and so out of order.
    pub late: f64,
    /// A call of the store fails before it is done.
    pub store_before: f64,
    /// A call of the store fails after it is done.
    pub store_after: f64,
    /// A commit meets a conflict.
    pub store_conflict: f64,
    /// The provider is out for a while; chance an hour.
    pub outage: f64,
    /// The provider does what it is asked, and its answer is lost, for a while; chance an hour.
    pub answers_lost: f64,
    /// The provider refuses to make a room; chance an hour, for a short while.
    pub refuses: f64,
    /// A call to the provider hangs.
    pub hangs: f64,
    /// A server dies, between any two awaits; chance an hour and server.
    pub crashes: f64,
    /// A server's clock steps; chance an hour and server.
    pub clock_steps: f64,
    /// A person's computer dies, and the provider notices late.
    pub dies: f64,
    /// The provider ends or forgets a room by itself; chance an hour.
    pub ends_rooms: f64,
    /// The provider does not know a room that is there; chance each time it is asked, once a room at the most.
    pub slips: f64,
    /// When people have gone, the provider is out for so long before all is well: longer than a close is tried for.
    pub blackout: Duration,
    /// What goes wrong with recordings.
    pub recordings: RecordingFaults,
    /// What goes wrong while they are worked on.
    pub runs: RunFaults,
}

/// How probable each thing is that goes wrong between a recording's upload and what is kept of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecordingFaults {
    /// An object is not announced.
    pub lost: f64,
    /// It is announced twice.
    pub doubled: f64,
    /// It is announced late: up to three quarters of an hour.
    pub late: f64,
    /// Messages are received in another order than they were sent.
    pub disordered: f64,
    /// A message comes that cannot be read; chance an hour.
    pub garbage: f64,
    /// A call of the source fails before it is done.
    pub source_before: f64,
    /// A call of the source fails after it is done.
    pub source_after: f64,
    /// A call of the source hangs: it may take longer than a message is in hand.
    pub source_slow: f64,
    /// A message among several cannot be acknowledged.
    pub refused: f64,
    /// A message that was acknowledged comes again, once.
    pub comes_back: f64,
}

impl RecordingFaults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        lost: 0.0,
        doubled: 0.0,
        late: 0.0,
        disordered: 0.0,
        garbage: 0.0,
        source_before: 0.0,
        source_after: 0.0,
        source_slow: 0.0,
        refused: 0.0,
        comes_back: 0.0,
    };

    /// Everything goes wrong.
    pub const ALL: Self = Self {
        lost: 0.1,
        doubled: 0.12,
        late: 0.15,
        disordered: 0.5,
        garbage: 0.5,
        source_before: 0.03,
        source_after: 0.03,
        source_slow: 0.02,
        refused: 0.05,
        comes_back: 0.05,
    };
}

/// How probable each thing is that goes wrong between a recording that waits for its run and what its room's owner is
/// told of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunFaults {
    /// A stage fails, and may go better another time.
    pub again: f64,
    /// A stage fails for good.
    pub failed: f64,
    /// A recording of which one stage fails each time, or kills its worker each time.
    pub cursed: f64,
    /// A stage takes longer than a worker without a sign of life is believed in.
    pub slow: f64,
    /// A worker stands still for longer than that, with a stage in hand.
    pub stalls: f64,
    /// A worker gives a stage back that it has started.
    pub given_back: f64,
    /// An operator has a run done again, from some place; chance an hour.
    pub operators: f64,
    /// Who is told what came of a run is out for a while; chance an hour.
    pub receiver_out: f64,
    /// They were told, and their answer is lost.
    pub answer_lost: f64,
    /// Bringing a notice takes longer than it is claimed for.
    pub receiver_slow: f64,
}

impl RunFaults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        again: 0.0,
        failed: 0.0,
        cursed: 0.0,
        slow: 0.0,
        stalls: 0.0,
        given_back: 0.0,
        operators: 0.0,
        receiver_out: 0.0,
        answer_lost: 0.0,
        receiver_slow: 0.0,
    };

    /// Everything goes wrong.
    pub const ALL: Self = Self {
        again: 0.12,
        failed: 0.01,
        cursed: 0.06,
        slow: 0.05,
        stalls: 0.03,
        given_back: 0.02,
        operators: 3.0,
        receiver_out: 1.0,
        answer_lost: 0.05,
        receiver_slow: 0.02,
    };
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        lost: 0.0,
        doubled: 0.0,
        late: 0.0,
        store_before: 0.0,
        store_after: 0.0,
        store_conflict: 0.0,
        outage: 0.0,
        answers_lost: 0.0,
        refuses: 0.0,
        hangs: 0.0,
        crashes: 0.0,
        clock_steps: 0.0,
        dies: 0.0,
        ends_rooms: 0.0,
        slips: 0.0,
        blackout: Duration::ZERO,
        recordings: RecordingFaults::NONE,
        runs: RunFaults::NONE,
    };

    /// Everything goes wrong.
    pub const ALL: Self = Self {
        lost: 0.05,
        doubled: 0.08,
        late: 0.1,
        store_before: 0.01,
        store_after: 0.01,
        store_conflict: 0.02,
        outage: 0.4,
        answers_lost: 0.4,
        refuses: 0.1,
        hangs: 0.03,
        crashes: 1.0,
        clock_steps: 0.3,
        dies: 0.15,
        ends_rooms: 0.1,
        slips: 0.05,
        blackout: Duration::ZERO,
        recordings: RecordingFaults::ALL,
        runs: RunFaults::ALL,
    };

    /// The faults with these names, separated by commas: `messages`, `store`, `provider`, `crashes`, `clocks`,
    /// `people`, or `all` or `none`. Those of recordings and their runs are in `all` alone.
    ///
    /// # Errors
    ///
    /// The first name that is none of these.
    pub fn named(names: &str) -> Result<Self, String> {
        let mut faults = Self::NONE;
        let all = Self::ALL;
        for name in names.split(',').map(str::trim) {
            faults = match name {
                "none" | "" => faults,
                "all" => all,
                "messages" => Self { lost: all.lost, doubled: all.doubled, late: all.late, ..faults },
                "store" => Self {
                    store_before: all.store_before,
                    store_after: all.store_after,
                    store_conflict: all.store_conflict,
                    ..faults
                },
                "provider" => Self {
                    outage: all.outage,
                    answers_lost: all.answers_lost,
                    refuses: all.refuses,
                    hangs: all.hangs,
                    ends_rooms: all.ends_rooms,
                    slips: all.slips,
                    ..faults
                },
                "crashes" => Self { crashes: all.crashes, ..faults },
                "clocks" => Self { clock_steps: all.clock_steps, ..faults },
                "people" => Self { dies: all.dies, ..faults },
                unknown => return Err(unknown.to_owned()),
            };
        }
        Ok(faults)
    }
}

impl Setup {
    /// A small hectic world with every fault, of a size and kind that the seed decides: for finding faults.
    pub fn hostile(seed: u64) -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        let mut rest = seed;
        let mut one_of = |choices: u64| {
            let choice = rest % choices;
            rest /= choices;
            choice
        };
        let shape = [Shape::Asked, Shape::Facts, Shape::Events][one_of(3) as usize];
        let policy = match one_of(4) {
            0 => Policy::default(),
            1 => Policy { grace: minutes(2), ..Policy::default() },
            2 => Policy { grace: Duration::ZERO, ..Policy::default() },
            _ => Policy { overtime: Overtime::Never, max_lifetime: minutes(240), ..Policy::default() },
        };
        let rooms = 1 + one_of(3) as u32;
        let servers = 1 + one_of(3) as u32;
        let counts = seed % 5 != 3;
        // In a few worlds the provider is out for longer than a close is tried for.
        let blackout = seed % 25 == 13;
        let (policy, blackout) = if blackout {
            (Policy { max_lifetime: minutes(240), ..policy }, minutes(60 * 60))
        } else {
            (policy, Duration::ZERO)
        };
        Self {
            rooms,
            people: 3,
            servers,
            policy,
            shape,
            counts,
            span: minutes(180),
            pace: Pace::Hectic,
            recordings: true,
            // All but a quarter: runs cost time, and the rest of a world is the same without.
            runs: seed % 4 != 3,
            faults: Faults { blackout, ..Faults::ALL },
        }
    }

    /// An office of so many rooms over so many days in which nothing goes wrong: for trying a policy.
    pub fn office(rooms: u32, days: u32) -> Self {
        Self {
            rooms,
            people: 4,
            servers: 1,
            policy: Policy::default(),
            shape: Shape::Asked,
            counts: true,
            span: Duration::from_secs(u64::from(days) * 24 * 60 * 60),
            pace: Pace::Office,
            recordings: false,
            runs: false,
            faults: Faults::NONE,
        }
    }
}
