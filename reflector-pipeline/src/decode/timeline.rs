//! Where sound stands in time: what a file leaves out is silence, so that times of words are those of the picture.

use reflector_core::pipeline::StageError;

use super::{Decoded, Take};
use crate::aside::Aside;
use crate::offset::Offset;

/// How much time may be missing before it is filled: less is the usual unevenness of clocks.
const UNEVEN_MILLIS: u64 = 100;
/// How much may be missing in one place: more is a clock that jumped, not silence.
const JUMP_SECONDS: u64 = 3_600;
/// How long a recording may be.
const LONGEST_SECONDS: u64 = 24 * 3_600;
/// Silence, a little at a time.
const SILENCE: [f32; 4_096] = [0.0; 4_096];

/// The samples that were given so far.
#[derive(Debug)]
pub(super) struct Timeline {
    stated: Option<Offset>,
    rate: Option<u32>,
    samples: u64,
    /// At which sample the times of packets begin.
    origin: u64,
    told: u64,
}

impl Timeline {
    pub(super) fn new(stated: Option<Offset>) -> Self {
        Self { stated, rate: None, samples: 0, origin: 0, told: 0 }
    }

    /// The times of packets begin again from here.
    pub(super) fn begins_anew(&mut self) {
        self.origin = self.samples;
    }

    /// Fills up to where a packet begins, if something is missing before it.
    pub(super) fn reach(
        &mut self,
        rate: u32,
        nanos: Option<i128>,
        take: &mut Take<'_>,
    ) -> Result<(), StageError> {
        if *self.rate.get_or_insert(rate) != rate {
            return Err(StageError::failed(
                "the audio track changes how many samples a second it has, which is not supported",
            ));
        }
        let nanos = u128::try_from(nanos.unwrap_or(0)).unwrap_or(0);
        let due = u64::try_from(nanos * u128::from(rate) / 1_000_000_000).unwrap_or(u64::MAX);
        let missing = self.origin.saturating_add(due).saturating_sub(self.samples);
        let rate = u64::from(rate);
        if missing <= rate * UNEVEN_MILLIS / 1_000 || missing > rate * JUMP_SECONDS {
            return Ok(());
        }
        let mut left = missing;
        while left > 0 {
            let some = left.min(SILENCE.len() as u64);
            self.add(&SILENCE[..some as usize], take)?;
            left -= some;
        }
        Ok(())
    }

    /// Gives samples.
    pub(super) fn add(&mut self, samples: &[f32], take: &mut Take<'_>) -> Result<(), StageError> {
        let rate = self.rate.unwrap_or_default();
        self.samples += samples.len() as u64;
        if self.samples > u64::from(rate) * LONGEST_SECONDS {
            return Err(StageError::failed("the recording is longer than a day: nothing is made of it"));
        }
        take(rate, samples)
    }

    /// Tells how far it is, once a second of sound.
    pub(super) fn tell(&mut self, aside: &Aside) {
        let (Some(stated), Some(rate)) = (self.stated, self.rate) else { return };
        let seconds = self.samples / u64::from(rate);
        if seconds > self.told {
            self.told = seconds;
            let of = stated.millis().div_ceil(1_000);
            aside.is_at(seconds.min(of), of);
        }
    }

    /// What it came to.
    pub(super) fn end(self, cut_off: Option<String>) -> Result<Decoded, StageError> {
        match (self.rate, cut_off) {
            (Some(rate), cut_off) => Ok(Decoded { rate, samples: self.samples, cut_off }),
            (None, Some(why)) => Err(StageError::failed(format!("the audio track cannot be decoded: {why}"))),
            (None, None) => {
                Err(StageError::failed("the audio track cannot be decoded: no sound was found in it"))
            }
        }
    }
}
