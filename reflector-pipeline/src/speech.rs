//! `transcribe`: what was said, from an endpoint that turns speech into text.

use std::path::Path;

use reflector_core::pipeline::{Progress, StageError};
use reqwest::multipart::{Form, Part};
use serde::{Deserialize, Serialize};

use crate::calls::Calls;
use crate::join::{Heard, join};
use crate::offset::Offset;
use crate::pieces::Piece;
use crate::transcription::{Segment, Transcription};
use crate::workdir::Workdir;

/// What an endpoint heard in a piece, as it is kept beside the audio: a stage that is repeated does not pay for it
/// again.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// Who was asked.
    asked: String,
    from: Offset,
    to: Offset,
    heard: Transcription,
}

/// What an endpoint answers in the form `verbose_json`, as far as it is read here.
#[derive(Debug, Deserialize)]
struct Answer {
    text: Option<String>,
    language: Option<String>,
    segments: Option<Vec<AnswerSegment>>,
}

#[derive(Debug, Deserialize)]
struct AnswerSegment {
    start: f64,
    end: f64,
    text: String,
}

/// Turns pieces into text, one after the other.
#[derive(Debug)]
pub(crate) struct Transcriber<'a> {
    pub(crate) calls: &'a Calls,
    pub(crate) workdir: &'a Workdir,
    pub(crate) speech: &'a Path,
}

impl Transcriber<'_> {
    /// What was said in all pieces. Before each it is asked whether it may be sent: nothing is made if not.
    pub(crate) async fn transcribe<May: Future<Output = Result<bool, StageError>>>(
        &self,
        pieces: &[Piece],
        may_be_sent: impl Fn() -> May,
        progress: &dyn Progress,
    ) -> Result<Option<Transcription>, StageError> {
        let mut language = None;
        let mut heard = Vec::new();
        for (number, piece) in pieces.iter().enumerate() {
            progress.is_at(number as u64, pieces.len() as u64);
            if !may_be_sent().await? {
                return Ok(None);
            }
            let transcription = match self.kept(number, *piece).await {
                Some(kept) => kept,
                None => self.hear(number, *piece).await?,
            };
            language = language.or(transcription.language);
            heard.push(Heard { piece: *piece, segments: transcription.segments });
        }
        progress.is_at(pieces.len() as u64, pieces.len() as u64);
        Ok(Some(Transcription { language, segments: join(heard) }))
    }

    /// What was heard in a piece before, if the same was asked.
    async fn kept(&self, number: usize, piece: Piece) -> Option<Transcription> {
        let bytes = tokio::fs::read(self.workdir.heard(number)).await.ok()?;
        let kept: Kept = serde_json::from_slice(&bytes).ok()?;
        let same = kept.asked == self.calls.asked() && (kept.from, kept.to) == (piece.from, piece.to);
        same.then_some(kept.heard)
    }

    async fn hear(&self, number: usize, piece: Piece) -> Result<Transcription, StageError> {
        let (length, wav) = piece.wav(self.speech).await?;
        let wav = Part::stream_with_length(wav, length).file_name(format!("piece-{number}.wav"));
        let wav = wav.mime_str("audio/wav").map_err(|error| StageError::failed(error.to_string()))?;
        let form = Form::new()
            .text("model", self.calls.model().to_owned())
            .text("response_format", "verbose_json")
            .text("timestamp_granularities[]", "segment")
            .part("file", wav);
        let body = self.calls.send(self.calls.request().multipart(form)).await?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| self.calls.not_understood("is no transcription in the form verbose_json"))?;
        let heard = self.read(answer, piece)?;
        let kept = Kept { asked: self.calls.asked(), from: piece.from, to: piece.to, heard };
        self.keep(number, &kept).await?;
        Ok(kept.heard)
    }

    async fn keep(&self, number: usize, kept: &Kept) -> Result<(), StageError> {
        let bytes = serde_json::to_vec(kept).map_err(|error| StageError::failed(error.to_string()))?;
        let (workdir, to) = (self.workdir.clone(), self.workdir.heard(number));
        // A thread that ends early has nothing left to do.
        tokio::task::spawn_blocking(move || workdir.write(&to, &bytes)).await.unwrap_or(Ok(()))
    }

    /// An answer, at times of the whole recording.
    fn read(&self, answer: Answer, piece: Piece) -> Result<Transcription, StageError> {
        let length = piece.to.minus(piece.from);
        let segments = match (answer.segments, answer.text) {
            (Some(segments), text)
                if !segments.is_empty() || text.as_deref().unwrap_or("").trim().is_empty() =>
            {
                segments
            }
            // Without times all that is known is in which piece it was said.
            (_, Some(text)) => vec![AnswerSegment { start: 0.0, end: length.seconds(), text }],
            _ => return Err(self.calls.not_understood("has neither a text nor segments")),
        };
        let place = |seconds| piece.from.plus(Offset::from_seconds(seconds).min(length));
        let mut segments: Vec<_> = segments
            .into_iter()
            .map(|AnswerSegment { start, end, text }| {
                let start = place(start);
                Segment { start, end: place(end).max(start), text: text.trim().to_owned() }
            })
            .filter(|segment| !segment.text.is_empty())
            .collect();
        segments.sort_by_key(|segment| segment.start);
        let language = answer.language.filter(|language| !language.trim().is_empty());
        Ok(Transcription { language, segments })
    }
}
