//! Moves of a story, before they are played: relative to where the meeting stands by then, so that deadlines are hit
//! to the instant and a story that shrinks stays a story.

use std::time::Duration;

use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};

use super::words::{near, span};
use crate::lifecycle::{Event, Policy, Schedule};
use crate::time::Timestamp;

/// One move of a story.
#[derive(Clone, Debug)]
pub(super) enum Move {
    Passes(Duration),
    ClockGoesBack(Duration),
    Comes { who: u8, how: Manner },
    Goes { who: u8, how: Manner },
    ToldAgain(Index),
    Asked { says: Says, ago: Duration, staleness: Duration },
    Wakes { when: When, hears: Hears },
    Opened { ours: bool, keeps: Keeps },
    Refused { ours: bool },
    Closed { ours: bool },
    Missing { ago: Duration },
    Rescheduled { start: Option<i64>, end: Option<i64> },
    Plain(Event),
}

/// How a coming or going is told.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// It is a machine that comes or goes.
    pub(super) machine: bool,
    /// The provider tells how many people are in.
    pub(super) counted: bool,
    /// The old connection again, instead of a new one.
    pub(super) same_connection: bool,
    /// How long before its receipt it happened.
    pub(super) late: Duration,
    /// How long before now it was received: it was kept until its meeting was known.
    pub(super) kept: Duration,
    /// How far the provider's clock is ahead.
    pub(super) ahead: Duration,
}

#[derive(Clone, Debug)]
pub(super) enum Says {
    Truth,
    Occupied(u32),
    Empty,
    Unknown,
}

#[derive(Clone, Debug)]
pub(super) enum When {
    JustBefore,
    AtIt,
    After(Duration),
    Now,
}

#[derive(Clone, Debug)]
pub(super) enum Hears {
    TheProviderItself,
    AllOfIt,
    FromTheLastWord,
    JustNotTheLastWord,
    Nothing,
}

#[derive(Clone, Debug)]
pub(super) enum Keeps {
    AsAsked,
    ForEver,
    For(Duration),
}

/// Where a story begins.
#[derive(Clone, Debug)]
pub(super) struct Beginning {
    pub(super) at: Timestamp,
    /// Minutes from the making to the start, and from there to the end.
    pub(super) scheduled: Option<(i64, u64)>,
    pub(super) opened: bool,
}

impl Beginning {
    pub(super) fn schedule(&self, policy: &Policy) -> Schedule {
        match self.scheduled {
            None => Schedule::from_now(self.at, policy),
            Some((before, length)) => {
                let start = self.minutes_on(before);
                Schedule::of(start, start + Duration::from_secs(60 * length), self.at)
            }
        }
    }

    fn minutes_on(&self, minutes: i64) -> Timestamp {
        Timestamp::from_micros(self.at.as_micros() + minutes * 60_000_000)
    }
}

pub(super) fn beginning() -> impl Strategy<Value = Beginning> {
    let scheduled = option::of((-30_i64..120, 31_u64..180));
    let opened = prop_oneof![6 => Just(true), 1 => Just(false)];
    (near(), scheduled, opened).prop_map(|(at, scheduled, opened)| Beginning { at, scheduled, opened })
}

pub(super) fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => passing(),
        8 => moving(),
        2 => any::<Index>().prop_map(Move::ToldAgain),
        2 => asking(),
        8 => (when(), hears()).prop_map(|(when, hears)| Move::Wakes { when, hears }),
        4 => of_the_room(),
        3 => select(vec![Event::JoinRequested, Event::Knocked]).prop_map(Move::Plain),
        2 => of_the_owner(),
    ]
}

fn passing() -> impl Strategy<Value = Move> {
    prop_oneof![3 => span().prop_map(Move::Passes), 1 => span().prop_map(Move::ClockGoesBack)]
}

fn moving() -> impl Strategy<Value = Move> {
    (0_u8..3, any::<bool>(), manner())
        .prop_map(|(who, comes, how)| if comes { Move::Comes { who, how } } else { Move::Goes { who, how } })
}

fn manner() -> impl Strategy<Value = Manner> {
    let mostly_none = || prop_oneof![3 => Just(Duration::ZERO), 1 => span()];
    let seldom = || prop_oneof![5 => Just(false), 1 => Just(true)];
    (seldom(), any::<bool>(), seldom(), mostly_none(), mostly_none(), mostly_none()).prop_map(
        |(machine, counted, same_connection, late, kept, ahead)| Manner {
            machine,
            counted,
            same_connection,
            late,
            kept,
            ahead,
        },
    )
}

fn asking() -> impl Strategy<Value = Move> {
    let says = prop_oneof![
        4 => Just(Says::Truth),
        1 => (1_u32..4).prop_map(Says::Occupied),
        1 => Just(Says::Empty),
        1 => Just(Says::Unknown),
    ];
    (says, span(), span()).prop_map(|(says, ago, staleness)| Move::Asked { says, ago, staleness })
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        1 => Just(When::JustBefore),
        4 => Just(When::AtIt),
        2 => span().prop_map(When::After),
        1 => Just(When::Now),
    ]
}

fn hears() -> impl Strategy<Value = Hears> {
    prop_oneof![
        3 => Just(Hears::TheProviderItself),
        1 => Just(Hears::AllOfIt),
        1 => Just(Hears::FromTheLastWord),
        1 => Just(Hears::JustNotTheLastWord),
        1 => Just(Hears::Nothing),
    ]
}

fn of_the_room() -> impl Strategy<Value = Move> {
    let ours = || prop_oneof![5 => Just(true), 1 => Just(false)];
    let keeps = prop_oneof![
        4 => Just(Keeps::AsAsked),
        1 => Just(Keeps::ForEver),
        1 => span().prop_map(Keeps::For),
    ];
    prop_oneof![
        3 => (ours(), keeps).prop_map(|(ours, keeps)| Move::Opened { ours, keeps }),
        1 => ours().prop_map(|ours| Move::Refused { ours }),
        6 => ours().prop_map(|ours| Move::Closed { ours }),
        2 => span().prop_map(|ago| Move::Missing { ago }),
        1 => Just(Move::Plain(Event::RoomEnded)),
        1 => Just(Move::Plain(Event::HearingLost)),
        1 => Just(Move::Plain(Event::ProviderNoticed { kind: "something.new".to_owned() })),
    ]
}

fn of_the_owner() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (option::of(-120_i64..240), option::of(-60_i64..3000))
            .prop_map(|(start, end)| Move::Rescheduled { start, end }),
        2 => Just(Move::Plain(Event::Cancelled)),
        2 => option::of(span()).prop_map(|grace| Move::Plain(Event::GraceChanged { grace })),
        1 => Just(Move::Plain(Event::EndRequested)),
    ]
}
