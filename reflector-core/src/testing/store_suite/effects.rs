//! Owed work: claimed by one worker at a time, tried again, superseded, settled.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::collections::BTreeSet;
use std::time::Duration;

use super::World;
use super::world::RACES;
use crate::ids::MeetingId;
use crate::lifecycle::{Announcement, Effect, EffectKind};
use crate::store::{
    ClaimEffects, ClaimedEffect, Commit, EffectId, Loaded, NewMeeting, Settled, Settlement, StoreError,
};
use crate::testing::sample::{self, TICK, at, meeting_id, owed};
use crate::time::Timestamp;

const CLOSE: Effect = Effect::CloseRoom { generation: 0 };
const RETIRE: Effect = Effect::RetireRoom { generation: 0 };

fn open() -> Effect {
    Effect::OpenRoom { generation: 3, expires_at: at(90_000) + TICK }
}

fn announce() -> Effect {
    Effect::Announce(Announcement::ClosingSoon { closes_at: at(600) + TICK })
}

pub async fn owed_work_is_claimed_by_one_worker_at_a_time(world: &World) -> Result<(), StoreError> {
    world.room(1).await?;
    assert_eq!(claim(world, at(1_000), 10).await?, []);
    owing(world, 1, &[Effect::AskPresence], 1).await?;
    owing(world, 2, &[announce(), open()], 2).await?;
    owing(world, 3, &[CLOSE], 3).await?;
    owing(world, 4, &[CLOSE], 2).await?;

    let close = claim(world, at(3), 1).await?;
    let expected = ClaimedEffect {
        id: EffectId { meeting: meeting_id(4), version: 1, index: 0 },
        effect: CLOSE,
        owed_at: at(2),
        attempts: 1,
        claimed_until: Some(at(8)),
        last_error: None,
    };
    assert_eq!(close, [expected], "closes first, and of those the oldest");
    let rest: Vec<_> = claim(world, at(4), 10).await?.into_iter().map(|claimed| claimed.effect).collect();
    assert_eq!(rest, [CLOSE, open(), Effect::AskPresence, announce()]);
    assert_eq!(claim(world, at(4), 10).await?, []);
    assert_eq!(world.owed(meeting_id(4)).await?, close, "claimed work is still owed");

    // Only what one meeting owes.
    let two = [Effect::AskPresence, CLOSE];
    owing(world, 5, &two, 5).await?;
    owing(world, 6, &two, 4).await?;
    let of_one = ClaimEffects { meeting: Some(meeting_id(5)), ..claim_at(at(5), 10) };
    let claimed: Vec<_> = world.claim(of_one).await?.into_iter().map(|claimed| claimed.id).collect();
    let id = |index| EffectId { meeting: meeting_id(5), version: 1, index };
    assert_eq!(claimed, [id(1), id(0)]);
    assert_eq!(world.claim(of_one).await?, []);
    assert_eq!(claim(world, at(5), 0).await?, []);
    assert_eq!(claim(world, at(5), 10).await?.len(), 2);

    for n in 100..150 {
        owing(world, n, &two, 20).await?;
    }
    let claimed = world
        .race(|_, store| async move {
            let mut claimed = Vec::new();
            for _ in 0..12 {
                claimed.extend(store.claim(claim_at(at(20), 11)).await?);
            }
            Ok(claimed)
        })
        .await?
        .concat();
    let distinct: BTreeSet<_> = claimed.iter().map(|claimed| claimed.id).collect();
    assert_eq!((claimed.len(), distinct.len()), (109, 109), "each is in the hands of one");
    Ok(())
}

pub async fn a_claim_that_runs_out_is_given_to_another(world: &World) -> Result<(), StoreError> {
    world.room(1).await?;
    owing(world, 1, &[CLOSE], 1).await?;
    let first = claim(world, at(10), 10).await?;
    assert_eq!(first[0].claimed_until, Some(at(15)));
    assert_eq!(claim(world, at(15) - TICK, 10).await?, []);
    let second = claim(world, at(15), 10).await?;
    let expected = ClaimedEffect { attempts: 2, claimed_until: Some(at(20)), ..first[0].clone() };
    assert_eq!(second, [expected], "which counts as another attempt");
    Ok(())
}

