//! Small made-up rooms, meetings and commits, for tests of stores.
//!
//! A case changes the one field that it is about: `Commit { due: Some(due(5)), ..commit(&loaded) }`.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::ids::{ConnectionKey, MeetingId, ProviderName, RecordingId, RoomId, TranscriptId, UserId};
use crate::lifecycle::{
    Announced, Close, CloseReason, Effect, Event, Ignored, Lease, Life, Outcome, Phase, Policy, Schedule,
    Sighting, Wake, Watch, step,
};
use crate::meeting::{Claim, Meeting, ProviderRoom, SecretUrl};
use crate::participant::{Participant, Role};
use crate::pipeline::{self, Transcript};
use crate::provider::{Fact, Movement, RoomAddress};
use crate::recording::{Belongs, ObjectVersion, Recording, RecordingStatus, Version};
use crate::room::{
    RecordingTrigger, RecordingType, Room, RoomMode, RoomSettings, RoomWebhook, WebhookSecret,
};
use crate::store::{
    Commit, DeliveryKey, DueRow, EffectId, Entry, KeptDelivery, Loaded, NewMeeting, OwedEffect, Source,
    TakenDelivery,
};
use crate::time::Timestamp;

/// The smallest step of time.
pub const TICK: Duration = Duration::from_micros(1);

/// A fingerprint with its highest bit set, which a store may not lose.
pub const FINGERPRINT: u64 = u64::MAX - 41;

/// An endpoint with its highest bit set, which a store may not lose.
pub const ENDPOINT: u64 = 1 << 63 | 5;

/// So many seconds into the story, which begins at no whole millisecond.
pub fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_123_457) + Duration::from_secs(seconds)
}

/// The provider of every meeting here.
pub fn provider() -> ProviderName {
    ProviderName::from("sample")
}

/// A room with this number, `room-{n}`, which sets nothing for itself.
pub fn room(n: u32) -> Room {
    Room::new(
        RoomId(Uuid::from_u128(0xB00 << 64 | u128::from(n))),
        format!("room-{n}").parse().expect("the name of a sample is one"),
        UserId::from("ada"),
        at(0),
    )
}

/// A room with this number whose owner is told of what happens.
pub fn listening_room(n: u32) -> Room {
    let secret = WebhookSecret::new(format!("secret-{n}"));
    Room { webhook: Some(RoomWebhook { url: format!("https://owner.example/{n}"), secret }), ..room(n) }
}

/// The id of the meeting with this number.
pub fn meeting_id(n: u32) -> MeetingId {
    MeetingId(Uuid::from_u128(0x3EE7 << 64 | u128::from(n)))
}

/// An unscheduled meeting with this number, whose provider room is being made. It claims nothing.
pub fn meeting(n: u32, room: &Room) -> Meeting {
    let policy = Policy::default();
    Meeting {
        id: meeting_id(n),
        room_id: room.id,
        provider: provider(),
        calendar_event_id: None,
        claim: None,
        calendar_metadata: None,
        settings: room.settings,
        room: None,
        life: Life::begin(Schedule::from_now(at(0), &policy), at(0), &policy).life,
    }
}

/// A meeting with this number that claims its room's place for unscheduled ones.
pub fn claiming(n: u32, room: &Room) -> Meeting {
    Meeting { claim: Some(Claim::Unscheduled), ..meeting(n, room) }
}

/// A meeting in which every field that can hold something does.
pub fn meeting_in_full(n: u32, room: &Room) -> Meeting {
    let mut life = crowded_life();
    life.grace = Some(Duration::new(90, 1_000));
    life.lease = Some(Lease { until: at(100), brought_back_at: Some(at(90)) });
    life.cancelled_at = Some(at(80));
    life.watch = Watch {
        asks: 255,
        asked_at: Some(at(70)),
        missing_since: Some(at(71)),
        withheld_since: Some(at(72)),
        announced: Some(Announced { closes_at: at(900), up_to: at(300) }),
        spared: CloseReason::ALL.to_vec(),
    };
    Meeting {
        calendar_event_id: Some("Ünïcode/'; drop table meetings; --".to_owned()),
        claim: Some(Claim::Occurrence("uid@example.org 20261122T093000Z".to_owned())),
        calendar_metadata: Some(
            json!({ "title": "Größe 🦀", "deep": [null, true, { "n": 9_007_199_254_740_993_i64 }] }),
        ),
        settings: RoomSettings {
            is_locked: true,
            room_mode: RoomMode::Group,
            recording_type: RecordingType::Local,
            recording_trigger: RecordingTrigger::Prompt,
        },
        room: Some(provider_room(n)),
        life,
        ..meeting(n, room)
    }
}

