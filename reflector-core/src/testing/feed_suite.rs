//! The suite that every [`FeedStore`] passes: one case for each sentence of its contract, under its name.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use futures::future::{join, try_join_all};

use crate::ids::MeetingId;
use crate::store::{
    Commit, Committed, Created, Fed, FeedLine, FeedPage, FeedPlace, FeedStore, NewMeeting, RoomCreated,
    Store, StoreError,
};
use crate::testing::sample::{self, entry, meeting_id};

/// The suite for a store that feeds, as one test for each sentence of the port's contract.
///
/// It takes an async function that gives something that leads to a fresh, empty store: an `Arc` of it, or whatever
/// holds on to what it needs and dereferences to one.
#[macro_export]
macro_rules! feed_suite {
    ($make:expr) => {
        $crate::feed_suite! { @cases tests ($make) }
    };
    (@cases $what:tt $with:tt) => {
        $crate::feed_suite! { @$what $with
            what_is_written_is_fed_in_the_order_of_its_writing
            the_feed_goes_on_from_any_place
            the_end_is_behind_all_that_was_fed
            whoever_follows_while_many_write_is_fed_all_of_it_once
            a_place_that_nobody_gave_is_lost
        }
    };
    (@tests ($make:expr) $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() -> ::core::result::Result<(), $crate::store::StoreError> {
                let harness = $make().await;
                $crate::testing::feed_suite::$case(&*harness).await
            }
        )*
    };
    (@names () $($case:ident)*) => {
        &[$(stringify!($case)),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::feed_suite!(@cases names ());

/// How many entries a case asks for that wants all.
const ALL: usize = 1_000;
/// How often it is asked for what has been written: far more often than it takes until it is fed.
const ASKED: u32 = 100_000;
/// How many write at once, and how often each.
const WRITERS: u32 = 8;
const WRITES: u32 = 12;

/// Makes a meeting in a room of its own, whose history begins with so many entries.
async fn begin(store: &impl Store, n: u32, entries: &[u32]) -> Result<(), StoreError> {
    let room = sample::room(n);
    assert_eq!(store.create_room(room.clone()).await?, RoomCreated::Stored);
    let entries = entries.iter().map(|n| entry(*n)).collect();
    let new = NewMeeting { entries, ..sample::new_meeting(sample::meeting(n, &room)) };
    assert_eq!(store.create(new).await?, Created::Stored);
    Ok(())
}

/// Writes more of a meeting's history, in one commit.
async fn note(store: &impl Store, n: u32, entries: &[u32]) -> Result<(), StoreError> {
    let loaded = store.load(meeting_id(n)).await?.expect("the meeting is there");
    let entries = entries.iter().map(|n| entry(*n)).collect();
    let commit = Commit { entries, ..sample::commit(&loaded) };
    assert_eq!(store.commit(commit).await?, Committed::Stored);
    Ok(())
}

/// A story of two meetings, and what is fed of it.
async fn told(store: &impl Store) -> Result<[(MeetingId, u64, u32); 6], StoreError> {
    begin(store, 1, &[10, 11]).await?;
    begin(store, 2, &[20]).await?;
    note(store, 1, &[12, 13]).await?;
    note(store, 2, &[21]).await?;
    let (one, two) = (meeting_id(1), meeting_id(2));
    Ok([(one, 1, 10), (one, 2, 11), (two, 1, 20), (one, 3, 12), (one, 4, 13), (two, 2, 21)])
}

async fn page(store: &impl FeedStore, after: &FeedPlace, limit: usize) -> Result<FeedPage, StoreError> {
    match store.feed(after, limit).await? {
        Fed::Page(page) => Ok(page),
        Fed::Lost => panic!("the place {after} was given by this store"),
    }
}

/// All that comes after a place, once there is so much.
async fn fed(store: &impl FeedStore, after: &FeedPlace, much: usize) -> Result<FeedPage, StoreError> {
    for _ in 0..ASKED {
        let page = page(store, after, ALL).await?;
        if page.lines.len() >= much {
            return Ok(page);
        }
    }
    panic!("so much never came");
}

/// Which entries of which histories these are. They are as they were written.
fn lines(lines: &[FeedLine]) -> Vec<(MeetingId, u64, u32)> {
    let number = |line: &FeedLine| {
        let id = line.entry.delivery_id.as_deref().expect("a sample has one");
        let n = id.trim_start_matches("delivery-").parse().expect("it ends with a number");
        assert_eq!(line.entry, crate::store::Entry { seq: line.entry.seq, ..entry(n) });
        (line.meeting, line.entry.seq, n)
    };
    lines.iter().map(number).collect()
}

pub async fn what_is_written_is_fed_in_the_order_of_its_writing<S: Store + FeedStore>(
    store: &S,
) -> Result<(), StoreError> {
    let start = store.feed_end().await?;
    assert_eq!(page(store, &start, ALL).await?, FeedPage::default(), "nothing was written yet");
    let written = told(store).await?;
    let told = fed(store, &start, written.len()).await?;
    assert_eq!(lines(&told.lines), written);
    let mut meetings = told.meetings;
    meetings.sort_by_key(|loaded| loaded.meeting.id);
    let mut stand = Vec::new();
    for n in [1, 2] {
        stand.extend(store.load(meeting_id(n)).await?);
    }
    assert_eq!(meetings, stand, "each once, and as it is loaded");
    // A refused write is not fed, nor one without an entry.
    let loaded = &stand[0];
    let refused = Commit { expected: loaded.version + 1, entries: vec![entry(99)], ..sample::commit(loaded) };
    assert_eq!(store.commit(refused).await?, Committed::Conflict);
    assert_eq!(store.commit(sample::commit(loaded)).await?, Committed::Stored);
    assert_eq!(lines(&page(store, &start, ALL).await?.lines), written);
    Ok(())
}

pub async fn the_feed_goes_on_from_any_place<S: Store + FeedStore>(store: &S) -> Result<(), StoreError> {
    let start = store.feed_end().await?;
    let written = told(store).await?;
    let all = fed(store, &start, written.len()).await?.lines;
    for (place, line) in (1..).zip(&all) {
        assert_eq!(lines(&page(store, &line.place, ALL).await?.lines), written[place..]);
    }
    for limit in [1, 2, 5] {
        let (mut after, mut all) = (start.clone(), Vec::new());
        loop {
            let part = page(store, &after, limit).await?.lines;
            assert!(part.len() <= limit);
            let Some(last) = part.last() else { break };
            after = last.place.clone();
            all.extend(lines(&part));
        }
        assert_eq!(all, written, "in pages of {limit}");
    }
    Ok(())
}

pub async fn the_end_is_behind_all_that_was_fed<S: Store + FeedStore>(store: &S) -> Result<(), StoreError> {
    let start = store.feed_end().await?;
    let written = told(store).await?;
    assert_eq!(lines(&fed(store, &start, written.len()).await?.lines), written);
    let end = store.feed_end().await?;
    assert_eq!(page(store, &end, ALL).await?, FeedPage::default());
    note(store, 2, &[30]).await?;
    assert_eq!(lines(&fed(store, &end, 1).await?.lines), [(meeting_id(2), 3, 30)]);
    Ok(())
}

pub async fn whoever_follows_while_many_write_is_fed_all_of_it_once<S: Store + FeedStore>(
    store: &S,
) -> Result<(), StoreError> {
    for n in 0..WRITERS {
        begin(store, n, &[]).await?;
    }
    let start = store.feed_end().await?;
    let write = async |n| {
        for write in 0..WRITES {
            note(store, n, &[write, write + 100]).await?;
        }
        Ok::<_, StoreError>(())
    };
    let follow = async {
        let (mut after, mut followed) = (start, Vec::new());
        let expected = (WRITERS * WRITES * 2) as usize;
        // What is passed over would never come.
        for _ in 0..ASKED {
            let part = page(store, &after, 7).await?.lines;
            if let Some(last) = part.last() {
                after = last.place.clone();
            }
            followed.extend(lines(&part));
            if followed.len() >= expected {
                break;
            }
        }
        Ok::<_, StoreError>(followed)
    };
    let (written, followed) = join(try_join_all((0..WRITERS).map(write)), follow).await;
    written?;
    let mut followed = followed?;
    // Of one meeting in their order, whatever comes between.
    followed.sort_by_key(|(meeting, ..)| *meeting);
    let of_one = |n| {
        (0..WRITES).flat_map(move |write| {
            [
                (meeting_id(n), u64::from(write) * 2 + 1, write),
                (meeting_id(n), u64::from(write) * 2 + 2, write + 100),
            ]
        })
    };
    assert_eq!(followed, (0..WRITERS).flat_map(of_one).collect::<Vec<_>>());
    Ok(())
}

pub async fn a_place_that_nobody_gave_is_lost<S: Store + FeedStore>(store: &S) -> Result<(), StoreError> {
    told(store).await?;
    let far = "18446744073709551615".to_owned();
    for text in ["", "nonsense", "-1", "99999999999999999999999", "'; DROP TABLE history", "\u{0}", &far] {
        assert_eq!(store.feed(&FeedPlace(text.to_owned()), ALL).await?, Fed::Lost, "{text:?}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CASES;
    use crate::testing::contract::sentences;

    #[test]
    fn every_sentence_of_the_contract_is_a_case() {
        assert_eq!(CASES, sentences(include_str!("../store/feed.rs")));
    }
}
