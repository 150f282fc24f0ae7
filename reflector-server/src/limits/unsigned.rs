//! Messages that prove nothing: whoever sends many of them is answered late and without a line in the log. Nobody is
//! turned away before their message is looked at, because providers and whoever means no good may come from the same
//! address: that of a proxy.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::rate::Rate;
use crate::builtin::household;
use crate::clock::Clock;

/// How many messages that prove nothing an address may send a minute before it is one that floods: enough for a provider
/// whose secret was mistyped here, so that the log says so.
const ODD: NonZeroU32 = NonZeroU32::new(30).unwrap();
/// How long whoever floods waits for an answer. They send no more than one on each of their connections meanwhile, and
/// the connections give way to others'.
pub(crate) const LATE: Duration = Duration::from_secs(1);

/// Who sends messages that prove nothing.
#[derive(Debug)]
pub(crate) struct Unsigned {
    from: Rate<IpAddr>,
}

/// What an address is that has sent one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has not sent many.
    Odd,
    /// It floods, for so long at least.
    Floods(Duration),
}

impl Unsigned {
    pub(super) fn new(clock: &Clock) -> Self {
        Self { from: Rate::per_minute(ODD, clock.clone()) }
    }

    /// Counts one more from an address.
    pub(crate) fn one_more(&self, from: IpAddr) -> Standing {
        match self.from.take(&household(from)) {
            Ok(()) => Standing::Odd,
            Err(after) => Standing::Floods(after),
        }
    }
}
