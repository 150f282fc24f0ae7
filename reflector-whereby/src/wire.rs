//! Whereby's JSON: what is sent and what is read of it. Fields that are not read are not named.

use reflector_core::provider::{ProviderError, RoomOrder, RoomRef};
use reflector_core::{
    ConnectionKey, Participant, ProviderRoom, RecordingTrigger, RecordingType, Role, RoomMode, SecretUrl,
    Timestamp,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Deserializer, Serialize};

use crate::settings::RecordingDestination;

/// The field that Whereby leaves out unless it is asked for.
pub(crate) const HOST_ROOM_URL: &str = "hostRoomUrl";

/// A room to be made. It holds a secret, and so cannot be shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MeetingOrder<'a> {
    end_date: String,
    is_locked: bool,
    room_mode: &'static str,
    room_name_prefix: &'a str,
    recording: Recording<'a>,
    fields: [&'static str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Recording<'a> {
    r#type: &'static str,
    /// Null means as in the organisation's settings.
    destination: Option<Destination<'a>>,
    start_trigger: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Destination<'a> {
    provider: &'static str,
    authentication_type: &'static str,
    bucket: &'a str,
    access_key_id: &'a str,
    access_key_secret: &'a str,
}

impl<'a> MeetingOrder<'a> {
    pub(crate) fn new(order: &'a RoomOrder, destination: Option<&'a RecordingDestination>) -> Self {
        let settings = &order.settings;
        let cloud = settings.recording_type == RecordingType::Cloud;
        let recording = Recording {
            r#type: recording_type(settings.recording_type),
            destination: destination.filter(|_| cloud).map(Destination::new),
            start_trigger: if cloud { start_trigger(settings.recording_trigger) } else { "none" },
        };
        Self {
            end_date: in_milliseconds(order.expires_at),
            is_locked: settings.is_locked,
            room_mode: room_mode(settings.room_mode),
            room_name_prefix: &order.name,
            recording,
            fields: [HOST_ROOM_URL],
        }
    }
}

impl<'a> Destination<'a> {
    fn new(to: &'a RecordingDestination) -> Self {
        Self {
            provider: "s3",
            authentication_type: "accessKey",
            bucket: &to.bucket,
            access_key_id: &to.access_key_id,
            access_key_secret: to.access_key_secret.expose_secret(),
        }
    }
}

fn room_mode(mode: RoomMode) -> &'static str {
    match mode {
        RoomMode::Normal => "normal",
        RoomMode::Group => "group",
    }
}

fn recording_type(kind: RecordingType) -> &'static str {
    match kind {
        RecordingType::None => "none",
        RecordingType::Local => "local",
        RecordingType::Cloud => "cloud",
    }
}

fn start_trigger(trigger: RecordingTrigger) -> &'static str {
    match trigger {
        RecordingTrigger::None => "none",
        RecordingTrigger::Prompt => "prompt",
        RecordingTrigger::Automatic => "automatic",
        RecordingTrigger::Automatic2ndParticipant => "automatic-2nd-participant",
    }
}

/// The instant in whole milliseconds, as Whereby writes them, and no earlier.
fn in_milliseconds(at: Timestamp) -> String {
    let up = at.as_micros().saturating_add(999);
    let text = Timestamp::from_micros(up - up.rem_euclid(1000)).to_string();
    match text.strip_suffix('Z') {
        Some(seconds) if !text.contains('.') => format!("{seconds}.000Z"),
        _ => text,
    }
}

/// A page of a listing.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) results: Vec<T>,
    /// Where the next page begins; nothing on the last.
    #[serde(default, deserialize_with = "text_if_any")]
    pub(crate) cursor: Option<String>,
}

/// A room of Whereby, which calls it a meeting.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Meeting {
    #[serde(deserialize_with = "text")]
    pub(crate) meeting_id: String,
    room_name: String,
    #[serde(default)]
    room_url: Option<String>,
    #[serde(default)]
    start_date: Option<Timestamp>,
    #[serde(default)]
    end_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "secret_url")]
    host_room_url: Option<SecretUrl>,
}

impl Meeting {
    /// The name without the slash that Whereby puts before it.
    pub(crate) fn name(&self) -> &str {
        without_slash(&self.room_name)
    }

    /// Which of several rooms of one order everybody adopts: the one that was made first.
    pub(crate) fn made(&self) -> (Option<Timestamp>, &str) {
        (self.start_date, &self.meeting_id)
    }

    pub(crate) fn to_ref(&self) -> RoomRef {
        RoomRef { name: self.name().to_owned(), external_id: Some(self.meeting_id.clone()) }
    }