pub async fn settled_work_is_not_given_out_again(world: &World) -> Result<(), StoreError> {
    world.room(1).await?;
    owing(world, 1, &[CLOSE, Effect::AskPresence], 1).await?;
    let claimed = claim(world, at(10), 10).await?;
    assert_eq!(world.settle(&claimed[0], Settlement::Done, at(40)).await?, Settled::Settled);
    assert_eq!(world.owed(meeting_id(1)).await?, claimed[1..]);
    assert_eq!(
        world.settle(&claimed[0], Settlement::Done, at(40)).await?,
        Settled::Lost,
        "it is owed no more"
    );
    assert_eq!(world.settle(&claimed[0], failed(at(11)), at(40)).await?, Settled::Lost);
    assert_eq!(claim(world, at(11), 10).await?, []);

    // A claim that has run out settles as well, as long as nobody else has claimed the work.
    assert_eq!(world.settle(&claimed[1], Settlement::Done, at(40)).await?, Settled::Settled);
    assert_eq!(claim(world, at(1_000), 10).await?, []);
    assert_eq!((world.owed(meeting_id(1)).await?, world.next_owed().await?), (vec![], None));
    Ok(())
}

pub async fn work_that_failed_comes_again_at_its_time(world: &World) -> Result<(), StoreError> {
    world.room(1).await?;
    owing(world, 1, &[open()], 1).await?;
    let first = claim(world, at(10), 10).await?;
    assert_eq!(world.settle(&first[0], failed(at(12) + TICK), at(40)).await?, Settled::Settled);
    let waiting =
        ClaimedEffect { claimed_until: None, last_error: Some("no answer".to_owned()), ..first[0].clone() };
    assert_eq!(world.owed(meeting_id(1)).await?, std::slice::from_ref(&waiting));
    assert_eq!(world.next_owed().await?, Some(at(12) + TICK));
    assert_eq!(claim(world, at(12), 10).await?, []);
    assert_eq!(
        world.settle(&waiting, Settlement::Done, at(40)).await?,
        Settled::Lost,
        "nobody has claimed it"
    );

    let second = claim(world, at(12) + TICK, 10).await?;
    let claimed_until = Some(at(17) + TICK);
    assert_eq!(second, [ClaimedEffect { attempts: 2, claimed_until, ..waiting }]);
    assert_eq!(
        world.settle(&second[0], failed(at(5)), at(40)).await?,
        Settled::Settled,
        "a time that is past is now"
    );
    let third = claim(world, at(13), 10).await?;
    assert_eq!((third[0].attempts, third[0].owed_at), (3, at(1)));
    Ok(())
}

pub async fn superseded_work_is_not_given_out(world: &World) -> Result<(), StoreError> {
    world.room(1).await?;
    let first = owing(world, 1, &[CLOSE, Effect::AskPresence, open(), RETIRE], 1).await?;
    owing(world, 2, &[CLOSE, Effect::AskPresence], 2).await?;
    let of_first = ClaimEffects { meeting: Some(meeting_id(1)), ..claim_at(at(2), 1) };
    let claimed = world.claim(of_first).await?;
    assert_eq!(claimed[0].effect, CLOSE);

    // What is in somebody's hands is superseded too; what the same commit owes is not.
    let effects = owed(meeting_id(1), 2, &[Effect::AskPresence], 3);
    let superseded = vec![EffectKind::CloseRoom, EffectKind::AskPresence, EffectKind::Announce];
    let second = world.stored(Commit { effects, superseded, ..sample::commit(&first) }).await?;
    let left: Vec<_> =
        world.owed(meeting_id(1)).await?.into_iter().map(|owed| (owed.id.version, owed.effect)).collect();
    assert_eq!(left, [(1, open()), (1, RETIRE), (2, Effect::AskPresence)]);
    assert_eq!(
        world.settle(&claimed[0], failed(at(3)), at(40)).await?,
        Settled::Lost,
        "nor does settling bring it back"
    );
    assert_eq!(world.settle(&claimed[0], Settlement::Done, at(40)).await?, Settled::Lost);
    assert_eq!(world.owed(meeting_id(1)).await?.len(), 3);

    let given: Vec<_> = claim(world, at(100), 10).await?.into_iter().map(|claimed| claimed.id).collect();
    let id = |n, version, index| EffectId { meeting: meeting_id(n), version, index };
    let expected = [id(2, 1, 0), id(1, 1, 2), id(1, 1, 3), id(2, 1, 1), id(1, 2, 0)];
    assert_eq!(given, expected, "nor is what another meeting owes superseded");

    let superseded = vec![EffectKind::OpenRoom, EffectKind::RetireRoom, EffectKind::AskPresence];
    world.stored(Commit { superseded, ..sample::commit(&second) }).await?;
    assert_eq!(world.owed(meeting_id(1)).await?, []);
    Ok(())
}

