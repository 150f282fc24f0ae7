//! The suite that every adapter of [`Objects`] passes: one case for each sentence of its contract, under its name.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::fmt::Debug;

use async_trait::async_trait;

use crate::recording::{ObjectBytes, ObjectVersion, Objects, SourceError};

/// Objects, none at first, and the hands of those who put them there.
#[async_trait]
pub trait ObjectsHarness: Send + Sync + Debug {
    /// The objects.
    fn objects(&self) -> &dyn Objects;

    /// Puts an object there, in place of the one that has its key.
    async fn put_bytes(&self, key: &str, bytes: &[u8]) -> ObjectVersion;

    /// Takes an object away, with all its versions.
    async fn erase(&self, object: &ObjectVersion);
}

/// The suite for an adapter, as one test for each sentence of the port's contract.
///
/// It takes an async function that gives an
/// [`ObjectsHarness`](crate::testing::objects_suite::ObjectsHarness) without any objects.
#[macro_export]
macro_rules! objects_suite {
    ($make:expr) => {
        $crate::objects_suite! { @cases tests ($make) }
    };
    (@cases $what:tt $with:tt) => {
        $crate::objects_suite! { @$what $with
            an_object_is_read_whole
            reading_goes_on_from_any_byte
            nothing_is_left_at_its_end
            what_is_gone_cannot_be_opened
            another_object_of_its_key_is_not_given
            several_are_read_at_once
        }
    };
    (@tests ($make:expr) $($case:ident)*) => {
        $(
            #[::tokio::test]
            async fn $case() -> ::core::result::Result<(), $crate::recording::SourceError> {
                let harness = $make().await;
                $crate::testing::objects_suite::$case(&harness).await
            }
        )*
    };
    (@names () $($case:ident)*) => {
        &[$(stringify!($case)),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::objects_suite!(@cases names ());

/// How many bytes a large object has: more than any adapter gives at once.
const LARGE: usize = 1_000_003;
const KEYS: [&str; 3] = ["a.mp4", "a folder/Größe + 100%.mp4", "deep/er/b-2023-10-31T13:09:35Z.mp4"];

type Answer = Result<(), SourceError>;

/// So many bytes, of which those that stand near each other differ.
fn bytes(count: usize) -> Vec<u8> {
    (0..=250).cycle().take(count).collect()
}

async fn opened(
    harness: &impl ObjectsHarness,
    object: &ObjectVersion,
    from: usize,
) -> Result<Box<dyn ObjectBytes>, SourceError> {
    let opened = harness.objects().open(object, from as u64).await?;
    Ok(opened.unwrap_or_else(|| panic!("{object:?} is there")))
}

/// What is left of an object, and in how many pieces it came.
async fn rest(mut object: Box<dyn ObjectBytes>) -> Result<(Vec<u8>, usize), SourceError> {
    let (mut all, mut pieces) = (Vec::new(), 0);
    while let Some(some) = object.next().await? {
        assert!(!some.is_empty(), "nothing was given, and that is no end");
        all.extend(some);
        pieces += 1;
    }
    assert_eq!(object.next().await?, None, "the end is the end");
    Ok((all, pieces))
}

/// Without a message of a million bytes if they differ.
#[track_caller]
fn same(read: &[u8], put: &[u8]) {
    assert_eq!(read.len(), put.len());
    assert!(read == put, "other bytes were read than were put there");
}

pub async fn an_object_is_read_whole(harness: &impl ObjectsHarness) -> Answer {
    for (key, count) in KEYS.into_iter().zip([1, 700, LARGE]) {
        let object = harness.put_bytes(key, &bytes(count)).await;
        let (read, pieces) = rest(opened(harness, &object, 0).await?).await?;
        same(&read, &bytes(count));
        assert!(pieces > 1 || count < LARGE, "all of it was in the memory at once");
    }
    Ok(())
}

pub async fn reading_goes_on_from_any_byte(harness: &impl ObjectsHarness) -> Answer {
    let all = bytes(LARGE);
    let object = harness.put_bytes("a.mp4", &all).await;
    for from in [1, 65_535, 65_536, 500_000, LARGE - 1] {
        same(&rest(opened(harness, &object, from).await?).await?.0, &all[from..]);
    }
    let some = opened(harness, &object, 7).await?.next().await?.expect("it has more than seven bytes");
    same(&some, &all[7..7 + some.len()]);
    let from = 7 + some.len();
    same(&rest(opened(harness, &object, from).await?).await?.0, &all[from..]);
    Ok(())
}

pub async fn nothing_is_left_at_its_end(harness: &impl ObjectsHarness) -> Answer {
    let object = harness.put_bytes("a.mp4", &bytes(700)).await;
    for from in [700, 701, 1 << 40] {
        assert_eq!(rest(opened(harness, &object, from).await?).await?, (Vec::new(), 0), "from {from}");
    }
    Ok(())
}

pub async fn what_is_gone_cannot_be_opened(harness: &impl ObjectsHarness) -> Answer {
    let object = harness.put_bytes("a.mp4", &bytes(700)).await;
    let stays = harness.put_bytes("a.mp4x", &bytes(70)).await;
    harness.erase(&object).await;
    let never_there = ObjectVersion { key: "b.mp4".to_owned(), ..object.clone() };
    for gone in [&object, &never_there] {
        for from in [0, 7, 7_000] {
            assert!(harness.objects().open(gone, from).await?.is_none(), "{gone:?} from {from}");
        }
    }
    same(&rest(opened(harness, &stays, 0).await?).await?.0, &bytes(70));
    Ok(())
}

pub async fn another_object_of_its_key_is_not_given(harness: &impl ObjectsHarness) -> Answer {
    let before = bytes(700);
    let first = harness.put_bytes("a.mp4", &before).await;
    let second = harness.put_bytes("a.mp4", &bytes(70_000)).await;
    for from in [0, 7, 700, 60_000] {
        if let Some(object) = harness.objects().open(&first, from as u64).await? {
            same(&rest(object).await?.0, &before[from.min(700)..]);
        }
        same(&rest(opened(harness, &second, from).await?).await?.0, &bytes(70_000)[from..]);
    }
    Ok(())
}

pub async fn several_are_read_at_once(harness: &impl ObjectsHarness) -> Answer {
    let (one, other) = (bytes(LARGE), vec![b'x'; LARGE]);
    let (of_one, of_other) =
        (harness.put_bytes("a.mp4", &one).await, harness.put_bytes("b.mp4", &other).await);
    let mut reading = Vec::new();
    for (object, from) in [(&of_one, 0), (&of_other, 3), (&of_one, 5)] {
        reading.push((opened(harness, object, from).await?, Vec::new()));
    }
    let mut is_read = false;
    while !is_read {
        is_read = true;
        for (object, all) in &mut reading {
            if let Some(some) = object.next().await? {
                all.extend(some);
                is_read = false;
            }
        }
    }
    for ((_, read), put) in reading.iter().zip([&one[..], &other[3..], &one[5..]]) {
        same(read, put);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CASES;
    use crate::testing::contract::sentences;

    #[test]
    fn every_sentence_of_the_contract_is_a_case_and_every_case_a_sentence() {
        assert_eq!(CASES, sentences(include_str!("../recording/objects.rs")));
    }
}
