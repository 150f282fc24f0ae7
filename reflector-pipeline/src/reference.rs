//! The reference pipeline: its stages, in order, and what each works with.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use reflector_core::pipeline::{Inputs, Made, Pipeline, StageError, Transcript};
use reflector_core::recording::Objects;
use reflector_core::{OnDenied, TranscriptId};
use serde::Serialize;
use serde_json::json;

use crate::calls::{CHAT, Calls, SPEECH};
use crate::chat::Chat;
use crate::consents::{Consented, Consents, NobodyAsked, obey};
use crate::fetch::ensure_local;
use crate::listen;
use crate::parts::{Part, parts};
use crate::pieces;
use crate::publish::published;
use crate::settings::{NotUsable, PipelineSettings};
use crate::speech::Transcriber;
use crate::summaries::summaries;
use crate::topics::{Topics, title, topics};
use crate::transcription::Transcription;
use crate::workdir::Workdir;

/// The names of the stages, in order.
pub const STAGES: [&str; 9] =
    ["fetch", "probe", "waveform", "consent", "transcribe", "topics", "title", "final-summaries", "publish"];

/// The reference pipeline. It runs on tokio.
pub struct ReferencePipeline {
    settings: PipelineSettings,
    objects: Arc<dyn Objects>,
    consents: Arc<dyn Consents>,
    speech: Option<Calls>,
    chat: Option<Chat>,
}

impl ReferencePipeline {
    /// A pipeline over these objects, for a deployment in which nobody is asked for consent.
    ///
    /// # Errors
    ///
    /// [`NotUsable`], naming the setting that has to be changed.
    pub fn new(settings: PipelineSettings, objects: Arc<dyn Objects>) -> Result<Self, NotUsable> {
        settings.check()?;
        let speech = settings.stt.as_ref().map(|stt| Calls::new(stt, SPEECH, settings.stt_timeout));
        let chat =
            settings.llm.as_ref().map(|llm| Calls::new(llm, CHAT, settings.llm_timeout).map(Chat::new));
        let (speech, chat) = (speech.transpose()?, chat.transpose()?);
        Ok(Self { settings, objects, consents: Arc::new(NobodyAsked), speech, chat })
    }

    /// The same, with somebody who knows what participants answered.
    #[must_use]
    pub fn with_consents(self, consents: Arc<dyn Consents>) -> Self {
        Self { consents, ..self }
    }

    /// The transcripts that have working files on this machine: those whose run is not over, and those whose run
    /// failed or went on elsewhere.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub async fn working_on(&self) -> std::io::Result<Vec<TranscriptId>> {
        let mut entries = match tokio::fs::read_dir(&self.settings.data_dir).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            // What is not named like one of ours is not ours.
            found.extend(entry.file_name().to_str().and_then(|name| name.parse::<TranscriptId>().ok()));
        }
        found.sort();
        Ok(found)
    }

    /// Removes the working files of a transcript from this machine. What is still needed of them is made again.
    ///
    /// # Errors
    ///
    /// When they cannot be removed.
    pub async fn discard(&self, id: TranscriptId) -> Result<(), StageError> {
        self.workdir(id).remove().await
    }

    fn workdir(&self, id: TranscriptId) -> Workdir {
        Workdir::of(&self.settings.data_dir, id)
    }
}

impl fmt::Debug for ReferencePipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReferencePipeline").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[async_trait]
impl Pipeline for ReferencePipeline {
    fn stages(&self) -> &[&'static str] {
        &STAGES
    }

    async fn work(&self, stage: &str, inputs: Inputs<'_>) -> Result<Made, StageError> {
        let work = Work { pipeline: self, inputs, workdir: self.workdir(inputs.transcript.id) };
        match stage {
            "fetch" => work.fetch().await,
            "probe" => work.probe().await,
            "waveform" => work.waveform().await,
            "consent" => work.consent().await,
            "transcribe" => work.transcribe().await,
            "topics" => work.topics().await,
            "title" => work.title().await,
            "final-summaries" => work.summaries().await,
            "publish" => work.publish().await,
            other => Err(StageError::failed(format!("the reference pipeline has no stage {other}"))),
        }
    }
}

/// A stage of one transcript.
struct Work<'a> {
    pipeline: &'a ReferencePipeline,
    inputs: Inputs<'a>,
    workdir: Workdir,
}

