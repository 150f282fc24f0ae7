//! Histories in a file: a line of JSON for each entry, of any number of meetings, as they are exported and replayed.
//!
//! A line says whose entry it is and the [`Entry`] as it is kept. It holds no name of a person, no address and no
//! secret, so a file of them may be handed to somebody who is to look at it.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::ids::{MeetingId, ProviderName, RoomId, fnv1a};
use crate::lifecycle::Event;
use crate::meeting::Meeting;
use crate::store::Entry;

/// An entry of a meeting's history, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Of which meeting.
    pub meeting_id: MeetingId,
    /// The room that it was held in.
    pub room_id: RoomId,
    /// Who ran its video.
    pub provider: ProviderName,
    /// Which calendar date it was, if any: a number made of the calendar's own id, which may hold a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurrence: Option<String>,
    /// The entry as it is kept.
    #[serde(flatten)]
    pub entry: Entry,
}

impl Line {
    /// The line for an entry of this meeting's history.
    pub fn of(meeting: &Meeting, entry: Entry) -> Self {
        let occurrence =
            meeting.calendar_event_id.as_ref().map(|id| format!("{:016x}", fnv1a(id.as_bytes())));
        let Meeting { id, room_id, provider, .. } = meeting;
        Self { meeting_id: *id, room_id: *room_id, provider: provider.clone(), occurrence, entry }
    }
}

/// A file of histories cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It cannot be read at all.
    #[error(transparent)]
    Source(#[from] io::Error),
    /// A line is not what it should be.
    #[error("line {number} {what}")]
    Line {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        what: String,
    },
}

/// Writes entries, a line each. Those of one meeting must stand in their order, from the first on.
///
/// # Errors
///
/// What the writing itself says.
pub fn write<'a>(lines: impl IntoIterator<Item = &'a Line>, mut out: impl Write) -> io::Result<()> {
    for line in lines {
        serde_json::to_writer(&mut out, line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Reads entries. Empty lines are left out.
///
/// # Errors
///
/// [`Unreadable::Line`] names the first line that is no entry, or that is not the next one of its meeting: a history
/// is told from its beginning and without gaps, or not at all.
pub fn read(mut input: impl BufRead) -> Result<Vec<Line>, Unreadable> {
    let (mut lines, mut last_of) = (Vec::new(), HashMap::new());
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        if input.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let wrong = |what| Unreadable::Line { number, what };
        let line: Line = serde_json::from_slice(&bytes).map_err(|error| wrong(no_entry(&error)))?;
        let last = last_of.entry(line.meeting_id).or_default();
        follows(&line, *last).map_err(wrong)?;
        *last = line.entry.seq;
        lines.push(line);
    }
    Ok(lines)
}

/// What is wrong with the JSON, without the place in the file that the parser makes of the place in the line.
fn no_entry(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let what = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
    format!("is no entry of a history: {what}")
}

fn follows(line: &Line, last: u64) -> Result<(), String> {
    let Line { meeting_id, entry, .. } = line;
    if entry.seq != last + 1 {
        return Err(format!(
            "is entry {} of the meeting {meeting_id}, and entry {} is to come: a history is told whole and in order",
            entry.seq,
            last + 1
        ));
    }
    if (entry.seq == 1) != matches!(entry.event, Event::Created { .. }) {
        return Err(format!(
            "is entry {} of the meeting {meeting_id}, and a history begins with `created`",
            entry.seq
        ));
    }
    Ok(())
}
