//! Rooms: making them, changing them, listing them, deleting them.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use reflector_core::engine::RoomRemoval;
use reflector_core::lifecycle::Overtime;
use reflector_core::store::RoomCreated;
use reflector_core::{
    OnDenied, ProviderName, RecordingTrigger, RecordingType, Room, RoomId, RoomMode, RoomName, RoomWebhook,
    WebhookSecret,
};
use serde::Deserialize;
use url::Url;

use super::{PageQuery, Path, Query};
use crate::api::{Listing, RoomBody};
use crate::clock::new_id;
use crate::error::Problem;
use crate::identity::Caller;
use crate::identity::access::{Standing, Wants, room};
use crate::json::Input;
use crate::outgoing::Reach;
use crate::state::App;

/// How many characters there are in what messages to a room's owner are signed with.
const LEAST_SECRET: usize = 16;
const MOST_SECRET: usize = 256;
const A_SECRET: &str =
    "use 16 to 256 characters that nobody can guess: messages to webhook_url are signed with it";
/// The longest grace and overtime that can be asked for: a year of minutes.
const MOST_MINUTES: f64 = 525_600.0;

/// What can be said of a room. What is not named stays as it is.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RoomInput {
    name: Option<String>,
    is_locked: Option<bool>,
    room_mode: Option<RoomMode>,
    recording_type: Option<RecordingType>,
    recording_trigger: Option<RecordingTrigger>,
    is_shared: Option<bool>,
    guests: Option<bool>,
    #[serde(default, deserialize_with = "super::named")]
    grace_period_minutes: Option<Option<f64>>,
    #[serde(default, deserialize_with = "super::named")]
    overtime_minutes: Option<Option<OvertimeInput>>,
    #[serde(default, deserialize_with = "super::named")]
    provider: Option<Option<String>>,
    on_denied: Option<OnDenied>,
    #[serde(default, deserialize_with = "super::named")]
    webhook_url: Option<Option<String>>,
    webhook_secret: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "use a number of minutes, or \"never\"")]
enum OvertimeInput {
    Minutes(f64),
    Word(String),
}

/// A number of minutes as a span.
pub(crate) fn minutes(field: &str, minutes: f64) -> Result<Duration, Problem> {
    if (0.0..=MOST_MINUTES).contains(&minutes) {
        Ok(Duration::from_secs_f64(minutes * 60.0))
    } else {
        Err(Problem::invalid(field, "use a number of minutes from 0 to 525600"))
    }
}

impl RoomInput {
    fn apply(self, app: &App, room: &mut Room) -> Result<(), Problem> {
        let settings = &mut room.settings;
        settings.is_locked = self.is_locked.unwrap_or(settings.is_locked);
        settings.room_mode = self.room_mode.unwrap_or(settings.room_mode);
        settings.recording_type = self.recording_type.unwrap_or(settings.recording_type);
        settings.recording_trigger = self.recording_trigger.unwrap_or(settings.recording_trigger);
        room.is_shared = self.is_shared.unwrap_or(room.is_shared);
        room.guests = self.guests.unwrap_or(room.guests);
        if let Some(grace) = self.grace_period_minutes {
            room.policy.grace = grace.map(|grace| minutes("grace_period_minutes", grace)).transpose()?;
        }
        if let Some(overtime) = self.overtime_minutes {
            room.policy.overtime = overtime.map(OvertimeInput::read).transpose()?;
        }
        if let Some(provider) = self.provider {
            room.provider = provider.map(|name| known_provider(app, &name)).transpose()?;
        }
        room.on_denied = self.on_denied.unwrap_or(room.on_denied);
        room.webhook = webhook(app.reach, room.webhook.take(), self.webhook_url, self.webhook_secret)?;
        Ok(())
    }
}

