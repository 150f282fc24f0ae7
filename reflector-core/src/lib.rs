#![doc = include_str!("../README.md")]

pub mod admission;
pub mod engine;
pub mod history;
mod ids;
pub mod lifecycle;
mod meeting;
pub mod notice;
mod participant;
pub mod pipeline;
pub mod provider;
pub mod recording;
mod room;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod time;

pub use ids::{ApiKeyId, ConnectionKey, MeetingId, ProviderName, RecordingId, RoomId, TranscriptId, UserId};
pub use lifecycle::Life;
pub use meeting::{Claim, Meeting, ProviderRoom, SecretUrl};
pub use participant::{Participant, Role};
pub use room::{
    NotARoomName, OnDenied, RecordingTrigger, RecordingType, Room, RoomMode, RoomName, RoomPolicy,
    RoomSettings, RoomWebhook, WebhookSecret,
};
pub use time::{NotATime, Timestamp};
