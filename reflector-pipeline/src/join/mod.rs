//! What was heard in pieces that overlap, as one: no word twice, and none lost. Pure.
//!
//! In what two pieces have in common both heard the same words, apart from those that were cut by an end. The words
//! are compared there, and the seam goes behind a word that both heard, near the middle: up to it what the first piece
//! heard counts, behind it what the second one heard. Only where they have nothing in common it goes by time alone.

mod alike;
#[cfg(test)]
mod tests;
mod words;

use crate::offset::Offset;
use crate::pieces::Piece;
use crate::transcription::Segment;
use alike::alike;
use words::{Word, words};

/// What was heard in a piece, at times of the whole recording.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// The piece.
    pub(crate) piece: Piece,
    /// What was heard.
    pub(crate) segments: Vec<Segment>,
}

/// Joins what was heard in pieces that follow each other.
pub(crate) fn join(pieces: Vec<Heard>) -> Vec<Segment> {
    let mut joined: Vec<Segment> = Vec::new();
    let mut end = Offset::default();
    for Heard { piece, segments } in pieces {
        let common = Piece { from: piece.from, to: end };
        end = piece.to;
        if common.from >= common.to {
            joined.extend(segments);
            continue;
        }
        let (before, after) = at_the_seam(&joined, &segments, common);
        joined.truncate(before.segment);
        let mut behind: Vec<_> =
            after.part.into_iter().chain(segments.into_iter().skip(after.segment)).collect();
        // Times of what was cut are estimates, and give way to what stands beside them.
        if let Some(mut cut) = before.part {
            let next = behind.first().map_or(cut.end, |next| next.start);
            cut.end = cut.end.min(next).max(cut.start);
            joined.push(cut);
        }
        if let (Some(last), Some(first)) = (joined.last(), behind.first_mut()) {
            first.start = first.start.max(last.end.min(first.end));
        }
        joined.append(&mut behind);
    }
    joined.retain(|segment| !segment.text.trim().is_empty());
    joined.sort_by_key(|segment| segment.start);
    joined
}

/// What counts on one side of a seam: segments up to a place, or from a place on, and the part of one that the seam
/// goes through.
struct Side {
    segment: usize,
    part: Option<Segment>,
}

/// Where two pieces meet.
fn at_the_seam(first: &[Segment], second: &[Segment], common: Piece) -> (Side, Side) {
    let (first_words, second_words) = (words(first), words(second));
    let (kept, dropped) = seam(&first_words, &second_words, common);
    (up_to(first, first_words.get(kept)), from(second, second_words.get(dropped)))
}

/// How many words of the first piece are kept, and how many of the second one are dropped.
fn seam(first: &[Word], second: &[Word], common: Piece) -> (usize, usize) {
    let middle = Offset::from_millis(common.from.millis().midpoint(common.to.millis()));
    let by_time = |words: &[Word]| words.iter().take_while(|word| word.at < middle).count();
    let pairs = alike(first, second, common);
    let from_the_middle = |(one, other): &&(usize, usize)| {
        (first[*one].at.abs_diff(middle)) + second[*other].at.abs_diff(middle)
    };
    match pairs.iter().min_by_key(from_the_middle) {
        Some((one, other)) => (one + 1, other + 1),
        None => (by_time(first), by_time(second)),
    }
}

/// All before a word; with no word, everything.
fn up_to(segments: &[Segment], word: Option<&Word>) -> Side {
    let Some(word) = word else { return Side { segment: segments.len(), part: None } };
    let whole = &segments[word.segment];
    let text = whole.text[..word.from].trim_end();
    let part = Segment { end: word.starts, text: text.to_owned(), ..whole.clone() };
    Side { segment: word.segment, part: (!text.trim().is_empty()).then_some(part) }
}

/// All from a word on; with no word, nothing.
fn from(segments: &[Segment], word: Option<&Word>) -> Side {
    let Some(word) = word else { return Side { segment: segments.len(), part: None } };
    let whole = &segments[word.segment];
    if word.is_first {
        return Side { segment: word.segment, part: None };
    }
    let part = Segment { start: word.starts, text: whole.text[word.from..].to_owned(), ..whole.clone() };
    Side { segment: word.segment + 1, part: Some(part) }
}