    pub(crate) fn into_room(self) -> Result<ProviderRoom, ProviderError> {
        let name = self.name().to_owned();
        let no_url = || ProviderError::unavailable("Whereby gave a room without its address");
        Ok(ProviderRoom {
            name,
            external_id: self.meeting_id,
            url: self.room_url.ok_or_else(no_url)?,
            host_url: self.host_room_url,
            expires_at: self.end_date,
        })
    }
}

/// Whereby's names of rooms begin with a slash; ours don't.
pub(crate) fn without_slash(room_name: &str) -> &str {
    room_name.trim_start_matches('/')
}

/// A session in the insights: a stretch in which two people or more were in. It proves neither that somebody is in
/// nor that nobody is, and only leads to its participants.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    pub(crate) room_session_id: String,
    #[serde(default)]
    pub(crate) ended_at: Option<Timestamp>,
}

/// A participant in the insights. Names are not read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attendance {
    pub(crate) participant_id: String,
    #[serde(default)]
    pub(crate) role_name: Option<String>,
    pub(crate) joined_at: Timestamp,
    #[serde(default)]
    pub(crate) left_at: Option<Timestamp>,
}

impl Attendance {
    pub(crate) fn participant(&self) -> Participant {
        let connection = ConnectionKey::of(&self.participant_id);
        Participant { connection, role: role(self.role_name.as_deref()) }
    }
}

/// What a participant is there for. A role that is new is a person's: nobody is put out for it.
pub(crate) fn role(name: Option<&str>) -> Role {
    match name {
        Some("recorder") => Role::Recorder,
        Some("streamer") => Role::Streamer,
        Some("captioner") => Role::Captioner,
        Some("assistant" | "bot") => Role::Bot,
        _ => Role::Human,
    }
}

/// What Whereby says when it refuses.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Complaint {
    #[serde(default)]
    pub(crate) error: Option<serde_json::Value>,
    #[serde(default)]
    pub(crate) message: Option<serde_json::Value>,
    #[serde(default)]
    pub(crate) data: Option<serde_json::Value>,
}

/// Where JSON is not what it should be. Not what stands there: that may be a name or a secret.
pub(crate) fn place_of(error: &serde_json::Error) -> String {
    format!("line {} column {}", error.line(), error.column())
}

/// An id that is a text or a number, as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(u64),
}

fn text<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    Ok(match Id::deserialize(input)? {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    })
}

fn text_if_any<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    let id = Option::<Id>::deserialize(input)?;
    Ok(id.map(|id| match id {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    }))
}

fn secret_url<'de, D: Deserializer<'de>>(input: D) -> Result<Option<SecretUrl>, D::Error> {
    Ok(Option::<String>::deserialize(input)?.map(SecretUrl::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_written_in_milliseconds_and_never_early() {
        for (micros, text) in [
            (1_718_993_434_695_000, "2024-06-21T18:10:34.695Z"),
            (1_718_993_434_694_001, "2024-06-21T18:10:34.695Z"),
            (1_718_993_434_000_000, "2024-06-21T18:10:34.000Z"),
            (1_718_993_433_999_999, "2024-06-21T18:10:34.000Z"),
        ] {
            assert_eq!(in_milliseconds(Timestamp::from_micros(micros)), text);
        }
    }

    #[test]
    fn a_room_shows_no_host_address() {
        let body = include_str!("../fixtures/api_meeting_created.json");
        let meeting: Meeting = serde_json::from_str(body).unwrap();
        assert!(meeting.host_room_url.as_ref().is_some_and(|url| url.expose().contains("roomKey=eyJ")));
        assert!(!format!("{meeting:?}").contains("roomKey"));
        assert!(!format!("{:?}", meeting.into_room().unwrap()).contains("roomKey"));
    }

    #[test]
    fn an_id_may_be_a_number_and_a_cursor_missing() {
        let page: Page<Meeting> =
            serde_json::from_str(r#"{"results":[{"meetingId":61490154,"roomName":"/a"}]}"#).unwrap();
        assert_eq!(page.results[0].meeting_id, "61490154");
        assert_eq!(page.cursor, None);
    }

    #[test]
    fn what_is_no_json_is_named_by_its_place() {
        let error = serde_json::from_str::<Complaint>("{\n  \"error\": secret }").unwrap_err();
        assert_eq!(place_of(&error), "line 2 column 12");
    }

    #[test]
    fn a_new_role_is_a_person() {
        for human in
            ["owner", "member", "host", "visitor", "granted_visitor", "viewer", "granted_viewer", "new"]
        {
            assert_eq!(role(Some(human)), Role::Human, "{human}");
        }
        assert_eq!(role(None), Role::Human);
        for machine in ["recorder", "streamer", "captioner", "assistant", "bot"] {
            assert!(!role(Some(machine)).is_human(), "{machine}");
        }
    }
}
