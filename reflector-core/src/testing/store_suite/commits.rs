//! The one write: all of it or nothing, from the newest version, and once for a delivery.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use super::World;
use super::world::{RACERS, RACES};
use crate::ids::{MeetingId, ProviderName};
use crate::lifecycle::{Effect, EffectKind, Phase};
use crate::meeting::Meeting;
use crate::store::{
    ClaimedEffect, Commit, Committed, DeliveryKey, Entry, Heard, Kept, Loaded, NewMeeting, StoreError,
    TakenDelivery,
};
use crate::testing::sample::{self, ENDPOINT, at, due, entry, meeting_id, owed};
use crate::time::Timestamp;

pub async fn a_commit_changes_everything_or_nothing(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    let id = meeting_id(1);
    let effects =
        owed(id, 1, &[Effect::AskPresence, Effect::OpenRoom { generation: 0, expires_at: at(9) }], 1);
    let first = world
        .keep_new(NewMeeting {
            due: Some(due(50)),
            effects,
            ..sample::new_meeting(sample::meeting(1, &room))
        })
        .await?;

    let second = world.stored(everything(&first, 1)).await?;
    assert_eq!(
        second,
        Loaded { meeting: everything(&first, 1).meeting, version: 2, room_policy: room.policy, entries: 2 }
    );
    let written = Seen::of(world, id).await?;
    assert_eq!(written.next_due, Some(at(61)));
    let kinds: Vec<_> = written.owed.iter().map(|owed| owed.effect.kind()).collect();
    assert_eq!(kinds, [EffectKind::OpenRoom, EffectKind::AskPresence], "what was owed before is superseded");
    assert_eq!(written.owed[1].id.version, 2);
    assert_eq!(written.history, [Entry { seq: 1, ..entry(1) }, Entry { seq: 2, ..entry(2) }]);
    assert_eq!(written.heard.verified_at, Some(at(11)));
    assert_eq!(world.keep(sample::kept_delivery(1, 11)).await?, Kept::Duplicate);

    // An old version, one that is yet to come, a delivery taken in before, and a meeting that is not there.
    let (stale, ahead) = (everything(&first, 2), Commit { expected: 3, ..everything(&second, 2) });
    let doubled = Commit { delivery: everything(&first, 1).delivery, ..everything(&second, 2) };
    let unknown = Commit { meeting: sample::meeting(2, &room), ..everything(&second, 2) };
    let unborn = Commit { expected: 0, ..unknown.clone() };
    for (refused, answer) in [
        (stale, Committed::Conflict),
        (ahead, Committed::Conflict),
        (doubled, Committed::Duplicate),
        (unknown, Committed::Conflict),
        (unborn, Committed::Conflict),
    ] {
        let about = format!("{refused:?}");
        assert_eq!(world.commit(refused).await?, answer, "{about}");
        assert_eq!(Seen::of(world, id).await?, written, "{about}");
    }
    assert_eq!(world.load(meeting_id(2)).await?, None);
    assert_eq!(world.history(meeting_id(2), 0, 10).await?, []);
    assert_eq!(
        world.keep(sample::kept_delivery(2, 12)).await?,
        Kept::Stored,
        "nor was its delivery taken in"
    );

    // Of a commit that others see half written, the version and the history would not go together.
    let seen = world
        .race(|n, store| async move {
            let mut seen = Vec::new();
            for turn in 0..8 {
                let before = store.load(id).await?.map_or(0, |loaded| loaded.version);
                let entries = store.history(id, 0, 1_000).await?.len();
                let loaded = store.load(id).await?.expect("the meeting is there");
                seen.push((before, entries as u64, loaded.version));
                store
                    .commit(Commit { entries: vec![entry(n), entry(turn)], ..sample::commit(&loaded) })
                    .await?;
            }
            Ok(seen)
        })
        .await?;
    for (before, entries, after) in seen.concat() {
        assert!((before - 1) * 2 <= entries && entries <= (after - 1) * 2, "{before} {entries} {after}");
    }
    Ok(())
}

/// A commit that touches everything a commit can.
fn everything(from: &Loaded, n: u32) -> Commit {
    let meeting = Meeting {
        calendar_event_id: Some(format!("changed-{n}")),
        room: Some(sample::provider_room(n)),
        ..sample::in_phase(from.meeting.clone(), Phase::Live { humans: n, since: at(3) })
    };
    Commit {
        due: Some(due(60 + u64::from(n))),
        effects: owed(meeting.id, from.version + 1, &[Effect::AskPresence], 4),
        superseded: vec![EffectKind::AskPresence, EffectKind::CloseRoom],
        delivery: Some(sample::taken(n, 10 + u64::from(n))),
        entries: vec![entry(n), entry(n + 1)],
        meeting,
        ..sample::commit(from)
    }
}

/// All that can be seen of a meeting.
#[derive(Debug, PartialEq)]
struct Seen {
    loaded: Loaded,
    history: Vec<Entry>,
    owed: Vec<ClaimedEffect>,
    next_due: Option<Timestamp>,
    next_owed: Option<Timestamp>,
    heard: Heard,
    found: Option<MeetingId>,
}

impl Seen {
    async fn of(world: &World, id: MeetingId) -> Result<Self, StoreError> {
        Ok(Self {
            loaded: world.loaded(id).await?,
            history: world.history(id, 0, 100).await?,
            owed: world.owed(id).await?,
            next_due: world.next_due().await?,
            next_owed: world.next_owed().await?,
            heard: world.hearing(&sample::provider(), ENDPOINT).await?,
            found: world.found(&sample::provider(), &sample::address(2)).await?,
        })
    }
}

