//! Forgetting what nobody needs any more.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use super::World;
use crate::lifecycle::{CloseReason, Effect, Phase};
use crate::store::{
    ClaimEffects, Commit, Committed, Dropped, Kept, Loaded, NewMeeting, Settled, Settlement, StoreError,
};
use crate::testing::sample::{self, ENDPOINT, TICK, at, entry, meeting_id, owed};

const MANY: usize = 100;

pub async fn the_history_of_meetings_closed_long_ago_is_dropped(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    let open = world.keep_meeting(sample::meeting(1, &room)).await?;
    world.stored(Commit { entries: vec![entry(1)], ..sample::commit(&open) }).await?;
    let early = closed_at(world, 2, 100).await?;
    let late = closed_at(world, 3, 200).await?;
    assert_eq!(early.entries, 3);

    assert_eq!(world.drop_before(at(100), MANY).await?, Dropped::default(), "what closed then stays");
    assert_eq!(world.drop_before(at(200), MANY).await?, Dropped { entries: 3, ..Dropped::default() });
    assert_eq!(world.history(meeting_id(2), 0, MANY).await?, []);
    assert_eq!(world.loaded(meeting_id(2)).await?, early, "the meeting stays as it was");
    assert_eq!(world.history(meeting_id(3), 0, MANY).await?.len(), 3);
    assert_eq!(world.history(meeting_id(1), 0, MANY).await?.len(), 1);
    assert_eq!(world.drop_before(at(200), MANY).await?, Dropped::default(), "it is dropped once");

    // Something is heard of a closed meeting after all: it is numbered on, and dropped in its turn.
    let early = world.stored(Commit { entries: vec![entry(7)], ..sample::commit(&early) }).await?;
    assert_eq!(early.entries, 4);
    let heard = world.history(meeting_id(2), 0, MANY).await?;
    assert_eq!(heard.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [4]);
    assert_eq!(world.history(meeting_id(2), 3, MANY).await?.len(), 1);
    assert_eq!(world.history(meeting_id(2), 4, MANY).await?, []);
    assert_eq!(world.drop_before(at(200), MANY).await?.entries, 1);
    world.stored(sample::commit(&late)).await?;
    Ok(())
}

pub async fn delivery_ids_of_long_ago_are_dropped(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    let first = world.keep_meeting(sample::meeting(1, &room)).await?;
    let taking = |from: &Loaded, n, seconds| Commit {
        delivery: Some(sample::taken(n, seconds)),
        ..sample::commit(from)
    };
    let second = world.stored(taking(&first, 1, 10)).await?;
    let third = world.stored(taking(&second, 2, 20)).await?;
    let heard = world.hearing(&sample::provider(), ENDPOINT).await?;
    assert_eq!(heard.verified_at, Some(at(20)));

    assert_eq!(world.drop_before(at(10), MANY).await?, Dropped::default(), "what came then stays");
    assert_eq!(world.drop_before(at(20), MANY).await?, Dropped { deliveries: 1, ..Dropped::default() });
    assert_eq!(world.commit(taking(&third, 2, 30)).await?, Committed::Duplicate);
    let fourth = world.stored(taking(&third, 1, 15)).await?;
    assert_eq!(world.drop_before(at(1_000), MANY).await?.deliveries, 2);
    assert_eq!(world.hearing(&sample::provider(), ENDPOINT).await?, heard, "the endpoint stays heard");
    assert_eq!(world.keep(sample::kept_delivery(2, 30)).await?, Kept::Stored);
    assert_eq!(world.drop_before(at(1_000), MANY).await?, Dropped::default(), "what waits is none of these");
    assert_eq!(world.loaded(meeting_id(1)).await?, fourth);
    Ok(())
}

pub async fn settled_work_of_long_ago_is_dropped(world: &World) -> Result<(), StoreError> {
    world.room(1).await?;
    let effects = owed(meeting_id(1), 1, &[Effect::AskPresence, Effect::AskPresence, Effect::AskPresence], 1);
    let meeting = sample::meeting(1, &sample::room(1));
    world.keep_new(NewMeeting { effects, ..sample::new_meeting(meeting) }).await?;
    let claim = ClaimEffects { now: at(10), until: at(20), limit: 10, meeting: None };
    let claimed = world.claim(claim).await?;
    assert_eq!(world.settle(&claimed[0], Settlement::Done, at(11)).await?, Settled::Settled);
    assert_eq!(world.settle(&claimed[1], Settlement::Done, at(12)).await?, Settled::Settled);
    let retry = Settlement::Retry { at: at(13), error: "no answer".to_owned() };
    assert_eq!(world.settle(&claimed[2], retry, at(12)).await?, Settled::Settled);
    let waiting = world.owed(meeting_id(1)).await?;
    assert_eq!(waiting.len(), 1);

    assert_eq!(world.drop_before(at(11), MANY).await?, Dropped::default());
    assert_eq!(world.drop_before(at(11) + TICK, MANY).await?, Dropped { settled: 1, ..Dropped::default() });
    assert_eq!(world.drop_before(at(1_000), MANY).await?, Dropped { settled: 1, ..Dropped::default() });
    assert_eq!(world.owed(meeting_id(1)).await?, waiting, "what is owed stays, however old it is");
    Ok(())
}

pub async fn what_is_old_is_dropped_in_batches(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    closed_at(world, 3, 300).await?;
    closed_at(world, 2, 200).await?;
    let mut loaded = world.keep_meeting(sample::meeting(4, &room)).await?;
    for n in 1..=3 {
        let delivery = Some(sample::taken(n, 100 - u64::from(n)));
        loaded = world.stored(Commit { delivery, ..sample::commit(&loaded) }).await?;
    }
    let dropped = world.drop_before(at(1_000), 2).await?;
    assert_eq!(dropped, Dropped { entries: 2, deliveries: 2, settled: 0 });
    assert!(dropped.may_be_more(2));
    assert_eq!(world.history(meeting_id(3), 0, MANY).await?.len(), 3, "what closed first goes first");
    assert!(world.history(meeting_id(2), 0, MANY).await?.len() < 3);
    assert_eq!(
        world.commit(Commit { delivery: Some(sample::taken(1, 99)), ..sample::commit(&loaded) }).await?,
        Committed::Duplicate,
        "the oldest go first"
    );
    assert_eq!(world.drop_before(at(1_000), 0).await?, Dropped::default());
    let mut rest = Dropped::default();
    loop {
        let dropped = world.drop_before(at(1_000), 2).await?;
        assert!(dropped.entries <= 2 && dropped.deliveries <= 2);
        rest.entries += dropped.entries;
        rest.deliveries += dropped.deliveries;
        if dropped == Dropped::default() {
            break;
        }
    }
    assert_eq!(rest, Dropped { entries: 4, deliveries: 1, settled: 0 });
    assert_eq!(world.history(meeting_id(2), 0, MANY).await?, []);
    assert_eq!(world.history(meeting_id(3), 0, MANY).await?, []);
    Ok(())
}

/// A meeting with three entries that closed so many seconds into the story.
async fn closed_at(world: &World, n: u32, seconds: u64) -> Result<Loaded, StoreError> {
    let loaded = world.keep_meeting(sample::meeting(n, &sample::room(1))).await?;
    let phase = Phase::Closed { reason: CloseReason::EndedByOwner, at: at(seconds) };
    let meeting = sample::in_phase(loaded.meeting.clone(), phase);
    let entries = vec![entry(1), entry(2), entry(3)];
    world.stored(Commit { meeting, entries, ..sample::commit(&loaded) }).await
}
