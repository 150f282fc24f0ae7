//! What was said in a recording.

use serde::{Deserialize, Serialize};

use crate::offset::Offset;

/// What was said in a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcription {
    /// The language, as the endpoint names it.
    pub language: Option<String>,
    /// What was said, in order.
    pub segments: Vec<Segment>,
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// From when on.
    pub start: Offset,
    /// Until when.
    pub end: Offset,
    /// The words.
    pub text: String,
}
