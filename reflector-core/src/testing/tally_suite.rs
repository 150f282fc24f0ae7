//! The suite that every [`TallyStore`] passes: one case for each sentence of its contract, under its name.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use crate::lifecycle::{Effect, EffectKind, Phase};
use crate::store::{
    ClaimEffects, Committed, Created, NewMeeting, RoomCreated, Settlement, Store, StoreError,
};
use crate::store::{Commit, TallyStore};
use crate::testing::sample::{self, TICK, at, closed, forced, in_phase, meeting_id, owed};
use crate::time::Timestamp;

/// Leads to a store that is empty at first, and that counts what it keeps.
pub trait TallyHarness {
    /// Where things are kept.
    fn keeps(&self) -> Arc<dyn Store>;
    /// What counts them.
    fn counts(&self) -> Arc<dyn TallyStore>;
}

impl<S: Store + TallyStore> TallyHarness for Arc<S> {
    fn keeps(&self) -> Arc<dyn Store> {
        Self::clone(self)
    }

    fn counts(&self) -> Arc<dyn TallyStore> {
        Self::clone(self)
    }
}

/// The suite for a store that counts what it keeps, as one test for each sentence of the port's contract.
///
/// It takes an async function that gives a fresh, empty store behind an `Arc`, or a
/// [`TallyHarness`](crate::testing::tally_suite::TallyHarness).
#[macro_export]
macro_rules! tally_suite {
    ($make:expr) => {
        $crate::tally_suite! { @cases tests ($make) }
    };
    (@cases $what:tt $with:tt) => {
        $crate::tally_suite! { @$what $with
            open_meetings_are_counted_by_provider_and_phase
            owed_work_is_counted_by_kind_with_its_oldest
        }
    };
    (@tests ($make:expr) $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() -> ::core::result::Result<(), $crate::store::StoreError> {
                let harness = $make().await;
                $crate::testing::tally_suite::$case(&harness).await
            }
        )*
    };
    (@names () $($case:ident)*) => {
        &[$(stringify!($case)),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::tally_suite!(@cases names ());

/// What reads like a phase and stands where anybody may write what they like.
const MADE_UP: &str = "\"life\":{\"phase\":{\"phase\":\"live\"\u{0}";

pub async fn open_meetings_are_counted_by_provider_and_phase(
    harness: &impl TallyHarness,
) -> Result<(), StoreError> {
    let store = harness.keeps();
    assert_eq!(open(harness).await?, BTreeMap::new());
    let room = sample::room(1);
    assert_eq!(store.create_room(room.clone()).await?, RoomCreated::Stored);
    let live = Phase::Live { humans: 2, since: at(60) };
    let grace = Phase::Grace { since: at(90) };
    let phases = [live, live, grace, forced(), closed(), Phase::Waiting { since: at(1) }];
    for (n, phase) in (1..).zip(phases) {
        let mut meeting = in_phase(sample::meeting(n, &room), phase);
        meeting.calendar_metadata =
            Some(json!({ "life": { "phase": { "phase": "live" } }, "title": MADE_UP }));
        assert_eq!(store.create(sample::new_meeting(meeting)).await?, Created::Stored);
    }
    let mut elsewhere = sample::meeting(20, &room);
    elsewhere.provider = "another 'one'".into();
    assert_eq!(store.create(sample::new_meeting(elsewhere)).await?, Created::Stored);

    let sample = sample::provider();
    let of = |phase: &str, many| ((sample.to_string(), phase.to_owned()), many);
    let another = (("another 'one'".to_owned(), "opening".to_owned()), 1);
    let expected =
        BTreeMap::from([of("live", 2), of("grace", 1), of("closing", 1), of("waiting", 1), another]);
    assert_eq!(open(harness).await?, expected);

    let loaded = store.load(meeting_id(1)).await?.expect("it is there");
    let over = Commit { meeting: in_phase(loaded.meeting.clone(), closed()), ..sample::commit(&loaded) };
    assert_eq!(store.commit(over).await?, Committed::Stored);
    assert_eq!(open(harness).await?.get(&("sample".to_owned(), "live".to_owned())), Some(&1));
    Ok(())
}

pub async fn owed_work_is_counted_by_kind_with_its_oldest(
    harness: &impl TallyHarness,
) -> Result<(), StoreError> {
    let store = harness.keeps();
    assert_eq!(harness.counts().tally_work().await?, []);
    let room = sample::room(1);
    assert_eq!(store.create_room(room.clone()).await?, RoomCreated::Stored);
    let (close, ask) = (Effect::CloseRoom { generation: 0 }, Effect::AskPresence);
    for (n, effects, seconds) in
        [(1, vec![close.clone()], 30), (2, vec![close.clone(), ask.clone()], 20), (3, vec![ask], 10)]
    {
        let effects = owed(meeting_id(n), 1, &effects, seconds);
        let new = NewMeeting { effects, ..sample::new_meeting(sample::meeting(n, &room)) };
        assert_eq!(store.create(new).await?, Created::Stored);
    }
    let expected = |kind: &str, pieces, oldest| (kind.to_owned(), (pieces, oldest));
    let all = BTreeMap::from([expected("close_room", 2, at(20)), expected("ask_presence", 2, at(10))]);
    assert_eq!(work(harness).await?, all);

    // What is in somebody's hands is owed still.
    let claim = ClaimEffects { now: at(40), until: at(50), limit: 1, meeting: Some(meeting_id(2)) };
    let claimed = store.claim(claim).await?;
    assert_eq!(work(harness).await?, all);
    store.settle(&claimed[0], Settlement::Done, at(41) + TICK).await?;
    let loaded = store.load(meeting_id(3)).await?.expect("it is there");
    let superseding = Commit { superseded: vec![EffectKind::AskPresence], ..sample::commit(&loaded) };
    assert_eq!(store.commit(superseding).await?, Committed::Stored);
    let left = BTreeMap::from([expected("close_room", 1, at(30)), expected("ask_presence", 1, at(20))]);
    assert_eq!(work(harness).await?, left);
    Ok(())
}

async fn open(harness: &impl TallyHarness) -> Result<BTreeMap<(String, String), u64>, StoreError> {
    let open = harness.counts().tally_meetings().await?;
    let many = open.len();
    let by: BTreeMap<_, _> =
        open.into_iter().map(|open| ((open.provider.to_string(), open.phase), open.meetings)).collect();
    assert_eq!(by.len(), many, "each is told once");
    Ok(by)
}

async fn work(harness: &impl TallyHarness) -> Result<BTreeMap<String, (u64, Timestamp)>, StoreError> {
    let owed = harness.counts().tally_work().await?;
    let many = owed.len();
    let by: BTreeMap<_, _> = owed.into_iter().map(|owed| (owed.kind, (owed.pieces, owed.oldest))).collect();
    assert_eq!(by.len(), many, "each is told once");
    Ok(by)
}

#[cfg(test)]
mod tests {
    use super::CASES;
    use crate::testing::contract::sentences;

    #[test]
    fn every_sentence_of_the_contract_is_a_case() {
        assert_eq!(CASES, sentences(include_str!("../store/tally.rs")));
    }
}