/// A life in which people, and something that is none, have come and gone.
fn crowded_life() -> Life {
    let policy = Policy::default();
    let sighting = |who: &str, role, second| Sighting {
        participant: Participant { connection: ConnectionKey::of(who), role },
        at: at(second),
        received_at: at(second) + TICK,
        humans: None,
    };
    [
        Event::RoomOpened { generation: 0, expires_at: Some(at(90_000)) },
        Event::ParticipantJoined(sighting("ada", Role::Human, 10)),
        Event::ParticipantJoined(sighting("bob", Role::Human, 20)),
        Event::ParticipantJoined(sighting("recorder", Role::Recorder, 25)),
        Event::ParticipantLeft(sighting("ada", Role::Human, 30)),
        Event::ParticipantLeft(sighting("bob", Role::Human, 40)),
    ]
    .into_iter()
    .fold(Life::begin(Schedule::of(at(5), at(3_600), at(1)), at(0), &policy).life, |life, event| {
        match step(&life, &event, at(50), &policy) {
            Outcome::Changed(change) => change.life,
            Outcome::Ignored(_) => life,
        }
    })
}

/// The provider's room with this number, with a secret address for hosts.
pub fn provider_room(n: u32) -> ProviderRoom {
    ProviderRoom {
        name: format!("sample-{n}"),
        external_id: format!("external-{n}"),
        url: format!("https://video.example/sample-{n}"),
        host_url: Some(SecretUrl::new(format!("https://video.example/sample-{n}?roomKey=secret"))),
        expires_at: Some(at(90_000) + TICK),
    }
}

/// How a message names the provider's room with this number.
pub fn address(n: u32) -> RoomAddress {
    let ProviderRoom { name, external_id, .. } = provider_room(n);
    RoomAddress { external_id: Some(external_id), name: Some(name) }
}

/// The same meeting in this phase.
pub fn in_phase(mut meeting: Meeting, phase: Phase) -> Meeting {
    meeting.life.phase = phase;
    meeting
}

/// Being closed by force, since the second minute.
pub fn forced() -> Phase {
    Phase::Closing { reason: CloseReason::EndedByOwner, close: Close::Force, since: at(60) }
}

/// Closed, since the third minute.
pub fn closed() -> Phase {
    Phase::Closed { reason: CloseReason::EndedByOwner, at: at(120) }
}

/// A row of the deadline index for so many seconds into the story.
pub fn due(seconds: u64) -> DueRow {
    DueRow { at: at(seconds), fingerprint: FINGERPRINT }
}

/// A meeting to be kept, which owes nothing and is never due.
pub fn new_meeting(meeting: Meeting) -> NewMeeting {
    NewMeeting { meeting, due: None, effects: Vec::new(), entries: Vec::new() }
}

/// A change of a meeting that changes nothing but its version.
pub fn commit(loaded: &Loaded) -> Commit {
    Commit {
        expected: loaded.version,
        meeting: loaded.meeting.clone(),
        due: None,
        effects: Vec::new(),
        superseded: Vec::new(),
        delivery: None,
        notices: Vec::new(),
        entries: Vec::new(),
    }
}

/// What the commit of this version owes first, second and so on, since so many seconds into the story.
pub fn owed(meeting: MeetingId, version: u64, effects: &[Effect], seconds: u64) -> Vec<OwedEffect> {
    (0..)
        .zip(effects)
        .map(|(index, effect)| OwedEffect {
            id: EffectId { meeting, version, index },
            effect: effect.clone(),
            owed_at: at(seconds),
        })
        .collect()
}

