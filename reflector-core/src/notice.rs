//! What rooms' owners are told: when, and in which words. Pure.
//!
//! Each notice has an id that follows from what it tells of, so that told twice it is the same, and a body that is JSON:
//! `event`, `at`, `meeting_id`, `room_id`, and what belongs to the event. No secret is in it.

use serde_json::{Value, json};

use crate::lifecycle::{Announcement, Effect, Empty, Phase, Policy, next_closing};
use crate::meeting::Meeting;
use crate::pipeline::Transcript;
use crate::recording::{Belongs, Recording};
use crate::store::OwedNotice;
use crate::time::Timestamp;

/// What a change of a meeting is to its owner. One change may be several things.
#[derive(Clone, Debug)]
pub struct MeetingChange<'a> {
    /// The phase before it.
    pub before: &'a Phase,
    /// The meeting after it.
    pub after: &'a Meeting,
    /// What it owes.
    pub effects: &'a [Effect],
    /// The policy that it was judged by.
    pub policy: &'a Policy,
    /// When it happened.
    pub at: Timestamp,
}

/// What is told of a change of a meeting: `meeting.started` whenever people come into an empty one, `meeting.empty` when
/// the last of them has left, `meeting.closing_soon` (rule L25), and `meeting.closed`. A word for each, and its body.
pub fn of_meeting(change: &MeetingChange<'_>) -> Vec<(&'static str, Value)> {
    let MeetingChange { before, after, effects, .. } = change;
    let phase = &after.life.phase;
    let mut told = Vec::new();
    if phase.is_live() && !before.is_live() {
        let again = matches!(before.empty(), Some(Empty::Left { .. }));
        told.push(("meeting.started", with(change, "again", again.into())));
    }
    if matches!(phase, Phase::Grace { .. }) && before.is_live() {
        told.push(("meeting.empty", body(change)));
    }
    for effect in *effects {
        if let Effect::Announce(Announcement::ClosingSoon { closes_at }) = effect {
            told.push(("meeting.closing_soon", with(change, "closes_at", json!(closes_at))));
        }
    }
    if phase.is_closed() && !before.is_closed() {
        let reason = phase.close_reason().map(|reason| reason.as_str());
        told.push(("meeting.closed", with(change, "close_reason", reason.into())));
    }
    told
}

/// What every notice of a meeting says, and something that this one says beside it or in its place.
fn with(change: &MeetingChange<'_>, field: &str, value: Value) -> Value {
    let mut body = body(change);
    body[field] = value;
    body
}

/// What every notice of a meeting says.
fn body(change: &MeetingChange<'_>) -> Value {
    let MeetingChange { after: Meeting { id, room_id, life, calendar_event_id, .. }, policy, at, .. } =
        change;
    let closing = next_closing(life, policy);
    json!({
        "at": at,
        "meeting_id": id,
        "room_id": room_id,
        "phase": life.phase.as_str(),
        "num_clients": life.phase.humans(),
        "start_date": life.schedule.start,
        "end_date": life.schedule.end,
        "calendar_event_id": calendar_event_id,
        "closes_at": closing.map(|(at, _)| at),
        "closes_because": closing.map(|(_, reason)| reason.as_str()),
    })
}

/// The notice of something that the commit of this version did to a meeting, of all that it did the one with this number.
pub fn owed_by_meeting(
    meeting: &Meeting,
    (version, number): (u64, usize),
    (event, mut body): (&'static str, Value),
    now: Timestamp,
) -> OwedNotice {
    body["event"] = event.into();
    let id = format!("{event} {} {version}.{number}", meeting.id);
    OwedNotice { id, room: meeting.room_id, event: event.to_owned(), body: body.to_string(), owed_at: now }
}

/// What is told of a recording that was just taken in: `recording.received` to the owner of its meeting's room, else
/// `recording.unmatched` to the owner of the room that its key names, if that is known.
pub fn of_arrival(recording: &Recording) -> Option<OwedNotice> {
    let now = recording.received_at;
    match (recording.belongs_to, recording.sought_room) {
        (Some(belongs), _) => Some(of_belonging(recording, belongs, now)),
        (None, Some(room)) => {
            let event = "recording.unmatched";
            let body = json!({ "event": event, "at": now, "room_id": room, "meeting_id": null });
            Some(of_recording(recording, (event, room), format!("{event} {}", recording.id), body, now))
        }
        (None, None) => None,
    }
}

/// What is told of a recording that is this meeting's from now on: once, however often it is given to it.
pub fn of_belonging(recording: &Recording, belongs: Belongs, now: Timestamp) -> OwedNotice {
    let Belongs { meeting, room } = belongs;
    let event = "recording.received";
    let body = json!({ "event": event, "at": now, "room_id": room, "meeting_id": meeting });
    of_recording(recording, (event, room), format!("{event} {} {meeting}", recording.id), body, now)
}

fn of_recording(
    recording: &Recording,
    (event, room): (&str, crate::ids::RoomId),
    id: String,
    mut body: Value,
    now: Timestamp,
) -> OwedNotice {
    let Recording { id: recording_id, object, size, recorded_at, .. } = recording;
    body["recording_id"] = json!(recording_id);
    body["bucket_name"] = json!(object.bucket);
    body["object_key"] = json!(object.key);
    body["size"] = json!(size);
    body["recorded_at"] = json!(recorded_at);
    OwedNotice { id, room, event: event.to_owned(), body: body.to_string(), owed_at: now }
}

/// What is told of a run that is over: `transcript.completed` or `transcript.failed`, with what went wrong. A run that goes
/// on and ends again is told of again.
pub fn of_transcript(
    transcript: &Transcript,
    event: &str,
    error: Option<&str>,
    now: Timestamp,
) -> OwedNotice {
    let Transcript { id, recording, belongs_to, run, .. } = transcript;
    let body = json!({
        "event": event,
        "at": now,
        "transcript_id": id,
        "recording_id": recording,
        "meeting_id": belongs_to.meeting,
        "room_id": belongs_to.room,
        "status": run.status(),
        "error": error,
    });
    OwedNotice {
        id: format!("{event} {id} {}", run.number),
        room: belongs_to.room,
        event: event.to_owned(),
        body: body.to_string(),
        owed_at: now,
    }
}
