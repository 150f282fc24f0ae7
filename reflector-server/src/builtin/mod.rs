//! The built-in provider: presence rooms in the browser, served by this very process.
//!
//! ```text
//! order ─► provider ─► connections ◄─ socket ◄─ page
//!                        │               │
//!                 who is in, tokens      └─► report ─► engine
//! ```
//!
//! It needs no account and no network, so a deployment can be tried in a minute and a life watched from end to end.
//! It shows who is here; there is no sound and no picture. What it says of presence is exact: it is asked and closes
//! in one piece, so nobody can be put out by slipping in between.

mod audience;
mod connections;
mod meet;
mod memory;
mod page;
mod places;
mod provider;
mod report;
mod socket;
#[cfg(test)]
pub(crate) mod suite;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use reflector_core::Timestamp;

pub use connections::{
    Attach, Attached, Closing, Connections, ConnectionsError, Latest, Leaving, Left, Renewed, RoomSeen, Seat,
    TokenHash,
};
pub use meet::{Meet, Timing};
pub use memory::MemoryConnections;
pub use places::ClientAddress;
pub use provider::{Builtin, TokenRefused};
pub use socket::router;

/// Tells the time. It is handed in, so that a test can move it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The name under which rooms ask for this provider.
pub const NAME: &str = "builtin";