pub async fn a_lost_claim_settles_nothing(world: &World) -> Result<(), StoreError> {
    world.room(1).await?;
    owing(world, 1, &[CLOSE], 1).await?;
    let first = claim(world, at(10), 10).await?;
    let second = claim(world, at(16), 10).await?;
    assert_eq!(world.settle(&first[0], Settlement::Done, at(40)).await?, Settled::Lost);
    assert_eq!(world.settle(&first[0], failed(at(17)), at(40)).await?, Settled::Lost);
    assert_eq!(world.owed(meeting_id(1)).await?, second, "the other one has it still");
    assert_eq!(claim(world, at(20), 10).await?, []);
    assert_eq!(world.settle(&second[0], Settlement::Done, at(40)).await?, Settled::Settled);
    assert_eq!(world.owed(meeting_id(1)).await?, []);

    for race in 1..=RACES {
        owing(world, 100 + race, &[CLOSE], 1).await?;
        let of_one = ClaimEffects { meeting: Some(meeting_id(100 + race)), ..claim_at(at(30), 10) };
        let claimed = world.claim(of_one).await?.remove(0);
        let answers = world
            .race(|n, store| {
                let claimed = claimed.clone();
                let settlement = if n.is_multiple_of(2) { Settlement::Done } else { failed(at(31)) };
                async move { store.settle(&claimed, settlement, at(40)).await }
            })
            .await?;
        let settled = answers.iter().filter(|answer| **answer == Settled::Settled).count();
        assert_eq!(settled, 1, "a claim settles once: {answers:?}");
    }
    Ok(())
}

pub async fn the_next_owed_instant_is_told(world: &World) -> Result<(), StoreError> {
    world.room(1).await?;
    assert_eq!(world.next_owed().await?, None);
    owing(world, 1, &[Effect::AskPresence], 20).await?;
    owing(world, 2, &[CLOSE], 30).await?;
    assert_eq!(world.next_owed().await?, Some(at(20)));
    assert_eq!(claim(world, at(20) - TICK, 10).await?, [], "nothing before it");
    let first = claim(world, at(28), 10).await?;
    assert_eq!(first.len(), 1);
    assert_eq!(world.next_owed().await?, Some(at(30)));
    let second = claim(world, at(31), 10).await?;
    assert_eq!(second.len(), 1);
    assert_eq!(world.next_owed().await?, Some(at(33)), "the end of the first claim");
    world.settle(&first[0], failed(at(50)), at(40)).await?;
    assert_eq!(world.next_owed().await?, Some(at(36)), "the end of the second claim");
    world.settle(&second[0], Settlement::Done, at(40)).await?;
    assert_eq!(world.next_owed().await?, Some(at(50)), "when the first is tried again");
    Ok(())
}

/// Keeps a meeting that owes this since so many seconds into the story.
async fn owing(world: &World, n: u32, effects: &[Effect], seconds: u64) -> Result<Loaded, StoreError> {
    let effects = owed(meeting_id(n), 1, effects, seconds);
    let meeting = sample::meeting(n, &sample::room(1));
    world.keep_new(NewMeeting { effects, ..sample::new_meeting(meeting) }).await
}

async fn claim(world: &World, now: Timestamp, limit: usize) -> Result<Vec<ClaimedEffect>, StoreError> {
    world.claim(claim_at(now, limit)).await
}

/// A claim for five seconds on what any meeting owes.
fn claim_at(now: Timestamp, limit: usize) -> ClaimEffects {
    ClaimEffects { now, until: now + Duration::from_secs(5), limit, meeting: None::<MeetingId> }
}

fn failed(at: Timestamp) -> Settlement {
    Settlement::Retry { at, error: "no answer".to_owned() }
}
