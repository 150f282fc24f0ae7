//! Since when we have been listening, and which endpoints have proven themselves.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use super::World;
use crate::ids::ProviderName;
use crate::store::{Commit, Committed, Heard, LISTENING_GAP, StoreError};
use crate::testing::sample::{self, ENDPOINT, TICK, at};

pub async fn listening_goes_on_while_the_heart_beats(world: &World) -> Result<(), StoreError> {
    let provider = sample::provider();
    assert_eq!(world.hearing(&provider, ENDPOINT).await?, Heard::default());
    world.beat(at(1_000)).await?;
    let listening =
        |last| Heard { listening_since: Some(at(1_000)), last_beat: Some(last), verified_at: None };
    assert_eq!(world.hearing(&provider, ENDPOINT).await?, listening(at(1_000)));
    let mut now = at(1_000);
    for pause in [TICK, LISTENING_GAP - TICK, LISTENING_GAP, LISTENING_GAP] {
        now = now + pause;
        world.beat(now).await?;
        assert_eq!(world.hearing(&provider, ENDPOINT).await?, listening(now), "after {pause:?}");
    }
    // Several servers beat with clocks that differ a little; that is no gap.
    world.beat(now - LISTENING_GAP).await?;
    let heard = world.hearing(&ProviderName::from("elsewhere"), 0).await?;
    assert_eq!(heard.listening_since, Some(at(1_000)), "it is one heart for all endpoints");
    Ok(())
}

pub async fn a_gap_begins_listening_anew(world: &World) -> Result<(), StoreError> {
    let provider = sample::provider();
    let heard = || world.hearing(&provider, ENDPOINT);
    world.beat(at(1_000)).await?;
    let later = at(1_000) + LISTENING_GAP + TICK;
    world.beat(later).await?;
    let anew = |since, last| Heard { listening_since: Some(since), last_beat: Some(last), verified_at: None };
    assert_eq!(heard().await?, anew(later, later));
    world.beat(later + TICK).await?;
    assert_eq!(heard().await?, anew(later, later + TICK));

    let back = later - LISTENING_GAP;
    world.beat(back).await?;
    assert_eq!(heard().await?, anew(back, back), "also when the clock went back by more than a gap");
    Ok(())
}

pub async fn an_endpoint_is_heard_once_a_delivery_is_verified(world: &World) -> Result<(), StoreError> {
    let (provider, other) = (sample::provider(), ProviderName::from("elsewhere"));
    world.heard(&provider, ENDPOINT, at(20) + TICK).await?;
    let heard = Heard { verified_at: Some(at(20) + TICK), ..Heard::default() };
    assert_eq!(world.hearing(&provider, ENDPOINT).await?, heard);
    assert_eq!(world.hearing(&other, ENDPOINT).await?, Heard::default());
    world.heard(&provider, ENDPOINT, at(10)).await?;
    assert_eq!(world.hearing(&provider, ENDPOINT).await?, heard, "the newest is told");
    world.heard(&provider, ENDPOINT, at(30)).await?;
    world.beat(at(31)).await?;
    let both = Heard { listening_since: Some(at(31)), last_beat: Some(at(31)), verified_at: Some(at(30)) };
    assert_eq!(world.hearing(&provider, ENDPOINT).await?, both);
    Ok(())
}

pub async fn an_endpoint_that_is_configured_anew_must_prove_itself_again(
    world: &World,
) -> Result<(), StoreError> {
    let provider = sample::provider();
    world.heard(&provider, ENDPOINT, at(10)).await?;
    for anew in [ENDPOINT + 1, 5, 0, u64::MAX] {
        assert_eq!(world.hearing(&provider, anew).await?.verified_at, None, "{anew}");
    }
    world.heard(&provider, u64::MAX, at(5)).await?;
    assert_eq!(world.hearing(&provider, u64::MAX).await?.verified_at, Some(at(5)));
    Ok(())
}

pub async fn a_commit_that_takes_in_a_delivery_proves_the_endpoint(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    let provider = sample::provider();
    let verified = async || Ok::<_, StoreError>(world.hearing(&provider, ENDPOINT).await?.verified_at);
    let first = world.keep_meeting(sample::meeting(1, &room)).await?;
    let second = world.stored(sample::commit(&first)).await?;
    assert_eq!(verified().await?, None, "a commit without a delivery proves nothing");

    let taking =
        |from, n, seconds| Commit { delivery: Some(sample::taken(n, seconds)), ..sample::commit(from) };
    assert_eq!(world.commit(taking(&first, 1, 20)).await?, Committed::Conflict);
    assert_eq!(verified().await?, None, "nor does one that is refused");
    let third = world.stored(taking(&second, 1, 20)).await?;
    assert_eq!(verified().await?, Some(at(20)));
    assert_eq!(world.hearing(&provider, ENDPOINT + 1).await?.verified_at, None);
    assert_eq!(world.commit(taking(&third, 1, 30)).await?, Committed::Duplicate);
    assert_eq!(verified().await?, Some(at(20)));
    world.stored(taking(&third, 2, 10)).await?;
    assert_eq!(verified().await?, Some(at(20)), "the newest is told");
    Ok(())
}

pub async fn a_hold_lasts_until_it_is_lifted(world: &World) -> Result<(), StoreError> {
    assert_eq!(world.held_since().await?, None);
    world.hold(None).await?;
    assert_eq!(world.held_since().await?, None, "there was none to lift");
    world.hold(Some(at(7))).await?;
    world.hold(Some(at(9))).await?;
    assert_eq!(world.held_since().await?, Some(at(7)), "it is the same hold");
    world.hold(None).await?;
    assert_eq!(world.held_since().await?, None);
    world.hold(Some(at(11))).await?;
    assert_eq!(world.held_since().await?, Some(at(11)));
    Ok(())
}
