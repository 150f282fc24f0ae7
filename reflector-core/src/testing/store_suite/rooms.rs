//! Rooms: their names, their listing, their end.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::time::Duration;

use super::World;
use super::world::{RACERS, RACES};
use crate::ids::{ProviderName, UserId};
use crate::lifecycle::{CloseReason, Overtime, Phase};
use crate::room::{RecordingTrigger, RecordingType, Room, RoomMode, RoomName, RoomPolicy, RoomSettings};
use crate::store::{Commit, Created, Loaded, Paging, RoomCreated, RoomDeleted, StoreError, Viewer};
use crate::testing::sample::{self, TICK, at, entry, meeting_id, new_meeting, room};

pub async fn a_room_is_found_by_id_and_by_name(world: &World) -> Result<(), StoreError> {
    let (full, bare) = (room_in_full(1), room(2));
    assert_eq!(world.load_room(full.id).await?, None);
    assert_eq!(world.find_room(&full.name).await?, None);
    for room in [full, bare] {
        assert_eq!(world.create_room(room.clone()).await?, RoomCreated::Stored);
        assert_eq!(world.load_room(room.id).await?, Some(room.clone()));
        assert_eq!(world.find_room(&room.name).await?, Some(room));
    }
    assert_eq!(world.find_room(&name("room")).await?, None);
    Ok(())
}

/// A room in which every field that can hold something does.
fn room_in_full(n: u32) -> Room {
    Room {
        owner: UserId::from("Ünïcode/'; drop table rooms; --"),
        is_shared: true,
        guests: true,
        settings: RoomSettings {
            is_locked: true,
            room_mode: RoomMode::Group,
            recording_type: RecordingType::Local,
            recording_trigger: RecordingTrigger::Prompt,
        },
        policy: RoomPolicy { grace: Some(TICK), overtime: Some(Overtime::For(Duration::ZERO)) },
        provider: Some(ProviderName::from("elsewhere")),
        created_at: at(9) + TICK,
        ..room(n)
    }
}

pub async fn a_name_is_taken_once(world: &World) -> Result<(), StoreError> {
    let first = world.room(1).await?;
    let second = Room { name: first.name.clone(), ..room_in_full(2) };
    assert_eq!(world.create_room(second.clone()).await?, RoomCreated::NameTaken);
    assert_eq!(world.load_room(second.id).await?, None);
    assert_eq!(world.find_room(&first.name).await?, Some(first.clone()));

    let repeated = Room { id: first.id, name: first.name.clone(), ..room_in_full(1) };
    assert_eq!(world.create_room(repeated).await?, RoomCreated::Stored, "the same id is the same create");
    assert_eq!(world.load_room(first.id).await?, Some(first.clone()), "and stores nothing");
    assert_eq!(world.create_room(first).await?, RoomCreated::Stored);

    for race in 1..=RACES {
        let wanted = name(&format!("wanted-{race}"));
        let answers = world
            .race(|n, store| {
                let room = Room { name: wanted.clone(), ..room(100 * race + n) };
                async move { Ok((room.id, store.create_room(room).await?)) }
            })
            .await?;
        let holders: Vec<_> = answers.iter().filter(|(_, answer)| *answer == RoomCreated::Stored).collect();
        assert_eq!((holders.len(), answers.len()), (1, RACERS as usize), "{answers:?}");
        assert_eq!(world.find_room(&wanted).await?.map(|room| room.id), Some(holders[0].0));
    }

    let answers = world.race(|_, store| async move { store.create_room(room(50)).await }).await?;
    assert!(answers.iter().all(|answer| *answer == RoomCreated::Stored), "one create, repeated: {answers:?}");
    assert_eq!(list(world, &Viewer::Operator, 0, 100).await?.1, 2 + u64::from(RACES));
    Ok(())
}

