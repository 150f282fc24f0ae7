//! Made-up speech, cut into pieces as it is cut before it is sent, and heard as endpoints hear it.

use proptest::prelude::*;

use super::*;
use crate::pieces;

/// A word that was said: itself, and when.
#[derive(Clone, Debug)]
struct Said {
    word: String,
    from: u64,
    to: u64,
}

/// How a piece was heard.
#[derive(Clone, Debug)]
struct Hearing {
    /// How many words each segment has, by turns.
    lengths: Vec<usize>,
    /// Whether a word that is cut by an end of the piece is heard as another one, or not at all.
    mishears: bool,
}

fn millis(millis: u64) -> Offset {
    Offset::from_millis(millis)
}

/// Speech with these words, how long each takes, and how long the pause before it is.
fn speech(words: &[(String, u64, u64)]) -> Vec<Said> {
    let mut at = 0;
    let mut said = Vec::new();
    for (word, long, pause) in words {
        let from = at + pause;
        at = from + long;
        said.push(Said { word: word.clone(), from, to: at });
    }
    said
}

fn heard(said: &[Said], piece: Piece, hearing: &Hearing) -> Heard {
    let (from, to) = (piece.from.millis(), piece.to.millis());
    let mut words = Vec::new();
    for said in said.iter().filter(|said| said.to > from && said.from < to) {
        if said.from >= from && said.to <= to {
            words.push(said.clone());
        } else if hearing.mishears {
            let word = format!("mis{}heard", said.from);
            words.push(Said { word, from: said.from.max(from), to: said.to.min(to) });
        }
    }
    let mut segments = Vec::new();
    let mut lengths = hearing.lengths.iter().cycle();
    while !words.is_empty() {
        let length = (*lengths.next().unwrap()).min(words.len());
        let of: Vec<_> = words.drain(..length).collect();
        let text = of.iter().map(|said| said.word.as_str()).collect::<Vec<_>>().join(" ");
        let (start, end) = (millis(of[0].from), millis(of[length - 1].to));
        segments.push(Segment { start, end, text });
    }
    Heard { piece, segments }
}

/// What is left of speech after it was cut, heard and joined.
fn told_again(said: &[Said], piece: u64, overlap: u64, hearings: &[Hearing]) -> (Vec<String>, Vec<Segment>) {
    let whole = millis(said.last().map_or(0, |last| last.to));
    let pieces = pieces::cut(whole, millis(piece), millis(overlap));
    let heard =
        pieces.into_iter().zip(hearings.iter().cycle()).map(|(piece, hearing)| heard(said, piece, hearing));
    let joined = join(heard.collect());
    let words = joined.iter().flat_map(|segment| segment.text.split_whitespace().map(str::to_owned));
    (words.collect(), joined)
}

fn in_order(segments: &[Segment]) -> bool {
    segments.iter().all(|segment| segment.start <= segment.end)
        && segments.windows(2).all(|two| two[0].end <= two[1].start.plus(millis(1)))
}

fn hearings(longest: usize) -> impl Strategy<Value = Vec<Hearing>> {
    let hearing = (prop::collection::vec(1..=longest, 1..5), any::<bool>());
    prop::collection::vec(hearing.prop_map(|(lengths, mishears)| Hearing { lengths, mishears }), 1..4)
}

