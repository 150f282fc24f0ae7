//! `reflector meetings …`

use std::collections::HashMap;
use std::io::{BufWriter, Write as _};

use clap::Subcommand;
use reflector_core::engine::{Applied, Input};
use reflector_core::history::{self, Line};
use reflector_core::lifecycle::{Event, Ignored};
use reflector_core::store::{Entry, Loaded, Source, WhichMeetings};
use reflector_core::{Meeting, MeetingId, RoomId, Timestamp};

use super::{CommandError, Office, print_json, rooms};
use crate::api::MeetingBody;
use crate::explain;

/// How many meetings are read at once.
const PAGE: usize = 200;
/// How many lines of a history are read at once.
const LINES: usize = 500;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Meetings {
    /// Lists the meetings that are not closed, oldest first.
    List {
        /// Only those of this room.
        #[arg(long, value_name = "NAME")]
        room: Option<String>,
        /// Closed ones too.
        #[arg(long)]
        all: bool,
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Ends a meeting, whoever is in; a running server carries it out.
    End {
        /// Its id.
        id: MeetingId,
    },
    /// Writes the history of meetings as lines of JSON, for `reflector replay`; without secrets and names.
    Export {
        /// Only of meetings that were made at this time or later, such as 2026-11-22T09:30:00Z.
        #[arg(long, value_name = "TIME")]
        since: Option<Timestamp>,
    },
    /// Tells a meeting's history: what happened, when, and why it closed.
    Explain {
        /// Its id.
        id: MeetingId,
    },
}

pub(crate) async fn run(office: &Office, command: Meetings) -> Result<(), CommandError> {
    match command {
        Meetings::List { room, all, json } => list(office, room.as_deref(), all, json).await,
        Meetings::End { id } => end(office, id).await,
        Meetings::Export { since } => export(office, since).await,
        Meetings::Explain { id } => tell(office, id).await,
    }
}

async fn list(office: &Office, room: Option<&str>, all: bool, json: bool) -> Result<(), CommandError> {
    let room = match room {
        Some(name) => Some(rooms::find(office, name).await?.id),
        None => None,
    };
    let which = WhichMeetings { room, closed: all, made_since: None };
    let mut bodies = Vec::new();
    let mut names = HashMap::new();
    let mut after = None;
    loop {
        let page = office.store().list_meetings(&which, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.life.created_at, last.id));
        for meeting in page {
            if json {
                let loaded = office.store().load(meeting.id).await?;
                bodies.extend(
                    loaded.map(|loaded| {
                        MeetingBody::without_secrets(&loaded, &office.engine, &office.public_url)
                    }),
                );
            } else {
                let room = room_name(office, &mut names, meeting.room_id).await?;
                println!("{}", line(&meeting, &room));
            }
        }
    }
    if json { print_json(&bodies) } else { Ok(()) }
}

async fn room_name(
    office: &Office,
    names: &mut HashMap<RoomId, String>,
    id: RoomId,
) -> Result<String, CommandError> {
    if let Some(name) = names.get(&id) {
        return Ok(name.clone());
    }
    let room = office.store().load_room(id).await?;
    let name = room.map_or_else(|| "(deleted)".to_owned(), |room| room.name.to_string());
    names.insert(id, name.clone());
    Ok(name)
}

/// A meeting in one line.
fn line(meeting: &Meeting, room: &str) -> String {
    let life = &meeting.life;
    let phase = life.phase.as_str();
    let more = match life.phase.close_reason() {
        Some(reason) => reason.to_string(),
        None => format!("{} in", life.phase.humans()),
    };
    let id = meeting.id;
    format!("{id}  {room:<24} {phase:<8} {more:<20} {} to {}", life.schedule.start, life.schedule.end)
}

async fn end(office: &Office, id: MeetingId) -> Result<(), CommandError> {
    match office.engine.apply(id, &Input::of(Event::EndRequested, Source::Api), office.now).await? {
        Applied::NoSuchMeeting => Err(no_such(id)),
        Applied::Taken { ignored: Some(Ignored::Observing), .. } => {
            Err(CommandError::refused(Ignored::Observing.to_string()))
        }
        Applied::Taken { meeting, .. } => {
            println!("{}", meeting.life.phase.as_str());
            Ok(())
        }
        Applied::Duplicate => Ok(()),
    }
}

/// A history of which the beginning was dropped is left out: it cannot be told again.
async fn export(office: &Office, since: Option<Timestamp>) -> Result<(), CommandError> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let which = WhichMeetings { room: None, closed: true, made_since: since };
    let (mut after, mut dropped) = (None, 0);
    loop {
        let page = office.store().list_meetings(&which, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.life.created_at, last.id));
        for meeting in page {
            let entries = whole_history(office, meeting.id).await?;
            if entries.first().is_none_or(|entry| entry.seq != 1) {
                dropped += 1;
                continue;
            }
            let lines: Vec<_> = entries.into_iter().map(|entry| Line::of(&meeting, entry)).collect();
            history::write(&lines, &mut out)?;
        }
    }
    out.flush()?;
    if dropped > 0 {
        eprintln!("left out: {dropped} meetings that closed longer ago than REFLECTOR_RETENTION");
    }
    Ok(())
}

/// All that there is of a meeting's history.
async fn whole_history(office: &Office, id: MeetingId) -> Result<Vec<Entry>, CommandError> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |entry| entry.seq);
        let page = office.store().history(id, after, LINES).await?;
        if page.is_empty() {
            return Ok(entries);
        }
        entries.extend(page);
    }
}

async fn tell(office: &Office, id: MeetingId) -> Result<(), CommandError> {
    let loaded = office.store().load(id).await?.ok_or_else(|| no_such(id))?;
    let Loaded { meeting, entries, .. } = &loaded;
    let room = room_name(office, &mut HashMap::new(), meeting.room_id).await?;
    println!("{}", explain::heading(meeting, &room));
    let history = whole_history(office, id).await?;
    for entry in &history {
        println!("{}", explain::line(entry));
    }
    if history.len() as u64 != *entries {
        println!("earlier entries were dropped: it closed longer ago than REFLECTOR_RETENTION");
    }
    if let Some(outlook) = explain::outlook(&loaded, &office.engine) {
        println!("{outlook}");
    }
    for owed in office.store().owed(id).await? {
        println!("{}", explain::owed(&owed));
    }
    Ok(())
}

fn no_such(id: MeetingId) -> CommandError {
    CommandError::refused(format!(
        "there is no meeting {id}: `reflector meetings list --all` shows those there are"
    ))
}
