//! Every form that a store was ever given is still read.
//!
//! `v1` holds a document a line. Nothing in it is ever changed: a new form gets a folder of its own, and this one goes
//! on being read.

use std::fmt::Debug;
use std::time::Duration;

use super::Document;
use crate::ids::{ConnectionKey, ProviderName, UserId};
use crate::lifecycle::{
    Announcement, Close, CloseMode, CloseReason, Effect, Empty, Event, Hearing, Ignored, Overtime, Phase,
    Policy, Presence, Report, Schedule, Sighting, Wake,
};
use crate::meeting::{Claim, Meeting};
use crate::participant::{Participant, Role};
use crate::pipeline::{RunState, Stage, StageStatus};
use crate::provider::{Fact, Movement};
use crate::recording::{Recording, RecordingStatus, Version};
use crate::room::{
    OnDenied, RecordingTrigger, RecordingType, Room, RoomMode, RoomPolicy, RoomSettings, RoomWebhook,
    WebhookSecret,
};
use crate::store::{Entry, Source};
use crate::testing::sample::{
    self, TICK, at, in_phase, meeting, meeting_in_full, recording, recording_in_full, room, transcript,
};

/// The lines of a file are these documents, and these documents are written as its lines.
fn holds<T: Document + PartialEq + Debug>(file: &str, kept: &[T]) {
    let written: Vec<_> = kept.iter().map(|value| value.to_document().expect("it can be written")).collect();
    let lines: Vec<_> = file.lines().collect();
    assert_eq!(lines, written, "what is written now is another form:\n{}\n", written.join("\n"));
    for (line, value) in lines.iter().zip(kept) {
        assert_eq!(&T::from_document(line).expect("it can be read"), value, "{line}");
    }
}

/// Every way of being one of these is among the values. A way that is new does not compile until it is.
macro_rules! every {
    ($values:expr; $($way:pat),* $(,)?) => {
        for value in $values {
            match value {
                $($way => (),)*
            }
        }
        $(assert!($values.into_iter().any(|value| matches!(value, $way)), "{} is in no fixture", stringify!($way));)*
    };
}

fn sighting(connection: &str, role: Role, humans: Option<u32>) -> Sighting {
    let participant = Participant { connection: ConnectionKey::of(connection), role };
    Sighting { participant, at: at(10), received_at: at(10) + TICK, humans }
}

fn events() -> Vec<Event> {
    let report =
        |presence| Event::PresenceReported(Report { presence, asked_at: at(20), staleness: 2 * TICK });
    let events = vec![
        Event::Created {
            schedule: Schedule::of(at(5), at(3_600), at(1)),
            grace: Some(Duration::new(90, 1_000)),
        },
        Event::Created { schedule: Schedule::from_now(at(0), &Policy::default()), grace: None },
        Event::RoomOpened { generation: 0, expires_at: Some(at(90_000)) },
        Event::RoomOpened { generation: u16::MAX, expires_at: None },
        Event::RoomRefused { generation: 1 },
        Event::ParticipantJoined(sighting("ada", Role::Human, Some(1))),
        Event::ParticipantJoined(sighting("recorder", Role::Recorder, None)),
        Event::ParticipantJoined(sighting("streamer", Role::Streamer, Some(0))),
        Event::ParticipantJoined(sighting("captioner", Role::Captioner, Some(2))),
        Event::ParticipantLeft(sighting("bot", Role::Bot, Some(u32::MAX))),
        report(Presence::Occupied(3)),
        report(Presence::Empty),
        report(Presence::Unknown),
        Event::JoinRequested,
        Event::Knocked,
        Event::DeadlineReached { hearing: Hearing::Answered },
        Event::DeadlineReached { hearing: Hearing::Since(at(7)) },
        Event::DeadlineReached { hearing: Hearing::Deaf },
        Event::Rescheduled { start: Some(at(30)), end: None },
        Event::Rescheduled { start: None, end: Some(at(40)) },
        Event::Cancelled,
        Event::GraceChanged { grace: Some(Duration::ZERO) },
        Event::GraceChanged { grace: None },
        Event::EndRequested,
        Event::RoomEnded,
        Event::RoomMissing { asked_at: at(50) },
        Event::RoomClosed { generation: 2 },
        Event::HearingLost,
        Event::ProviderNoticed { kind: "Ünïcode \u{0} \"quoted\"".to_owned() },
    ];
    every! { &events;
        Event::Created { .. }, Event::RoomOpened { .. }, Event::RoomRefused { .. }, Event::ParticipantJoined(_),
        Event::ParticipantLeft(_), Event::PresenceReported(_), Event::JoinRequested, Event::Knocked,
        Event::DeadlineReached { .. }, Event::Rescheduled { .. }, Event::Cancelled, Event::GraceChanged { .. },
        Event::EndRequested, Event::RoomEnded, Event::RoomMissing { .. }, Event::RoomClosed { .. },
        Event::HearingLost, Event::ProviderNoticed { .. },
    }
    events
}

