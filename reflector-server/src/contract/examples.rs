//! One office, as every example of the document has it. A test holds each example to its schema.

use serde_json::{Value, json};

const ROOM: &str = "019ab3c0-0f00-7a10-8c11-5b1e3c9d7a01";
const MEETING: &str = "019ab3c0-1e5d-7f20-9d22-6c2f4dae8b02";
const RECORDING: &str = "019ab3dd-8a31-7e30-ae33-7d305ebf9c03";
const TRANSCRIPT: &str = "019ab3dd-9c47-7d40-bf44-8e416fc0ad04";

pub(crate) fn new_room() -> Value {
    json!({
        "name": "standup",
        "is_shared": true,
        "guests": false,
        "grace_period_minutes": 15,
        "overtime_minutes": "never",
    })
}

pub(crate) fn room_change() -> Value {
    json!({ "grace_period_minutes": null, "guests": true })
}

pub(crate) fn room() -> Value {
    json!({
        "id": ROOM,
        "name": "standup",
        "owner": "ada",
        "is_locked": false,
        "room_mode": "normal",
        "recording_type": "cloud",
        "recording_trigger": "automatic-2nd-participant",
        "is_shared": true,
        "guests": false,
        "grace_period_minutes": 15,
        "overtime_minutes": "never",
        "provider": null,
        "on_denied": "delete_audio",
        "webhook_url": null,
        "created_at": "2026-11-22T08:00:00Z",
    })
}

pub(crate) fn new_meeting() -> Value {
    json!({
        "start_date": "2126-11-22T09:30:00Z",
        "end_date": "2126-11-22T10:00:00Z",
        "calendar_event_id": "weekly-47",
        "calendar_metadata": { "title": "Weekly" },
    })
}

pub(crate) fn meeting() -> Value {
    json!({
        "id": MEETING,
        "room_id": ROOM,
        "room_name": "reflector-01m83r8ccg2m6qvx0p9a7tfkr0",
        "room_url": "http://127.0.0.1:1250/meet/reflector-01m83r8ccg2m6qvx0p9a7tfkr0",
        "host_room_url": "",
        "lobby_url": format!("http://127.0.0.1:1250/lobby/{ROOM}"),
        "start_date": "2026-11-22T09:30:00Z",
        "end_date": "2026-11-22T10:00:00Z",
        "recording_type": "cloud",
        "num_clients": 0,
        "is_active": true,
        "is_current": true,
        "phase": "grace",
        "calendar_event_id": "weekly-47",
        "calendar_metadata": { "title": "Weekly" },
        "last_participant_left_at": "2026-11-22T09:52:10.25Z",
        "grace_period_minutes": 15,
        "closes_at": "2026-11-22T10:07:10.25Z",
        "closes_because": "grace_expired",
        "closed_at": null,
        "close_reason": null,
        "provider": "builtin",
    })
}

pub(crate) fn guest_meeting() -> Value {
    json!({
        "id": MEETING,
        "phase": "live",
        "start_date": "2026-11-22T09:30:00Z",
        "end_date": "2026-11-22T10:00:00Z",
        "num_clients": 2,
    })
}

pub(crate) fn entry() -> Value {
    json!({
        "seq": 4,
        "at": "2026-11-22T09:52:10.25Z",
        "recorded_at": "2026-11-22T09:52:10.310422Z",
        "source": "webhook",
        "event": "participant_left",
        "delivery_id": "evt-7d40",
        "outcome": "applied",
        "reason": null,
        "phase": "grace",
        "num_clients": 0,
        "sentence": "The last participant left.",
    })
}

pub(crate) fn recording() -> Value {
    json!({
        "id": RECORDING,
        "bucket_name": "meetings",
        "object_key": "reflector-01m83r8ccg2m6qvx0p9a7tfkr0-2026-11-22T09:30:00Z.mp4",
        "version": "3sL4kqtJlcpXroDTDmJrmSpXd3dIbrHY",
        "revision": 1,
        "size": 7_340_032,
        "recorded_at": "2026-11-22T09:30:00Z",
        "meeting_id": MEETING,
        "room_id": ROOM,
        "status": "completed",
        "error": null,
        "transcript_id": TRANSCRIPT,
    })
}

pub(crate) fn transcript() -> Value {
    json!({
        "id": TRANSCRIPT,
        "recording_id": RECORDING,
        "meeting_id": MEETING,
        "room_id": ROOM,
        "status": "ended",
        "title": "Weekly",
        "short_summary": "The release is on Friday.",
        "long_summary": "Ada has tested the release, and it is on Friday.",
        "action_items": [{ "task": "Write the notes", "owner": "Ada" }],
        "topics": [{ "title": "Release", "summary": "When it is.", "start": 0.0 }],
        "participants": ["Ada", "Grace"],
        "segments": [{ "start": 0.0, "end": 2.5, "text": "The release is on Friday." }],
        "webvtt": "WEBVTT\n\n00:00:00.000 --> 00:00:02.500\nThe release is on Friday.\n",
        "language": "en",
        "duration": 1330.25,
        "audio_deleted": false,
        "created_at": "2026-11-22T10:01:00Z",
        "stuck_since": null,
        "stages": [{
            "name": "publish",
            "status": "done",
            "attempts": 1,
            "reason": null,
            "started_at": "2026-11-22T10:03:00Z",
            "finished_at": "2026-11-22T10:03:00.02Z",
            "progress": null,
        }],
    })
}

pub(crate) fn whereby_message() -> Value {
    json!({
        "id": "7d40bf44-8e41-4fc0-ad04-019ab3dd9c47",
        "apiVersion": "1.0",
        "createdAt": "2026-11-22T09:52:10.250Z",
        "type": "room.client.left",
        "data": {
            "roomName": "/reflector-01m83r8ccg2m6qvx0p9a7tfkr0",
            "participantId": "8f2e6a1c-6c2f-4dae-8b02-5b1e3c9d7a01",
            "roleName": "visitor",
            "numClients": 0,
        },
    })
}
