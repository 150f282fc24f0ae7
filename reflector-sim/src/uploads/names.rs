//! What is counted of recordings, by the names it is counted under.

macro_rules! names {
    ($(#[$doc:meta])* $all:ident: $($name:ident = $text:literal,)*) => {
        $(pub(crate) const $name: &str = $text;)*
        $(#[$doc])*
        pub const $all: &[&str] = &[$($name),*];
    };
}

pub(crate) use names;

names! {
    /// What goes wrong between a recording's upload and what is kept of it. Many worlds reach all of it.
    UPLOAD_FAULTS:
    LOST = "notification lost",
    DOUBLED = "notification doubled",
    LATE = "notification late",
    DISORDERED = "notices out of order",
    GARBAGE = "message unreadable",
    SOURCE_BEFORE = "source failed before",
    SOURCE_AFTER = "source failed after",
    SOURCE_SLOW = "source hangs",
    REFUSED = "not acknowledged",
    CAME_BACK = "acknowledged in vain",
    STORE_BEFORE = "recordings failed before",
    STORE_AFTER = "recordings failed after",
    CONFLICT = "recordings conflict",
    DIED = "recordings worker died",
    DIED_IN_THE_MIDDLE = "worker died in the middle",
}

names! {
    /// What comes of recordings. Many worlds reach all of it.
    UPLOAD_OUTCOMES:
    PUT = "object put",
    PUT_AGAIN = "put again under its key",
    PUT_BY_A_STRANGER = "put by a stranger",
    TAKEN_IN = "taken in",
    KNOWN = "known or outdated",
    OUTDATED = "older than what is known",
    UNWANTED = "unwanted",
    UNMATCHED = "unmatched at first",
    MATCHED_LATER = "matched later",
    STRANGERS = "unmatched to the end",
    OF_AN_EARLIER_ROOM = "of an earlier room",
    FOUND = "found by reconciliation",
    GIVEN_BACK = "given back",
    TRIED_AGAIN = "batch tried again",
    UNREADABLE = "left to come again",
    SET_ASIDE = "set aside",
    DEAD = "unreadable dead letter",
    DEAD_AND_GOOD = "readable dead letter",
}