pub async fn a_commit_from_an_old_version_is_a_conflict(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    let first = world.keep_meeting(sample::meeting(1, &room)).await?;
    let second = world.stored(sample::commit(&first)).await?;
    assert_eq!((first.version, second.version), (1, 2));
    assert_eq!(world.commit(sample::commit(&first)).await?, Committed::Conflict);

    let mut loaded = second;
    for race in 1..=RACES {
        let answers = world
            .race(|n, store| {
                let meeting =
                    Meeting { calendar_event_id: Some(format!("racer-{n}")), ..loaded.meeting.clone() };
                let commit = Commit { meeting, entries: vec![entry(n)], ..sample::commit(&loaded) };
                async move { Ok((n, store.commit(commit).await?)) }
            })
            .await?;
        let winners: Vec<_> = answers.iter().filter(|(_, answer)| *answer == Committed::Stored).collect();
        let losers = answers.iter().filter(|(_, answer)| *answer == Committed::Conflict).count();
        assert_eq!((winners.len(), losers), (1, RACERS as usize - 1), "{answers:?}");
        let winner = winners[0].0;
        loaded = world.loaded(first.meeting.id).await?;
        assert_eq!(loaded.version, 2 + u64::from(race));
        assert_eq!(loaded.meeting.calendar_event_id, Some(format!("racer-{winner}")));
        let last = world.history(first.meeting.id, u64::from(race) - 1, 100).await?;
        assert_eq!(last, [Entry { seq: u64::from(race), ..entry(winner) }]);
    }
    Ok(())
}

pub async fn a_delivery_is_taken_in_once(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    let first = world.keep_meeting(sample::meeting(1, &room)).await?;
    let other = world.keep_meeting(sample::meeting(2, &room)).await?;
    let taking = |from: &Loaded, delivery| Commit { delivery: Some(delivery), ..sample::commit(from) };
    let second = world.stored(taking(&first, sample::taken(1, 5))).await?;

    assert_eq!(world.commit(taking(&second, sample::taken(1, 5))).await?, Committed::Duplicate);
    assert_eq!(
        world.commit(taking(&first, sample::taken(1, 6))).await?,
        Committed::Duplicate,
        "before Conflict"
    );
    assert_eq!(
        world.commit(taking(&other, sample::taken(1, 5))).await?,
        Committed::Duplicate,
        "whichever meeting"
    );
    assert_eq!(world.loaded(first.meeting.id).await?, second);
    assert_eq!(world.loaded(other.meeting.id).await?, other);

    let key = DeliveryKey { provider: ProviderName::from("elsewhere"), id: sample::delivery_key(1).id };
    let namesake = TakenDelivery { key, ..sample::taken(1, 5) };
    let other = world.stored(taking(&other, namesake)).await?;

    // What a conflict brought was not taken in, and may come again.
    assert_eq!(world.commit(taking(&first, sample::taken(2, 5))).await?, Committed::Conflict);
    world.stored(taking(&second, sample::taken(2, 5))).await?;

    let mut loaded = vec![other];
    for n in 1..RACERS {
        loaded.push(world.keep_meeting(sample::meeting(100 + n, &room)).await?);
    }
    let answers = world
        .race(|n, store| {
            let commit =
                Commit { entries: vec![entry(n)], ..taking(&loaded[n as usize], sample::taken(3, 5)) };
            async move { store.commit(commit).await }
        })
        .await?;
    let stored = answers.iter().filter(|answer| **answer == Committed::Stored).count();
    let doubled = answers.iter().filter(|answer| **answer == Committed::Duplicate).count();
    assert_eq!((stored, doubled), (1, RACERS as usize - 1), "{answers:?}");
    let mut entries = 0;
    for loaded in &loaded {
        entries += world.history(loaded.meeting.id, 0, 10).await?.len();
    }
    assert_eq!(entries, 1);
    Ok(())
}

pub async fn history_is_numbered_in_order(world: &World) -> Result<(), StoreError> {
    let room = world.room(1).await?;
    let mut loaded = world.keep_meeting(sample::meeting(1, &room)).await?;
    let other = world.keep_meeting(sample::meeting(2, &room)).await?;
    let id = loaded.meeting.id;
    world.stored(Commit { entries: vec![entry(9)], ..sample::commit(&other) }).await?;

    // Later entries may tell of earlier events, and numbers that are given with them are not the store's.
    let mut expected = Vec::new();
    for batch in [
        vec![entry(4), entry(3)],
        vec![],
        vec![Entry { seq: 77, ..entry(2) }],
        vec![entry(1), entry(1), entry(0)],
    ] {
        for entry in batch.clone() {
            expected.push(Entry { seq: expected.len() as u64 + 1, ..entry });
        }
        loaded = world.stored(Commit { entries: batch, ..sample::commit(&loaded) }).await?;
    }
    assert_eq!(world.history(id, 0, 100).await?, expected);
    assert_eq!(world.history(id, 0, 6).await?, expected);
    assert_eq!(world.history(id, 0, 4).await?, expected[..4]);
    assert_eq!(world.history(id, 4, 4).await?, expected[4..]);
    assert_eq!(world.history(id, 2, 1).await?, expected[2..3]);
    assert_eq!(world.history(id, 6, 4).await?, []);
    assert_eq!(world.history(id, u64::from(u32::MAX), 4).await?, []);
    assert_eq!(world.history(id, 0, 0).await?, []);
    assert_eq!(world.history(meeting_id(2), 0, 100).await?, [Entry { seq: 1, ..entry(9) }]);
    assert_eq!(world.history(meeting_id(3), 0, 100).await?, [], "of a meeting that is not there");
    Ok(())
}
