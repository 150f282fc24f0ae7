//! Sound as speech-to-text wants it: 16 kHz, one channel, 16 bits.

use std::io::{BufWriter, Write};

use reflector_core::pipeline::StageError;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler};
use tempfile::NamedTempFile;

use crate::workdir::not_written;

/// Samples a second.
pub(crate) const RATE: u32 = 16_000;
/// How many bytes a second has.
pub(crate) const BYTES_PER_SECOND: u64 = RATE as u64 * 2;
/// About how many samples are resampled at once.
const BLOCK: usize = 4_800;

/// Writes speech while it is decoded.
pub(crate) struct SpeechWriter {
    file: BufWriter<NamedTempFile>,
    resampler: Option<Fft<f32>>,
    rate: u32,
    /// What came and was not resampled yet.
    waiting: Vec<f32>,
    resampled: Vec<f32>,
    bytes: Vec<u8>,
    came: u64,
    written: u64,
    /// How much of the beginning is the resampler's own delay.
    late: usize,
}

impl SpeechWriter {
    pub(crate) fn new(file: NamedTempFile) -> Self {
        Self {
            file: BufWriter::with_capacity(64 * 1024, file),
            resampler: None,
            rate: RATE,
            waiting: Vec::new(),
            resampled: Vec::new(),
            bytes: Vec::new(),
            came: 0,
            written: 0,
            late: 0,
        }
    }

    /// Takes samples, all at one rate.
    pub(crate) fn take(&mut self, rate: u32, samples: &[f32]) -> Result<(), StageError> {
        if self.came == 0 && rate != RATE {
            self.begin(rate)?;
        }
        self.came += samples.len() as u64;
        let Some(resampler) = &self.resampler else { return self.write(samples) };
        let block = resampler.input_frames_next();
        self.waiting.extend_from_slice(samples);
        let mut from = 0;
        while self.waiting.len() - from >= block {
            self.resample(from, None)?;
            from += block;
        }
        self.waiting.drain(..from);
        Ok(())
    }

    /// What is left, and the file: as long as what came.
    pub(crate) fn finish(mut self) -> Result<NamedTempFile, StageError> {
        let due = (u128::from(self.came) * u128::from(RATE)).div_ceil(u128::from(self.rate));
        while self.resampler.is_some() && u128::from(self.written) < due {
            let left = self.waiting.len();
            let block = self.resampler.as_ref().map_or(0, Resampler::input_frames_next);
            // What is missing to a whole block is silence, and so is what pushes out the delay.
            self.waiting.resize(block, 0.0);
            self.resample(0, Some(left))?;
            self.waiting.clear();
        }
        let file = self.file.into_inner().map_err(|error| not_written(error.into_error()))?;
        let due = u64::try_from(due).unwrap_or(u64::MAX);
        file.as_file().set_len(due.saturating_mul(2)).map_err(not_written)?;
        Ok(file)
    }

    fn begin(&mut self, rate: u32) -> Result<(), StageError> {
        let both = FixedSync::Both;
        let resampler = Fft::new(rate as usize, RATE as usize, BLOCK, 1, both).map_err(not_resampled)?;
        self.late = resampler.output_delay();
        self.resampled = vec![0.0; resampler.output_frames_max()];
        self.rate = rate;
        self.resampler = Some(resampler);
        Ok(())
    }

    /// Resamples the block that waits from this place on, of which so many are sound.
    fn resample(&mut self, from: usize, sound: Option<usize>) -> Result<(), StageError> {
        let Some(resampler) = &mut self.resampler else { return Ok(()) };
        let block = resampler.input_frames_next();
        let input =
            InterleavedSlice::new(&self.waiting[from..from + block], 1, block).map_err(not_resampled)?;
        let room = self.resampled.len();
        let mut output = InterleavedSlice::new_mut(&mut self.resampled, 1, room).map_err(not_resampled)?;
        let partly = Indexing { partial_len: sound, ..Indexing::default() };
        let (_, made) =
            resampler.process_into_buffer(&input, &mut output, Some(&partly)).map_err(not_resampled)?;
        let late = self.late.min(made);
        self.late -= late;
        let resampled = std::mem::take(&mut self.resampled);
        let written = self.write(&resampled[late..made]);
        self.resampled = resampled;
        written
    }

    fn write(&mut self, samples: &[f32]) -> Result<(), StageError> {
        self.written += samples.len() as u64;
        self.bytes.clear();
        // Out of range it becomes the end of the range.
        self.bytes
            .extend(samples.iter().flat_map(|sample| ((sample * 32_767.0).round() as i16).to_le_bytes()));
        self.file.write_all(&self.bytes).map_err(not_written)
    }
}

fn not_resampled(error: impl std::fmt::Display) -> StageError {
    StageError::failed(format!("the sound cannot be brought to 16 kHz ({error})"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn resampled(rate: u32, samples: &[f32], block: usize) -> Vec<i16> {
        let mut speech = SpeechWriter::new(NamedTempFile::new().unwrap());
        samples.chunks(block).for_each(|block| speech.take(rate, block).unwrap());
        let bytes = fs::read(speech.finish().unwrap().path()).unwrap();
        bytes.chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
    }

    #[test]
    fn it_is_as_long_as_what_came_and_keeps_its_place_in_time() {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 47_999] {
            // A second of silence with half a second of a tone from 0.25 s on.
            let wave =
                |n: u32| (f64::from(n) / f64::from(rate) * 440.0 * std::f64::consts::TAU).sin() as f32 * 0.5;
            let loud = rate / 4..rate * 3 / 4;
            let samples: Vec<f32> =
                (0..rate).map(|n| if loud.contains(&n) { wave(n) } else { 0.0 }).collect();
            let speech = resampled(rate, &samples, 1_000);
            assert_eq!(speech.len(), 16_000, "{rate}");
            assert_eq!(
                speech,
                resampled(rate, &samples, 4_321),
                "{rate}: it depends on how the samples come"
            );
            let loudest =
                |from: usize, to: usize| speech[from..to].iter().map(|s| s.unsigned_abs()).max().unwrap();
            assert!(loudest(0, 3_900) < 500, "{rate}: {}", loudest(0, 3_900));
            assert!(loudest(12_100, 16_000) < 500, "{rate}: {}", loudest(12_100, 16_000));
            for from in (4_100..11_900).step_by(100) {
                let loudest = loudest(from, from + 100);
                assert!((14_000..19_000).contains(&loudest), "{rate}, at {from}: {loudest}");
            }
        }
    }

    #[test]
    fn nothing_stays_nothing() {
        assert!(resampled(48_000, &[], 1).is_empty());
        assert_eq!(resampled(48_000, &[0.0], 1).len(), 1);
    }
}
