//! The only place that reads the clock and draws ids.

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
