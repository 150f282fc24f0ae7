//! An instant in UTC, and nothing that could read a clock.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant in UTC, in whole microseconds, between the years 0 and 9999.
///
/// Microseconds are what databases keep, so what is read from a store equals what was written. Arithmetic stops at
/// the ends of the range instead of panicking, and every value can be written as RFC 3339.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(
    /// Microseconds since the instant before the first: never 0, so that an `Option<Timestamp>` is as small as this,
    /// and a [`Life`](crate::Life), which holds many, cheap to copy.
    NonZeroU64,
);

/// [`Timestamp::MIN`] and [`Timestamp::MAX`] as microseconds since 1970.
const FIRST_MICROS: i64 = -62_167_219_200_000_000;
const LAST_MICROS: i64 = 253_402_300_799_999_999;

impl Timestamp {
    /// The first instant that can be expressed, `0000-01-01T00:00:00Z`.
    pub const MIN: Self = Self(NonZeroU64::MIN);
    /// The last instant that can be expressed, `9999-12-31T23:59:59.999999Z`.
    pub const MAX: Self = Self::after_min(LAST_MICROS.abs_diff(FIRST_MICROS));

    /// The instant so many microseconds after the first.
    const fn after_min(micros: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(micros))
    }

    /// The instant so many microseconds after 1970, moved into the range.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < FIRST_MICROS {
            Self::MIN
        } else if micros > LAST_MICROS {
            Self::MAX
        } else {
            Self::after_min(micros.abs_diff(FIRST_MICROS))
        }
    }

    /// Microseconds since 1970.
    pub const fn as_micros(self) -> i64 {
        (FIRST_MICROS - 1).saturating_add_unsigned(self.0.get())
    }

    /// How long it was from `earlier` to this instant; nothing if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.get().saturating_sub(earlier.0.get()))
    }

    /// The same instant for chrono.
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.as_micros()).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

/// A span as microseconds, cut at what a `u64` holds.
fn micros(span: Duration) -> u64 {
    span.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(span.subsec_micros()))
}

/// How long to wait after so many attempts, from 1: twice as long after each, up to the longest.
pub(crate) fn doubled(first: Duration, attempts: u32, longest: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(longest)
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span))).min(Self::MAX)
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        NonZeroU64::new(self.0.get().saturating_sub(micros(span))).map_or(Self::MIN, Self)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self::from_micros(at.timestamp_micros())
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(at: Timestamp) -> Self {
        at.to_datetime()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_datetime().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an RFC 3339 time.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a time: write it as RFC 3339, for example 2026-11-22T09:30:00Z")]
pub struct NotATime(String);

impl FromStr for Timestamp {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Self, NotATime> {
        if let Some(at) = as_written_here(text.as_bytes()) {
            return Ok(at);
        }
        let at = DateTime::parse_from_rfc3339(text).map_err(|_| NotATime(text.to_owned()))?;
        Ok(at.with_timezone(&Utc).into())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_str(Written)
    }
}

/// Reads a time where it stands, without a copy of its text.
struct Written;

impl de::Visitor<'_> for Written {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as 2026-11-22T09:30:00Z")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
        text.parse().map_err(E::custom)
    }
}

/// What [`Timestamp`] itself writes, `2026-11-22T09:30:00.123456Z` with no, three or six digits behind the point, read
/// without the detours of a parser that knows all forms: a meeting holds dozens of them. Nothing for any other form.
fn as_written_here(text: &[u8]) -> Option<Timestamp> {
    let (whole, fraction) = text.strip_suffix(b"Z")?.split_at_checked(19)?;
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|(place, sign)| whole[*place] != *sign) {
        return None;
    }
    let field = |from: usize, to: usize| digits(&whole[from..to]);
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
    let date = chrono::NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let micros = match fraction {
        [] => 0,
        [b'.', three @ ..] if three.len() == 3 => digits(three)? * 1_000,
        [b'.', six @ ..] if six.len() == 6 => digits(six)?,
        _ => return None,
    };
    let at = date.and_hms_micro_opt(hour, minute, second, micros)?;
    Some(at.and_utc().into())
}

/// The number that these digits write: nothing else may be among them.
fn digits(text: &[u8]) -> Option<u32> {
    text.iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overflows_at_the_ends_of_time() {
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::MIN - Duration::MAX, Timestamp::MIN);
        assert_eq!(Timestamp::MIN - Duration::from_micros(1), Timestamp::MIN);
        assert_eq!(Timestamp::MIN.since(Timestamp::MAX), Duration::ZERO);
        for (beyond, end) in [(i64::MAX, Timestamp::MAX), (i64::MIN, Timestamp::MIN)] {
            assert_eq!(Timestamp::from_micros(beyond), end);
            assert_eq!(Timestamp::from_micros(end.as_micros()), end);
        }
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00Z");
    }

    #[test]
    fn an_instant_that_may_be_missing_takes_no_more_room() {
        assert_eq!(size_of::<Option<Timestamp>>(), size_of::<Timestamp>());
    }

    #[test]
    fn what_is_written_is_read_again_to_the_microsecond() {
        let at = Timestamp::from_micros(1_790_000_000_123_456);
        let text = serde_json::to_string(&at).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), at);
    }

    #[test]
    fn what_is_read_quickly_is_what_every_reader_of_the_form_reads() {
        for micros in [
            Timestamp::MIN.as_micros(),
            Timestamp::MAX.as_micros(),
            -1,
            0,
            1,
            1_000,
            999_999,
            1_000_000,
            951_782_400_000_000,
            1_790_000_000_123_457,
        ] {
            let at = Timestamp::from_micros(micros);
            let text = at.to_string();
            assert_eq!(as_written_here(text.as_bytes()), Some(at), "{text}");
            assert_eq!(Timestamp::from(DateTime::parse_from_rfc3339(&text).unwrap().to_utc()), at, "{text}");
        }
        for other in [
            "",
            "Z",
            "2026-02-30T09:30:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T09:30:60Z",
            "2026-11-22 09:30:00Z",
            "2026-11-22T09:30:00+00:00",
            "2026-11-22T09:30:00.12Z",
            "2026-11-22T09:30:00.+23Z",
            "2026-11-22T09:30:00.1234567Z",
            "2026-1\u{a0}-22T09:30:00Z",
        ] {
            assert_eq!(as_written_here(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_time_that_is_none_is_refused_with_an_example() {
        let refusal = "tomorrow".parse::<Timestamp>().unwrap_err().to_string();
        assert!(refusal.contains("2026-11-22T09:30:00Z"), "{refusal}");
    }
}
