//! What the page is put together from: what is read of the document, and text as a page has it.

use serde_json::Value;

use crate::builtin::escaped;

/// Text in which what stands between backticks is code.
pub(super) fn inline(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    pieces.map(|(number, piece)| if number % 2 == 1 { code(piece) } else { escaped(piece) }).collect()
}

pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(super) fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}
