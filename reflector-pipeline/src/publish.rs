//! `publish`: all that was made, as one.

use std::collections::BTreeMap;

use reflector_core::OnDenied;
use reflector_core::pipeline::{Inputs, StageError, Transcript, Unseen};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::consents::Consented;
use crate::listen::Probed;
use crate::offset::Offset;
use crate::summaries::{ActionItem, Summaries};
use crate::topics::{Title, Topic, Topics};
use crate::transcription::{Segment, Transcription};
use crate::waveform::Waveform;
use crate::webvtt::webvtt;

/// A transcript as it is published. What was skipped is not there; nothing is made up in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// What the meeting is called.
    pub title: Option<String>,
    /// What it came to, in a few sentences.
    pub short_summary: Option<String>,
    /// The same in some paragraphs.
    pub long_summary: Option<String>,
    /// What is to be done.
    pub action_items: Vec<ActionItem>,
    /// What was talked about.
    pub topics: Vec<Topic>,
    /// Who took part.
    pub participants: Vec<String>,
    /// What was said.
    pub segments: Vec<Segment>,
    /// The same as captions.
    pub webvtt: Option<String>,
    /// How long the recording is.
    pub duration: Option<Offset>,
    /// The language that was spoken.
    pub language: Option<String>,
    /// Whether the audio was deleted, because a participant denied consent.
    pub audio_deleted: bool,
}

impl Published {
    /// A transcript as far as it has come, of what its stages made so far: by their names, texts as they are kept.
    /// What cannot be read is not there.
    pub fn so_far(transcript: &Transcript, made: &BTreeMap<String, String>) -> Self {
        let values =
            made.iter().filter_map(|(stage, text)| Some((stage.clone(), serde_json::from_str(text).ok()?)));
        let made: BTreeMap<String, Value> = values.collect();
        let inputs = Inputs { transcript, made: &made, progress: &Unseen };
        if let Ok(Some(published)) = inputs.made_by("publish") {
            return published;
        }
        let consented: Option<Consented> = inputs.made_by("consent").unwrap_or_default();
        published(inputs, consented.and_then(|consented| consented.denied)).unwrap_or_default()
    }
}

/// What is published of what was made.
pub(crate) fn published(inputs: Inputs<'_>, denied: Option<OnDenied>) -> Result<Published, StageError> {
    let audio_deleted = denied.is_some();
    if denied == Some(OnDenied::DeleteAll) {
        return Ok(Published { audio_deleted, ..Published::default() });
    }
    let waveform: Option<Waveform> = inputs.made_by("waveform")?;
    let probed: Option<Probed> = inputs.made_by("probe")?;
    let transcription: Option<Transcription> = inputs.made_by("transcribe")?;
    let topics: Option<Topics> = inputs.made_by("topics")?;
    let title: Option<Title> = inputs.made_by("title")?;
    let summaries: Option<Summaries> = inputs.made_by("final-summaries")?;
    let (short_summary, long_summary, action_items, participants) = match summaries {
        Some(Summaries { participants, short_summary, long_summary, action_items }) => {
            (Some(short_summary), Some(long_summary), action_items, participants)
        }
        None => Default::default(),
    };
    let webvtt = transcription.as_ref().map(|transcription| webvtt(&transcription.segments));
    let Transcription { language, segments } = transcription.unwrap_or_default();
    Ok(Published {
        title: title.map(|title| title.title),
        short_summary,
        long_summary,
        action_items,
        topics: topics.unwrap_or_default().topics,
        participants,
        segments,
        webvtt,
        // What was decoded counts more than what the header says.
        duration: waveform.map(|waveform| waveform.duration).or(probed.map(|probed| probed.duration)),
        language,
        audio_deleted,
    })
}
