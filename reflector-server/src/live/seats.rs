//! How many streams somebody has open.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reflector_core::UserId;

use crate::error::Problem;
use crate::identity::Caller;

/// How many streams an identity, or the address of a guest, may have open at once.
const SEATS: u32 = 20;
/// In how many seconds to try again if there is no seat.
const LATER: u64 = 10;

/// Who listens: those who said who they are wherever they call from, and others by their address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    User(UserId),
    Address(Option<IpAddr>),
}

/// The streams that are open in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seats(Arc<Mutex<HashMap<Who, u32>>>);

/// One stream's seat, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    who: Who,
    seats: Seats,
}

impl Seats {
    /// A seat for one more stream.
    pub(crate) fn take(&self, caller: &Caller, address: Option<IpAddr>) -> Result<Seat, Problem> {
        let who = match caller {
            Caller::User { id, .. } => Who::User(id.clone()),
            Caller::Guest => Who::Address(address),
        };
        let mut taken = self.taken();
        let here = taken.entry(who.clone()).or_default();
        if *here >= SEATS {
            let detail = format!("{SEATS} streams are open already: close one, or try again later");
            return Err(Problem::too_many(LATER, detail));
        }
        *here += 1;
        Ok(Seat { who, seats: self.clone() })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Who, u32>> {
        // Nothing under the lock can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        if let Some(here) = taken.get_mut(&self.who) {
            *here -= 1;
            if *here == 0 {
                taken.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::local;

    #[test]
    fn a_seat_that_is_given_back_is_there_for_the_next_and_nobody_is_remembered() {
        let seats = Seats::default();
        let user = Caller::User { id: local(), is_operator: true };
        let mut held: Vec<_> = (0..SEATS).map(|_| seats.take(&user, None).unwrap()).collect();
        assert!(seats.take(&user, None).is_err());
        let guest = seats.take(&Caller::Guest, "203.0.113.9".parse().ok());
        assert!(guest.is_ok(), "somebody else has seats of their own");
        held.pop();
        held.push(seats.take(&user, None).unwrap());
        drop((held, guest));
        assert!(seats.taken().is_empty());
    }
}
