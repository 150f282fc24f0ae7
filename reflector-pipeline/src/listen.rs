//! `probe` and `waveform`: what a recording is, and the one pass that decodes it.

use std::path::PathBuf;

use reflector_core::pipeline::{Progress, StageError};
use serde::{Deserialize, Serialize};

use crate::aside::aside;
use crate::decode::Sound;
use crate::offset::Offset;
use crate::resample::SpeechWriter;
use crate::waveform::{Peaks, Waveform};
use crate::workdir::Workdir;

/// What a recording is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// The kind of file, by a short name: `isomp4`, `matroska`, `ogg`, …
    pub container: String,
    /// The codec of the audio track, by a short name: `aac`, `opus`, …
    pub codec: String,
    /// How many channels it has, if the header says so.
    pub channels: Option<usize>,
    /// How many samples a second, if the header says so.
    pub sample_rate: Option<u32>,
    /// How long it is: as the header says, else by its packets.
    pub duration: Offset,
}

/// Looks at a recording: there is an audio track, and the beginning of it can be decoded.
pub(crate) async fn probe(
    recording: PathBuf,
    ffmpeg: PathBuf,
    progress: &dyn Progress,
) -> Result<Probed, StageError> {
    aside(progress, move |aside| {
        let sound = Sound::open(&recording, &ffmpeg)?;
        let stated = sound.stated_duration();
        let mut probed = Probed {
            container: sound.container().to_owned(),
            codec: sound.codec(),
            channels: sound.channels(),
            sample_rate: sound.sample_rate(),
            duration: stated.unwrap_or_default(),
        };
        sound.try_out(aside)?;
        if stated.is_none() {
            probed.duration = Sound::open(&recording, &ffmpeg)?.measured_duration(aside)?;
        }
        Ok(probed)
    })
    .await
}

/// Decodes a recording once: its peaks, and on the way its speech, if that is wanted.
pub(crate) async fn hear(
    recording: PathBuf,
    ffmpeg: PathBuf,
    speech_for: Option<Workdir>,
    progress: &dyn Progress,
) -> Result<Waveform, StageError> {
    aside(progress, move |aside| {
        let sound = Sound::open(&recording, &ffmpeg)?;
        let mut peaks = Peaks::new();
        let mut speech = speech_for.as_ref().map(Workdir::scratch).transpose()?.map(SpeechWriter::new);
        let decoded = sound.decode_all(aside, &mut |rate, samples| {
            peaks.add(samples);
            speech.as_mut().map_or(Ok(()), |speech| speech.take(rate, samples))
        })?;
        if let Some((workdir, speech)) = speech_for.zip(speech) {
            workdir.keep(speech.finish()?, &workdir.speech())?;
        }
        Ok(peaks.finish(decoded.rate, decoded.samples, decoded.cut_off))
    })
    .await
}
