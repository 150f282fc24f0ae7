#![doc = include_str!("../README.md")]

mod aside;
mod calls;
mod chat;
mod consents;
mod decode;
mod fetch;
mod join;
mod listen;
mod models;
mod offset;
mod parts;
mod pieces;
mod publish;
mod reference;
mod resample;
mod settings;
mod speech;
mod summaries;
mod topics;
mod transcription;
mod waveform;
mod webvtt;
mod workdir;

pub use consents::{Consented, Consents, NobodyAsked};
pub use listen::Probed;
pub use models::{Models, Serves};
pub use offset::Offset;
pub use publish::Published;
pub use reference::{ReferencePipeline, STAGES};
pub use settings::{Endpoint, NotUsable, PipelineSettings};
pub use summaries::{ActionItem, Summaries};
pub use topics::{Title, Topic, Topics};
pub use transcription::{Segment, Transcription};
pub use waveform::Waveform;
pub use webvtt::webvtt;
