//! Who may do what: every rule of it is here, and every route asks here.
//!
//! | | owner, operator | whoever a room is shared with | guest | stranger |
//! | --- | --- | --- | --- | --- |
//! | visit: who meets now, and joining | all of it | all but the host's address | what a guest needs | 404 |
//! | share: see the room, start meetings | yes | yes | 401, or 404 if they said who they are | 404 |
//! | own: change it, its meetings, history, recordings, transcripts | yes | 403 | 401 or 404 | 404 |
//!
//! To others a room does not exist. Whoever does not say who they are is told to, where that may help.

use axum::http::StatusCode;
use reflector_core::Room;
use reflector_core::store::Loaded;
use reflector_core::{MeetingId, RoomId};

use super::Caller;
use crate::error::Problem;
use crate::named::room_named;
use crate::state::App;

/// What somebody wants to do with a room, or with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// To see who meets now, and to join.
    Visit,
    /// To see it, and to start meetings.
    Share,
    /// To change it, and to see all that belongs to it.
    Own,
}

/// What somebody is to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Their own.
    Owner,
    /// They run the deployment.
    Operator,
    /// It is shared with everybody who says who they are.
    Sharer,
    /// It takes in whoever comes.
    Guest,
    /// For them it does not exist.
    Stranger,
}

impl Standing {
    /// What a caller is to a room.
    pub(crate) fn of(caller: &Caller, room: &Room) -> Self {
        match caller {
            Caller::User { id, .. } if *id == room.owner => Self::Owner,
            Caller::User { is_operator: true, .. } => Self::Operator,
            Caller::User { .. } if room.is_shared => Self::Sharer,
            _ if room.guests => Self::Guest,
            _ => Self::Stranger,
        }
    }

    /// Whether that is enough for what they want.
    pub(crate) fn allows(self, wants: Wants) -> bool {
        match self {
            Self::Owner | Self::Operator => true,
            Self::Sharer => wants != Wants::Own,
            Self::Guest => wants == Wants::Visit,
            Self::Stranger => false,
        }
    }
}

/// The room that a path names, by id or by name, for somebody who may do that with it.
pub(crate) async fn room(
    app: &App,
    caller: &Caller,
    named: &str,
    wants: Wants,
) -> Result<(Room, Standing), Problem> {
    let found = room_named(app.engine.store(), named).await?;
    let standing = found.as_ref().map_or(Standing::Stranger, |room| Standing::of(caller, room));
    permit(caller, standing, wants, "room")?;
    found.map(|room| (room, standing)).ok_or_else(|| Problem::no_such("room"))
}

/// The meeting of this id, for somebody who may do that with its room.
pub(crate) async fn meeting(
    app: &App,
    caller: &Caller,
    id: &str,
    wants: Wants,
) -> Result<(Loaded, Standing), Problem> {
    let found = match id.parse::<MeetingId>() {
        Ok(id) => app.engine.store().load(id).await?,
        Err(_) => None,
    };
    let standing = match &found {
        Some(loaded) => standing_in(app, caller, loaded.meeting.room_id).await?,
        None => Standing::Stranger,
    };
    permit(caller, standing, wants, "meeting")?;
    found.map(|loaded| (loaded, standing)).ok_or_else(|| Problem::no_such("meeting"))
}

/// Lets whoever owns a room do something with what came of its meetings; without a room, operators alone.
pub(crate) async fn owns(
    app: &App,
    caller: &Caller,
    room: Option<RoomId>,
    what: &str,
) -> Result<(), Problem> {
    let standing = match room {
        Some(room) => standing_in(app, caller, room).await?,
        None if caller.is_operator() => Standing::Operator,
        None => Standing::Stranger,
    };
    permit(caller, standing, Wants::Own, what)
}

/// What a caller is to a room that may be deleted: then it is nobody's but the operators'.
async fn standing_in(app: &App, caller: &Caller, room: RoomId) -> Result<Standing, Problem> {
    Ok(match app.engine.store().load_room(room).await? {
        Some(room) => Standing::of(caller, &room),
        None if caller.is_operator() => Standing::Operator,
        None => Standing::Stranger,
    })
}

/// What is refused is refused in the same words, whether it is there or not.
fn permit(caller: &Caller, standing: Standing, wants: Wants, what: &str) -> Result<(), Problem> {
    if standing.allows(wants) {
        return Ok(());
    }
    if wants != Wants::Visit {
        caller.user()?;
    }
    match standing {
        Standing::Sharer => {
            Err(Problem::new(StatusCode::FORBIDDEN, format!("only the owner of this {what} may do that")))
        }
        _ => Err(Problem::no_such(what)),
    }
}
