//! Keeping, finding and listing meetings.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::time::Duration;

use super::World;
use super::world::{RACERS, RACES};
use crate::ids::ProviderName;
use crate::lifecycle::{Effect, Overtime, Phase};
use crate::meeting::{Claim, Meeting};
use crate::provider::RoomAddress;
use crate::room::{Room, RoomPolicy};
use crate::store::{Commit, Committed, Created, Entry, Loaded, NewMeeting, StoreError, WhichMeetings};
use crate::testing::sample::{self, at, due, meeting_id, new_meeting, owed};

pub async fn a_created_meeting_is_loaded_as_it_was(world: &World) -> Result<(), StoreError> {
    let policy =
        RoomPolicy { grace: Some(Duration::from_micros(90_000_001)), overtime: Some(Overtime::Never) };
    let room = Room { policy, ..sample::room(1) };
    world.create_room(room.clone()).await?;
    let (full, bare) = (sample::meeting_in_full(1, &room), sample::meeting(2, &room));
    assert_eq!(world.load(full.id).await?, None);

    for meeting in [&full, &bare] {
        let effects =
            owed(meeting.id, 1, &[Effect::AskPresence, Effect::CloseRoom { generation: 65_535 }], 3);
        let new = NewMeeting {
            meeting: meeting.clone(),
            due: Some(due(7)),
            effects,
            entries: vec![sample::entry(8), sample::entry(7)],
        };
        assert_eq!(world.create(new).await?, Created::Stored);
        let expected = Loaded { meeting: meeting.clone(), version: 1, room_policy: policy, entries: 2 };
        assert_eq!(world.load(meeting.id).await?, Some(expected));
        assert_eq!(world.owed(meeting.id).await?.len(), 2);
        let entries = [Entry { seq: 1, ..sample::entry(8) }, Entry { seq: 2, ..sample::entry(7) }];
        assert_eq!(world.history(meeting.id, 0, 10).await?, entries);
    }
    assert_eq!(world.next_due().await?, Some(at(7)));

    let read = world.loaded(full.id).await?.meeting.room.and_then(|room| room.host_url);
    let read = read.as_ref().map(|url| url.expose());
    assert_eq!(read, Some("https://video.example/sample-1?roomKey=secret"), "the host's address is kept");
    Ok(())
}

pub async fn a_repeated_create_is_the_same_create(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    let meeting = sample::claiming(1, &room);
    let new = NewMeeting {
        due: Some(due(5)),
        effects: owed(meeting.id, 1, &[Effect::AskPresence], 0),
        entries: vec![sample::entry(1)],
        meeting: meeting.clone(),
    };
    let repeated = new.clone();
    let answers = world
        .race(|_, store| {
            let new = repeated.clone();
            async move { store.create(new).await }
        })
        .await?;
    assert!(answers.iter().all(|answer| *answer == Created::Stored), "{answers:?}");
    let first = world.loaded(meeting.id).await?;
    assert_eq!((first.version, &first.meeting), (1, &meeting));
    assert_eq!(world.owed(meeting.id).await?.len(), 1);
    assert_eq!(world.history(meeting.id, 0, 10).await?.len(), 1);

    // It is done, gives up its claim, and another takes it: the first create is still the same create.
    let over = Meeting { claim: None, ..sample::in_phase(meeting.clone(), sample::closed()) };
    let over = world.stored(Commit { meeting: over, ..sample::commit(&first) }).await?;
    assert_eq!(world.create(new_meeting(sample::claiming(2, &room))).await?, Created::Stored);
    assert_eq!(world.create(new).await?, Created::Stored);
    assert_eq!(world.loaded(meeting.id).await?, over, "the repeated create stores nothing");
    assert_eq!(world.next_due().await?, None);
    assert_eq!(world.owed(meeting.id).await?.len(), 1);
    assert_eq!(world.history(meeting.id, 0, 10).await?.len(), 1);
    assert_eq!(
        world.create(new_meeting(sample::claiming(3, &room))).await?,
        Created::ClaimTaken(meeting_id(2))
    );
    Ok(())
}

