//! What goes over the wire, and nothing that is kept looks like it by accident.

mod entry;
mod live;
mod meeting;
mod recording;
mod room;
mod transcript;

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

pub(crate) use entry::EntryBody;
pub(crate) use live::LiveBody;
pub(crate) use meeting::{MeetingBody, SeenMeeting, current_of};
pub(crate) use recording::RecordingBody;
pub(crate) use room::RoomBody;
pub(crate) use transcript::{StageBody, TranscriptBody};

/// How many items a page of a listing can have.
pub(crate) const MOST_ITEMS: u64 = 200;

/// A listing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listing<T> {
    /// The items of this page.
    pub(crate) items: Vec<T>,
    /// How many there are in all.
    pub(crate) total: u64,
    /// Which page this is, from 1.
    #[schema(minimum = 1)]
    pub(crate) page: u64,
    /// How many items a page has at the most.
    #[schema(minimum = 1, maximum = 200)]
    pub(crate) size: u64,
}

/// A span in minutes: a whole number where it is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Minutes(pub(crate) Duration);

impl Serialize for Minutes {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        if self.0.subsec_nanos() == 0 && self.0.as_secs().is_multiple_of(60) {
            out.serialize_u64(self.0.as_secs() / 60)
        } else {
            out.serialize_f64(self.0.as_secs_f64() / 60.0)
        }
    }
}

impl PartialSchema for Minutes {
    fn schema() -> RefOr<Schema> {
        let described =
            ObjectBuilder::new().description(Some("A span in minutes: a whole number where it is one."));
        described.schema_type(Type::Number).minimum(Some(0)).examples([serde_json::json!(15)]).into()
    }
}

impl ToSchema for Minutes {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Minutes")
    }
}
