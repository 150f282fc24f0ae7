//! The words of segments, and when each was said, as far as that can be told.

use crate::offset::Offset;
use crate::transcription::Segment;

/// A word where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// Which segment it is of.
    pub(super) segment: usize,
    /// Where in its text it begins.
    pub(super) from: usize,
    /// Whether it is the first of its segment.
    pub(super) is_first: bool,
    /// What it is compared by: without case and punctuation.
    pub(super) key: String,
    /// When it begins, if all letters of its segment take the same time.
    pub(super) starts: Offset,
    /// When its middle is, by the same measure.
    pub(super) at: Offset,
    /// When it was said for certain: from the beginning of its segment to the end.
    pub(super) within: (Offset, Offset),
}

/// All words of segments. What has no letters belongs to the word before it.
pub(super) fn words(segments: &[Segment]) -> Vec<Word> {
    segments.iter().enumerate().flat_map(|(number, segment)| words_of(number, segment)).collect()
}

fn words_of(number: usize, segment: &Segment) -> Vec<Word> {
    let letters = segment.text.chars().count().max(1) as u64;
    let span = segment.end.minus(segment.start).millis();
    let at = |letter: u64, of: u64| segment.start.plus(Offset::from_millis(span * letter / of));
    let mut words: Vec<Word> = Vec::new();
    let mut before = 0;
    for (from, token) in tokens(&segment.text) {
        let long = token.chars().count() as u64;
        let key: String =
            token.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if !key.is_empty() {
            words.push(Word {
                segment: number,
                from,
                is_first: words.is_empty(),
                key,
                starts: at(before, letters),
                at: at(before * 2 + long, letters * 2),
                within: (segment.start, segment.end),
            });
        }
        before += long;
    }
    words
}

/// A text cut before each word: at spaces, and before each sign of a script that writes none.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut starts = Vec::new();
    let mut last = ' ';
    for (at, sign) in text.char_indices() {
        if !sign.is_whitespace() && (last.is_whitespace() || is_unspaced(sign) || is_unspaced(last)) {
            starts.push(at);
        }
        last = sign;
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(from, to)| (*from, &text[*from..to])).collect()
}

/// Whether its script writes words without spaces between them: Thai, Lao, Burmese, Khmer, Chinese, Japanese.
fn is_unspaced(sign: char) -> bool {
    matches!(u32::from(sign), 0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff
        | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, usize, u64)> {
        let segment = Segment {
            start: Offset::from_millis(1_000),
            end: Offset::from_millis(2_000),
            text: text.to_owned(),
        };
        words(&[segment]).into_iter().map(|word| (word.key, word.from, word.at.millis())).collect()
    }

    #[test]
    fn words_are_compared_without_case_and_punctuation() {
        let keys = |text| of(text).into_iter().map(|(key, ..)| key).collect::<Vec<_>>();
        assert_eq!(keys(" Hello,  – Wörld! 'tis 5%"), ["hello", "wörld", "tis", "5"]);
        assert_eq!(keys("今日は、元気?"), ["今", "日", "は", "元", "気"]);
        assert!(keys(" … ").is_empty());
    }

    #[test]
    fn a_word_is_said_when_its_letters_are() {
        assert_eq!(of("ab cd"), [("ab".to_owned(), 0, 1_300), ("cd".to_owned(), 3, 1_800)]);
    }
}
