//! The only place that reads the clock, and draws ids and secrets.

use std::sync::Arc;

use reflector_core::Timestamp;
use uuid::Uuid;

pub use crate::builtin::Clock;

/// The clock of this machine.
pub fn system() -> Clock {
    Arc::new(|| Timestamp::from(chrono::Utc::now()))
}

/// A new id whose order is that of its making.
pub(crate) fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// A new secret that nobody can guess: 244 random bits.
pub(crate) fn new_secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// A new key that nobody can guess: 256 bits, of which 244 are random.
pub(crate) fn new_key() -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(Uuid::new_v4().as_bytes());
    key[16..].copy_from_slice(Uuid::new_v4().as_bytes());
    key
}
