//! The sound of a file, as one channel of samples: in-process where that can be, else by ffmpeg.

mod ffmpeg;
mod timeline;

use std::fs::File;
use std::path::{Path, PathBuf};

use reflector_core::pipeline::StageError;
use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_ALAC, CODEC_ID_OPUS};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::units::TimeBase;

use crate::aside::Aside;
use crate::offset::Offset;
use crate::workdir::not_read;
use ffmpeg::Ffmpeg;
use timeline::Timeline;

/// What takes samples: the rate, and the next of one channel, between -1 and 1.
pub(crate) type Take<'a> = dyn FnMut(u32, &[f32]) -> Result<(), StageError> + 'a;

/// The rates that sound is recorded at. What is outside is a damaged header, not a recording.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;
/// How many packets are tried to find one that can be decoded.
const TRIES: u32 = 100;

/// A file with an audio track.
pub(crate) struct Sound {
    path: PathBuf,
    reader: Box<dyn FormatReader>,
    track: Track,
    params: AudioCodecParameters,
    with: With,
}

/// What decodes it.
enum With {
    Symphonia(Box<dyn AudioDecoder>),
    Ffmpeg(Ffmpeg),
}

/// What decoding all of it came to.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// The rate of the samples.
    pub(crate) rate: u32,
    /// How many there were.
    pub(crate) samples: u64,
    /// Why the rest of the file could not be read, if there was one.
    pub(crate) cut_off: Option<String>,
}

impl Sound {
    /// Opens a file. What decodes codecs that are not decoded in-process is found under `ffmpeg`.
    ///
    /// # Errors
    ///
    /// [`StageError::Failed`] for one that is no recording, has no audio track, or cannot be decoded here.
    pub(crate) fn open(path: &Path, ffmpeg: &Path) -> Result<Self, StageError> {
        let file = File::open(path).map_err(not_read)?;
        if file.metadata().map_err(not_read)?.len() == 0 {
            return Err(StageError::failed("the recording is empty: it has no bytes"));
        }
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let reader = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| StageError::failed(format!("the recording cannot be read: {}", told(&error))))?;
        let (track, params) = audio_track(&*reader)?;
        let options = AudioDecoderOptions::default();
        let with = match symphonia::default::get_codecs().make_audio_decoder(&params, &options) {
            Ok(decoder) => With::Symphonia(decoder),
            Err(_) => With::Ffmpeg(Ffmpeg::found(ffmpeg, &codec_name(params.codec))?),
        };
        Ok(Self { path: path.to_owned(), reader, track, params, with })
    }

    /// The kind of file, by a short name.
    pub(crate) fn container(&self) -> &'static str {
        self.reader.format_info().short_name
    }

    /// The codec, by a short name.
    pub(crate) fn codec(&self) -> String {
        match &self.with {
            With::Symphonia(decoder) => decoder.codec_info().short_name.to_owned(),
            With::Ffmpeg(_) => codec_name(self.params.codec),
        }
    }

    /// How many channels it has, as far as its header says.
    pub(crate) fn channels(&self) -> Option<usize> {
        self.params.channels.as_ref().map(symphonia::core::audio::Channels::count)
    }

    /// The rate it was recorded at, as far as its header says.
    pub(crate) fn sample_rate(&self) -> Option<u32> {
        self.params.sample_rate
    }

    /// How long it is, as far as its header says.
    pub(crate) fn stated_duration(&self) -> Option<Offset> {
        let media = self.reader.media_info();
        let of = |base: Option<TimeBase>, span| Some(base?.calc_duration_saturating(span?).as_millis());
        let stated = of(self.track.time_base, self.track.duration).filter(|millis| *millis > 0);
        let millis = stated.or_else(|| of(media.time_base, media.duration))?;
        u64::try_from(millis).ok().filter(|millis| *millis > 0).map(Offset::from_millis)
    }

    /// How long it is by its packets, without decoding them. Reads all of the file.
    pub(crate) fn measured_duration(mut self, aside: &Aside) -> Result<Offset, StageError> {
        let Some(base) = self.track.time_base else { return Ok(Offset::default()) };
        let mut end = Offset::default();
        loop {
            aside.go_on()?;
            match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track.id => {
                    let until = packet.pts.saturating_add(packet.dur);
                    let millis = base.calc_time_saturating(until).as_millis();
                    end = end.max(Offset::from_millis(u64::try_from(millis).unwrap_or(0)));
                }
                Ok(Some(_)) => {}
                // What can be read is what counts, as it does when it is decoded.
                Ok(None) | Err(_) => return Ok(end),
            }
        }
    }

    /// Whether something of it can be decoded.
    pub(crate) fn try_out(self, aside: &Aside) -> Result<(), StageError> {
        let mut some = 0;
        let mut take = |_, samples: &[f32]| {
            some += samples.len();
            // Enough was seen.
            Err(StageError::again("tried out"))
        };
        let came_to = self.decode(aside, TRIES, &mut take);
        if some > 0 { Ok(()) } else { came_to.map(drop) }
    }

    /// Decodes all of it, a little at a time. Where time passes without sound there is silence.
    pub(crate) fn decode_all(self, aside: &Aside, take: &mut Take<'_>) -> Result<Decoded, StageError> {
        self.decode(aside, u32::MAX, take)
    }

    fn decode(mut self, aside: &Aside, tries: u32, take: &mut Take<'_>) -> Result<Decoded, StageError> {
        let stated = self.stated_duration();
        let mut decoder = match self.with {
            With::Ffmpeg(ffmpeg) => return ffmpeg.decode(&self.path, stated, aside, take),
            With::Symphonia(decoder) => decoder,
        };
        let mut timeline = Timeline::new(stated);
        let (mut planes, mut failures, mut cut_off) = (Vec::new(), 0, None);
        loop {
            aside.go_on()?;
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track.id => packet,
                Ok(Some(_)) => continue,
                Ok(None) => break,
                Err(Error::ResetRequired) => {
                    // Another stream begins behind the first one, with a time of its own.
                    (self.track, self.params) = audio_track(&*self.reader)?;
                    decoder = again(&self.params)?;
                    timeline.begins_anew();
                    continue;
                }
                Err(error) => {
                    cut_off = Some(told(&error));
                    break;
                }
            };
            match decoder.decode(&packet) {
                Ok(block) if block.frames() > 0 => {
                    let rate = rate_of(&block)?;
                    let starts =
                        self.track.time_base.map(|base| base.calc_time_saturating(packet.pts).as_nanos());
                    timeline.reach(rate, starts, take)?;
                    timeline.add(one_channel(&block, &mut planes), take)?;
                    timeline.tell(aside);
                }
                Ok(_) => {}
                Err(Error::ResetRequired) => decoder = again(&self.params)?,
                // One that is damaged is left out; the time it takes is silence.
                Err(_) => {
                    failures += 1;
                    if failures >= tries {
                        break;
                    }
                }
            }
        }
        timeline.end(cut_off)
    }
}

