//! Captions in the form [WebVTT](https://www.w3.org/TR/webvtt1/).

use crate::offset::Offset;
use crate::transcription::Segment;

/// Captions for a player: a cue for each segment, in order, each of which ends after it begins.
pub fn webvtt(segments: &[Segment]) -> String {
    let mut captions = "WEBVTT\n".to_owned();
    for segment in segments {
        let text = escaped(&segment.text);
        if text.is_empty() {
            continue;
        }
        let end = segment.end.max(segment.start.plus(Offset::from_millis(1)));
        captions.push_str(&format!("\n{} --> {end}\n{text}\n", segment.start));
    }
    captions
}

/// A text on one line, without what a player would take for markup.
fn escaped(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = text.chars().map(plain).collect();
    let words: Vec<_> = line.split_whitespace().collect();
    words.join(" ").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads captions as a player does, from the grammar of WebVTT: cues with their times in milliseconds and text.
    fn read(captions: &str) -> Option<Vec<(u64, u64, String)>> {
        let mut blocks = captions.strip_suffix('\n')?.split("\n\n");
        (blocks.next()? == "WEBVTT").then_some(())?;
        blocks.map(cue).collect()
    }

    fn cue(block: &str) -> Option<(u64, u64, String)> {
        let (times, text) = block.split_once('\n')?;
        let (start, end) = times.split_once(" --> ")?;
        let broken = text.is_empty() || text.contains(['\n', '\r', '<', '>', '\0']);
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        (!broken).then_some((time(start)?, time(end)?, text))
    }

    /// `HH:MM:SS.mmm`, with two digits for hours at least.
    fn time(text: &str) -> Option<u64> {
        let (clock, millis) = text.split_once('.')?;
        let fields: Vec<&str> = clock.split(':').collect();
        let [hours, minutes, seconds] = fields.as_slice() else { return None };
        let wide = hours.len() >= 2 && minutes.len() == 2 && seconds.len() == 2 && millis.len() == 3;
        let [hours, minutes, seconds, millis] =
            [hours, minutes, seconds, &millis].map(|field| field.parse::<u64>().ok());
        let (minutes, seconds) = (minutes.filter(|m| *m < 60)?, seconds.filter(|s| *s < 60)?);
        wide.then_some(((hours? * 60 + minutes) * 60 + seconds) * 1_000 + millis?)
    }

    proptest! {
        #[test]
        fn a_player_reads_what_was_said(
            said in prop::collection::vec((0_u64..400_000_000, 0_u64..100_000, "[a-c&;<>\\-\n\r\t\0 ltgamp#x今]{0,20}|-->|&lt;"), 0..20),
        ) {
            let segments: Vec<_> = said.iter().map(|(start, long, text)| Segment {
                start: Offset::from_millis(*start),
                end: Offset::from_millis(start + long),
                text: text.clone(),
            }).collect();
            let captions = webvtt(&segments);
            let words = |text: &str| {
                let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                plain.split_whitespace().collect::<Vec<_>>().join(" ")
            };
            let expected: Vec<_> = said.iter().map(|(start, long, text)| (*start, start + long.max(&1), words(text)))
                .filter(|(.., text)| !text.is_empty()).collect();
            prop_assert_eq!(read(&captions), Some(expected), "{}", captions);
        }
    }

    #[test]
    fn nothing_said_is_a_file_without_cues() {
        assert_eq!(webvtt(&[]), "WEBVTT\n");
    }
}