/// An entry of a history, told apart by its number. The store gives `seq`.
pub fn entry(n: u32) -> Entry {
    Entry {
        seq: 0,
        at: at(u64::from(n)),
        recorded_at: at(u64::from(n)) + TICK,
        source: Source::Webhook,
        event: Event::ProviderNoticed { kind: format!("sample.{n}") },
        delivery_id: Some(format!("delivery-{n}")),
        ignored: (!n.is_multiple_of(2)).then_some(Ignored::NoNews),
        wake: n.is_multiple_of(3).then_some(Wake::Force(CloseReason::Overtime)),
        phase: Phase::Live { humans: n, since: at(1) },
        policy: Policy { grace: Duration::from_micros(1_000_001), ..Policy::default() },
    }
}

/// The key of the delivery with this number.
pub fn delivery_key(n: u32) -> DeliveryKey {
    DeliveryKey { provider: provider(), id: format!("delivery-{n}") }
}

/// A delivery with this number that a commit takes in, received so many seconds into the story.
pub fn taken(n: u32, seconds: u64) -> TakenDelivery {
    TakenDelivery { key: delivery_key(n), received_at: at(seconds), endpoint: ENDPOINT }
}

/// A delivery with this number that waits for the provider's room with the same number.
pub fn kept_delivery(n: u32, seconds: u64) -> KeptDelivery {
    let movement =
        Movement { participant: Participant::human("ada"), at: at(seconds) - TICK, humans: Some(1) };
    KeptDelivery {
        key: delivery_key(n),
        room: address(n),
        facts: vec![Fact::Joined(movement), Fact::Noticed { kind: format!("sample.{n}") }, Fact::Knocked],
        received_at: at(seconds),
    }
}

/// The id of the recording with this number.
pub fn recording_id(n: u32) -> RecordingId {
    RecordingId(Uuid::from_u128(0x4EC << 64 | u128::from(n)))
}

/// The object with this number, of a key of its own, in a bucket that keeps the newest only.
pub fn object(n: u32) -> ObjectVersion {
    ObjectVersion {
        bucket: "sample-bucket".to_owned(),
        key: format!("a folder/Größe+{n}%.mp4"),
        version: Version::Tag(format!("tag-{n}")),
    }
}

/// An unmatched recording with this number, of the object with this number, received so many seconds into the story.
pub fn recording(n: u32, seconds: u64) -> Recording {
    Recording {
        id: recording_id(n),
        object: object(n),
        size: u64::from(n),
        sequencer: None,
        revision: 1,
        recorded_at: None,
        received_at: at(seconds),
        belongs_to: None,
        sought_room: None,
        status: RecordingStatus::Unmatched,
        error: None,
    }
}

/// A recording in which every field that can hold something does. Its meeting and its room have the same number.
pub fn recording_in_full(n: u32, seconds: u64) -> Recording {
    let version = Version::Id(format!("096fKKXTRTtl3on89fVO.nfljtsv6q-{n}"));
    Recording {
        object: ObjectVersion { version, ..object(n) },
        size: u64::from(u32::MAX) * 2,
        sequencer: Some("0055AED6DCD90281E5".to_owned()),
        recorded_at: Some(at(1) + TICK),
        belongs_to: Some(Belongs { meeting: meeting_id(n), room: room(n).id }),
        status: RecordingStatus::Failed,
        error: Some("Ünïcode/'; drop table recordings; --".to_owned()),
        ..recording(n, seconds)
    }
}

/// The id of the transcript with this number.
pub fn transcript_id(n: u32) -> TranscriptId {
    TranscriptId(Uuid::from_u128(0x7E7 << 64 | u128::from(n)))
}

/// A recording with this number that waits for a run. Its meeting and its room have the same number.
pub fn pending_recording(n: u32, seconds: u64) -> Recording {
    let belongs_to = Some(Belongs { meeting: meeting_id(n), room: room(n).id });
    Recording { belongs_to, status: RecordingStatus::Pending, ..recording(n, seconds) }
}

/// The transcript of the recording with the same number, whose run of three stages begins so many seconds into the
/// story.
pub fn transcript(n: u32, seconds: u64) -> Transcript {
    Transcript {
        id: transcript_id(n),
        recording: recording_id(n),
        object: object(n),
        size: u64::from(n),
        belongs_to: Belongs { meeting: meeting_id(n), room: room(n).id },
        created_at: at(seconds),
        run: pipeline::begin(&["fetch", "transcribe", "publish"], at(seconds)),
    }
}
