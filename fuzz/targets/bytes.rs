//! Choices out of bytes: when they run out, all that is left is nothing.

use std::time::Duration;

/// Bytes that are read from the front.
#[derive(Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next byte.
    pub fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Whether all is read.
    pub fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// A number of up to two bytes.
    pub fn small(&mut self) -> u16 {
        u16::from_be_bytes([self.next(), self.next()])
    }

    /// A number of eight bytes.
    pub fn big(&mut self) -> u64 {
        u64::from_be_bytes(std::array::from_fn(|_| self.next()))
    }

    /// Up to so many bytes.
    pub fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Something, or nothing.
    pub fn maybe<T>(&mut self, some: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.next() % 2 == 1).then(|| some(self))
    }

    /// A span: mostly some minutes or seconds, now and then a microsecond, a year or all of time.
    pub fn span(&mut self) -> Duration {
        let kind = self.next();
        let size = u64::from(self.next());
        match kind % 8 {
            0..=3 => Duration::from_secs(60 * (size % 40)),
            4 | 5 => Duration::from_secs(size),
            6 => Duration::from_micros(size),
            _ => Duration::from_secs(60 * 60 * size),
        }
    }
}
