//! Names of things. Ids come from the caller, so that a repeated create is the same create.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id! {
    /// A room, for as long as it lasts.
    RoomId
}
id! {
    /// A meeting, which is one gathering in a room.
    MeetingId
}
id! {
    /// A recording: one version of one object in a bucket.
    RecordingId
}
id! {
    /// A transcript: what a pipeline makes of a recording, which has one; the number is the recording's.
    TranscriptId
}

id! {
    /// A key with which a program calls.
    ApiKeyId
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

text! {
    /// Who owns a room: the user an identity stands for.
    UserId
}
text! {
    /// Which adapter runs a meeting: `builtin`, `whereby`, or a name of one's own.
    ProviderName
}

/// One connection of a participant to a provider's room, as 64 bits of the provider's own id.
///
/// A person with two tabs has two. Only equality matters to the rules, and a fixed size keeps a
/// [`Life`](crate::Life) small: the id in full stays with the provider.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct ConnectionKey(pub u64);

impl ConnectionKey {
    /// The key of a provider's id: FNV-1a, the same on every machine and for ever, because it is stored.
    pub fn of(provider_id: &str) -> Self {
        Self(fnv1a(provider_id.as_bytes()))
    }
}

/// FNV-1a over 64 bits: a hash that may be stored, unlike the standard library's, which may change.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl fmt::Debug for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<ConnectionKey> for String {
    fn from(key: ConnectionKey) -> Self {
        format!("{:016x}", key.0)
    }
}

impl<'de> Deserialize<'de> for ConnectionKey {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_str(Hexadecimal)
    }
}

/// Reads a key where it stands, without a copy of its text: a meeting holds dozens of them.
struct Hexadecimal;

impl de::Visitor<'_> for Hexadecimal {
    type Value = ConnectionKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key of a connection, in hexadecimal digits")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ConnectionKey, E> {
        u64::from_str_radix(text, 16).map(ConnectionKey).map_err(E::custom)
    }
}
