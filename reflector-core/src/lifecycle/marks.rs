//! A set of connections that forgets which is which: asking it costs next to nothing, however many are in it.

use crate::ids::ConnectionKey;

/// Says of a connection that it is in the set, or may be. Whoever is said to be in is looked for in the list itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks([u64; 4]);

impl Marks {
    pub(super) fn add(&mut self, connection: ConnectionKey) {
        let (word, bit) = Self::place(connection);
        self.0[word] |= bit;
    }

    /// Whether a connection may be in the set.
    pub(super) fn may_hold(&self, connection: ConnectionKey) -> bool {
        let (word, bit) = Self::place(connection);
        self.0[word] & bit != 0
    }

    /// A key is a hash: its last eight bits are as good as any.
    fn place(ConnectionKey(key): ConnectionKey) -> (usize, u64) {
        ((key >> 6) as usize % 4, 1 << (key % 64))
    }
}

impl Extend<ConnectionKey> for Marks {
    fn extend<T: IntoIterator<Item = ConnectionKey>>(&mut self, connections: T) {
        connections.into_iter().for_each(|connection| self.add(connection));
    }
}