fn phases() -> Vec<Phase> {
    let since = at(60);
    let closing = |close| Phase::Closing { reason: CloseReason::GraceExpired, close, since };
    let mut phases = vec![
        Phase::Opening { since },
        Phase::Waiting { since },
        Phase::Live { humans: 4, since },
        Phase::Grace { since },
        closing(Close::IfEmpty { was: Empty::NeverJoined { since } }),
        closing(Close::IfEmpty { was: Empty::Left { since } }),
        closing(Close::Force),
    ];
    phases.extend(CloseReason::ALL.map(|reason| Phase::Closed { reason, at: since }));
    every! { &phases;
        Phase::Opening { .. }, Phase::Waiting { .. }, Phase::Live { .. }, Phase::Grace { .. },
        Phase::Closing { close: Close::IfEmpty { was: Empty::NeverJoined { .. } }, .. },
        Phase::Closing { close: Close::IfEmpty { was: Empty::Left { .. } }, .. },
        Phase::Closing { close: Close::Force, .. }, Phase::Closed { .. },
    }
    phases
}

fn ignored() -> Vec<Ignored> {
    let ignored = vec![
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
        Ignored::BeyondProvider { latest_end: at(100) },
        Ignored::Occupied,
        Ignored::Observing,
    ];
    every! { &ignored;
        Ignored::Closed, Ignored::Closing, Ignored::NotDue, Ignored::SeenBefore,
        Ignored::TooOld, Ignored::NoNews, Ignored::AnotherRoom, Ignored::NotNow,
        Ignored::LeaseFresh, Ignored::NoChange, Ignored::EndNotAfterStart,
        Ignored::BeyondProvider { .. }, Ignored::Occupied, Ignored::Observing,
    }
    ignored
}

fn wakes() -> Vec<Wake> {
    let wakes = vec![
        Wake::OpeningGivenUp,
        Wake::Force(CloseReason::Overtime),
        Wake::Close(CloseReason::NeverJoined),
        Wake::Unconfirmed,
        Wake::Announce,
        Wake::Ask,
    ];
    every! { &wakes;
        Wake::OpeningGivenUp, Wake::Force(_), Wake::Close(_), Wake::Unconfirmed,
        Wake::Announce, Wake::Ask,
    }
    wakes
}

/// None of them, and each of them.
fn or_none<T>(values: Vec<T>) -> Vec<Option<T>> {
    std::iter::once(None).chain(values.into_iter().map(Some)).collect()
}

/// One value of a list after the other, for ever.
fn in_turn<T: Clone>(values: Vec<T>) -> impl Iterator<Item = T> {
    values.into_iter().cycle()
}

fn entries() -> Vec<Entry> {
    let sources = vec![
        Source::Webhook,
        Source::Deadline,
        Source::Poll,
        Source::Api,
        Source::Calendar,
        Source::Provider,
    ];
    every! { &sources;
        Source::Webhook, Source::Deadline, Source::Poll, Source::Api, Source::Calendar, Source::Provider,
    }
    let policies = vec![
        Policy::default(),
        Policy {
            grace: Duration::from_micros(1_000_001),
            overtime: Overtime::Never,
            close: CloseMode::Observe,
            provider_answers: false,
            ..Policy::default()
        },
    ];
    let (mut sources, mut policies) = (in_turn(sources), in_turn(policies));
    let (mut phases, mut ignored, mut wakes) =
        (in_turn(phases()), in_turn(or_none(ignored())), in_turn(or_none(wakes())));
    let mut entry = |seq, event| {
        Some(Entry {
            seq,
            at: at(seq),
            recorded_at: at(seq) + TICK,
            source: sources.next()?,
            event,
            delivery_id: seq.is_multiple_of(2).then(|| format!("delivery-{seq}")),
            ignored: ignored.next()?,
            wake: wakes.next()?,
            phase: phases.next()?,
            policy: policies.next()?,
        })
    };
    (1..).zip(events()).map_while(|(seq, event)| entry(seq, event)).collect()
}

#[test]
fn entries_of_a_history_are_read_in_every_form_they_ever_had() {
    holds(include_str!("v1/entries.jsonl"), &entries());
}

#[test]
fn owed_work_is_read_in_every_form_it_ever_had() {
    let effects = [
        Effect::OpenRoom { generation: 1, expires_at: at(90_000) },
        Effect::CloseRoom { generation: 0 },
        Effect::RetireRoom { generation: u16::MAX },
        Effect::AskPresence,
        Effect::Announce(Announcement::ClosingSoon { closes_at: at(900) }),
        Effect::Announce(Announcement::CloseUnconfirmed),
    ];
    every! { &effects;
        Effect::OpenRoom { .. }, Effect::CloseRoom { .. }, Effect::RetireRoom { .. }, Effect::AskPresence,
        Effect::Announce(Announcement::ClosingSoon { .. }), Effect::Announce(Announcement::CloseUnconfirmed),
    }
    holds(include_str!("v1/effects.jsonl"), &effects);
}

