//! All connections of a listener, and which of them gives way.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Bounds;
use super::held::Held;
use crate::builtin::household;
use crate::metrics::ConnectionMetrics;

/// All connections of a listener.
#[derive(Debug)]
pub(super) struct Table {
    bounds: Bounds,
    metrics: ConnectionMetrics,
    epoch: Instant,
    entries: Mutex<Entries>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    all: HashMap<u64, Entry>,
    per_address: HashMap<IpAddr, usize>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    /// Without one it comes from a proxy.
    address: Option<IpAddr>,
    held: Arc<Held>,
}

/// The place of one connection; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    table: Arc<Table>,
    id: u64,
    pub(super) held: Arc<Held>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.table.entries().remove(self.id);
        self.table.metrics.open.dec();
        self.table.freed.notify_one();
    }
}

/// What becomes of a connection that wants in.
#[derive(Debug)]
pub(super) enum Admission {
    /// It has a place.
    In(Place),
    /// Its address has too many, and all of them are in hand.
    Refused,
    /// There is no place, and all that are there are in hand.
    Full,
}

impl Table {
    pub(super) fn new(bounds: Bounds, metrics: ConnectionMetrics) -> Self {
        Self { bounds, metrics, epoch: Instant::now(), entries: Mutex::default(), freed: Notify::new() }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a place to a connection, for which another one gives way if need be.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Admission {
        let address = (!self.bounds.trusts(peer)).then(|| household(peer));
        let mut entries = self.entries();
        if let Some(address) = address
            && entries.of(address) >= self.bounds.per_address
            && !self.make_room_in(&mut entries, Some(address))
        {
            self.metrics.refused.inc();
            return Admission::Refused;
        }
        if entries.all.len() >= self.bounds.all && !self.make_room_in(&mut entries, None) {
            return Admission::Full;
        }
        let id = entries.next;
        entries.next += 1;
        let held = Arc::new(Held::new(self.epoch));
        entries.all.insert(id, Entry { address, held: Arc::clone(&held) });
        if let Some(address) = address {
            *entries.per_address.entry(address).or_default() += 1;
        }
        drop(entries);
        self.metrics.open.inc();
        Admission::In(Place { table: Arc::clone(self), id, held })
    }

    /// Has one give way, if any may.
    pub(super) fn make_room(&self) {
        self.make_room_in(&mut self.entries(), None);
    }

    fn make_room_in(&self, entries: &mut Entries, of: Option<IpAddr>) -> bool {
        let gave_way = entries.oldest_gives_way(of);
        self.metrics.gave_way.inc_by(u64::from(gave_way));
        gave_way
    }

    /// Returns when a place may have become free.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }
}

impl Entries {
    fn of(&self, address: IpAddr) -> usize {
        self.per_address.get(&address).copied().unwrap_or_default()
    }

    /// Has the one give way that has waited longest, of this address or of all; none of a proxy.
    fn oldest_gives_way(&mut self, of: Option<IpAddr>) -> bool {
        loop {
            let waiting = self.all.iter().filter(|(_, entry)| match of {
                Some(address) => entry.address == Some(address),
                None => entry.address.is_some(),
            });
            let since = waiting.filter_map(|(id, entry)| Some((entry.held.waits_since()?, *id)));
            let Some((since, id)) = since.min() else { return false };
            // Its request may have come in this very moment.
            if self.all.get(&id).is_some_and(|entry| entry.held.give_way(since)) {
                self.remove(id);
                return true;
            }
        }
    }

