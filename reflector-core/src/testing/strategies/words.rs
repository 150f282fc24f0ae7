//! The words: instants, ids, rooms, people, policies.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use uuid::Uuid;

use crate::ids::{ConnectionKey, MeetingId, ProviderName, RoomId, UserId};
use crate::lifecycle::{CloseMode, CloseReason, Overtime, Policy, Schedule};
use crate::meeting::Claim;
use crate::participant::{Participant, Role};
use crate::room::{RecordingTrigger, RecordingType, RoomMode, RoomName, RoomPolicy, RoomSettings};
use crate::time::Timestamp;

/// The instant that generated times gather around: 2026-11-22T09:00:00Z.
pub const BASE: Timestamp = Timestamp::from_micros(1_795_338_000_000_000);

/// Any instant: mostly near [`BASE`], sometimes an end of time.
pub fn timestamp() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => near(),
        1 => any::<i64>().prop_map(Timestamp::from_micros),
        1 => select(vec![Timestamp::MIN, Timestamp::from_micros(0), Timestamp::MAX]),
    ]
}

/// An instant within a day of [`BASE`], mostly on a minute.
pub fn near() -> impl Strategy<Value = Timestamp> {
    const DAY: i64 = 24 * 60;
    prop_oneof![
        3 => (-DAY..=DAY).prop_map(|minutes| Timestamp::from_micros(BASE.as_micros() + minutes * 60_000_000)),
        1 => (-DAY * 60_000_000..=DAY * 60_000_000).prop_map(|span| Timestamp::from_micros(BASE.as_micros() + span)),
    ]
}

/// A span from nothing to a few hours, mostly one that people choose.
pub fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        3 => select(vec![0, 1, 29, 30, 45, 60, 300, 600, 900, 1800, 3600]).prop_map(Duration::from_secs),
        1 => (0_u64..4 * 3_600_000_000).prop_map(Duration::from_micros),
    ]
}

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

/// A room's id.
pub fn room_id() -> impl Strategy<Value = RoomId> {
    uuid().prop_map(RoomId)
}

/// A meeting's id.
pub fn meeting_id() -> impl Strategy<Value = MeetingId> {
    uuid().prop_map(MeetingId)
}

/// A user.
pub fn user_id() -> impl Strategy<Value = UserId> {
    prop_oneof![
        select(vec!["local", "ada", "grace@example.org"]).prop_map(UserId::from),
        any::<String>().prop_map(UserId)
    ]
}

/// A provider's name.
pub fn provider_name() -> impl Strategy<Value = ProviderName> {
    select(vec!["builtin", "whereby", "mine"]).prop_map(ProviderName::from)
}

/// One of a few connections, so that the same one is met again; sometimes any.
pub fn connection() -> impl Strategy<Value = ConnectionKey> {
    prop_oneof![4 => (0_u64..4).prop_map(ConnectionKey), 1 => any::<u64>().prop_map(ConnectionKey)]
}

/// A room's name, of any length that is allowed.
pub fn room_name() -> impl Strategy<Value = RoomName> {
    let letters = "abcdefghijklmnopqrstuvwxyz0123456789-".chars().collect::<Vec<_>>();
    vec(select(letters), 1..=63).prop_filter_map("not a name", |letters| {
        let text: String = letters.into_iter().collect();
        text.trim_start_matches('-').parse().ok()
    })
}

/// A room's settings.
pub fn room_settings() -> impl Strategy<Value = RoomSettings> {
    let mode = select(vec![RoomMode::Normal, RoomMode::Group]);
    let kind = select(vec![RecordingType::None, RecordingType::Local, RecordingType::Cloud]);
    let trigger = select(vec![
        RecordingTrigger::None,
        RecordingTrigger::Prompt,
        RecordingTrigger::Automatic,
        RecordingTrigger::Automatic2ndParticipant,
    ]);
    (any::<bool>(), mode, kind, trigger).prop_map(
        |(is_locked, room_mode, recording_type, recording_trigger)| RoomSettings {
            is_locked,
            room_mode,
            recording_type,
            recording_trigger,
        },
    )
}

/// What a room sets for itself.
pub fn room_policy() -> impl Strategy<Value = RoomPolicy> {
    (option::of(span()), option::of(overtime())).prop_map(|(grace, overtime)| RoomPolicy { grace, overtime })
}

fn overtime() -> impl Strategy<Value = Overtime> {
    prop_oneof![3 => span().prop_map(Overtime::For), 1 => Just(Overtime::Never)]
}

/// A policy: the default, or one with nothing, little or much of everything.
pub fn policy() -> impl Strategy<Value = Policy> {
    let spans = (span(), span(), span(), span(), span(), span());
    let others =
        (overtime(), prop_oneof![5 => Just(CloseMode::Act), 1 => Just(CloseMode::Observe)], any::<bool>());
    let chosen = (spans, others).prop_map(|(spans, (overtime, close, provider_answers))| {
        let (grace, never_joined, unscheduled_length, max_lifetime, lease, reconcile_after) = spans;
        Policy {
            grace,
            overtime,
            never_joined,
            unscheduled_length,
            max_lifetime,
            lease,
            reconcile_after,
            close,
            provider_answers,
        }
    });
    prop_oneof![1 => Just(Policy::default()), 2 => chosen]
}

/// What a participant is there for: mostly a person.
pub fn role() -> impl Strategy<Value = Role> {
    prop_oneof![
        4 => Just(Role::Human),
        1 => select(vec![Role::Recorder, Role::Streamer, Role::Captioner, Role::Bot]),
    ]
}

/// A participant.
pub fn participant() -> impl Strategy<Value = Participant> {
    (connection(), role()).prop_map(|(connection, role)| Participant { connection, role })
}

/// A schedule near [`BASE`], with or without an end of its own. Its end is after its start.
pub fn schedule() -> impl Strategy<Value = Schedule> {
    (any::<bool>(), near(), 1_u64..600, near()).prop_map(|(scheduled, start, minutes, end_changed_at)| {
        Schedule { scheduled, start, end: start + Duration::from_secs(minutes * 60), end_changed_at }
    })
}

/// Why a meeting closes.
pub fn close_reason() -> impl Strategy<Value = CloseReason> {
    select(CloseReason::ALL.to_vec())
}

/// What a meeting claims in its room.
pub fn claim() -> impl Strategy<Value = Claim> {
    prop_oneof![Just(Claim::Unscheduled), any::<String>().prop_map(Claim::Occurrence)]
}
