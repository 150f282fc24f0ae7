//! The deadline index: what is due, who has it in hand, and what has to be computed anew.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::collections::BTreeSet;
use std::time::Duration;

use super::World;
use crate::ids::MeetingId;
use crate::lifecycle::Overtime;
use crate::room::{Room, RoomPolicy};
use crate::store::{Commit, Committed, DueClaim, DueRow, Loaded, NewMeeting, StoreError};
use crate::testing::sample::{self, FINGERPRINT, TICK, at, due, meeting_id};
use crate::time::Timestamp;

pub async fn due_gives_what_is_due_and_nothing_else(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    assert_eq!(sweep(world, at(1_000), 10).await?, []);
    for (n, row) in
        [(1, Some(due(30))), (2, Some(due(10))), (3, None), (4, Some(due(40))), (5, Some(due(20)))]
    {
        keep_due(world, &room, n, row).await?;
    }
    assert_eq!(sweep(world, at(10) - TICK, 10).await?, []);
    assert_eq!(sweep(world, at(10), 10).await?, ids([2]), "due at its instant");

    let closes = world.loaded(meeting_id(4)).await?;
    world.stored(sample::commit(&closes)).await?;
    let moves = world.loaded(meeting_id(2)).await?;
    world.stored(Commit { due: Some(due(35)), ..sample::commit(&moves) }).await?;
    assert_eq!(sweep(world, at(100), 0).await?, []);
    assert_eq!(sweep(world, at(100), 2).await?, ids([5, 1]), "the earliest first");
    assert_eq!(
        sweep(world, at(100), 10).await?,
        ids([2]),
        "at the instant of its last commit, and no row, no deadline"
    );
    Ok(())
}

pub async fn due_rows_are_claimed_for_a_while(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    let first = keep_due(world, &room, 1, Some(due(10))).await?;
    keep_due(world, &room, 2, Some(due(11))).await?;
    assert_eq!(sweep(world, at(20), 10).await?, ids([1, 2]), "claimed until 25");
    assert_eq!(sweep(world, at(20), 10).await?, []);
    assert_eq!(sweep(world, at(25) - TICK, 10).await?, []);
    assert_eq!(world.loaded(meeting_id(1)).await?, first, "a claim is no write of the meeting");

    // A commit needs no claim, and frees it; one that is refused doesn't.
    assert_eq!(world.commit(Commit { expected: 7, ..sample::commit(&first) }).await?, Committed::Conflict);
    assert_eq!(sweep(world, at(21), 10).await?, []);
    world.stored(Commit { due: Some(due(12)), ..sample::commit(&first) }).await?;
    assert_eq!(sweep(world, at(21), 10).await?, ids([1]), "claimed until 26");
    assert_eq!(sweep(world, at(25), 10).await?, ids([2]), "the claim has run out");
    assert_eq!(sweep(world, at(26), 10).await?, ids([1]));

    for n in 100..200 {
        keep_due(world, &room, n, Some(due(40))).await?;
    }
    let given = world
        .race(|_, store| async move {
            let mut given = Vec::new();
            for _ in 0..12 {
                given.extend(store.due(claim(at(40), 9)).await?);
            }
            Ok(given)
        })
        .await?
        .concat();
    let distinct: BTreeSet<_> = given.iter().copied().collect();
    assert_eq!((given.len(), distinct.len()), (102, 102), "each is given to one sweep");
    Ok(())
}

pub async fn the_next_due_instant_is_told(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    assert_eq!(world.next_due().await?, None);
    keep_due(world, &room, 3, None).await?;
    assert_eq!(world.next_due().await?, None);
    let second = keep_due(world, &room, 2, Some(due(24))).await?;
    let first = keep_due(world, &room, 1, Some(DueRow { at: at(20) + TICK, ..due(0) })).await?;
    assert_eq!(world.next_due().await?, Some(at(20) + TICK), "to the microsecond");

    assert_eq!(sweep(world, at(22), 10).await?, ids([1]), "claimed until 27");
    assert_eq!(world.next_due().await?, Some(at(24)));
    assert_eq!(sweep(world, at(24), 10).await?, ids([2]), "claimed until 29");
    assert_eq!(world.next_due().await?, Some(at(27)), "the end of the first claim");
    world.stored(Commit { due: Some(due(90)), ..sample::commit(&first) }).await?;
    assert_eq!(world.next_due().await?, Some(at(29)));
    let second = world.stored(Commit { due: Some(due(80)), ..sample::commit(&second) }).await?;
    assert_eq!(world.next_due().await?, Some(at(80)));
    world.stored(sample::commit(&second)).await?;
    assert_eq!(world.next_due().await?, Some(at(90)));
    Ok(())
}