#[test]
fn waiting_messages_are_read_in_every_form_they_ever_had() {
    let movement = |humans| Movement { participant: Participant::human("ada"), at: at(3), humans };
    let facts = vec![
        Fact::Joined(movement(Some(1))),
        Fact::Left(movement(None)),
        Fact::Knocked,
        Fact::RoomEnded,
        Fact::Noticed { kind: "room.session.started".to_owned() },
    ];
    every! { &facts;
        Fact::Joined(_), Fact::Left(_), Fact::Knocked, Fact::RoomEnded, Fact::Noticed { .. },
    }
    holds(include_str!("v1/facts.jsonl"), &[facts, Vec::new()]);
}

#[test]
fn rooms_are_read_in_every_form_they_ever_had() {
    let in_full = Room {
        owner: UserId::from("zoë@example.org"),
        is_shared: true,
        guests: true,
        settings: RoomSettings {
            is_locked: true,
            room_mode: RoomMode::Group,
            recording_type: RecordingType::None,
            recording_trigger: RecordingTrigger::Automatic,
        },
        policy: RoomPolicy { grace: Some(Duration::from_micros(1)), overtime: Some(Overtime::Never) },
        provider: Some(ProviderName::from("whereby")),
        ..room(2)
    };
    let policies = [
        in_full.policy,
        RoomPolicy::default(),
        RoomPolicy { grace: None, overtime: Some(Overtime::For(Duration::from_secs(60))) },
    ];
    holds(include_str!("v1/room_policies.jsonl"), &policies);
    holds(include_str!("v1/rooms.jsonl"), &[room(1), in_full]);
    let secret = WebhookSecret::new("a secret \"quoted\"".to_owned());
    let webhook = Some(RoomWebhook { url: "https://example.org/hook?a=b".to_owned(), secret });
    let with_webhook = Room { webhook, on_denied: OnDenied::DeleteAll, ..room(3) };
    every! { [OnDenied::default(), with_webhook.on_denied]; OnDenied::DeleteAudio, OnDenied::DeleteAll }
    holds(include_str!("v1/rooms_with_webhook.jsonl"), &[with_webhook]);
}

#[test]
fn meetings_are_read_in_every_form_they_ever_had() {
    let room = room(1);
    let mut meetings: Vec<Meeting> = vec![
        meeting(1, &room),
        meeting_in_full(2, &room),
        Meeting { claim: Some(Claim::Unscheduled), ..meeting(3, &room) },
        Meeting {
            room: Some(crate::ProviderRoom { host_url: None, expires_at: None, ..sample::provider_room(4) }),
            ..meeting(4, &room)
        },
    ];
    every! { meetings.iter().filter_map(|meeting| meeting.claim.as_ref()).collect::<Vec<_>>();
        Claim::Occurrence(_), Claim::Unscheduled,
    }
    meetings.extend((5..).zip(phases()).map(|(n, phase)| in_phase(meeting(n, &room), phase)));
    holds(include_str!("v1/meetings.jsonl"), &meetings);
}

#[test]
fn recordings_are_read_in_every_form_they_ever_had() {
    let mut recordings = vec![recording(1, 10), recording_in_full(2, 20)];
    recordings.extend(RecordingStatus::ALL.map(|status| Recording { status, ..recording_in_full(3, 30) }));
    every! { recordings.iter().map(|recording| &recording.object.version); Version::Id(_), Version::Tag(_) }
    every! { recordings.iter().map(|recording| recording.status);
        RecordingStatus::Unmatched, RecordingStatus::Pending, RecordingStatus::Processing,
        RecordingStatus::Completed, RecordingStatus::Failed,
    }
    holds(include_str!("v1/recordings.jsonl"), &recordings);
}

#[test]
fn transcripts_are_read_in_every_form_they_ever_had() {
    let states = [
        RunState::Waiting { ready_at: at(20) },
        RunState::Working { since: at(21) },
        RunState::Done { at: at(22) },
        RunState::Failed { at: at(23) },
    ];
    let stage = |status| Stage {
        name: "final-summaries".to_owned(),
        status,
        attempts: 3,
        reason: Some("Ünïcode \u{0} \"quoted\"".to_owned()),
        started_at: Some(at(30)),
        finished_at: Some(at(31) + TICK),
    };
    let stages = StageStatus::ALL.map(stage).to_vec();
    let mut transcripts = vec![transcript(1, 10)];
    for state in states {
        let mut transcript = transcript(2, 20);
        transcript.run.state = state;
        transcript.run.stages = stages.clone();
        transcripts.push(transcript);
    }
    every! { transcripts.iter().map(|transcript| transcript.run.state);
        RunState::Waiting { .. }, RunState::Working { .. }, RunState::Done { .. }, RunState::Failed { .. },
    }
    every! { stages.iter().map(|stage| stage.status);
        StageStatus::Pending, StageStatus::Running, StageStatus::Done, StageStatus::Skipped, StageStatus::Failed,
    }
    holds(include_str!("v1/transcripts.jsonl"), &transcripts);
}