pub async fn a_claim_is_held_by_one_meeting_of_a_room(world: &World) -> Result<(), StoreError> {
    let (room, other_room) = (world.room(1).await?, world.room(2).await?);
    let occurrence = |n, room: &Room, text: &str| Meeting {
        claim: Some(Claim::Occurrence(text.to_owned())),
        ..sample::meeting(n, room)
    };
    world.keep_meeting(occurrence(1, &room, "monday")).await?;

    let refused = occurrence(2, &room, "monday");
    let new = NewMeeting {
        due: Some(due(5)),
        effects: owed(refused.id, 1, &[Effect::AskPresence], 0),
        entries: vec![sample::entry(1)],
        meeting: refused.clone(),
    };
    assert_eq!(world.create(new).await?, Created::ClaimTaken(meeting_id(1)));
    assert_eq!(world.load(refused.id).await?, None);
    assert_eq!(world.owed(refused.id).await?, []);
    assert_eq!(world.history(refused.id, 0, 10).await?, []);
    assert_eq!((world.next_due().await?, world.next_owed().await?), (None, None));

    // Another date, none at all, another room, and what only looks the same are claims of their own.
    world.keep_meeting(occurrence(3, &room, "tuesday")).await?;
    world.keep_meeting(sample::meeting(4, &room)).await?;
    world.keep_meeting(sample::meeting(5, &room)).await?;
    world.keep_meeting(occurrence(6, &other_room, "monday")).await?;
    world.keep_meeting(occurrence(7, &room, "unscheduled")).await?;
    world.keep_meeting(occurrence(8, &room, "")).await?;

    for race in 1..=RACES {
        let answers = world
            .race(|n, store| {
                let meeting = occurrence(100 * race + n, &room, &format!("race {race}"));
                async move { Ok((meeting.id, store.create(new_meeting(meeting)).await?)) }
            })
            .await?;
        let holders: Vec<_> = answers.iter().filter(|(_, answer)| *answer == Created::Stored).collect();
        assert_eq!(holders.len(), 1, "{answers:?}");
        let holder = holders[0].0;
        let refused = answers.iter().filter(|(_, answer)| *answer == Created::ClaimTaken(holder)).count();
        assert_eq!(refused, RACERS as usize - 1, "{answers:?}");
    }
    assert_eq!(world.open_meetings(room.id).await?.len(), 6 + RACES as usize, "those refused are not kept");
    Ok(())
}

pub async fn a_released_claim_can_be_taken(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    let holder = world.keep_meeting(sample::claiming(1, &room)).await?;
    let kept = world.stored(sample::commit(&holder)).await?;
    let released = |from: &Loaded| {
        let commit = sample::commit(from);
        Commit { meeting: Meeting { claim: None, ..commit.meeting.clone() }, ..commit }
    };
    assert_eq!(world.commit(released(&holder)).await?, Committed::Conflict);
    assert_eq!(
        world.create(new_meeting(sample::claiming(2, &room))).await?,
        Created::ClaimTaken(meeting_id(1))
    );

    let released = world.stored(released(&kept)).await?;
    assert_eq!(released.meeting.claim, None);
    world.keep_meeting(sample::claiming(2, &room)).await?;
    assert_eq!(
        world.create(new_meeting(sample::claiming(3, &room))).await?,
        Created::ClaimTaken(meeting_id(2))
    );

    // Whoever has none frees none, when it is written again.
    world.stored(sample::commit(&released)).await?;
    assert_eq!(
        world.create(new_meeting(sample::claiming(3, &room))).await?,
        Created::ClaimTaken(meeting_id(2))
    );
    Ok(())
}

pub async fn a_meeting_is_found_by_its_provider_room(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    let provider = sample::provider();
    let by = |external_id: Option<&str>, name: Option<&str>| RoomAddress {
        external_id: external_id.map(str::to_owned),
        name: name.map(str::to_owned),
    };
    let opening = world.keep_meeting(sample::meeting(1, &room)).await?;
    assert_eq!(world.found(&provider, &sample::address(1)).await?, None);
    let opened = Meeting { room: Some(sample::provider_room(1)), ..opening.meeting.clone() };
    world.stored(Commit { meeting: opened, ..sample::commit(&opening) }).await?;
    world.keep_meeting(Meeting { room: Some(sample::provider_room(2)), ..sample::meeting(2, &room) }).await?;
    let elsewhere = ProviderName::from("elsewhere");
    let namesake = Meeting {
        provider: elsewhere.clone(),
        room: Some(sample::provider_room(1)),
        ..sample::meeting(3, &room)
    };
    let namesake = world.keep_meeting(namesake).await?;

    let (first, second) = (Some(meeting_id(1)), Some(meeting_id(2)));
    for (address, expected) in [
        (by(Some("external-1"), None), first),
        (by(None, Some("sample-1")), first),
        (by(Some("external-1"), Some("sample-2")), first),
        (by(Some("external-9"), Some("sample-2")), second),
        (by(Some("sample-1"), Some("external-1")), None),
        (by(None, Some("sample")), None),
        (by(None, None), None),
    ] {
        assert_eq!(world.found(&provider, &address).await?, expected, "{address:?}");
    }
    assert_eq!(world.found(&elsewhere, &sample::address(1)).await?, Some(meeting_id(3)));
    assert_eq!(world.found(&ProviderName::from("nowhere"), &sample::address(1)).await?, None);

    let over = sample::in_phase(namesake.meeting.clone(), sample::closed());
    world.stored(Commit { meeting: over, ..sample::commit(&namesake) }).await?;
    assert_eq!(
        world.found(&elsewhere, &sample::address(1)).await?,
        Some(meeting_id(3)),
        "also when it is closed"
    );
    Ok(())
}

