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
mod meet;
mod page;
mod places;
mod provider;
mod report;
mod socket;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use reflector_core::Timestamp;
use reflector_core::store::TokenHash;
use sha2::{Digest, Sha256};

pub use meet::{Meet, Timing};
pub(crate) use page::escaped;
pub use places::ClientAddress;
pub(crate) use places::household;
pub use provider::{Builtin, TokenRefused};
pub use socket::router;

/// What a token is known by in a store.
pub(crate) fn token_hash(token: &str) -> TokenHash {
    TokenHash::new(Sha256::digest(token.as_bytes()).into())
}

/// Tells the time. It is handed in, so that a test can move it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The name under which rooms ask for this provider.
pub const NAME: &str = "builtin";
