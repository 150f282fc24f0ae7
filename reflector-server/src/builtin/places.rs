//! How many sockets an address may hold, those included that have not shown a token yet.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a request really came from, for a server behind a proxy: put into the request's extensions by whoever knows
/// which proxies to trust. Without it the address of the peer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The sockets that each address holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One socket of an address; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    address: IpAddr,
}

impl Places {
    /// Takes a place for this address, if it has fewer than `limit`.
    pub(super) fn take(&self, address: IpAddr, limit: usize) -> Option<Place> {
        let address = household(address);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sockets = held.entry(address).or_default();
        if *sockets >= limit {
            return None;
        }
        *sockets += 1;
        Some(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sockets) = held.get_mut(&self.address) {
            *sockets -= 1;
            if *sockets == 0 {
                held.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: an IPv6 customer has a whole /64 of them.
pub(crate) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_given_back_can_be_taken_again() {
        let (places, address) = (Places::default(), IpAddr::from([192, 0, 2, 7]));
        let held = places.take(address, 1);
        assert!(held.is_some());
        assert!(places.take(address, 1).is_none());
        drop(held);
        assert!(places.0.lock().unwrap().is_empty());
        assert!(places.take(address, 1).is_some());
    }

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let places = Places::default();
        let held = places.take("2001:db8::1".parse().unwrap(), 1);
        assert!(held.is_some());
        assert!(places.take("2001:db8::2".parse().unwrap(), 1).is_none());
        assert!(places.take("2001:db8:0:1::1".parse().unwrap(), 1).is_some());
        let mapped = places.take("::ffff:192.0.2.7".parse().unwrap(), 1);
        assert!(mapped.is_some());
        assert!(places.take("192.0.2.7".parse().unwrap(), 1).is_none());
    }
}
