//! What the pipeline is configured with.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// What the pipeline is configured with. `Debug` shows no key.
#[derive(Clone, Debug)]
pub struct PipelineSettings {
    /// Where working files are: a folder for each transcript, gone when it is published (`REFLECTOR_DATA_DIR`).
    pub data_dir: PathBuf,
    /// What turns speech into text. Without it nothing is transcribed.
    pub stt: Option<Endpoint>,
    /// What finds topics, titles and summaries. Without it there are none.
    pub llm: Option<Endpoint>,
    /// How long a piece of audio is that goes to the speech-to-text endpoint: ten minutes, which are 19 MB. OpenAI
    /// takes 25 MB.
    pub piece: Duration,
    /// How much of its beginning a piece has in common with the one before it: words in there are compared, so that
    /// none is doubled or lost. Less than half a piece.
    pub overlap: Duration,
    /// How long speech-to-text may take for a piece.
    pub stt_timeout: Duration,
    /// How many characters of a transcript go into one question: what is longer is asked about in parts.
    pub part_chars: usize,
    /// How long an answer may take.
    pub llm_timeout: Duration,
    /// What decodes Opus and other codecs that are not decoded in-process: a path, or a name that is looked up on
    /// the `PATH`.
    pub ffmpeg: PathBuf,
}

/// An OpenAI-compatible endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its base, such as `https://api.openai.com/v1`, to which `/audio/transcriptions` or `/chat/completions` is
    /// added. An address that ends with these is taken as it stands, and one without any path gets `/v1` as well.
    pub url: String,
    /// The key that is sent as a bearer token, if it needs one.
    pub key: Option<SecretString>,
    /// The model that is asked for.
    pub model: String,
}

impl PipelineSettings {
    /// Settings without endpoints.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            stt: None,
            llm: None,
            piece: Duration::from_secs(600),
            overlap: Duration::from_secs(5),
            stt_timeout: Duration::from_secs(600),
            part_chars: 24_000,
            llm_timeout: Duration::from_secs(300),
            ffmpeg: PathBuf::from("ffmpeg"),
        }
    }

    /// Whether pieces and parts can be made of these lengths.
    pub(crate) fn check(&self) -> Result<(), NotUsable> {
        // A minute has room for words on both sides of what overlaps.
        if self.piece < Duration::from_secs(10) || self.overlap * 2 >= self.piece {
            return Err(NotUsable::Pieces { piece: self.piece, overlap: self.overlap });
        }
        if self.part_chars < 1_000 {
            return Err(NotUsable::Parts(self.part_chars));
        }
        Ok(())
    }
}

/// The pipeline cannot be made from these settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotUsable {
    /// The address of an endpoint is none.
    #[error("{setting} is `{value}`; it should be an address such as https://api.openai.com/v1")]
    Url {
        /// The setting.
        setting: &'static str,
        /// What it says.
        value: String,
    },
    /// A key is empty, or has characters that no key has.
    #[error("{setting} is empty or has characters that no key has; leave it out, or copy the key again")]
    Key {
        /// The setting.
        setting: &'static str,
    },
    /// An endpoint is there, and no model is named.
    #[error("{setting} is missing; it should name a model that the endpoint has")]
    Model {
        /// The setting.
        setting: &'static str,
    },
    /// Audio cannot be cut like this.
    #[error(
        "pieces of {piece:?} that overlap by {overlap:?} cannot be cut; they should be ten seconds long at least, and \
         overlap by less than half"
    )]
    Pieces {
        /// How long a piece is.
        piece: Duration,
        /// How much of it is in the one before, too.
        overlap: Duration,
    },
    /// A transcript cannot be cut like this.
    #[error("parts of {0} characters are too short to be asked about; they should have 1000 at least")]
    Parts(usize),
    /// This machine cannot make secure connections.
    #[error("no secure connection can be made from here; check the certificates of this machine")]
    Http(#[source] reqwest::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_show_no_key() {
        let key = Some("that-is-secret".into());
        let endpoint = Endpoint { url: "http://h/v1".to_owned(), key, model: "m".to_owned() };
        let settings = PipelineSettings { stt: Some(endpoint), ..PipelineSettings::new("data") };
        assert!(!format!("{settings:?}").contains("that-is-secret"));
    }

    #[test]
    fn pieces_that_are_all_overlap_are_refused() {
        let of = |piece, overlap| PipelineSettings {
            piece: Duration::from_secs(piece),
            overlap: Duration::from_secs(overlap),
            ..PipelineSettings::new("data")
        };
        assert!(of(600, 5).check().is_ok() && of(10, 0).check().is_ok());
        assert!(of(10, 5).check().is_err() && of(9, 0).check().is_err());
    }
}
