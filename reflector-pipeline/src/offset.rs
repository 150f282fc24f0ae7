//! Places in a recording.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How far into a recording something is, or how long it is: whole milliseconds, written as seconds, `12.345`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(u64);

impl Offset {
    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// So many seconds, to the nearest millisecond; nothing of what is below zero or no number.
    pub fn from_seconds(seconds: f64) -> Self {
        // A float beyond the range becomes the end of the range, and one that is no number becomes 0.
        Self((seconds * 1_000.0).round() as u64)
    }

    /// So many samples at this rate.
    pub(crate) fn from_samples(samples: u64, rate: u32) -> Self {
        let millis = u128::from(samples) * 1_000 / u128::from(rate.max(1));
        Self(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// In milliseconds.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// This and so much more.
    pub(crate) fn plus(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }

    /// This less so much, and never less than the beginning.
    pub(crate) fn minus(self, less: Self) -> Self {
        Self(self.0.saturating_sub(less.0))
    }

    /// How many milliseconds are between this and another one.
    pub(crate) fn abs_diff(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

impl From<Duration> for Offset {
    fn from(span: Duration) -> Self {
        Self(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }
}

/// `HH:MM:SS.mmm`, as WebVTT writes it.
impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0 / 1_000, self.0 % 1_000);
        write!(f, "{:02}:{:02}:{:02}.{millis:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
    }
}

impl Serialize for Offset {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_f64(self.seconds())
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        f64::deserialize(input).map(Self::from_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_to_the_millisecond() {
        for millis in [0, 1, 999, 12_345, 86_399_999, 1 << 40] {
            let text = serde_json::to_string(&Offset(millis)).unwrap();
            assert_eq!(serde_json::from_str::<Offset>(&text).unwrap(), Offset(millis), "{text}");
        }
    }

    #[test]
    fn what_is_no_place_is_moved_to_one() {
        assert_eq!(Offset::from_seconds(-1.0), Offset(0));
        assert_eq!(Offset::from_seconds(f64::NAN), Offset(0));
        assert_eq!(Offset::from_seconds(f64::INFINITY), Offset(u64::MAX));
    }

    #[test]
    fn an_offset_is_shown_as_webvtt_writes_it() {
        assert_eq!(Offset(3_723_004).to_string(), "01:02:03.004");
        assert_eq!(Offset(360_000_000).to_string(), "100:00:00.000");
    }
}
