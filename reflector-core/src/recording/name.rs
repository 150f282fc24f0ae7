//! What the key of a recording says.

use crate::time::Timestamp;

/// The room that was recorded and when that began, as a key tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingName {
    /// The provider's name of the room, without a leading slash.
    pub room: String,
    /// When the recording began.
    pub recorded_at: Timestamp,
}

/// How a time looks that ends a name, without its fraction.
const WHOLE_SECONDS: &str = "0000-00-00T00:00:00";

impl RecordingName {
    /// Reads `[folder/]{room}-{time}.{extension}` from the right: names of rooms hold dashes and may look like dates.
    ///
    /// It is Whereby's form ("File names will be automatically set to `[room name]-[start time in ISO format]`", with
    /// the time in UTC, with or without fractions of a second), and one that a folder of one's own may use. Nothing
    /// for a key of another form.
    pub fn read(key: &str) -> Option<Self> {
        let file = key.rsplit('/').next()?;
        let (stem, extension) = file.rsplit_once('.')?;
        if extension.is_empty() || !extension.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let before_z = stem.strip_suffix('Z')?;
        // The last point that stands behind the last colon begins the fraction.
        let whole = match before_z.rsplit_once('.') {
            Some((whole, fraction)) if !fraction.contains(':') => {
                let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
                digits.then_some(whole)?
            }
            _ => before_z,
        };
        let room = whole.get(..whole.len().checked_sub(WHOLE_SECONDS.len())?)?;
        let recorded_at = stem.get(room.len()..)?.parse().ok()?;
        let room = room.strip_suffix('-').filter(|room| !room.is_empty())?;
        Some(Self { room: room.to_owned(), recorded_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_the_right() {
        for (key, room, at) in [
            (
                "speaker1-session2-0b1fbe30-2346-4681-85a5-f309f11e509f-2023-10-31T13:09:35Z.mp4",
                "speaker1-session2-0b1fbe30-2346-4681-85a5-f309f11e509f",
                "2023-10-31T13:09:35Z",
            ),
            ("a/b c/room-2025-01-01T00:00:00.000Z.mkv", "room", "2025-01-01T00:00:00Z"),
            ("room-2024-01-01-2025-01-01T00:00:00.5Z.webm", "room-2024-01-01", "2025-01-01T00:00:00.500Z"),
            ("v1.5-2025-01-01T00:00:00Z.mp4", "v1.5", "2025-01-01T00:00:00Z"),
            ("My Röom+1%-2023-10-31T13:09:35Z.mp4", "My Röom+1%", "2023-10-31T13:09:35Z"),
        ] {
            let read = RecordingName::read(key).unwrap();
            assert_eq!((read.room.as_str(), read.recorded_at), (room, at.parse().unwrap()), "{key}");
        }
    }

    #[test]
    fn a_key_of_another_form_says_nothing() {
        for key in [
            "",
            "/",
            "room.mp4",
            "2025-01-01T00:00:00Z.mp4",
            "-2025-01-01T00:00:00Z.mp4",
            "folder-2025-01-01T00:00:00Z/x.mp4",
            "room-2025-01-01T00:00:00Z",
            "room-2025-01-01T00:00:00Z.",
            "room-2025-01-01T00:00:00.Z.mp4",
            "room-2025-13-01T00:00:00Z.mp4",
            "room-2025-01-01T00:00:00+01:00.mp4",
            "roomü025-01-01T00:00:00Z.mp4",
            "room2025-01-01T00:00:00Z.mp4",
            "ü.Z.mp4",
        ] {
            assert_eq!(RecordingName::read(key), None, "{key}");
        }
    }
}
