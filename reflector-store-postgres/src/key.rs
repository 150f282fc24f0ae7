//! Text from outside as something that can be searched by: PostgreSQL takes no NUL, and its indexes nothing long.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

/// How long a key may be, in bytes. An index takes some 2,700 for all its columns.
const LONGEST: usize = 500;

/// How much of one that is longer stands before its hash.
const PREFIX: usize = 200;

/// A key for an index: the text itself, or for a long one its beginning and its hash.
pub(crate) fn key(text: &str) -> Cow<'_, str> {
    let whole = escaped(text);
    if whole.len() <= LONGEST {
        return whole;
    }
    let hash = hex(&Sha256::digest(whole.as_bytes()));
    let prefix = &whole[..whole.floor_char_boundary(PREFIX)];
    // No escaped text has this in it, so that nothing short is taken for something long.
    Cow::Owned(format!("{prefix}\u{1}\u{3}{hash}"))
}

/// The text without NUL. Texts stay in the order of their bytes, and what one begins with it begins with here too.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', '\u{1}']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}"))
}

/// The text that was escaped.
pub(crate) fn unescaped(text: String) -> String {
    if !text.contains('\u{1}') {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        plain.push(match char {
            '\u{1}' if chars.next() == Some('\u{1}') => '\0',
            char => char,
        });
    }
    plain
}

/// What stands for several texts where only the very same ones are looked for.
pub(crate) fn hash_of(texts: &[&str]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for text in texts {
        // Where one ends and the next begins is a part of it.
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().to_vec()
}

/// The first text after all that begin with this one, if there is one.
pub(crate) fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // The range leaves out what is no character.
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_as_it_was_and_without_nul_meanwhile() {
        for text in ["", "plain", "\0", "\u{1}", "\u{1}\u{1}", "\u{1}\u{2}", "a\0\u{1}\0b", "Ünï\0"] {
            let escaped = escaped(text).into_owned();
            assert!(!escaped.contains('\0'));
            assert_eq!(unescaped(escaped), text);
        }
    }

    #[test]
    fn texts_stay_in_order() {
        let mut texts =
            vec!["a", "a\0", "a\0\0", "a\0\u{1}", "a\u{1}", "a\u{1}\0", "a\u{2}", "a b", "b\0", "ü"];
        texts.sort_unstable();
        let escaped: Vec<_> = texts.iter().map(|text| escaped(text)).collect();
        assert!(escaped.is_sorted(), "{escaped:?}");
    }

    #[test]
    fn long_texts_have_short_keys_of_their_own() {
        let long = |end: &str| "ü".repeat(10_000) + end;
        assert!(key(&long("a")).len() <= LONGEST);
        assert_ne!(key(&long("a")), key(&long("b")));
        assert_eq!(key(&long("a")), key(&long("a")));
        assert_eq!(key("short"), "short");
    }

    #[test]
    fn texts_that_are_split_elsewhere_are_others() {
        assert_eq!(hash_of(&["ab", "c"]), hash_of(&["ab", "c"]));
        for others in [&["a", "bc"][..], &["abc"], &["ab", "c", ""], &["c", "ab"]] {
            assert_ne!(hash_of(&["ab", "c"]), hash_of(others), "{others:?}");
        }
    }

    #[test]
    fn what_comes_after_a_prefix_is_after_all_that_begin_with_it() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!((after_prefix(""), after_prefix("\u{10FFFF}")), (None, None));
    }
}
