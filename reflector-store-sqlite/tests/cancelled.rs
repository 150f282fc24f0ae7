//! A caller who goes away in the middle of a write leaves nothing half done, and nothing open.

mod world;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use reflector_core::lifecycle::Effect;
use reflector_core::store::{
    Commit, Committed, Created, EffectStore, Loaded, MeetingStore, NewMeeting, RoomStore, StoreError,
};
use reflector_core::testing::sample::{commit, entry, meeting, meeting_id, new_meeting, owed, room, taken};
use reflector_core::{MeetingId, RoomPolicy};
use world::OnFile;

/// Lets a future be polled so often, and drops it if it has not come to its end by then.
async fn for_polls<T>(polls: u32, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

fn new(n: u32) -> NewMeeting {
    let effects = owed(meeting_id(n), 1, &[Effect::AskPresence, Effect::AskPresence], 1);
    NewMeeting { effects, entries: vec![entry(1), entry(2)], ..new_meeting(meeting(n, &room(1))) }
}

async fn whole(world: &OnFile, id: MeetingId) -> Result<Option<Loaded>, StoreError> {
    let loaded = world.load(id).await?;
    let entries = world.history(id, 0, 1_000).await?.len();
    assert_eq!(entries as u64, loaded.as_ref().map_or(0, |loaded| loaded.entries), "{id} is half written");
    assert_eq!(world.owed(id).await?.len(), if loaded.is_some() { 2 } else { 0 }, "{id} is half written");
    Ok(loaded)
}

#[tokio::test]
async fn a_create_that_nobody_waits_for_is_whole_or_not_there_and_the_next_goes_on() -> Result<(), StoreError>
{
    let world = OnFile::empty().await;
    world.create_room(room(1)).await?;
    let mut was_cut = 0;
    // How far it gets by then is for the threads to say: so it is cut at many places, often.
    for n in 1..=60 {
        let done = for_polls(1 + n % 12, world.create(new(n))).await;
        was_cut += u32::from(done.is_none());
        // The lost connection is closed by its own thread. Whoever writes next waits for that, like for anybody.
        world.create_room(room(1)).await?;
        whole(&world, meeting_id(n)).await?;
        assert_eq!(world.create(new(n)).await?, Created::Stored);
        assert!(whole(&world, meeting_id(n)).await?.is_some());
    }
    assert!(was_cut > 0, "it was never cut");
    Ok(())
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_takes_nobody_along() -> Result<(), StoreError> {
    let world = OnFile::empty().await;
    world.create_room(room(1)).await?;
    world.create(new(1)).await?;
    world.create(new(2)).await?;
    let other = world.load(meeting_id(2)).await?.expect("the meeting is there");
    for polls in 1..=3 {
        let before = whole(&world, meeting_id(1)).await?.expect("the meeting is there");
        let change = Commit { delivery: Some(taken(polls, 5)), entries: vec![entry(3)], ..commit(&before) };
        let cut = for_polls(polls, world.commit(change)).await;
        // The next in line is written after it, or with it.
        let next = world.commit(Commit { expected: 99, ..commit(&other) }).await?;
        assert_eq!(next, Committed::Conflict);
        let after = whole(&world, meeting_id(1)).await?.expect("the meeting is there");
        assert!(after.version <= before.version + 1);
        if cut.is_some() {
            assert_eq!(after.version, before.version + 1);
        }
        world.commit(Commit { entries: vec![entry(4)], ..commit(&after) }).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_change_of_a_room_that_nobody_waits_for_leaves_no_transaction_open() -> Result<(), StoreError> {
    let world = OnFile::empty().await;
    let other_process = world.again().await;
    world.create_room(room(1)).await?;
    for polls in 1..=12 {
        let policy = RoomPolicy { grace: Some(std::time::Duration::from_secs(polls.into())), overtime: None };
        let changed = reflector_core::Room { policy, ..room(1) };
        for_polls(polls, world.update_room(changed.clone())).await;
        assert!(other_process.update_room(changed).await?, "another process can write");
    }
    Ok(())
}
