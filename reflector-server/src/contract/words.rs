//! What the wire has of the core's and the pipeline's types, for the document: those crates know nothing of it.
//!
//! Each list of words is held to its type twice: a variant that is missing here is an error of the compiler, and the words
//! are the ones that serde writes.

use std::borrow::Cow;

use reflector_core::lifecycle as life;
use reflector_core::store::Source as EventSource;
use reflector_core::{Timestamp, pipeline, recording};
use serde_json::{Value, json};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::examples;

/// A named schema that a function makes.
macro_rules! described {
    ($name:ident, $schema:expr) => {
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

/// An enumeration of all the words that a type of the core has.
macro_rules! words {
    ($name:ident, $kind:ty, $description:literal, [$($word:ident),+ $(,)?]) => {
        described!($name, {
            type Core = $kind;
            const ALL: &[Core] = &[$(Core::$word),+];
            /// Every variant is named above, or this does not compile.
            const fn is_named(word: Core) -> bool {
                match word { $(Core::$word => true),+ }
            }
            one_of($description, ALL.iter().filter(|word| is_named(**word)).map(|word| json!(word)))
        });
    };
}

fn one_of<W: Into<Value>>(description: &str, words: impl IntoIterator<Item = W>) -> ObjectBuilder {
    text(description).enum_values(Some(words.into_iter().map(Into::into)))
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).description(Some(description))
}

words!(RoomMode, reflector_core::RoomMode, "How many people a room is built for.", [Normal, Group]);
words!(
    RecordingType,
    reflector_core::RecordingType,
    "Whether and where meetings are recorded: not, by a participant's own browser, or by the provider.",
    [None, Local, Cloud]
);
words!(
    RecordingTrigger,
    reflector_core::RecordingTrigger,
    "What starts a recording by the provider: somebody, the host when asked, the first or the second participant.",
    [None, Prompt, Automatic, Automatic2ndParticipant]
);
words!(
    OnDenied,
    reflector_core::OnDenied,
    "What becomes of a recording when somebody denies their consent: its audio goes, or all that was made of it too.",
    [DeleteAudio, DeleteAll]
);
words!(
    Source,
    EventSource,
    "Where an event came from: a message of the provider, a deadline, a question to the provider, a call of this API, a \
     calendar, or the provider's answer to what it was asked to do.",
    [Webhook, Deadline, Poll, Api, Calendar, Provider]
);
words!(
    CloseReason,
    life::CloseReason,
    "Why a meeting closes.",
    [
        GraceExpired,
        NeverJoined,
        Overtime,
        MaxLifetime,
        Cancelled,
        EndedByOwner,
        EndedAtProvider,
        ProviderRefused,
        ProviderUnavailable,
        Unconfirmed,
    ]
);
words!(
    RecordingStatus,
    recording::RecordingStatus,
    "How far a recording has come. Of an unmatched one nobody knows which meeting it is of.",
    [Unmatched, Pending, Processing, Completed, Failed]
);
words!(
    TranscriptStatus,
    pipeline::TranscriptStatus,
    "How a transcript stands.",
    [Idle, Uploaded, Processing, Ended, Error]
);
words!(
    StageStatus,
    pipeline::StageStatus,
    "How far a stage has come.",
    [Pending, Running, Done, Skipped, Failed]
);

described!(
    Phase,
    one_of(
        "Where a meeting is in its life: its room is being made, nobody has come yet, people are in, all have left, it is \
         being closed, it is over.",
        phases().iter().filter(|phase| has_word(phase)).map(life::Phase::as_str)
    )
);

/// A meeting in each phase.
const fn phases() -> [life::Phase; 6] {
    let (since, reason) = (Timestamp::MIN, life::CloseReason::EndedByOwner);
    [
        life::Phase::Opening { since },
        life::Phase::Waiting { since },
        life::Phase::Live { humans: 1, since },
        life::Phase::Grace { since },
        life::Phase::Closing { reason, close: life::Close::Force, since },
        life::Phase::Closed { reason, at: since },
    ]
}

/// Every phase is above, or this does not compile when there is another.
const fn has_word(phase: &life::Phase) -> bool {
    match phase {
        life::Phase::Opening { .. }
        | life::Phase::Waiting { .. }
        | life::Phase::Live { .. }
        | life::Phase::Grace { .. }
        | life::Phase::Closing { .. }
        | life::Phase::Closed { .. } => true,
    }
}

described!(Outcome, one_of("Whether an event changed anything.", ["applied", "ignored"]));
described!(LiveKind, one_of("What an event is.", ["meeting", "entry", "ready", "reset"]));
described!(Never, one_of("Without a bound of its own.", ["never"]));
described!(
    RoomName,
    text("A room's name. It never looks like an id.")
        .pattern(Some("^[a-z0-9][a-z0-9-]{0,62}$"))
        .examples([json!("standup")])
);
described!(
    Time,
    text("An instant, in RFC 3339. Answers are in UTC, to the microsecond.")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .examples([json!("2026-11-22T09:30:00Z")])
);
described!(
    MinutesAsked,
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Number))
        .description(Some("A number of minutes, up to a year of them. It need not be whole."))
        .minimum(Some(0))
        .maximum(Some(525_600))
        .examples([json!(15)])
);
described!(
    Seconds,
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Number))
        .description(Some("A place in a recording or its length, in seconds, to the millisecond."))
        .minimum(Some(0))
        .examples([json!(12.345)])
);

/// A message as Whereby sends it.
#[derive(ToSchema)]
#[schema(examples(examples::whereby_message))]
#[expect(dead_code, reason = "it is what reflector_whereby reads, for the document alone")]
pub(crate) struct WherebyMessage {
    /// Its id: what comes again changes nothing.
    #[schema(min_length = 1)]
    id: String,
    /// What it tells of.
    r#type: String,
    /// When that happened.
    #[serde(rename = "createdAt")]
    #[schema(value_type = Value, required = false)]
    created_at: Value,
    /// What there is to tell.
    #[schema(value_type = Value, required = false)]
    data: Value,
}

/// How far a transcript is, as an event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is how the stream of a transcript's progress looks, for the document alone")]
pub(crate) struct ProgressEvent {
    /// Always `progress`.
    event: String,
    /// An object with `status` and `stages`, which are those of the transcript.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// Something that happened, as an event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is how the stream of what happens looks, for the document alone")]
pub(crate) struct LiveEvent {
    /// What it is.
    event: LiveKind,
    /// Where to go on after it.
    id: Option<String>,
    /// A `Live`, or an empty object.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// Something to be done.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it is how reflector_pipeline::ActionItem looks on the wire, for the document alone"
)]
pub(crate) struct ActionItem {
    /// What.
    task: String,
    /// By whom, if that was said.
    #[schema(required)]
    owner: Option<String>,
}

/// What was talked about for a while.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is how reflector_pipeline::Topic looks on the wire, for the document alone")]
pub(crate) struct Topic {
    /// In a few words.
    title: String,
    /// In a sentence or two.
    summary: String,
    /// From when on.
    start: Seconds,
}

/// Something that was said.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it is how reflector_pipeline::Segment looks on the wire, for the document alone"
)]
pub(crate) struct Segment {
    /// From when on.
    start: Seconds,
    /// Until when.
    end: Seconds,
    /// The words.
    text: String,
}
