//! Messages that came before their meeting was known.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use super::World;
use super::world::{RACERS, RACES};
use crate::ids::ProviderName;
use crate::provider::RoomAddress;
use crate::store::{Commit, DeliveryKey, Kept, KeptDelivery, StoreError};
use crate::testing::sample::{self, TICK, at, delivery_key, kept_delivery};

pub async fn a_kept_delivery_waits_for_its_room(world: &World) -> Result<(), StoreError> {
    let by = |external_id: Option<&str>, name: Option<&str>| RoomAddress {
        external_id: external_id.map(str::to_owned),
        name: name.map(str::to_owned),
    };
    assert_eq!(kept_for(world, &sample::address(1)).await?, []);
    let to = |n, seconds, room| KeptDelivery { room, ..kept_delivery(n, seconds) };
    let late = to(1, 30, sample::address(1));
    let by_id = to(2, 10, by(Some("external-1"), None));
    let by_name = KeptDelivery { received_at: at(20) + TICK, ..to(3, 20, by(None, Some("sample-1"))) };
    let other = to(4, 15, sample::address(2));
    let nowhere = to(5, 15, by(None, None));
    let mut foreign = kept_delivery(1, 5);
    foreign.key.provider = ProviderName::from("elsewhere");
    for delivery in [&late, &by_id, &by_name, &other, &nowhere, &foreign] {
        assert_eq!(world.keep(delivery.clone()).await?, Kept::Stored);
    }

    assert_eq!(kept_for(world, &sample::address(1)).await?, [by_id.clone(), by_name.clone(), late.clone()]);
    assert_eq!(kept_for(world, &by(Some("external-1"), None)).await?, [by_id.clone(), late.clone()]);
    assert_eq!(kept_for(world, &by(None, Some("sample-1"))).await?, [by_name.clone(), late.clone()]);
    assert_eq!(kept_for(world, &sample::address(2)).await?, [other]);
    assert_eq!(kept_for(world, &by(Some("sample-1"), Some("external-1"))).await?, []);
    assert_eq!(kept_for(world, &by(None, None)).await?, [], "without an address nothing is found");
    assert_eq!(world.kept_for(&foreign.key.provider, &sample::address(1)).await?, [foreign]);
    assert_eq!(
        kept_for(world, &sample::address(1)).await?,
        [by_id, by_name, late],
        "looking takes nothing away"
    );
    Ok(())
}

pub async fn a_delivery_is_kept_once(world: &World) -> Result<(), StoreError> {
    let first = kept_delivery(1, 10);
    assert_eq!(world.keep(first.clone()).await?, Kept::Stored);
    assert_eq!(world.keep(kept_delivery(1, 20)).await?, Kept::Duplicate);
    let elsewhere = KeptDelivery { room: sample::address(2), ..first.clone() };
    assert_eq!(world.keep(elsewhere).await?, Kept::Duplicate);
    assert_eq!(kept_for(world, &sample::address(1)).await?, [first], "as it came first");
    assert_eq!(kept_for(world, &sample::address(2)).await?, []);

    for race in 1..=RACES {
        let answers =
            world.race(|_, store| async move { store.keep(kept_delivery(100 + race, 10)).await }).await?;
        let stored = answers.iter().filter(|answer| **answer == Kept::Stored).count();
        assert_eq!((stored, answers.len()), (1, RACERS as usize), "{answers:?}");
    }

    // One that a commit has taken in is not kept; one that is kept can be taken in, and is then no longer new.
    let room = world.room(1).await?;
    let loaded = world.keep_meeting(sample::meeting(1, &room)).await?;
    let taking = |from, n| Commit { delivery: Some(sample::taken(n, 10)), ..sample::commit(from) };
    let loaded = world.stored(taking(&loaded, 4)).await?;
    assert_eq!(world.keep(kept_delivery(4, 10)).await?, Kept::Duplicate);
    assert_eq!(kept_for(world, &sample::address(4)).await?, []);
    world.stored(taking(&loaded, 1)).await?;
    world.forget(&delivery_key(1)).await?;
    assert_eq!(world.keep(kept_delivery(1, 10)).await?, Kept::Duplicate);
    assert_eq!(kept_for(world, &sample::address(1)).await?, []);
    Ok(())
}

pub async fn a_forgotten_delivery_is_gone(world: &World) -> Result<(), StoreError> {
    world.forget(&delivery_key(1)).await?;
    for (n, seconds) in [(1, 10), (2, 20)] {
        world.keep(KeptDelivery { room: sample::address(1), ..kept_delivery(n, seconds) }).await?;
    }
    let namesake = DeliveryKey { provider: ProviderName::from("elsewhere"), ..delivery_key(1) };
    world.forget(&namesake).await?;
    assert_eq!(kept_for(world, &sample::address(1)).await?.len(), 2);

    world.forget(&delivery_key(1)).await?;
    world.forget(&delivery_key(1)).await?;
    let left: Vec<_> = kept_for(world, &sample::address(1)).await?.into_iter().map(|kept| kept.key).collect();
    assert_eq!(left, [delivery_key(2)]);
    assert_eq!(world.drop_kept_before(at(15), 10).await?, 0);
    assert_eq!(
        world.keep(kept_delivery(1, 30)).await?,
        Kept::Stored,
        "it was not taken in, and may come again"
    );
    Ok(())
}

pub async fn old_deliveries_are_dropped_in_batches(world: &World) -> Result<(), StoreError> {
    for (n, seconds) in [(1, 50), (2, 10), (3, 30), (4, 20), (5, 40)] {
        world.keep(KeptDelivery { room: sample::address(1), ..kept_delivery(n, seconds) }).await?;
    }
    let left = || async {
        let left = kept_for(world, &sample::address(1)).await?;
        Ok::<_, StoreError>(left.into_iter().map(|kept| kept.key).collect::<Vec<_>>())
    };
    assert_eq!(world.drop_kept_before(at(10), 10).await?, 0, "what came at that instant stays");
    assert_eq!(world.drop_kept_before(at(40), 0).await?, 0);
    assert_eq!(world.drop_kept_before(at(40), 2).await?, 2);
    assert_eq!(left().await?, [3, 5, 1].map(delivery_key), "the oldest go first");
    assert_eq!(world.drop_kept_before(at(40), 2).await?, 1);
    assert_eq!(world.drop_kept_before(at(40), 2).await?, 0);
    assert_eq!(world.drop_kept_before(at(40) + TICK, 2).await?, 1);
    assert_eq!(left().await?, [1].map(delivery_key));
    Ok(())
}

async fn kept_for(world: &World, room: &RoomAddress) -> Result<Vec<KeptDelivery>, StoreError> {
    world.kept_for(&sample::provider(), room).await
}