/// Where the room's owner is told what happens, after what is named has changed. A secret stays as it is until another
/// one is named.
fn webhook(
    reach: Reach,
    before: Option<RoomWebhook>,
    url: Option<Option<String>>,
    secret: Option<String>,
) -> Result<Option<RoomWebhook>, Problem> {
    let secret = secret.map(|secret| {
        let fits = (LEAST_SECRET..=MOST_SECRET).contains(&secret.len());
        if fits { Ok(WebhookSecret::new(secret)) } else { Err(Problem::invalid("webhook_secret", A_SECRET)) }
    });
    let (url_before, secret_before) = before.map(|RoomWebhook { url, secret }| (url, secret)).unzip();
    let secret = secret.transpose()?;
    let Some(url) = url.unwrap_or(url_before) else {
        return match secret {
            Some(_) => Err(Problem::invalid("webhook_secret", "it is of no use without a webhook_url")),
            None => Ok(None),
        };
    };
    let address: Url = url.parse().map_err(|_| Problem::invalid("webhook_url", "use an https address"))?;
    reach.allows(&address).map_err(|why| Problem::invalid("webhook_url", why))?;
    let secret = secret.or(secret_before).ok_or_else(|| Problem::invalid("webhook_secret", A_SECRET))?;
    Ok(Some(RoomWebhook { url: address.into(), secret }))
}

impl OvertimeInput {
    fn read(self) -> Result<Overtime, Problem> {
        match self {
            Self::Minutes(number) => minutes("overtime_minutes", number).map(Overtime::For),
            Self::Word(word) if word == "never" => Ok(Overtime::Never),
            Self::Word(_) => {
                Err(Problem::invalid("overtime_minutes", "use a number of minutes, or \"never\""))
            }
        }
    }
}

fn known_provider(app: &App, name: &str) -> Result<ProviderName, Problem> {
    let known: Vec<_> = app.engine.providers().map(ProviderName::as_str).collect();
    if known.contains(&name) {
        Ok(name.into())
    } else {
        Err(Problem::invalid("provider", format!("use one that is configured here: {}", known.join(", "))))
    }
}

pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Input(new): Input<RoomInput>,
) -> Result<(StatusCode, Json<RoomBody>), Problem> {
    let owner = caller.user()?.clone();
    let name = new.name.as_deref().ok_or_else(|| Problem::invalid("name", "a room needs a name"))?;
    let name: RoomName = name.parse().map_err(|why| Problem::invalid("name", why))?;
    let mut room = Room::new(RoomId(new_id()), name, owner, (app.clock)());
    new.apply(&app, &mut room)?;
    let body = RoomBody::of(&room, Standing::Owner);
    match app.engine.store().create_room(room).await? {
        RoomCreated::Stored => Ok((StatusCode::CREATED, Json(body))),
        RoomCreated::NameTaken => Err(Problem::new(StatusCode::CONFLICT, "another room has this name")),
    }
}

pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listing<RoomBody>>, Problem> {
    let page = app.engine.store().list_rooms(&caller.viewer()?, query.paging()?).await?;
    let items = page.items.iter().map(|room| RoomBody::of(room, Standing::of(&caller, room))).collect();
    Ok(Json(Listing { items, total: page.total, page: query.page, size: query.size }))
}

pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(named): Path<String>,
) -> Result<Json<RoomBody>, Problem> {
    let (room, standing) = room(&app, &caller, &named, Wants::Share).await?;
    Ok(Json(RoomBody::of(&room, standing)))
}

pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(named): Path<String>,
    Input(change): Input<RoomInput>,
) -> Result<Json<RoomBody>, Problem> {
    let (mut room, standing) = room(&app, &caller, &named, Wants::Own).await?;
    if change.name.as_ref().is_some_and(|name| name != room.name.as_str()) {
        return Err(Problem::invalid("name", "a room keeps its name; make another room"));
    }
    change.apply(&app, &mut room)?;
    let body = RoomBody::of(&room, standing);
    if app.engine.store().update_room(room).await? { Ok(Json(body)) } else { Err(Problem::no_such("room")) }
}

#[derive(Debug, Deserialize)]
pub(crate) struct DeleteQuery {
    #[serde(default)]
    end: bool,
}

pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(named): Path<String>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode, Problem> {
    let (room, _) = room(&app, &caller, &named, Wants::Own).await?;
    match app.engine.remove_room(room.id, query.end, (app.clock)()).await? {
        RoomRemoval::Deleted => Ok(StatusCode::NO_CONTENT),
        RoomRemoval::HasOpenMeetings(open) => Err(Problem::new(
            StatusCode::CONFLICT,
            format!("the room has {} open meetings; add ?end=true to end them with it", open.len()),
        )),
    }
}
