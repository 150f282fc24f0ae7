//! Which words of two pieces are the same ones.

use super::words::Word;
use crate::offset::Offset;
use crate::pieces::Piece;

/// How wrong the times of a segment may be.
const WRONG: Offset = Offset::from_millis(1_000);
/// At how much of a difference two times are hardly the same any more, in milliseconds.
const CLOSE: f64 = 200.0;
/// How many words a piece may have heard there for a single pair to mean something, wherever it stands.
const FEW: usize = 3;
/// How many words of each piece are compared at the most: more than can be said in what they have in common.
const MOST: usize = 500;

/// The words that both pieces heard in what they have in common, by their places: in order in both, as many as there
/// can be, and among as many, those at the same times. None if they may be alike by chance.
pub(super) fn alike(first: &[Word], second: &[Word], common: Piece) -> Vec<(usize, usize)> {
    // Only what may have been said in there is looked at.
    let may_be_in =
        |word: &Word| word.within.1.plus(WRONG) >= common.from && word.within.0 <= common.to.plus(WRONG);
    let from = first.iter().position(may_be_in).unwrap_or(first.len()).max(first.len().saturating_sub(MOST));
    let to = second.iter().rposition(may_be_in).map_or(0, |last| last + 1).min(MOST);
    let (first_in, second_in) = (&first[from..], &second[..to]);
    let pairs = longest_common(first_in, second_in);
    let in_common =
        |words: &[Word]| words.iter().filter(|word| (common.from..=common.to).contains(&word.at)).count();
    let may_be_chance = |(one, other): (usize, usize)| {
        in_common(first_in).min(in_common(second_in)) > FEW
            && first_in[one].at.abs_diff(second_in[other].at) > WRONG.millis()
    };
    match pairs.as_slice() {
        [single] if may_be_chance(*single) => Vec::new(),
        _ => pairs.into_iter().map(|(one, other)| (one + from, other)).collect(),
    }
}

/// The longest common subsequence, in which pairs at the same time weigh up to twice as much.
fn longest_common(first: &[Word], second: &[Word]) -> Vec<(usize, usize)> {
    let width = second.len() + 1;
    // How much is gained from a place in both on.
    let mut gains = vec![0.0_f64; (first.len() + 1) * width];
    for one in (0..first.len()).rev() {
        for other in (0..second.len()).rev() {
            let either = gains[(one + 1) * width + other].max(gains[one * width + other + 1]);
            let both = weight(&first[one], &second[other])
                .map_or(0.0, |weight| weight + gains[(one + 1) * width + other + 1]);
            gains[one * width + other] = either.max(both);
        }
    }
    let (mut one, mut other, mut pairs) = (0, 0, Vec::new());
    while one < first.len() && other < second.len() {
        let here = gains[one * width + other];
        if here == gains[(one + 1) * width + other] {
            one += 1;
        } else if here == gains[one * width + other + 1] {
            other += 1;
        } else {
            pairs.push((one, other));
            (one, other) = (one + 1, other + 1);
        }
    }
    pairs
}

/// What it is worth to take two words for the same; nothing if they are not, or were not said at the same time.
fn weight(one: &Word, other: &Word) -> Option<f64> {
    let together = one.within.0 <= other.within.1.plus(WRONG) && other.within.0 <= one.within.1.plus(WRONG);
    (together && one.key == other.key).then(|| 1.0 + (-(one.at.abs_diff(other.at) as f64) / CLOSE).exp())
}
