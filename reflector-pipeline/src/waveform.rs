//! Peaks of a recording, for a player to draw.

use serde::{Deserialize, Serialize};

use crate::offset::Offset;

/// How many pixels there are at the most. From half of it on, if the recording is long enough.
const MOST: usize = 2_000;
/// How many samples the first pixels cover.
const FEWEST_SAMPLES: u64 = 256;

/// Peaks of a recording, in the JSON form of [audiowaveform](https://github.com/bbc/audiowaveform) (version 2 of its
/// data format), which players such as peaks.js read: at most 2,000 pixels, each of 256 samples or of 256 doubled as
/// often as it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waveform {
    /// The version of the form: 2.
    pub version: u8,
    /// How many channels it shows: 1, the mean of all.
    pub channels: u8,
    /// Samples a second.
    pub sample_rate: u32,
    /// How many samples a pixel covers.
    pub samples_per_pixel: u64,
    /// How many bits a number has: 8.
    pub bits: u8,
    /// How many pixels there are.
    pub length: usize,
    /// The lowest and the highest sample of each pixel, by turns, from -128 to 127.
    pub data: Vec<i8>,
    /// How long the recording is, as it was decoded. (audiowaveform does not write it.)
    pub duration: Offset,
    /// Why the rest of the recording could not be read, if there was one. (audiowaveform does not write it.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<String>,
}

/// Peaks that are being made, in one pass of whatever length: when there are too many, two become one.
#[derive(Debug)]
pub(crate) struct Peaks {
    pairs: Vec<(i8, i8)>,
    per_pixel: u64,
    /// The pixel that is being filled: how many samples it has, its lowest and its highest.
    filled: u64,
    low: f32,
    high: f32,
}

impl Peaks {
    pub(crate) fn new() -> Self {
        Self { pairs: Vec::with_capacity(MOST), per_pixel: FEWEST_SAMPLES, filled: 0, low: 0.0, high: 0.0 }
    }

    pub(crate) fn add(&mut self, mut samples: &[f32]) {
        while !samples.is_empty() {
            let room = self.per_pixel - self.filled;
            let some = samples.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            let (now, later) = samples.split_at(some);
            (self.low, self.high) = extremes(now, (self.low, self.high));
            self.filled += some as u64;
            if self.filled == self.per_pixel {
                self.close();
            }
            samples = later;
        }
    }

    /// The peaks of all that was added: so many samples at this rate.
    pub(crate) fn finish(mut self, sample_rate: u32, samples: u64, cut_off: Option<String>) -> Waveform {
        // Closing may only make room first.
        while self.filled > 0 {
            self.close();
        }
        Waveform {
            version: 2,
            channels: 1,
            sample_rate,
            samples_per_pixel: self.per_pixel,
            bits: 8,
            length: self.pairs.len(),
            data: self.pairs.into_iter().flat_map(|(low, high)| [low, high]).collect(),
            duration: Offset::from_samples(samples, sample_rate),
            cut_off,
        }
    }

    fn close(&mut self) {
        if self.pairs.len() == MOST {
            // The pixel that is closed now covers as much as one of the old ones: the next one fills it up.
            self.pairs = self.pairs.chunks(2).map(|two| merged(two[0], two[1])).collect();
            self.per_pixel *= 2;
            return;
        }
        self.pairs.push((quantized(self.low), quantized(self.high)));
        (self.filled, self.low, self.high) = (0, 0.0, 0.0);
    }
}

/// Eight at a time, each with extremes of its own, so that the processor looks at all of them at once.
fn extremes(samples: &[f32], (low, high): (f32, f32)) -> (f32, f32) {
    let (mut lows, mut highs) = ([low; 8], [high; 8]);
    let (eights, rest) = samples.as_chunks::<8>();
    for eight in eights {
        for lane in 0..8 {
            lows[lane] = lows[lane].min(eight[lane]);
            highs[lane] = highs[lane].max(eight[lane]);
        }
    }
    let low = lows.iter().chain(rest).fold(low, |low, sample| low.min(*sample));
    let high = highs.iter().chain(rest).fold(high, |high, sample| high.max(*sample));
    (low, high)
}

fn merged(one: (i8, i8), other: (i8, i8)) -> (i8, i8) {
    (one.0.min(other.0), one.1.max(other.1))
}

fn quantized(sample: f32) -> i8 {
    // Out of range it becomes the end of the range.
    (sample * 127.0).round() as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[f32], block: usize) -> Waveform {
        let mut peaks = Peaks::new();
        samples.chunks(block).for_each(|block| peaks.add(block));
        peaks.finish(16_000, samples.len() as u64, None)
    }

    #[test]
    fn a_pixel_holds_the_extremes_of_its_samples() {
        let mut samples = vec![0.0; 600];
        (samples[3], samples[255], samples[256], samples[599]) = (1.0, -0.5, 0.25, -2.0);
        let waveform = of(&samples, 7);
        assert_eq!((waveform.length, waveform.samples_per_pixel), (3, 256));
        assert_eq!(waveform.data, [-64, 127, 0, 32, -128, 0]);
        assert_eq!(waveform.duration.millis(), 37);
    }

    #[test]
    fn however_long_it_is_there_are_no_more_than_so_many_and_none_is_lost() {
        for length in
            [0, 1, 255, 256, 257, 511_999, 512_000, 512_001, 512_257, 1_024_000, 1_024_001, 5_000_001]
        {
            let samples: Vec<f32> = (0..length).map(|n| (n % 1_000) as f32 / 1_000.0).collect();
            let waveform = of(&samples, 1_024);
            assert_eq!(waveform, of(&samples, 4_999), "{length}: it depends on how the samples come");
            assert!(waveform.length <= MOST, "{length}: {}", waveform.length);
            assert_eq!(
                waveform.length as u64,
                (length as u64).div_ceil(waveform.samples_per_pixel),
                "{length}"
            );
            assert_eq!(waveform.data.len(), waveform.length * 2);
            for (pixel, pair) in waveform.data.chunks(2).enumerate() {
                let from = pixel * waveform.samples_per_pixel as usize;
                let to = (from + waveform.samples_per_pixel as usize).min(length);
                let highest = samples[from..to].iter().copied().fold(0.0, f32::max);
                assert_eq!(pair, [0, quantized(highest)], "{length}: {pixel}");
            }
        }
    }
}
