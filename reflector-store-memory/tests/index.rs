//! What is due is found without looking at what is not.

use std::time::Duration;

use reflector_core::Meeting;
use reflector_core::store::{DueClaim, MeetingStore, NewMeeting, RoomStore, StoreError};
use reflector_core::testing::sample::{at, due, meeting, meeting_id, new_meeting, room};
use reflector_store_memory::MemoryStore;

/// Some ten seconds to keep in a debug build, which is what it takes to say a million and mean it.
const ACTIVE: u32 = 1_000_000;

#[tokio::test]
async fn a_sweep_looks_at_what_is_due_and_not_at_every_active_meeting() -> Result<(), StoreError> {
    let store = MemoryStore::new();
    let room = room(1);
    store.create_room(room.clone()).await?;
    let first = meeting(0, &room);
    for n in 0..ACTIVE {
        let meeting = Meeting { id: meeting_id(n), ..first.clone() };
        let deadline = if n % (ACTIVE / 10) == 7 { due(60) } else { due(3_600 + u64::from(n)) };
        store.create(NewMeeting { due: Some(deadline), ..new_meeting(meeting) }).await?;
    }

    let sweep = |now| DueClaim { now, until: now + Duration::from_secs(5), limit: 1_000 };
    let expected: Vec<_> = (0..10).map(|n| meeting_id(n * (ACTIVE / 10) + 7)).collect();
    assert_eq!(store.due(sweep(at(60))).await?, expected);
    assert_eq!(store.visited_by_due(), 11, "ten, and the next one, which tells that there are no more");
    assert_eq!(store.due(sweep(at(60))).await?, [], "they are claimed");
    assert_eq!(store.visited_by_due(), 12);
    Ok(())
}
