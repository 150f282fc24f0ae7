//! Texts from outside in a line of ours.

/// A text as it can stand in one line: what breaks lines, or moves about a terminal, is shown as it would be written.
pub(crate) fn in_one_line(text: &str) -> String {
    let shown = |letter: char| {
        if letter.is_control() { letter.escape_default().to_string() } else { letter.to_string() }
    };
    text.chars().map(shown).collect()
}
