//! The suite that every [`NoticeStore`] passes: one case for each sentence of its contract, under its name.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::ops::Deref;
use std::sync::Arc;

use super::store_suite::{RACERS, RACES};
use super::transcript_suite::{Desk, TranscriptHarness, unchanged};
use crate::notice::{of_arrival, of_belonging};
use crate::recording::Recording;
use crate::store::{
    ClaimedNotice, Commit, Committed, NoticeStore, OwedNotice, RoomCreated, RunCommit, Settled, Settlement,
    StoreError,
};
use crate::testing::sample::{self, at, listening_room, pending_recording, room};
use crate::testing::store_suite::Spawn;

/// Holds on to a store of notices, and of the transcripts that they tell of, all empty at first.
pub trait NoticeHarness: TranscriptHarness {
    /// The notices.
    fn notices(&self) -> Arc<dyn NoticeStore>;
}

impl<S> NoticeHarness for Arc<S>
where
    Self: TranscriptHarness,
    S: NoticeStore,
{
    fn notices(&self) -> Arc<dyn NoticeStore> {
        Self::clone(self)
    }
}

/// The suite for a store of notices, as one test for each sentence of the port's contract.
///
/// It takes an async function that gives a fresh, empty store behind an `Arc` that also keeps transcripts, or a
/// [`NoticeHarness`](crate::testing::notice_suite::NoticeHarness).
#[macro_export]
macro_rules! notice_suite {
    ($make:expr) => {
        $crate::notice_suite! { @cases tests ($make) }
    };
    (@cases $what:tt $with:tt) => {
        $crate::notice_suite! { @$what $with
            a_notice_is_owed_with_what_it_tells_of
            a_notice_is_owed_where_somebody_listens
            a_commit_of_a_meeting_owes_its_notices
            a_recording_owes_its_notice_when_it_is_taken_in_or_given_away
            a_notice_is_claimed_by_one_worker_at_a_time
            a_notice_whose_claim_runs_out_is_given_to_another
            a_settled_notice_is_not_given_out_again
            a_notice_that_failed_comes_again_at_its_time
            a_lost_claim_on_a_notice_settles_nothing
            the_next_owed_notice_is_told
            settled_notices_of_long_ago_are_dropped
        }
    };
    (@tests ($make:expr) $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() -> ::core::result::Result<(), $crate::store::StoreError> {
                let harness = $make().await;
                let post = $crate::testing::notice_suite::Post::new(&harness, |task| {
                    ::tokio::spawn(task);
                });
                $crate::testing::notice_suite::$case(&post).await
            }
        )*
    };
    (@names () $($case:ident)*) => {
        &[$(stringify!($case)),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::notice_suite!(@cases names ());

/// What a case runs in: notices, and transcripts whose commits owe them.
#[derive(Debug)]
pub struct Post {
    desk: Desk,
    notices: Arc<dyn NoticeStore>,
}

impl Post {
    /// A world around the stores of a harness.
    pub fn new(harness: &impl NoticeHarness, spawn: Spawn) -> Self {
        Self { desk: Desk::new(harness, spawn), notices: harness.notices() }
    }

    /// Owes these notices, which tell of a transcript of its own, of rooms whose owners listen.
    async fn owe(&self, notices: Vec<OwedNotice>) -> Result<(), StoreError> {
        for n in 1..=LISTENING {
            // The same again is no other room.
            assert_eq!(self.desk.meetings.create_room(listening_room(n)).await?, RoomCreated::Stored);
        }
        self.owe_to_rooms(notices).await
    }

    async fn owe_to_rooms(&self, notices: Vec<OwedNotice>) -> Result<(), StoreError> {
        let n = self.desk.fresh();
        let loaded = self.desk.begun(n, 10).await?;
        let commit = RunCommit { notices, ..unchanged(&loaded) };
        assert_eq!(self.desk.commit_run(commit).await?, Committed::Stored);
        Ok(())
    }

    async fn claimed(&self, seconds: u64, limit: usize) -> Result<Vec<ClaimedNotice>, StoreError> {
        self.claim_notices(at(seconds), at(seconds + 10), limit).await
    }
}

impl Deref for Post {
    type Target = dyn NoticeStore;
    fn deref(&self) -> &Self::Target {
        &*self.notices
    }
}

/// The rooms with numbers up to this listen, once something was owed.
const LISTENING: u32 = 9;

fn notice(n: u32, seconds: u64) -> OwedNotice {
    OwedNotice {
        id: format!("transcript.completed {n}"),
        room: room(if n <= LISTENING { n } else { 1 + n % LISTENING }).id,
        event: "transcript.completed".to_owned(),
        body: format!("{{\"title\": \"Größe \\u0000 {n}\"}}"),
        owed_at: at(seconds),
    }
}

fn notices(claimed: &[ClaimedNotice]) -> Vec<OwedNotice> {
    claimed.iter().map(|claimed| claimed.notice.clone()).collect()
}

fn retry(seconds: u64) -> Settlement {
    Settlement::Retry { at: at(seconds), error: "the receiver is down".to_owned() }
}

pub async fn a_notice_is_owed_with_what_it_tells_of(post: &Post) -> Result<(), StoreError> {
    post.owe(Vec::new()).await?;
    assert_eq!(post.claimed(99, 10).await?, []);
    let loaded = post.desk.begun(LISTENING + 1, 10).await?;
    let owing = |id, seconds| RunCommit { notices: vec![notice(id, seconds)], ..unchanged(&loaded) };
    assert_eq!(post.desk.commit_run(owing(1, 20)).await?, Committed::Stored);
    assert_eq!(post.desk.commit_run(owing(2, 20)).await?, Committed::Conflict);
    // Owed once more by a later commit, it is the same.
    post.owe(vec![notice(1, 30), notice(3, 30)]).await?;
    let claimed = post.claimed(99, 10).await?;
    assert_eq!(notices(&claimed), [notice(1, 20), notice(3, 30)]);
    Ok(())
}

pub async fn a_notice_is_owed_where_somebody_listens(post: &Post) -> Result<(), StoreError> {
    let rooms = &post.desk.meetings;
    rooms.create_room(listening_room(1)).await?;
    rooms.create_room(room(2)).await?;
    // The third room is none.
    post.owe_to_rooms(vec![notice(1, 10), notice(2, 10), notice(3, 10)]).await?;
    assert_eq!(notices(&post.claimed(20, 10).await?), [notice(1, 10)]);
    rooms.update_room(listening_room(2)).await?;
    rooms.update_room(room(1)).await?;
    let later = |n| OwedNotice { id: format!("later {n}"), ..notice(n, 50) };
    post.owe_to_rooms(vec![later(1), later(2)]).await?;
    let claimed = post.claimed(60, 10).await?;
    assert_eq!(
        notices(&claimed),
        [notice(1, 10), later(2)],
        "what was owed before stays owed, and nothing is made up"
    );
    Ok(())
}

pub async fn a_commit_of_a_meeting_owes_its_notices(post: &Post) -> Result<(), StoreError> {
    let meetings = &post.desk.meetings;
    let room = listening_room(1);
    meetings.create_room(room.clone()).await?;
    let loaded = meetings.keep_meeting(sample::meeting(1, &room)).await?;
    let told = |n, seconds| OwedNotice { room: room.id, ..notice(n, seconds) };
    let commit = Commit { notices: vec![told(1, 10), told(2, 11)], ..sample::commit(&loaded) };
    let delivery = Some(sample::taken(1, 10));
    let after = meetings.stored(Commit { delivery: delivery.clone(), ..commit }).await?;
    let refused = Commit { notices: vec![told(3, 10)], ..sample::commit(&loaded) };
    assert_eq!(meetings.commit(refused).await?, Committed::Conflict);
    let doubled = Commit { notices: vec![told(4, 10)], delivery, ..sample::commit(&after) };
    assert_eq!(meetings.commit(doubled).await?, Committed::Duplicate);
    meetings.stored(Commit { notices: vec![told(1, 30), told(5, 12)], ..sample::commit(&after) }).await?;
    assert_eq!(notices(&post.claimed(99, 10).await?), [told(1, 10), told(2, 11), told(5, 12)]);
    Ok(())
}

pub async fn a_recording_owes_its_notice_when_it_is_taken_in_or_given_away(
    post: &Post,
) -> Result<(), StoreError> {
    post.owe(Vec::new()).await?;
    let recordings = &post.desk.recordings;
    let (ours, unknown) = (pending_recording(1, 10), sample::recording(2, 11));
    let sought = Recording { sought_room: Some(room(3).id), ..sample::recording(3, 12) };
    let of_nobody = pending_recording(LISTENING + 1, 13);
    let batch = vec![ours.clone(), unknown.clone(), sought.clone(), of_nobody];
    recordings.take_in(batch.clone()).await?;
    recordings.take_in(batch).await?;
    let expected: Vec<_> = [&ours, &sought].into_iter().filter_map(of_arrival).collect();
    assert_eq!(
        [expected[0].event.as_str(), expected[1].event.as_str()],
        ["recording.received", "recording.unmatched"]
    );
    assert_eq!(notices(&post.claimed(20, 10).await?), expected);

    let loaded = recordings.load_recording(unknown.id).await?.expect("it was taken in");
    let given = Recording { belongs_to: ours.belongs_to, ..loaded.recording.clone() };
    let owed = |seconds| ours.belongs_to.map(|belongs| of_belonging(&given, belongs, at(seconds)));
    let late = recordings.commit_recording(loaded.version + 1, &given, owed(40)).await?;
    assert_eq!(late, Committed::Conflict);
    assert_eq!(recordings.commit_recording(loaded.version, &given, owed(41)).await?, Committed::Stored);
    let first = |claimed: Vec<ClaimedNotice>| claimed.into_iter().find(|claimed| claimed.attempts == 1);
    let claimed = first(post.claimed(50, 10).await?).map(|claimed| claimed.notice);
    assert_eq!(claimed, owed(41));
    Ok(())
}

pub async fn a_notice_is_claimed_by_one_worker_at_a_time(post: &Post) -> Result<(), StoreError> {
    post.owe(vec![notice(1, 30), notice(2, 10), notice(3, 20), notice(4, 99)]).await?;
    assert_eq!(post.claimed(9, 10).await?, []);
    let first = post.claimed(30, 2).await?;
    assert_eq!(notices(&first), [notice(2, 10), notice(3, 20)]);
    assert_eq!((first[0].attempts, first[0].claimed_until, &first[0].last_error), (1, at(40), &None));
    assert_eq!(notices(&post.claimed(31, 10).await?), [notice(1, 30)]);
    assert_eq!(post.claimed(32, 10).await?, []);
    for race in 1..=RACES {
        let seconds = 1_000 * u64::from(race);
        post.owe((0..RACERS).map(|n| notice(100 * race + n, seconds)).collect()).await?;
        let store = &post.notices;
        let claimed = post
            .desk
            .race(|_, _| {
                let store = Arc::clone(store);
                async move { store.claim_notices(at(seconds), at(seconds + 900_000), 3).await }
            })
            .await?;
        let mut ids: Vec<_> = claimed.into_iter().flatten().map(|claimed| claimed.notice.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "one was given to two");
        assert!(count >= RACERS as usize, "those whose time has come are given out: {count}");
    }
    Ok(())
}

pub async fn a_notice_whose_claim_runs_out_is_given_to_another(post: &Post) -> Result<(), StoreError> {
    post.owe(vec![notice(1, 10)]).await?;
    post.claimed(10, 1).await?;
    assert_eq!(post.claimed(19, 1).await?, []);
    let second = post.claimed(20, 1).await?;
    assert_eq!((notices(&second), second[0].attempts), (vec![notice(1, 10)], 2));
    Ok(())
}

pub async fn a_settled_notice_is_not_given_out_again(post: &Post) -> Result<(), StoreError> {
    post.owe(vec![notice(1, 10)]).await?;
    let claimed = post.claimed(10, 1).await?.remove(0);
    assert_eq!(post.settle_notice(&claimed, Settlement::Done, at(11)).await?, Settled::Settled);
    assert_eq!(post.claimed(900, 1).await?, []);
    post.owe(vec![notice(1, 20)]).await?;
    assert_eq!(post.claimed(900, 1).await?, []);
    assert_eq!(post.settle_notice(&claimed, Settlement::Done, at(12)).await?, Settled::Lost);
    Ok(())
}

pub async fn a_notice_that_failed_comes_again_at_its_time(post: &Post) -> Result<(), StoreError> {
    post.owe(vec![notice(1, 10)]).await?;
    let claimed = post.claimed(10, 1).await?.remove(0);
    assert_eq!(post.settle_notice(&claimed, retry(60), at(11)).await?, Settled::Settled);
    assert_eq!(post.claimed(59, 1).await?, []);
    let again = post.claimed(60, 1).await?.remove(0);
    assert_eq!((again.attempts, again.last_error.as_deref()), (2, Some("the receiver is down")));
    assert_eq!(again.notice, notice(1, 10));
    Ok(())
}

pub async fn a_lost_claim_on_a_notice_settles_nothing(post: &Post) -> Result<(), StoreError> {
    post.owe(vec![notice(1, 10)]).await?;
    let mine = post.claimed(10, 1).await?.remove(0);
    let theirs = post.claimed(20, 1).await?.remove(0);
    assert_eq!(post.settle_notice(&mine, Settlement::Done, at(21)).await?, Settled::Lost);
    assert_eq!(post.settle_notice(&mine, retry(22), at(21)).await?, Settled::Lost);
    assert_eq!(post.claimed(29, 1).await?, [], "it is in other hands");
    // A claim that has run out settles as long as nobody else has it.
    assert_eq!(post.settle_notice(&theirs, Settlement::Done, at(35)).await?, Settled::Settled);
    Ok(())
}

pub async fn the_next_owed_notice_is_told(post: &Post) -> Result<(), StoreError> {
    assert_eq!(post.next_notice().await?, None);
    post.owe(vec![notice(1, 30), notice(2, 20)]).await?;
    assert_eq!(post.next_notice().await?, Some(at(20)));
    let claimed = post.claimed(25, 1).await?.remove(0);
    assert_eq!(post.next_notice().await?, Some(at(30)));
    post.settle_notice(&claimed, retry(28), at(26)).await?;
    assert_eq!(post.next_notice().await?, Some(at(28)));
    let all = post.claimed(30, 10).await?;
    assert_eq!(post.next_notice().await?, Some(at(40)), "the end of the claims");
    for claimed in &all {
        post.settle_notice(claimed, Settlement::Done, at(31)).await?;
    }
    assert_eq!(post.next_notice().await?, None);
    Ok(())
}

pub async fn settled_notices_of_long_ago_are_dropped(post: &Post) -> Result<(), StoreError> {
    post.owe((1..=4).map(|n| notice(n, 10)).collect()).await?;
    let claimed = post.claimed(10, 10).await?;
    for (claimed, seconds) in claimed.iter().zip([40, 20, 30]) {
        post.settle_notice(claimed, Settlement::Done, at(seconds)).await?;
    }
    assert_eq!(post.drop_notices_before(at(20), 10).await?, 0, "what was settled at that instant stays");
    assert_eq!(post.drop_notices_before(at(40), 1).await?, 1);
    assert_eq!(post.drop_notices_before(at(40), 10).await?, 1);
    assert_eq!(post.drop_notices_before(at(900), 10).await?, 1, "what is owed stays");
    assert_eq!(post.claimed(900, 10).await?.len(), 1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CASES;
    use crate::testing::contract::sentences;

    #[test]
    fn every_sentence_of_the_contract_is_a_case_and_every_case_a_sentence() {
        assert_eq!(CASES, sentences(include_str!("../store/notice.rs")));
    }
}