pub async fn the_open_meetings_of_a_room_are_listed(world: &World) -> Result<(), StoreError> {
    let policy = RoomPolicy { grace: Some(Duration::ZERO), overtime: None };
    let room = Room { policy, ..sample::room(1) };
    world.create_room(room.clone()).await?;
    let other_room = world.room(2).await?;
    assert_eq!(world.open_meetings(room.id).await?, []);

    let starting = |n, room: &Room, second, phase| {
        let mut meeting = sample::in_phase(sample::meeting(n, room), phase);
        meeting.life.schedule.start = at(second);
        meeting
    };
    let opening = Phase::Opening { since: at(0) };
    world.keep_meeting(starting(1, &room, 300, Phase::Waiting { since: at(1) })).await?;
    world.keep_meeting(starting(2, &room, 100, sample::forced())).await?;
    world.keep_meeting(starting(3, &room, 200, opening)).await?;
    let ends = world.keep_meeting(starting(4, &room, 50, opening)).await?;
    world.keep_meeting(starting(5, &other_room, 0, opening)).await?;
    let over = sample::in_phase(ends.meeting.clone(), sample::closed());
    world.stored(Commit { meeting: over, ..sample::commit(&ends) }).await?;
    let moved = world.loaded(meeting_id(1)).await?;
    let moved = Commit {
        meeting: starting(1, &room, 150, Phase::Live { humans: 2, since: at(2) }),
        ..sample::commit(&moved)
    };
    world.stored(moved).await?;

    let mut expected = Vec::new();
    for n in [2, 1, 3] {
        expected.push(world.loaded(meeting_id(n)).await?);
    }
    assert_eq!(world.open_meetings(room.id).await?, expected);
    assert!(expected.iter().all(|loaded| loaded.room_policy == policy));
    Ok(())
}

pub async fn meetings_are_listed_oldest_first_in_pages(world: &World) -> Result<(), StoreError> {
    let (room, other) = (world.room(1).await?, world.room(2).await?);
    // The second and the fourth are made in the same instant.
    for (n, second, room) in [(4, 20, &room), (1, 30, &room), (2, 20, &other), (3, 10, &room)] {
        let mut meeting = sample::meeting(n, room);
        meeting.life.created_at = at(second);
        world.keep_meeting(meeting).await?;
    }
    let closing = world.loaded(meeting_id(3)).await?;
    let over = sample::in_phase(closing.meeting.clone(), sample::closed());
    world.stored(Commit { meeting: over, ..sample::commit(&closing) }).await?;

    let all = WhichMeetings { closed: true, ..WhichMeetings::default() };
    let of_room = WhichMeetings { room: Some(room.id), ..WhichMeetings::default() };
    let since = |second| Some(at(second));
    for (which, after, limit, expected) in [
        (all, None, 10, vec![3, 2, 4, 1]),
        (all, None, 2, vec![3, 2]),
        (all, Some((at(20), meeting_id(2))), 2, vec![4, 1]),
        (all, Some((at(20), meeting_id(4))), 10, vec![1]),
        (all, Some((at(25), meeting_id(9))), 10, vec![1]),
        (all, Some((at(30), meeting_id(1))), 10, vec![]),
        (all, None, 0, vec![]),
        (WhichMeetings::default(), None, 10, vec![2, 4, 1]),
        (of_room, None, 10, vec![4, 1]),
        (of_room, Some((at(20), meeting_id(4))), 10, vec![1]),
        (WhichMeetings { made_since: since(20), ..all }, None, 10, vec![2, 4, 1]),
        (WhichMeetings { made_since: since(21), ..all }, None, 10, vec![1]),
        (WhichMeetings { room: Some(other.id), made_since: since(21), closed: true }, None, 10, vec![]),
    ] {
        let listed = world.list_meetings(&which, after, limit).await?;
        let ids: Vec<_> = listed.iter().map(|meeting| meeting.id).collect();
        let expected: Vec<_> = expected.into_iter().map(meeting_id).collect();
        assert_eq!(ids, expected, "{which:?} after {after:?}, {limit}");
    }
    let first = world.list_meetings(&all, None, 1).await?;
    assert_eq!(first, [world.loaded(meeting_id(3)).await?.meeting]);
    Ok(())
}
