//! What a store that outlives its process must find again.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use super::world::{Durable, World};
use crate::lifecycle::Effect;
use crate::meeting::{Claim, Meeting};
use crate::room::Room;
use crate::store::{
    ClaimEffects, ClaimedEffect, Commit, Committed, Created, DueClaim, Entry, Heard, KeptDelivery, Loaded,
    NewMeeting, Settlement, StoreError,
};
use crate::testing::sample::{self, ENDPOINT, at, due, entry, meeting_id, owed};
use crate::time::Timestamp;

pub async fn everything_is_there_after_reopening(harness: &impl Durable) -> Result<(), StoreError> {
    let world = World::around(harness.store());
    fill(&world).await?;
    let before = Seen::of(&world).await?;
    drop(world);

    let world = World::around(harness.reopen().await);
    assert_eq!(Seen::of(&world).await?, before);
    // And it goes on where it was.
    let taken = Commit { delivery: Some(sample::taken(1, 9)), ..sample::commit(&before.meetings[0]) };
    assert_eq!(world.commit(taken).await?, Committed::Duplicate);
    let held = Meeting { claim: Some(Claim::Unscheduled), ..sample::meeting(9, &sample::room(1)) };
    assert_eq!(world.create(sample::new_meeting(held)).await?, Created::ClaimTaken(meeting_id(2)));
    let claim = DueClaim { now: at(500), until: at(600), limit: 10 };
    assert_eq!(world.due(claim).await?, [meeting_id(1)], "the other one is in somebody's hands");
    let settled = world.settle(&before.claimed, Settlement::Done, at(500)).await?;
    assert_eq!(settled, crate::store::Settled::Settled, "a claim outlives the process that holds it");
    let entries = vec![entry(5)];
    let after = world.stored(Commit { entries, ..sample::commit(&before.meetings[0]) }).await?;
    assert_eq!((after.version, after.entries), (before.meetings[0].version + 1, 3));
    Ok(())
}

async fn fill(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    world.room(2).await?;
    let new = NewMeeting { due: Some(due(100)), ..sample::new_meeting(sample::meeting_in_full(1, &room)) };
    let loaded = world.keep_new(new).await?;
    let commit = Commit {
        due: Some(due(200)),
        delivery: Some(sample::taken(1, 5)),
        entries: vec![entry(1), entry(2)],
        ..sample::commit(&loaded)
    };
    world.stored(commit).await?;
    let effects = owed(meeting_id(2), 1, &[Effect::AskPresence, Effect::AskPresence], 3);
    let new = NewMeeting { effects, due: Some(due(150)), ..sample::new_meeting(sample::claiming(2, &room)) };
    world.keep_new(new).await?;
    world.claim(ClaimEffects { now: at(10), until: at(700), limit: 1, meeting: None }).await?;
    world.due(DueClaim { now: at(150), until: at(900), limit: 10 }).await?;
    world.keep(sample::kept_delivery(4, 20)).await?;
    world.beat(at(30)).await?;
    world.beat(at(40)).await?;
    Ok(())
}

/// All that can be seen of it.
#[derive(Debug, PartialEq)]
struct Seen {
    rooms: Vec<Option<Room>>,
    meetings: Vec<Loaded>,
    history: Vec<Entry>,
    owed: Vec<ClaimedEffect>,
    claimed: ClaimedEffect,
    kept: Vec<KeptDelivery>,
    heard: Heard,
    next: [Option<Timestamp>; 2],
}

impl Seen {
    async fn of(store: &World) -> Result<Self, StoreError> {
        let mut meetings = Vec::new();
        for n in [1, 2] {
            meetings.push(store.load(meeting_id(n)).await?.expect("the meeting is there"));
        }
        let owed = store.owed(meeting_id(2)).await?;
        let claimed = owed.iter().find(|work| work.claimed_until.is_some());
        Ok(Self {
            rooms: vec![
                store.load_room(sample::room(1).id).await?,
                store.find_room(&sample::room(2).name).await?,
            ],
            history: store.history(meeting_id(1), 0, 10).await?,
            claimed: claimed.expect("one is in somebody's hands").clone(),
            owed: owed.clone(),
            kept: store.kept_for(&sample::provider(), &sample::address(4)).await?,
            heard: store.hearing(&sample::provider(), ENDPOINT).await?,
            next: [store.next_due().await?, store.next_owed().await?],
            meetings,
        })
    }
}
