//! Keys as S3 writes them in its messages: form-encoded. Pure.

use std::fmt;

/// What a form-encoded key stands for: `+` is a space, and after that `%` and two hexadecimal digits are a byte.
///
/// S3 encodes the keys in its event notifications, and those of a listing if it is asked to. It encodes every `%`, so
/// one without digits stands in no key that it wrote: such a key is refused and not guessed at.
///
/// # Errors
///
/// [`NotEncoded`], which says where.
pub fn decode(encoded: &str) -> Result<String, NotEncoded> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes().enumerate();
    while let Some((place, byte)) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|(_, byte)| char::from(byte).to_digit(16));
                let (high, low) = (digit(), digit());
                let byte = high.zip(low).and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
                byte.ok_or(NotEncoded::Percent { place })?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).map_err(|_| NotEncoded::NotText)
}

/// A key is not form-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotEncoded {
    /// A `%` has no two hexadecimal digits behind it.
    Percent {
        /// How many bytes stand before it.
        place: usize,
    },
    /// What it stands for is not UTF-8.
    NotText,
}

impl fmt::Display for NotEncoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent { place } => {
                write!(f, "it is not form-encoded: the % at byte {place} has no two hexadecimal digits")
            }
            Self::NotText => f.write_str("it is not form-encoded: what it stands for is not UTF-8"),
        }
    }
}

impl std::error::Error for NotEncoded {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As S3 writes keys: every byte that is not plain, with its slash or without.
    fn encode(key: &str, plain_slash: bool) -> String {
        key.bytes()
            .map(|byte| match byte {
                b' ' => "+".to_owned(),
                b'/' if plain_slash => "/".to_owned(),
                b'-' | b'.' | b'_' | b'*' => char::from(byte).to_string(),
                _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect()
    }

    #[test]
    fn a_plus_is_a_space_and_then_percents_are_bytes() {
        for (encoded, key) in [
            ("HappyFace.jpg", "HappyFace.jpg"),
            ("red+flower.jpg", "red flower.jpg"),
            (
                "recordings%2Fteam-a-0b1fbe30-2346-4681-85a5-f309f11e509f-2023-10-31T13%3A09%3A35Z.mp4",
                "recordings/team-a-0b1fbe30-2346-4681-85a5-f309f11e509f-2023-10-31T13:09:35Z.mp4",
            ),
            ("My+Room%2B1-2023-10-31T13%3A09%3A35Z.mp4", "My Room+1-2023-10-31T13:09:35Z.mp4"),
            (
                "a+b%2Bc%2F%C3%BCn%C3%AFcode-%E6%97%A5%E6%9C%AC+%281%29%26x%3Dy%2520.mp4",
                "a b+c/ünïcode-日本 (1)&x=y%20.mp4",
            ),
            ("a/b:c%3ad", "a/b:c:d"),
            ("ü", "ü"),
            ("%00%7F", "\0\u{7f}"),
            ("", ""),
        ] {
            assert_eq!(decode(encoded).as_deref(), Ok(key), "{encoded}");
        }
    }

    #[test]
    fn what_s3_would_not_write_is_refused_and_not_guessed_at() {
        for (encoded, place) in [("100%.mp4", 3), ("%", 0), ("a%2", 1), ("a%zz", 1), ("%+1", 0), ("ü%ü", 2)]
        {
            assert_eq!(decode(encoded), Err(NotEncoded::Percent { place }), "{encoded}");
        }
        for encoded in ["%FF", "a%C3", "%ED%A0%80"] {
            assert_eq!(decode(encoded), Err(NotEncoded::NotText), "{encoded}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded_to_what_it_was(key in any::<String>(), plain_slash: bool) {
            prop_assert_eq!(decode(&encode(&key, plain_slash)), Ok(key));
        }

        #[test]
        fn anything_is_decoded_or_refused(encoded in any::<String>()) {
            if let Err(refused) = decode(&encoded) {
                prop_assert!(!refused.to_string().contains('\n'));
            }
        }
    }
}