/// The track that is heard: the one marked for it, else the first.
fn audio_track(reader: &dyn FormatReader) -> Result<(Track, AudioCodecParameters), StageError> {
    let track = reader.default_track(TrackType::Audio).or_else(|| reader.first_track(TrackType::Audio));
    let params = track.and_then(|track| track.codec_params.as_ref()?.audio().cloned());
    match track.cloned().zip(params) {
        Some(found) => Ok(found),
        None => Err(StageError::failed("no audio track: there is nothing to be heard in the recording")),
    }
}

fn again(params: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, StageError> {
    let options = AudioDecoderOptions::default();
    symphonia::default::get_codecs().make_audio_decoder(params, &options).map_err(|error| {
        StageError::failed(format!("the audio track changes to one that cannot be decoded: {error}"))
    })
}

fn rate_of(block: &GenericAudioBufferRef<'_>) -> Result<u32, StageError> {
    let rate = block.spec().rate();
    if RATES.contains(&rate) {
        return Ok(rate);
    }
    Err(StageError::failed(format!(
        "the audio track is damaged: it says that it has {rate} samples a second"
    )))
}

/// All channels as one, their mean.
fn one_channel<'a>(block: &GenericAudioBufferRef<'_>, planes: &'a mut Vec<Vec<f32>>) -> &'a [f32] {
    block.copy_to_vecs_planar(planes);
    if let Some((first, others)) = planes.split_first_mut().filter(|(_, others)| !others.is_empty()) {
        for other in others.iter() {
            first.iter_mut().zip(other).for_each(|(sum, sample)| *sum += sample);
        }
        let share = 1.0 / (others.len() + 1) as f32;
        first.iter_mut().for_each(|sum| *sum *= share);
    }
    planes.first().map_or(&[], Vec::as_slice)
}

fn codec_name(codec: AudioCodecId) -> String {
    match codec {
        CODEC_ID_OPUS => "opus".to_owned(),
        CODEC_ID_ALAC => "alac".to_owned(),
        other => format!("{other}"),
    }
}

/// What went wrong in a file, for a person.
fn told(error: &Error) -> String {
    match error {
        Error::Unsupported("core (probe): no suitable format reader found") => {
            "it is none of MP4, MKV, WebM, Ogg, MP3, FLAC and WAV".to_owned()
        }
        Error::Unsupported("isomp4: missing moov atom") => {
            "it is cut off: an MP4 without its table of contents".to_owned()
        }
        Error::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "it is cut off".to_owned()
        }
        error => format!("it is damaged or cut off ({error})"),
    }
}