pub async fn a_deleted_room_frees_its_name(world: &World) -> Result<(), StoreError> {
    let gone = room_in_full(1);
    world.create_room(gone.clone()).await?;
    let opened = sample::meeting_in_full(1, &gone);
    let loaded = world.keep_meeting(sample::in_phase(opened, sample::closed())).await?;
    let loaded = world.stored(Commit { entries: vec![entry(1)], ..sample::commit(&loaded) }).await?;
    assert_eq!(world.delete_room(gone.id, at(9)).await?, RoomDeleted::Deleted);

    assert_eq!(world.load_room(gone.id).await?, None);
    assert_eq!(world.find_room(&gone.name).await?, None);
    assert_eq!(list(world, &Viewer::Operator, 0, 10).await?, (vec![], 0));
    assert_eq!(world.delete_room(gone.id, at(10)).await?, RoomDeleted::Deleted, "it is gone already");
    assert_eq!(world.delete_room(room(9).id, at(10)).await?, RoomDeleted::Deleted, "it was never there");

    let next = Room { name: gone.name.clone(), ..room(2) };
    assert_eq!(world.create_room(next.clone()).await?, RoomCreated::Stored);
    assert_eq!(world.find_room(&gone.name).await?, Some(next.clone()));
    assert_eq!(world.delete_room(gone.id, at(11)).await?, RoomDeleted::Deleted);
    assert_eq!(world.find_room(&gone.name).await?, Some(next), "the name is another's now");

    // What was held there stays, under the policy that the room had.
    assert_eq!(world.loaded(meeting_id(1)).await?, Loaded { room_policy: gone.policy, ..loaded.clone() });
    assert_eq!(world.history(meeting_id(1), 0, 10).await?.len(), 1);
    assert_eq!(world.found(&sample::provider(), &sample::address(1)).await?, Some(meeting_id(1)));
    let later = world.stored(Commit { entries: vec![entry(2)], ..sample::commit(&loaded) }).await?;
    assert_eq!(later.version, loaded.version + 1, "late news is still taken in");

    for missing in [&gone, &room(9)] {
        assert_eq!(world.create(new_meeting(sample::meeting(2, missing))).await?, Created::RoomMissing);
        assert_eq!(world.load(meeting_id(2)).await?, None);
        assert_eq!(world.open_meetings(missing.id).await?, []);
    }
    Ok(())
}

pub async fn a_room_with_open_meetings_is_not_deleted(world: &World) -> Result<(), StoreError> {
    let (kept, other) = (world.room(1).await?, world.room(2).await?);
    let reason = CloseReason::GraceExpired;
    let unforced = match sample::meeting_in_full(9, &kept).life.phase.empty() {
        Some(was) => {
            Phase::Closing { reason, close: crate::lifecycle::Close::IfEmpty { was }, since: at(60) }
        }
        None => panic!("everybody has left the full meeting"),
    };
    let since = at(1);
    let opens =
        [Phase::Opening { since }, Phase::Waiting { since }, Phase::Live { humans: 1, since }, unforced];
    let mut open = Vec::new();
    for (n, phase) in (1..).zip(opens) {
        open.push(world.keep_meeting(sample::in_phase(sample::meeting(n, &kept), phase)).await?);
    }
    let ending = world.keep_meeting(sample::in_phase(sample::meeting(11, &kept), sample::forced())).await?;
    world.keep_meeting(sample::in_phase(sample::meeting(12, &kept), sample::closed())).await?;
    world.keep_meeting(sample::meeting(13, &other)).await?;

    while !open.is_empty() {
        let RoomDeleted::HasOpenMeetings(mut ids) = world.delete_room(kept.id, at(9)).await? else {
            panic!("a room with open meetings was deleted: {open:?}");
        };
        ids.sort_unstable();
        assert_eq!(ids, open.iter().map(|loaded| loaded.meeting.id).collect::<Vec<_>>());
        assert_eq!(world.load_room(kept.id).await?, Some(kept.clone()));
        let next = open.remove(0);
        let phase = if open.len() % 2 == 0 { sample::forced() } else { sample::closed() };
        let meeting = sample::in_phase(next.meeting.clone(), phase);
        world.stored(Commit { meeting, ..sample::commit(&next) }).await?;
    }
    assert_eq!(world.delete_room(kept.id, at(9)).await?, RoomDeleted::Deleted);
    assert_eq!(world.load_room(kept.id).await?, None);
    assert_eq!(world.loaded(meeting_id(11)).await?, ending);
    let left = world.open_meetings(kept.id).await?;
    assert_eq!(left.len(), 3, "those that are being closed by force are not closed yet");

    // Whoever deletes and whoever opens a meeting at once: one of them is refused.
    for n in 0..RACES {
        let contested = world.room(100 + n).await?;
        let outcomes = world
            .race(|racer, store| {
                let contested = contested.clone();
                async move {
                    Ok(if racer % 2 == 0 {
                        store.delete_room(contested.id, at(9)).await? == RoomDeleted::Deleted
                    } else {
                        let meeting = sample::meeting(1_000 * (n + 1) + racer, &contested);
                        store.create(new_meeting(meeting)).await? == Created::RoomMissing
                    })
                }
            })
            .await?;
        let gone = world.load_room(contested.id).await?.is_none();
        assert_eq!(gone, world.open_meetings(contested.id).await?.is_empty(), "{outcomes:?}");
        assert_eq!(gone, outcomes.iter().all(|gone| *gone), "{outcomes:?}");
    }
    Ok(())
}

