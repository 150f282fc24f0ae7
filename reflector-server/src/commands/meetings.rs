//! `reflector meetings …`

use std::collections::HashMap;

use clap::Subcommand;
use reflector_core::engine::{Applied, Input};
use reflector_core::lifecycle::{Event, Ignored};
use reflector_core::store::{Loaded, Source, WhichMeetings};
use reflector_core::{Meeting, MeetingId, RoomId};

use super::{CommandError, Office, explain, rooms};
use crate::api::MeetingBody;

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
                bodies.extend(loaded.map(|loaded| MeetingBody::without_secrets(&loaded, &office.engine)));
            } else {
                let room = room_name(office, &mut names, meeting.room_id).await?;
                println!("{}", line(&meeting, &room));
            }
        }
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&bodies).map_err(std::io::Error::from)?);
    }
    Ok(())
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

async fn tell(office: &Office, id: MeetingId) -> Result<(), CommandError> {
    let loaded = office.store().load(id).await?.ok_or_else(|| no_such(id))?;
    let Loaded { meeting, entries, .. } = &loaded;
    let room = room_name(office, &mut HashMap::new(), meeting.room_id).await?;
    println!("{}", explain::heading(meeting, &room));
    let mut after = 0;
    loop {
        let page = office.store().history(id, after, LINES).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for entry in &page {
            println!("{}", explain::sentence(entry));
        }
    }
    if after == 0 && *entries > 0 {
        println!("its history was dropped: it closed longer ago than REFLECTOR_RETENTION");
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