pub async fn rows_of_another_policy_are_outdated(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    let row = |fingerprint| Some(DueRow { fingerprint, ..due(10) });
    for (n, row) in [(1, row(FINGERPRINT)), (2, row(7)), (3, row(u64::MAX)), (4, None), (5, row(0))] {
        keep_due(world, &room, n, row).await?;
    }
    assert_eq!(outdated(world, FINGERPRINT).await?, set([2, 3, 5]));
    assert_eq!(outdated(world, 7).await?, set([1, 3, 5]));
    assert_eq!(outdated(world, 8).await?, set([1, 2, 3, 5]));
    assert_eq!(world.outdated(FINGERPRINT, 2).await?.len(), 2);
    assert_eq!(world.outdated(FINGERPRINT, 0).await?, []);

    let anew = world.loaded(meeting_id(2)).await?;
    world.stored(Commit { due: row(FINGERPRINT), ..sample::commit(&anew) }).await?;
    let closes = world.loaded(meeting_id(3)).await?;
    let over = sample::in_phase(closes.meeting.clone(), sample::closed());
    let row_of_another = Some(DueRow { fingerprint: 7, ..due(500) });
    world.stored(Commit { meeting: over, due: row_of_another, ..sample::commit(&closes) }).await?;
    assert_eq!(outdated(world, FINGERPRINT).await?, set([5]), "what is closed is not computed anew");
    assert_eq!(sweep(world, at(10), 10).await?.len(), 3, "asking what is outdated claims nothing");
    Ok(())
}

pub async fn a_changed_room_outdates_its_open_meetings(world: &World) -> Result<(), StoreError> {
    let (room, other_room) = (world.room(1).await?, world.room(2).await?);
    let before = keep_due(world, &room, 1, Some(due(10))).await?;
    let elsewhere = keep_due(world, &other_room, 2, Some(due(10))).await?;
    let over = keep_due(world, &room, 3, None).await?;
    let over = Commit {
        meeting: sample::in_phase(over.meeting.clone(), sample::closed()),
        entries: vec![sample::entry(1)],
        ..sample::commit(&over)
    };
    let over = world.stored(over).await?;
    assert_eq!(outdated(world, FINGERPRINT).await?, set([]));

    let policy =
        RoomPolicy { grace: Some(Duration::from_millis(1)), overtime: Some(Overtime::For(Duration::ZERO)) };
    assert!(world.update_room(Room { policy, ..room.clone() }).await?);
    assert_eq!(outdated(world, FINGERPRINT).await?, set([1]));
    assert_eq!(
        world.commit(Commit { due: Some(due(10)), ..sample::commit(&before) }).await?,
        Committed::Conflict
    );
    assert_eq!(outdated(world, FINGERPRINT).await?, set([1]));

    let after = world.loaded(meeting_id(1)).await?;
    assert_eq!(after, Loaded { version: 2, room_policy: policy, ..before });
    assert_eq!(world.loaded(meeting_id(2)).await?, elsewhere);
    assert_eq!(world.loaded(meeting_id(3)).await?, Loaded { room_policy: policy, ..over }, "it is closed");
    world.stored(Commit { due: Some(due(10)), ..sample::commit(&after) }).await?;
    assert_eq!(outdated(world, FINGERPRINT).await?, set([]));
    assert_eq!(sweep(world, at(10), 10).await?.len(), 2);
    Ok(())
}

async fn keep_due(world: &World, room: &Room, n: u32, due: Option<DueRow>) -> Result<Loaded, StoreError> {
    world.keep_new(NewMeeting { due, ..sample::new_meeting(sample::meeting(n, room)) }).await
}

async fn sweep(world: &World, now: Timestamp, limit: usize) -> Result<Vec<MeetingId>, StoreError> {
    world.due(claim(now, limit)).await
}

async fn outdated(world: &World, fingerprint: u64) -> Result<BTreeSet<MeetingId>, StoreError> {
    Ok(world.outdated(fingerprint, 100).await?.into_iter().collect())
}

/// A claim for five seconds.
fn claim(now: Timestamp, limit: usize) -> DueClaim {
    DueClaim { now, until: now + Duration::from_secs(5), limit }
}

fn ids<const N: usize>(numbers: [u32; N]) -> [MeetingId; N] {
    numbers.map(meeting_id)
}

fn set<const N: usize>(numbers: [u32; N]) -> BTreeSet<MeetingId> {
    ids(numbers).into()
}
