//! Single events, each alone: any variant with any content. What belongs together stands in `history`.

use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use super::words::{close_reason, participant, span, timestamp};
use crate::lifecycle::{Event, Hearing, Ignored, Presence, Report, Sighting, Wake};
use crate::store::Source;

/// Any event, of every variant.
pub fn event() -> impl Strategy<Value = Event> {
    prop_oneof![of_the_room(), of_people(), of_ourselves()]
}

fn of_the_room() -> impl Strategy<Value = Event> {
    let generation = || 0_u16..3;
    prop_oneof![
        (generation(), option::of(timestamp()))
            .prop_map(|(generation, expires_at)| Event::RoomOpened { generation, expires_at }),
        generation().prop_map(|generation| Event::RoomRefused { generation }),
        Just(Event::RoomEnded),
        timestamp().prop_map(|asked_at| Event::RoomMissing { asked_at }),
        generation().prop_map(|generation| Event::RoomClosed { generation }),
        any::<String>().prop_map(|kind| Event::ProviderNoticed { kind }),
    ]
}

fn of_people() -> impl Strategy<Value = Event> {
    prop_oneof![
        sighting().prop_map(Event::ParticipantJoined),
        sighting().prop_map(Event::ParticipantLeft),
        report().prop_map(Event::PresenceReported),
        Just(Event::JoinRequested),
        Just(Event::Knocked),
    ]
}

fn of_ourselves() -> impl Strategy<Value = Event> {
    prop_oneof![
        hearing().prop_map(|hearing| Event::DeadlineReached { hearing }),
        (option::of(timestamp()), option::of(timestamp()))
            .prop_map(|(start, end)| Event::Rescheduled { start, end }),
        Just(Event::Cancelled),
        option::of(span()).prop_map(|grace| Event::GraceChanged { grace }),
        Just(Event::EndRequested),
        Just(Event::HearingLost),
    ]
}

/// Somebody seen coming or going.
pub fn sighting() -> impl Strategy<Value = Sighting> {
    (participant(), timestamp(), timestamp(), option::of(0_u32..4))
        .prop_map(|(participant, at, received_at, humans)| Sighting { participant, at, received_at, humans })
}

/// What is known of who is in.
pub fn presence() -> impl Strategy<Value = Presence> {
    prop_oneof![(1_u32..4).prop_map(Presence::Occupied), Just(Presence::Empty), Just(Presence::Unknown)]
}

/// What a provider said when it was asked.
pub fn report() -> impl Strategy<Value = Report> {
    (presence(), timestamp(), span()).prop_map(|(presence, asked_at, staleness)| Report {
        presence,
        asked_at,
        staleness,
    })
}

/// What silence is worth.
pub fn hearing() -> impl Strategy<Value = Hearing> {
    prop_oneof![Just(Hearing::Answered), timestamp().prop_map(Hearing::Since), Just(Hearing::Deaf)]
}

/// Why a life wakes up.
pub fn wake() -> impl Strategy<Value = Wake> {
    prop_oneof![
        Just(Wake::OpeningGivenUp),
        close_reason().prop_map(Wake::Force),
        close_reason().prop_map(Wake::Close),
        Just(Wake::Unconfirmed),
        Just(Wake::Announce),
        Just(Wake::Ask),
    ]
}

/// Why an event changed nothing.
pub fn ignored() -> impl Strategy<Value = Ignored> {
    let plain = vec![
        Ignored::Closed,
        Ignored::Closing,
        Ignored::NotDue,
        Ignored::SeenBefore,
        Ignored::TooOld,
        Ignored::NoNews,
        Ignored::AnotherRoom,
        Ignored::NotNow,
        Ignored::LeaseFresh,
        Ignored::NoChange,
        Ignored::EndNotAfterStart,
        Ignored::Occupied,
        Ignored::Observing,
    ];
    prop_oneof![6 => select(plain), 1 => timestamp().prop_map(|latest_end| Ignored::BeyondProvider { latest_end })]
}

/// Where an event came from.
pub fn source() -> impl Strategy<Value = Source> {
    select(vec![
        Source::Webhook,
        Source::Deadline,
        Source::Poll,
        Source::Api,
        Source::Calendar,
        Source::Provider,
    ])
}
