//! Inputs like those that are kept: the same in every run.

/// What formats hang on, and numbers at their ends.
const WORDS: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b"=",
    b":",
    b"-",
    b"\n",
    b"0",
    b"null",
    b"-1",
    b"4294967295",
    b"18446744073709551616",
    b"1e309",
    b"t=",
    b"v1=",
    "é".as_bytes(),
    "\u{2028}".as_bytes(),
    b"2026-11-22T09:30:00Z",
    b"9999-12-31T23:59:60+23:59",
    b"participantId",
    b"numClientsByRoleName",
    b"room.client.left",
    b"15m",
    b"99999999999y",
    b"never",
    b"observe",
    b"127.0.0.1:0",
    b"https://",
    b"reflector-",
    b"zzzzzzzz",
    b"%",
    b"+",
    b"%2B",
    b"versionId",
    b"s3:ObjectCreated:Put",
];

/// Endless mutations of a corpus.
pub(crate) struct Mutations<'a> {
    corpus: &'a [Vec<u8>],
    state: u64,
}

impl<'a> Mutations<'a> {
    pub(crate) fn of(corpus: &'a [Vec<u8>]) -> Self {
        Self { corpus, state: 0x5eed }
    }

    /// A number below `bound`: SplitMix64.
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound.max(1) as u64).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or(0)
    }

    /// Some bytes without a model.
    fn noise(&mut self) -> Vec<u8> {
        let length = self.below(200);
        (0..length).map(|_| self.byte()).collect()
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let place = self.below(input.len() + 1);
        match self.below(6) {
            0 if place < input.len() => input[place] = self.byte(),
            1 if place < input.len() => input[place] ^= 1 << self.below(8),
            2 => {
                let end = (place + 1 + self.below(8)).min(input.len());
                input.drain(place..end);
            }
            3 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(place..place, word.iter().copied());
            }
            4 => {
                let other = self.below(self.corpus.len());
                let from = self.below(self.corpus[other].len());
                let tail = &self.corpus[other][from..];
                input.truncate(place);
                input.extend_from_slice(tail);
            }
            _ => input.insert(place, self.byte()),
        }
    }
}

impl Iterator for Mutations<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.below(4) == 0 {
            return Some(self.noise());
        }
        let mut input = self.corpus[self.below(self.corpus.len())].clone();
        for _ in 0..=self.below(4) {
            self.change(&mut input);
        }
        // A message or a file of many thousands of bytes takes long and tells nothing new.
        input.truncate(2_000);
        Some(input)
    }
}
