//! `reflector rooms …`

use clap::Subcommand;
use reflector_core::engine::RoomRemoval;
use reflector_core::store::{RoomCreated, Viewer};
use reflector_core::{Room, RoomId, RoomName, UserId};

use super::{CommandError, Office, print_json, whole};
use crate::api::RoomBody;
use crate::clock::new_id;
use crate::identity::access::Standing;
use crate::identity::local;
use crate::named::room_named;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Rooms {
    /// Lists every room.
    List {
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Makes a room with the usual settings.
    Create {
        /// Lower-case letters, digits and dashes.
        name: RoomName,
        /// Whose it is; the user `local`, who everybody is with REFLECTOR_AUTH=none, if nobody is named.
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
    },
    /// Deletes a room; its meetings' history stays.
    Delete {
        /// Its name or id.
        name: String,
        /// Ends its open meetings, whoever is in.
        #[arg(long)]
        end: bool,
    },
}

pub(crate) async fn run(office: &Office, command: Rooms) -> Result<(), CommandError> {
    match command {
        Rooms::List { json } => list(office, json).await,
        Rooms::Create { name, owner } => create(office, name, owner).await,
        Rooms::Delete { name, end } => delete(office, &name, end).await,
    }
}

async fn list(office: &Office, json: bool) -> Result<(), CommandError> {
    let rooms = whole(async |paging| office.store().list_rooms(&Viewer::Operator, paging).await).await?;
    if json {
        return print_json(
            &rooms.iter().map(|room| RoomBody::of(room, Standing::Operator)).collect::<Vec<_>>(),
        );
    }
    for room in rooms {
        let provider = room.provider.as_ref().map_or("the usual", |provider| provider.as_str());
        println!("{}  {:<24} {:<16} {provider}", room.id, room.name, room.owner);
    }
    Ok(())
}

async fn create(office: &Office, name: RoomName, owner: Option<String>) -> Result<(), CommandError> {
    let owner = owner.map_or_else(local, UserId);
    let room = Room::new(RoomId(new_id()), name, owner, office.now);
    let id = room.id;
    match office.store().create_room(room).await? {
        RoomCreated::Stored => println!("{id}"),
        RoomCreated::NameTaken => return Err(CommandError::refused("another room has this name")),
    }
    Ok(())
}

async fn delete(office: &Office, name: &str, end: bool) -> Result<(), CommandError> {
    let room = find(office, name).await?;
    match office.engine.remove_room(room.id, end, office.now).await? {
        RoomRemoval::Deleted => Ok(()),
        RoomRemoval::HasOpenMeetings(meetings) => Err(CommandError::refused(format!(
            "{name} has {} open meetings: --end ends them, whoever is in",
            meetings.len()
        ))),
    }
}

/// A room by its name or id.
pub(crate) async fn find(office: &Office, name: &str) -> Result<Room, CommandError> {
    let found = room_named(office.store(), name).await?;
    found.ok_or_else(|| {
        CommandError::refused(format!(
            "there is no room {name}: `reflector rooms list` shows those there are"
        ))
    })
}