pub async fn rooms_are_listed_by_name_in_pages(world: &World) -> Result<(), StoreError> {
    // By bytes: a digit before a letter, a dash before both, whatever a database's language holds of that.
    let names = ["team", "a1", "ab", "a-b", "a", "a-1", "zoo"];
    for (n, text) in (1..).zip(names) {
        let owner = UserId::from(if n % 2 == 1 { "ada" } else { "bob" });
        let listed = Room { name: name(text), owner, is_shared: text == "a1" || text == "zoo", ..room(n) };
        world.create_room(listed).await?;
    }
    let all = ["a", "a-1", "a-b", "a1", "ab", "team", "zoo"].map(name).to_vec();
    let operator = Viewer::Operator;
    assert_eq!(list(world, &operator, 0, 100).await?, (all.clone(), 7));
    assert_eq!(list(world, &operator, 0, 3).await?, (all[..3].to_vec(), 7));
    assert_eq!(list(world, &operator, 3, 3).await?, (all[3..6].to_vec(), 7));
    assert_eq!(list(world, &operator, 6, 3).await?, (all[6..].to_vec(), 7));
    assert_eq!(list(world, &operator, 7, 3).await?, (vec![], 7));
    assert_eq!(list(world, &operator, 0, 0).await?, (vec![], 7));

    let viewer = |user: &str| Viewer::User(UserId::from(user));
    let of_ada = ["a", "a1", "ab", "team", "zoo"].map(name).to_vec();
    assert_eq!(list(world, &viewer("ada"), 0, 100).await?, (of_ada.clone(), 5));
    assert_eq!(list(world, &viewer("ada"), 1, 2).await?, (of_ada[1..3].to_vec(), 5));
    let of_bob = ["a-1", "a-b", "a1", "zoo"].map(name).to_vec();
    assert_eq!(list(world, &viewer("bob"), 0, 100).await?, (of_bob, 4));
    assert_eq!(list(world, &viewer("eve"), 0, 100).await?, (["a1", "zoo"].map(name).to_vec(), 2));

    let full = room_in_full(50);
    world.create_room(full.clone()).await?;
    let page = world.list_rooms(&Viewer::User(full.owner.clone()), Paging { offset: 1, limit: 1 }).await?;
    assert_eq!((page.items, page.total), (vec![full], 3), "rooms are listed whole");
    Ok(())
}

pub async fn an_updated_room_keeps_its_name_and_id(world: &World) -> Result<(), StoreError> {
    let before = world.room(1).await?;
    let other = world.room(2).await?;
    let updated = Room { created_at: before.created_at, ..room_in_full(1) };
    assert!(world.update_room(updated.clone()).await?);
    assert_eq!(world.load_room(before.id).await?, Some(updated.clone()));
    assert_eq!(world.find_room(&before.name).await?, Some(updated.clone()));

    // A name that comes with an update is not taken over, be it free or another's.
    for given in [name("free"), other.name.clone()] {
        assert!(world.update_room(Room { name: given, ..updated.clone() }).await?);
        assert_eq!(world.load_room(before.id).await?, Some(updated.clone()));
    }
    assert_eq!(world.find_room(&name("free")).await?, None);
    assert_eq!(world.find_room(&other.name).await?, Some(other));
    let bare = Room { created_at: before.created_at, ..room(1) };
    assert!(world.update_room(bare.clone()).await?);
    assert_eq!(world.load_room(before.id).await?, Some(bare.clone()), "what was set can be taken back");

    assert!(!world.update_room(room(3)).await?, "it was never there");
    assert_eq!(world.load_room(room(3).id).await?, None);
    assert_eq!(world.delete_room(before.id, at(9)).await?, RoomDeleted::Deleted);
    assert!(!world.update_room(bare).await?, "it is gone");
    assert_eq!(world.load_room(before.id).await?, None);
    Ok(())
}

/// A part of a listing: the names, and how many there are in all.
async fn list(
    world: &World,
    viewer: &Viewer,
    offset: u64,
    limit: u64,
) -> Result<(Vec<RoomName>, u64), StoreError> {
    let page = world.list_rooms(viewer, Paging { offset, limit }).await?;
    Ok((page.items.into_iter().map(|room| room.name).collect(), page.total))
}

fn name(text: &str) -> RoomName {
    text.parse().expect("the name of a sample is one")
}
