//! Which messages were taken in, and which wait for their meeting.

use std::collections::{BTreeSet, HashMap, HashSet};

use reflector_core::provider::RoomAddress;
use reflector_core::store::{DeliveryKey, Kept, KeptDelivery};
use reflector_core::{ProviderName, Timestamp};

#[derive(Default)]
pub(crate) struct Deliveries {
    taken: HashSet<DeliveryKey>,
    taken_by_age: BTreeSet<(Timestamp, DeliveryKey)>,
    kept: HashMap<DeliveryKey, KeptDelivery>,
    by_age: BTreeSet<(Timestamp, DeliveryKey)>,
}

impl Deliveries {
    pub(crate) fn was_taken(&self, key: &DeliveryKey) -> bool {
        self.taken.contains(key)
    }

    pub(crate) fn take(&mut self, key: DeliveryKey, received_at: Timestamp) {
        self.taken_by_age.insert((received_at, key.clone()));
        self.taken.insert(key);
    }

    /// Forgets which messages were taken in before this instant.
    pub(crate) fn drop_taken_before(&mut self, before: Timestamp, limit: usize) -> usize {
        let old = take_before(&mut self.taken_by_age, before, limit);
        for (_, key) in &old {
            self.taken.remove(key);
        }
        old.len()
    }

    pub(crate) fn keep(&mut self, delivery: KeptDelivery) -> Kept {
        if self.was_taken(&delivery.key) || self.kept.contains_key(&delivery.key) {
            return Kept::Duplicate;
        }
        self.by_age.insert((delivery.received_at, delivery.key.clone()));
        self.kept.insert(delivery.key.clone(), delivery);
        Kept::Stored
    }

    pub(crate) fn kept_for(&self, provider: &ProviderName, room: &RoomAddress) -> Vec<KeptDelivery> {
        let kept = self.by_age.iter().filter_map(|(_, key)| self.kept.get(key));
        kept.filter(|kept| kept.key.provider == *provider && names_the_same(&kept.room, room))
            .cloned()
            .collect()
    }

    pub(crate) fn forget(&mut self, key: &DeliveryKey) {
        if let Some(kept) = self.kept.remove(key) {
            self.by_age.remove(&(kept.received_at, kept.key));
        }
    }

    pub(crate) fn drop_kept_before(&mut self, before: Timestamp, limit: usize) -> usize {
        let old = take_before(&mut self.by_age, before, limit);
        for (_, key) in &old {
            self.kept.remove(key);
        }
        old.len()
    }
}

/// Takes the oldest of what is older than `before` out of an order by age.
pub(crate) fn take_before<T: Ord>(
    by_age: &mut BTreeSet<(Timestamp, T)>,
    before: Timestamp,
    limit: usize,
) -> Vec<(Timestamp, T)> {
    let mut old = Vec::new();
    while old.len() < limit && by_age.first().is_some_and(|(at, _)| *at < before) {
        old.extend(by_age.pop_first());
    }
    old
}

fn names_the_same(one: &RoomAddress, other: &RoomAddress) -> bool {
    let same = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
    same(&one.external_id, &other.external_id) || same(&one.name, &other.name)
}