proptest! {
    #[test]
    fn no_word_is_doubled_or_lost_however_segments_lie(
        paces in prop::collection::vec((120_u64..600, 0_u64..300), 0..300),
        (piece, overlap) in (12_000_u64..60_000, 3_000_u64..6_000),
        hearings in hearings(12),
    ) {
        let words: Vec<_> =
            paces.iter().enumerate().map(|(n, (long, pause))| (format!("word{n}"), *long, *pause)).collect();
        let said = speech(&words);
        let (again, segments) = told_again(&said, piece, overlap, &hearings);
        prop_assert_eq!(again, said.iter().map(|said| said.word.clone()).collect::<Vec<_>>());
        prop_assert!(in_order(&segments), "{segments:?}");
    }

    #[test]
    fn words_that_are_repeated_are_told_apart_by_their_times(
        words in prop::collection::vec(("[abc]", 300_u64..600, 150_u64..300), 0..300),
        (piece, overlap) in (12_000_u64..60_000, 4_000_u64..6_000),
        hearings in hearings(1),
    ) {
        let said = speech(&words);
        let (again, _) = told_again(&said, piece, overlap, &hearings);
        prop_assert_eq!(again, said.iter().map(|said| said.word.clone()).collect::<Vec<_>>());
    }

    #[test]
    fn pauses_at_a_seam_lose_nothing(
        words in prop::collection::vec((120_u64..600, prop_oneof![Just(50_u64), 2_000_u64..15_000]), 0..100),
        (piece, overlap) in (12_000_u64..60_000, 3_000_u64..6_000),
        hearings in hearings(1),
    ) {
        let words: Vec<_> =
            words.iter().enumerate().map(|(n, (long, pause))| (format!("word{n}"), *long, *pause)).collect();
        let said = speech(&words);
        let (again, segments) = told_again(&said, piece, overlap, &hearings);
        prop_assert_eq!(again, said.iter().map(|said| said.word.clone()).collect::<Vec<_>>());
        prop_assert!(in_order(&segments), "{segments:?}");
    }

    #[test]
    fn whatever_was_heard_it_is_joined_in_order(
        segments in prop::collection::vec(
            prop::collection::vec((0_u64..30_000, 0_u64..30_000, "[a-c 今–]{0,12}"), 0..8), 0..4),
    ) {
        let heard = segments.into_iter().enumerate().map(|(n, segments)| {
            let from = n as u64 * 25_000;
            let mut segments: Vec<_> = segments.into_iter().map(|(one, other, text)| {
                Segment { start: millis(from + one.min(other)), end: millis(from + one.max(other)), text }
            }).collect();
            segments.sort_by_key(|segment| segment.start);
            Heard { piece: Piece { from: millis(from), to: millis(from + 30_000) }, segments }
        });
        let joined = join(heard.collect());
        prop_assert!(joined.iter().all(|segment| segment.start <= segment.end && !segment.text.trim().is_empty()));
        prop_assert!(joined.is_sorted_by_key(|segment| segment.start));
    }
}

fn segment(start: u64, end: u64, text: &str) -> Segment {
    Segment { start: millis(start), end: millis(end), text: text.to_owned() }
}

fn two(first: Vec<Segment>, second: Vec<Segment>) -> Vec<String> {
    let pieces =
        [Piece { from: millis(0), to: millis(20_000) }, Piece { from: millis(15_000), to: millis(35_000) }];
    let heard = pieces.into_iter().zip([first, second]).map(|(piece, segments)| Heard { piece, segments });
    join(heard.collect()).into_iter().map(|segment| segment.text).collect()
}

#[test]
fn a_sentence_that_both_pieces_heard_in_part_is_told_once() {
    let first = vec![segment(10_000, 20_000, "We send the report on Friday, and Bob calls the cust")];
    let second = vec![segment(15_000, 24_000, "Friday and bob calls the customer on Monday.")];
    assert_eq!(
        two(first, second),
        ["We send the report on Friday, and Bob", "calls the customer on Monday."]
    );
}

#[test]
fn scripts_without_spaces_are_compared_sign_by_sign() {
    let first = vec![segment(14_000, 20_000, "明日の会議は九時に始")];
    let second = vec![segment(16_000, 23_000, "会議は九時に始まります。")];
    assert_eq!(two(first, second).concat(), "明日の会議は九時に始まります。");
}

#[test]
fn what_has_no_word_in_common_is_joined_by_time() {
    let first = vec![segment(12_000, 16_000, "early"), segment(18_500, 20_000, "noise")];
    let second = vec![segment(15_000, 16_500, "hum"), segment(18_000, 22_000, "late")];
    assert_eq!(two(first, second), ["early", "late"]);
}

#[test]
fn a_word_that_both_have_by_chance_does_not_swallow_others() {
    let first =
        vec![segment(8_000, 20_000, "the one two three four five six seven eight nine ten eleven twelve")];
    let second = vec![segment(15_000, 25_000, "alpha beta gamma delta epsilon zeta eta theta the")];
    let joined = two(first, second).concat();
    assert!(joined.contains("eight") && joined.contains("theta"), "{joined}");
}