    fn remove(&mut self, id: u64) {
        let Some(Entry { address: Some(address), .. }) = self.all.remove(&id) else { return };
        if let Some(connections) = self.per_address.get_mut(&address) {
            *connections -= 1;
            if *connections == 0 {
                self.per_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const OURS: &str = "192.0.2.7";
    const ANOTHERS: &str = "198.51.100.9";
    const PROXY: &str = "10.0.0.1";

    fn table(all: usize, per_address: usize) -> Arc<Table> {
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        Arc::new(Table::new(Bounds { all, per_address, proxies }, ConnectionMetrics::default()))
    }

    async fn comes(table: &Arc<Table>, from: &str) -> Place {
        advance(Duration::from_millis(1)).await;
        match table.admit(from.parse().unwrap()) {
            Admission::In(place) => place,
            other => panic!("{other:?}"),
        }
    }

    fn is_gone(place: &Place) -> bool {
        !place.held.begins()
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_places_are_taken_the_connection_that_has_waited_longest_gives_way() {
        let table = table(3, 3);
        let (first, second, third) =
            (comes(&table, OURS).await, comes(&table, OURS).await, comes(&table, ANOTHERS).await);
        // It has asked something and been answered since.
        assert!(first.held.begins());
        first.held.ends();
        let fourth = comes(&table, ANOTHERS).await;
        assert!(is_gone(&second));
        assert_eq!(
            (table.metrics.gave_way.get(), table.metrics.open.get()),
            (1, 4),
            "it is still being ended"
        );
        assert!(!is_gone(&first) && !is_gone(&third) && !is_gone(&fourth));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_hand_does_not_give_way_and_the_next_has_to_wait_for_a_place() {
        let table = table(1, 9);
        let busy = comes(&table, OURS).await;
        assert!(busy.held.begins());
        assert!(matches!(table.admit(OURS.parse().unwrap()), Admission::Full));
        assert!(!is_gone(&busy));
        drop(busy);
        table.freed().await;
        drop(comes(&table, OURS).await);
        assert!(table.entries().all.is_empty() && table.entries().per_address.is_empty());
        assert_eq!(table.metrics.open.get(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_with_too_many_makes_room_among_its_own() {
        let table = table(9, 2);
        let anothers = comes(&table, ANOTHERS).await;
        let (first, second) = (comes(&table, OURS).await, comes(&table, OURS).await);
        let third = comes(&table, OURS).await;
        assert!(is_gone(&first) && !is_gone(&anothers));
        assert!(second.held.begins() && third.held.begins());
        assert!(matches!(table.admit(OURS.parse().unwrap()), Admission::Refused), "both are in hand");
        assert_eq!(table.metrics.refused.get(), 1);
        drop(comes(&table, ANOTHERS).await);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_of_a_trusted_proxy_are_not_counted_as_one_address_and_never_give_way() {
        let table = table(3, 1);
        let proxys = [comes(&table, PROXY).await, comes(&table, PROXY).await];
        let ours = comes(&table, OURS).await;
        let last = comes(&table, PROXY).await;
        assert!(is_gone(&ours));
        assert!(matches!(table.admit(OURS.parse().unwrap()), Admission::Full));
        assert!(!is_gone(&proxys[0]) && !is_gone(&proxys[1]) && !is_gone(&last));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_and_an_answer_that_nobody_reads_are_waited_for() {
        let table = table(2, 2);
        let (dribbles, reads_nothing) = (comes(&table, OURS).await, comes(&table, OURS).await);
        assert!(reads_nothing.held.begins());
        advance(Duration::from_millis(1)).await;
        assert!(dribbles.held.begins_to_read());
        let third = comes(&table, OURS).await;
        assert!(is_gone(&dribbles), "the other one was in hand");
        assert!(third.held.begins());
        reads_nothing.held.is_stuck();
        let fourth = comes(&table, OURS).await;
        assert!(is_gone(&reads_nothing) && !is_gone(&fourth));
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_on_is_in_hand_again_until_they_are_answered() {
        let table = table(1, 1);
        let slow = comes(&table, OURS).await;
        assert!(slow.held.begins());
        slow.held.is_stuck();
        slow.held.goes_on();
        assert!(matches!(table.admit(ANOTHERS.parse().unwrap()), Admission::Full));
        slow.held.ends();
        drop(comes(&table, ANOTHERS).await);
        assert!(is_gone(&slow));
    }
}
