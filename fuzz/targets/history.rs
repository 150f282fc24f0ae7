//! Lives: whatever happens, in whatever order and by whatever clock, the rules keep their promises.

use std::time::Duration;

use reflector_core::lifecycle::invariants::{Transition, violated};
use reflector_core::lifecycle::{
    CloseMode, Event, Hearing, Life, Outcome, Overtime, Policy, Presence, Report, Schedule, Sighting,
    deadline, replay, step,
};
use reflector_core::{ConnectionKey, Participant, Role, Timestamp};

use super::bytes::Bytes;

const BASE: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);
const JUST: Duration = Duration::from_micros(1);

/// A policy, a schedule, and what happens after it.
pub fn run(input: &[u8]) {
    let mut bytes = Bytes(input);
    let policy = policy(&mut bytes);
    let mut now = BASE;
    let schedule = if bytes.next() % 2 == 0 {
        Schedule::from_now(now, &policy)
    } else {
        let start = now + bytes.span();
        Schedule::of(start, start + bytes.span() + JUST, now)
    };
    let grace = bytes.maybe(Bytes::span);
    let mut life = Life { grace, ..Life::begin(schedule, now, &policy).life };
    let mut told = vec![(Event::Created { schedule, grace }, now)];
    while !bytes.is_at_end() && told.len() < 40 {
        now = moved(now, &life, &policy, &mut bytes);
        let event = event(&life, now, &mut bytes);
        life = tell(&life, &event, now, &policy);
        told.push((event, now));
    }
    let history = told.iter().map(|(event, now)| (event, *now, &policy));
    assert_eq!(replay(history), Some(life), "{told:#?}");
}

fn tell(life: &Life, event: &Event, now: Timestamp, policy: &Policy) -> Life {
    let Outcome::Changed(change) = step(life, event, now, policy) else { return life.clone() };
    let effects = &change.effects;
    let transition = Transition { before: life, event, now, policy, after: &change.life, effects };
    assert_eq!(violated(&transition), Vec::<&str>::new(), "{transition:#?}");
    wakes_at_its_deadline(&change.life, policy);
    is_kept_as_it_is(&change.life)
}

/// The life as a store gives it back, with which the history goes on.
fn is_kept_as_it_is(life: &Life) -> Life {
    let written = serde_json::to_string(life).expect("a life can be written");
    let read: Life = serde_json::from_str(&written).expect("a life can be read");
    assert_eq!(read, *life, "{written}");
    read
}

/// Just before its deadline nothing changes, and at it something does, after which it is not due.
fn wakes_at_its_deadline(life: &Life, policy: &Policy) {
    let Some(due) = deadline(life, policy) else { return };
    let wake = |at| step(life, &Event::DeadlineReached { hearing: Hearing::Answered }, at, policy);
    assert!(matches!(wake(due.at - JUST), Outcome::Ignored(_)), "{due:?} comes early: {life:#?}");
    let Outcome::Changed(change) = wake(due.at) else { panic!("{due:?} is missed: {life:#?}") };
    let next = deadline(&change.life, policy);
    assert!(next.is_none_or(|next| next.at > due.at), "{next:?} is left of {due:?}: {life:#?}");
}

/// Time goes on to the next deadline, by a span, back by a span, or stands still.
fn moved(now: Timestamp, life: &Life, policy: &Policy, bytes: &mut Bytes<'_>) -> Timestamp {
    match bytes.next() % 8 {
        0 | 1 => now,
        2 | 3 => deadline(life, policy).map_or(now, |due| due.at.max(now)),
        4 => now - bytes.span(),
        _ => now + bytes.span(),
    }
    // A century of story is enough: the end of all time is not a place where meetings end.
    .clamp(BASE - Duration::from_secs(1_000_000_000), BASE + Duration::from_secs(3_000_000_000))
}

fn event(life: &Life, now: Timestamp, bytes: &mut Bytes<'_>) -> Event {
    match bytes.next() % 24 {
        0 | 1 => Event::RoomOpened {
            generation: generation(life, bytes),
            expires_at: bytes.maybe(|bytes| now + bytes.span()),
        },
        2 => Event::RoomRefused { generation: generation(life, bytes) },
        3..=6 => Event::ParticipantJoined(sighting(now, bytes)),
        7..=10 => Event::ParticipantLeft(sighting(now, bytes)),
        11 => Event::PresenceReported(report(now, bytes)),
        12 => Event::JoinRequested,
        13 => Event::Knocked,
        14 | 15 => Event::DeadlineReached { hearing: hearing(now, bytes) },
        16 => Event::Rescheduled {
            start: bytes.maybe(|bytes| now + bytes.span()),
            end: bytes.maybe(|bytes| now + bytes.span() + bytes.span()),
        },
        17 => Event::Cancelled,
        18 => Event::GraceChanged { grace: bytes.maybe(Bytes::span) },
        19 => Event::EndRequested,
        20 => Event::RoomEnded,
        21 => Event::RoomMissing { asked_at: now - bytes.span() },
        22 => Event::RoomClosed { generation: generation(life, bytes) },
        _ => Event::HearingLost,
    }
}

fn generation(life: &Life, bytes: &mut Bytes<'_>) -> u16 {
    match bytes.next() {
        255 => bytes.small(),
        128.. => life.generation.wrapping_sub(1),
        _ => life.generation,
    }
}

fn sighting(now: Timestamp, bytes: &mut Bytes<'_>) -> Sighting {
    let who = bytes.next();
    let role = match who {
        240.. => Role::Recorder,
        230.. => Role::Bot,
        _ => Role::Human,
    };
    let participant = Participant { connection: ConnectionKey(u64::from(who % 24)), role };
    let (late, early) = (bytes.span(), bytes.maybe(Bytes::span));
    let received_at = now - bytes.maybe(Bytes::span).unwrap_or_default();
    let at = early.map_or(received_at - late, |early| received_at + early);
    Sighting { participant, at, received_at, humans: bytes.maybe(humans) }
}

fn humans(bytes: &mut Bytes<'_>) -> u32 {
    match bytes.next() {
        255 => u32::MAX,
        few => u32::from(few % 8),
    }
}

fn report(now: Timestamp, bytes: &mut Bytes<'_>) -> Report {
    let presence = match bytes.next() % 4 {
        0 => Presence::Unknown,
        1 => Presence::Empty,
        _ => Presence::Occupied(humans(bytes)),
    };
    let asked_at = now - bytes.maybe(Bytes::span).unwrap_or_default();
    Report { presence, asked_at, staleness: bytes.maybe(Bytes::span).unwrap_or_default() }
}

fn hearing(now: Timestamp, bytes: &mut Bytes<'_>) -> Hearing {
    match bytes.next() % 4 {
        0 => Hearing::Deaf,
        1 => Hearing::Since(now - bytes.span()),
        _ => Hearing::Answered,
    }
}

fn policy(bytes: &mut Bytes<'_>) -> Policy {
    let kind = bytes.next();
    if kind < 64 {
        return Policy::default();
    }
    Policy {
        grace: bytes.span(),
        overtime: bytes.maybe(Bytes::span).map_or(Overtime::Never, Overtime::For),
        never_joined: bytes.span(),
        unscheduled_length: bytes.span() + JUST,
        max_lifetime: bytes.span() + JUST,
        lease: bytes.span(),
        reconcile_after: bytes.span() + JUST,
        close: if kind % 4 == 3 { CloseMode::Observe } else { CloseMode::Act },
        provider_answers: kind.is_multiple_of(2),
    }
}
