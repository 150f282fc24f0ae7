//! A list of a few small things, kept in place: copying it asks nothing of the allocator.

use std::fmt;
use std::ops::{Deref, DerefMut, Range};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What stands in the places that hold nothing.
pub(super) trait Blank: Copy {
    const BLANK: Self;
}

/// A list of at most `N` things, which is written as any list is.
#[derive(Clone, Copy)]
pub(super) struct Few<T, const N: usize> {
    length: usize,
    places: [T; N],
}

impl<T: Blank, const N: usize> Few<T, N> {
    /// Puts a thing in a place and moves those behind it. The list must not be full.
    pub(super) fn insert(&mut self, place: usize, thing: T) {
        if place < self.length {
            self.places.copy_within(place..self.length, place + 1);
        }
        self.places[place] = thing;
        self.length += 1;
    }

    /// Takes the things out of these places and closes the gap.
    pub(super) fn remove(&mut self, places: Range<usize>) {
        let Range { start, end } = places;
        if start < end {
            self.places.copy_within(end..self.length, start);
            self.length -= end - start;
        }
    }

    /// Puts a thing at the end; of a full list, the first goes.
    pub(super) fn push(&mut self, thing: T) {
        if self.length == N {
            self.remove(0..1);
        }
        self.insert(self.length, thing);
    }
}

impl<T: Blank, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self { length: 0, places: [T::BLANK; N] }
    }
}

impl<T, const N: usize> Deref for Few<T, N> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.places[..self.length]
    }
}

impl<T, const N: usize> DerefMut for Few<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.places[..self.length]
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Few<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: PartialEq, const N: usize> PartialEq for Few<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq, const N: usize> Eq for Few<T, N> {}

impl<T: Serialize, const N: usize> Serialize for Few<T, N> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(&**self)
    }
}

/// Of a list that is too long, as another version may have written it, the last are kept.
impl<'de, T: Blank + Deserialize<'de>, const N: usize> Deserialize<'de> for Few<T, N> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let mut few = Self::default();
        Vec::<T>::deserialize(input)?.into_iter().for_each(|thing| few.push(thing));
        Ok(few)
    }
}

#[cfg(test)]
mod tests {
    use super::{Blank, Few};

    impl Blank for u8 {
        const BLANK: Self = 0;
    }

    #[test]
    fn a_list_is_what_is_in_it_and_not_what_stands_behind() {
        let mut one: Few<u8, 3> = Few::default();
        one.push(1);
        let two = {
            let mut two = one;
            two.push(2);
            two
        };
        assert_eq!(format!("{two:?}"), "[1, 2]");
        assert!(one != two);
        let mut shorter = two;
        shorter.remove(1..2);
        assert!(shorter == one, "what was taken out still stands behind");
    }
}
