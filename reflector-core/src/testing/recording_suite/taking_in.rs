//! Objects that are taken in.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use super::{FIRST, Shelf, all, later, of_object, whole};
use crate::recording::{ObjectVersion, Recording, RecordingStatus, Version};
use crate::store::{StoreError, TakenIn, Viewer};
use crate::testing::sample::{object, recording, recording_id, recording_in_full};
use crate::testing::store_suite::{RACERS, RACES};

pub async fn an_object_is_taken_in_once(shelf: &Shelf) -> Result<(), StoreError> {
    let first = recording_in_full(1, 10);
    let known = TakenIn::Known { id: first.id, status: Some(first.status) };
    let again = |n| Recording { object: first.object.clone(), ..recording(n, 20) };
    assert_eq!(shelf.take_in(vec![first.clone(), again(2)]).await?, [FIRST, known]);
    assert_eq!(shelf.take_in(vec![again(3)]).await?, [known]);
    assert_eq!(shelf.loaded(1).await?.recording, first, "as it came first");
    assert_eq!(shelf.load_recording(recording_id(3)).await?, None);

    let elsewhere = ObjectVersion { bucket: "another".to_owned(), ..first.object.clone() };
    let other_key = ObjectVersion { key: "another".to_owned(), ..first.object.clone() };
    let others = [
        Recording { object: elsewhere, ..recording(4, 20) },
        Recording { object: other_key, ..recording(5, 20) },
    ];
    assert_eq!(shelf.take_in(others.to_vec()).await?, [FIRST, FIRST]);

    for race in 1..=RACES {
        let answers = shelf
            .race(|n, store| async move {
                let batch = (0..3).map(|of| {
                    // Each has the same three objects in another order.
                    let of = 1_000 * race + (of + n) % 3;
                    of_object(of, recording(100_000 * race + 10 * n + of % 3, 20))
                });
                store.take_in(batch.collect()).await
            })
            .await?;
        let stored = answers.iter().flatten().filter(|answer| **answer == FIRST).count();
        assert_eq!((stored, answers.len()), (3, RACERS as usize), "{answers:?}");
    }
    Ok(())
}

pub async fn each_of_a_batch_is_judged_alone(shelf: &Shelf) -> Result<(), StoreError> {
    shelf.take_in(vec![recording(1, 10), later(2, 20, "new", Some("9"))]).await?;
    let batch = vec![
        recording(3, 11),
        of_object(1, recording(4, 11)),
        later(5, 20, "old", Some("1")),
        later(6, 1, "new", None),
        later(7, 7, "first", Some("1")),
        later(8, 7, "second", Some("2")),
        later(9, 7, "between", Some("15")),
    ];
    let known = TakenIn::Known { id: recording_id(1), status: Some(RecordingStatus::Unmatched) };
    let second = TakenIn::Stored { revision: 2 };
    assert_eq!(
        shelf.take_in(batch).await?,
        [FIRST, known, TakenIn::Outdated, second, FIRST, second, TakenIn::Outdated]
    );
    assert_eq!(shelf.list_recordings(&all(Viewer::Operator), whole()).await?.total, 6);
    Ok(())
}

pub async fn a_newer_object_of_a_key_is_a_new_revision(shelf: &Shelf) -> Result<(), StoreError> {
    let second = TakenIn::Stored { revision: 2 };
    assert_eq!(shelf.take_in(vec![later(1, 1, "a", Some("A0"))]).await?, [FIRST]);
    assert_eq!(shelf.take_in(vec![later(2, 1, "b", Some("a1"))]).await?, [second]);
    assert_eq!(shelf.loaded(2).await?.recording.revision, 2);
    assert_eq!(shelf.loaded(1).await?.recording.revision, 1, "the first stays as it is");
    assert_eq!(
        shelf.take_in(vec![later(3, 1, "c", None)]).await?,
        [TakenIn::Stored { revision: 3 }],
        "a listing knows no sequencers and shows what stands now"
    );
    // Of versions one has an id, another a tag: they are two, whatever their text.
    let by_id = Recording {
        object: ObjectVersion { version: Version::Id("z".to_owned()), ..object(9) },
        ..recording(4, 4)
    };
    let by_tag = later(5, 9, "y", None);
    assert_eq!(shelf.take_in(vec![by_id, by_tag]).await?, [FIRST, second]);
    for race in 1..=RACES {
        let of = 1_000 + race;
        let answers = shelf
            .race(|n, store| async move {
                store.take_in(vec![later(100_000 * race + n, of, &n.to_string(), None)]).await
            })
            .await?;
        let mut revisions: Vec<_> = answers
            .into_iter()
            .flatten()
            .map(|answer| match answer {
                TakenIn::Stored { revision } => revision,
                other => panic!("each is new: {other:?}"),
            })
            .collect();
        revisions.sort_unstable();
        assert_eq!(revisions, (1..=RACERS).collect::<Vec<_>>());
    }
    Ok(())
}

pub async fn an_older_object_of_a_key_is_outdated(shelf: &Shelf) -> Result<(), StoreError> {
    shelf.take_in(vec![later(1, 1, "b", Some("0055AED6DCD90281E6"))]).await?;
    for sequencer in ["0055AED6DCD90281E5", "0055aed6dcd90281e6", "0055AED6"] {
        let older = later(2, 1, "a", Some(sequencer));
        assert_eq!(shelf.take_in(vec![older]).await?, [TakenIn::Outdated], "{sequencer}");
    }
    assert_eq!(shelf.load_recording(recording_id(2)).await?, None);
    assert_eq!(shelf.take_in(vec![later(3, 2, "a", Some("0"))]).await?, [FIRST], "of another key");
    Ok(())
}
