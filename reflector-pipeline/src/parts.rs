//! A transcript in parts that fit into one question.

use crate::offset::Offset;
use crate::transcription::Segment;

/// A part of a transcript: lines such as `[754] And now to the budget.`, with the second at which each begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its lines.
    pub(crate) text: String,
    /// When the first of them begins.
    pub(crate) from: Offset,
    /// When the last of them begins.
    pub(crate) to: Offset,
}

/// All of a transcript, in parts of so many characters at the most.
pub(crate) fn parts(segments: &[Segment], most: usize) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for segment in segments {
        let mark = format!("[{}] ", segment.start.millis() / 1_000);
        for text in cut(&segment.text, most.saturating_sub(mark.len() + 1).max(1)) {
            let line = format!("{mark}{text}\n");
            match parts.last_mut() {
                Some(part) if part.text.chars().count() + line.chars().count() <= most => {
                    part.text.push_str(&line);
                    part.to = segment.start;
                }
                _ => parts.push(Part { text: line, from: segment.start, to: segment.start }),
            }
        }
    }
    parts
}

/// A text in pieces of so many characters at the most, cut at spaces where there are some, on one line each.
pub(crate) fn cut(text: &str, most: usize) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let signs: Vec<char> = word.chars().collect();
        for some in signs.chunks(most) {
            match pieces.last_mut() {
                Some(piece) if length + 1 + some.len() <= most => {
                    piece.push(' ');
                    piece.extend(some);
                    length += 1 + some.len();
                }
                _ => {
                    pieces.push(some.iter().collect());
                    length = some.len();
                }
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_fit_and_hold_every_word_in_order(
            texts in prop::collection::vec("[a-zäß今 ]{0,60}", 0..40),
            most in 20_usize..200,
        ) {
            let segments: Vec<_> = texts.iter().zip(0..).map(|(text, n)| {
                let start = Offset::from_millis(n * 7_000);
                Segment { start, end: start, text: text.clone() }
            }).collect();
            let parts = parts(&segments, most);
            prop_assert!(parts.iter().all(|part| part.text.chars().count() <= most));
            let told: String = parts.iter().flat_map(|part| part.text.lines())
                .filter_map(|line| line.split_once("] ")).flat_map(|(_, text)| text.split_whitespace()).collect();
            let said: String = texts.iter().flat_map(|text| text.split_whitespace()).collect();
            prop_assert_eq!(told, said);
            for part in &parts {
                prop_assert!(part.from <= part.to);
                let mark = format!("[{}] ", part.from.millis() / 1_000);
                prop_assert!(part.text.starts_with(&mark), "{part:?}");
            }
        }
    }

    #[test]
    fn a_text_is_cut_at_spaces_where_there_are_some() {
        assert_eq!(cut("one two three", 7), ["one two", "three"]);
        assert_eq!(cut("unbreakable", 4), ["unbr", "eaka", "ble"]);
        assert!(cut(" \n ", 4).is_empty());
    }
}