impl Work<'_> {
    async fn fetch(&self) -> Result<Made, StageError> {
        // A run begins: what an earlier one made of the recording is made anew.
        self.workdir.forget_what_was_made().await?;
        self.ensure_local().await?;
        Ok(Made::Output(json!({ "size": self.transcript().size })))
    }

    async fn probe(&self) -> Result<Made, StageError> {
        let recording = self.ensure_local().await?;
        output(&listen::probe(recording, self.pipeline.settings.ffmpeg.clone(), self.inputs.progress).await?)
    }

    async fn waveform(&self) -> Result<Made, StageError> {
        // The pieces for speech-to-text are cut from what is decoded here.
        output(&self.hear(self.pipeline.speech.is_some()).await?)
    }

    async fn consent(&self) -> Result<Made, StageError> {
        let consented = Consented { denied: self.obey().await? };
        erasing(&consented, consented)
    }

    async fn transcribe(&self) -> Result<Made, StageError> {
        let Some(calls) = &self.pipeline.speech else {
            return Ok(skipped("nothing turns speech into text: set REFLECTOR_STT_URL"));
        };
        if self.obey().await?.is_some() {
            return Ok(skipped(
                "a participant denied consent: the audio was deleted, and was not sent anywhere",
            ));
        }
        let speech = self.workdir.speech();
        if !tokio::fs::try_exists(&speech).await.unwrap_or(false) {
            self.hear(true).await?;
        }
        let PipelineSettings { piece, overlap, .. } = self.pipeline.settings;
        let pieces = pieces::cut(pieces::length(&speech).await?, piece.into(), overlap.into());
        let transcriber = Transcriber { calls, workdir: &self.workdir, speech: &speech };
        let may_be_sent = async || Ok(self.obey().await?.is_none());
        match transcriber.transcribe(&pieces, may_be_sent, self.inputs.progress).await? {
            Some(transcription) => output(&transcription),
            None => Ok(skipped(
                "a participant denied consent meanwhile: the audio was deleted, and what was heard of it",
            )),
        }
    }

    async fn topics(&self) -> Result<Made, StageError> {
        match self.to_be_asked()? {
            Ok((chat, parts)) => output(&topics(chat, &parts, self.inputs.progress).await?),
            Err(why) => Ok(skipped(why)),
        }
    }

    async fn title(&self) -> Result<Made, StageError> {
        let (chat, parts) = match self.to_be_asked()? {
            Ok(found) => found,
            Err(why) => return Ok(skipped(why)),
        };
        let topics: Topics = self.inputs.made_by("topics")?.unwrap_or_default();
        output(&title(chat, &topics, &parts[0], self.pipeline.settings.part_chars).await?)
    }

    async fn summaries(&self) -> Result<Made, StageError> {
        let (chat, parts) = match self.to_be_asked()? {
            Ok(found) => found,
            Err(why) => return Ok(skipped(why)),
        };
        output(&summaries(chat, &parts, self.pipeline.settings.part_chars, self.inputs.progress).await?)
    }

    async fn publish(&self) -> Result<Made, StageError> {
        let consented = Consented { denied: self.obey().await? };
        let published = published(self.inputs, consented.denied)?;
        self.workdir.remove().await?;
        erasing(&published, consented)
    }

    /// The chat and a text to ask it about, in parts of which there is one at least; else why there is nothing to ask.
    fn to_be_asked(&self) -> Result<Result<(&Chat, Vec<Part>), &'static str>, StageError> {
        let Some(chat) = &self.pipeline.chat else {
            return Ok(Err("nothing answers questions about the text: set REFLECTOR_LLM_URL"));
        };
        let Some(transcription) = self.inputs.made_by::<Transcription>("transcribe")? else {
            return Ok(Err("there is no text: the recording was not transcribed"));
        };
        let parts = parts(&transcription.segments, self.pipeline.settings.part_chars);
        Ok(if parts.is_empty() {
            Err("there is no text: nothing was said in the recording")
        } else {
            Ok((chat, parts))
        })
    }

    async fn hear(&self, with_speech: bool) -> Result<crate::Waveform, StageError> {
        let recording = self.ensure_local().await?;
        let speech_for = with_speech.then(|| self.workdir.clone());
        listen::hear(recording, self.pipeline.settings.ffmpeg.clone(), speech_for, self.inputs.progress).await
    }

    async fn ensure_local(&self) -> Result<std::path::PathBuf, StageError> {
        let Self { pipeline, inputs, workdir } = self;
        ensure_local(&*pipeline.objects, workdir, inputs.transcript, inputs.progress).await
    }

    async fn obey(&self) -> Result<Option<OnDenied>, StageError> {
        obey(&*self.pipeline.consents, &self.workdir, self.transcript()).await
    }

    fn transcript(&self) -> &Transcript {
        self.inputs.transcript
    }
}

fn skipped(why: &str) -> Made {
    Made::Skipped(why.to_owned())
}

fn output(made: &impl Serialize) -> Result<Made, StageError> {
    kept(made).map(Made::Output)
}

/// What a stage made that asked whether somebody denied: what a denial takes with it goes in the same write.
fn erasing(made: &impl Serialize, consented: Consented) -> Result<Made, StageError> {
    let (output, erased) = (kept(made)?, consented.erased());
    Ok(if erased.is_empty() { Made::Output(output) } else { Made::Erasing { output, erased } })
}

fn kept(made: &impl Serialize) -> Result<serde_json::Value, StageError> {
    serde_json::to_value(made)
        .map_err(|error| StageError::failed(format!("what was made cannot be kept: {error}")))
}
