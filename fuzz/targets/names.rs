//! Names: of rooms, and those by which a provider's rooms lead back to their meetings.

use reflector_core::engine::Deployment;
use reflector_core::{MeetingId, RoomName};

use super::bytes::Bytes;

/// What is taken for a room's name can stand in a path and is read as it is written.
pub fn room_name(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(name) = text.parse::<RoomName>() else {
        let quoted = serde_json::to_string(&text).expect("a text can be written");
        assert!(serde_json::from_str::<RoomName>(&quoted).is_err(), "{text:?} is refused in one place only");
        return;
    };
    assert_eq!(name.as_str(), text);
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    assert!(text.bytes().all(known) && text.len() <= 63, "{text:?}");
    assert!(text.parse::<MeetingId>().is_err(), "{text:?} may be an id");
    let written = serde_json::to_string(&name).expect("a name can be written");
    assert_eq!(serde_json::from_str::<RoomName>(&written).expect("it was a name"), name);
}

/// A room's name leads to a meeting only if it begins as the rooms of that meeting do.
pub fn meeting_of(input: &[u8]) {
    let mut bytes = Bytes(input);
    let length = usize::from(bytes.next() % 12);
    let deployment = String::from_utf8_lossy(bytes.take(length)).into_owned();
    let deployment: Deployment =
        deployment.parse().unwrap_or_else(|_| "reflector".parse().expect("it is a name"));
    let text = String::from_utf8_lossy(bytes.0);
    for name in [text.clone().into_owned(), format!("{deployment}-{text}")] {
        let Some((meeting, generation)) = deployment.meeting_of(&name) else { continue };
        let begins = deployment.room(meeting, generation);
        assert!(format!("{name}-").starts_with(&begins), "{name} is taken for {begins}");
    }
    let (meeting, generation) = (MeetingId(id(&mut bytes)), bytes.small() % 32);
    let name = deployment.room(meeting, generation);
    assert!(name.len() <= 39 && name.starts_with(&deployment.prefix()), "{name}");
    let longer = format!("{name}{}", String::from_utf8_lossy(bytes.0));
    assert_eq!(deployment.meeting_of(&longer), Some((meeting, generation)), "{longer}");
}

fn id(bytes: &mut Bytes<'_>) -> uuid::Uuid {
    uuid::Uuid::from_u64_pair(bytes.big(), bytes.big())
}
