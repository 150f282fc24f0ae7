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
use utoipa::{IntoParams, ToSchema};

use super::{PageQuery, Path, Query};
use crate::api::{Listing, RoomBody};
use crate::clock::new_id;
use crate::contract::parameters::RoomPath;
use crate::contract::{examples, words};
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
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = RoomChange, examples(examples::room_change))]
pub(crate) struct RoomInput {
    /// The name that it has: it keeps it.
    #[schema(value_type = Option<words::RoomName>)]
    name: Option<String>,
    /// Whether only a host can let people in.
    is_locked: Option<bool>,
    /// How many people it is built for.
    #[schema(value_type = Option<words::RoomMode>)]
    room_mode: Option<RoomMode>,
    /// Whether and where its meetings are recorded.
    #[schema(value_type = Option<words::RecordingType>)]
    recording_type: Option<RecordingType>,
    /// What starts a recording.
    #[schema(value_type = Option<words::RecordingTrigger>)]
    recording_trigger: Option<RecordingTrigger>,
    /// Whether every user sees it and may start meetings in it.
    is_shared: Option<bool>,
    /// Whether it takes in whoever comes, also those who do not say who they are.
    guests: Option<bool>,
    /// For how long its meetings wait when everybody has left; null for what the deployment says.
    #[serde(default, deserialize_with = "super::named")]
    #[schema(value_type = Option<words::MinutesAsked>)]
    grace_period_minutes: Option<Option<f64>>,
    /// For how long its scheduled meetings may run over their end; null for what the deployment says.
    #[serde(default, deserialize_with = "super::named")]
    #[schema(value_type = Option<OvertimeInput>)]
    overtime_minutes: Option<Option<OvertimeInput>>,
    /// The video provider of its meetings, one that is configured; null for the one that the deployment says.
    #[serde(default, deserialize_with = "super::named")]
    #[schema(value_type = Option<String>)]
    provider: Option<Option<String>>,
    /// What becomes of a recording when somebody denies their consent to it.
    #[schema(value_type = Option<words::OnDenied>)]
    on_denied: Option<OnDenied>,
    /// Where its owner is told what happens: an https address that is not private; null for nowhere.
    #[serde(default, deserialize_with = "super::named")]
    #[schema(value_type = Option<String>, format = "uri")]
    webhook_url: Option<Option<String>>,
    /// What messages to `webhook_url` are signed with, and needed with the first one.
    #[schema(min_length = 16, max_length = 256, write_only)]
    webhook_secret: Option<String>,
}

/// A room that is to be. What is not named is as usual.
#[derive(ToSchema)]
#[schema(examples(examples::new_room))]
#[expect(dead_code, reason = "it is what RoomInput must be to make a room, for the document alone")]
struct NewRoom {
    /// Its name, which no other room has.
    name: words::RoomName,
    #[serde(flatten)]
    settings: RoomInput,
}

/// A number of minutes, or the word `never`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "use a number of minutes, or \"never\"")]
enum OvertimeInput {
    #[schema(value_type = words::MinutesAsked)]
    Minutes(f64),
    #[schema(value_type = words::Never)]
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
        let fits = (LEAST_SECRET..=MOST_SECRET).contains(&secret.chars().count());
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

/// Makes a room
#[utoipa::path(post, path = "/rooms", tag = "rooms", operation_id = "create_room", request_body = NewRoom, responses(
    (status = 201, description = "the room", body = RoomBody),
    (status = 409, description = "another room has this name")))]
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

/// One's own rooms and shared ones, by name
#[utoipa::path(get, path = "/rooms", tag = "rooms", operation_id = "list_rooms", params(PageQuery), responses(
    (status = 200, description = "a page of rooms", body = Listing<RoomBody>)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listing<RoomBody>>, Problem> {
    let page = app.engine.store().list_rooms(&caller.viewer()?, query.paging()?).await?;
    let items = page.items.iter().map(|room| RoomBody::of(room, Standing::of(&caller, room))).collect();
    Ok(Json(Listing { items, total: page.total, page: query.page, size: query.size }))
}

/// A room
#[utoipa::path(get, path = "/rooms/{room}", tag = "rooms", operation_id = "show_room", params(RoomPath), responses(
    (status = 200, description = "the room", body = RoomBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(named): Path<String>,
) -> Result<Json<RoomBody>, Problem> {
    let (room, standing) = room(&app, &caller, &named, Wants::Share).await?;
    Ok(Json(RoomBody::of(&room, standing)))
}

/// Changes a room
#[utoipa::path(patch, path = "/rooms/{room}", tag = "rooms", operation_id = "change_room", params(RoomPath),
    request_body = RoomInput, responses((status = 200, description = "the room as it is now", body = RoomBody)))]
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

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// Whether its open meetings are ended with it.
    #[serde(default)]
    end: bool,
}

/// Deletes a room
#[utoipa::path(delete, path = "/rooms/{room}", tag = "rooms", operation_id = "delete_room",
    params(RoomPath, DeleteQuery), responses(
    (status = 204, description = "it is deleted"),
    (status = 409, description = "the room has open meetings; add ?end=true to end them with it")))]
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
