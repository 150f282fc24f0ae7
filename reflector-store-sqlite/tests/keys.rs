//! Keys from outside are bytes that we do not choose: they may hold anything, and are told apart by every byte.

mod world;

use std::collections::BTreeMap;

use reflector_core::provider::RoomAddress;
use reflector_core::recording::{Belongs, ObjectVersion, Recording, SoughtRoom, Version};
use reflector_core::store::{
    Commit, Committed, ConnectionStore, Created, DeadLetter, DeliveryKey, DeliveryStore, HearingStore, Kept,
    KeptDelivery, LoadedTranscript, MeetingStore, NoticeStore, OwedNotice, Paging, RecordingStore,
    RoomCreated, RoomStore, RunCommit, Settled, Settlement, StoreError, TakenDelivery, TakenIn,
    TranscriptStore, Viewer, WhichRecordings,
};
use reflector_core::testing::sample::{
    at, commit, kept_delivery, listening_room, meeting, meeting_id, new_meeting, object, pending_recording,
    provider_room, recording, recording_id, room, taken, transcript, transcript_id,
};
use reflector_core::{Claim, Meeting, ProviderName, ProviderRoom, Room, UserId};
use world::OnFile;

/// What differs only after a NUL, or is no more than one.
const KEYS: [&str; 6] = ["", "\0", "key\0one", "key\0two", "key", "Key\u{ffff}🦀'\\"];

#[tokio::test]
async fn keys_with_a_nul_are_told_apart_and_come_back_as_they_were() -> Result<(), StoreError> {
    let world = OnFile::empty().await;
    world.create_room(room(100)).await?;
    for (n, key) in (1..).zip(KEYS) {
        let owner = UserId::from(key);
        assert_eq!(world.create_room(Room { owner, ..room(n) }).await?, RoomCreated::Stored);
        let at_provider =
            ProviderRoom { name: key.to_owned(), external_id: format!("{key}!"), ..provider_room(n) };
        let kept = Meeting {
            provider: ProviderName::from(key),
            claim: Some(Claim::Occurrence(key.to_owned())),
            room: Some(at_provider),
            ..meeting(n, &room(100))
        };
        assert_eq!(world.create(new_meeting(kept.clone())).await?, Created::Stored, "{key:?}");
        let again = Meeting { id: meeting_id(1_000), ..kept.clone() };
        assert_eq!(world.create(new_meeting(again)).await?, Created::ClaimTaken(kept.id), "{key:?}");
    }
    for (n, key) in (1..).zip(KEYS) {
        let provider = ProviderName::from(key);
        for address in [
            RoomAddress { external_id: Some(format!("{key}!")), name: None },
            RoomAddress { external_id: None, name: Some(key.to_owned()) },
        ] {
            let found = world.find(&provider, &address).await?.expect("it is found");
            assert_eq!(found.meeting.id, meeting_id(n), "{key:?}");
            assert_eq!(found.meeting.provider, provider);
        }
        let sought = SoughtRoom { provider, name: key.to_owned(), meeting: None };
        let candidates = world.candidates(&[sought]).await?;
        let candidates: Vec<_> = candidates[0].iter().map(|candidate| candidate.belongs.meeting).collect();
        assert_eq!(candidates, [meeting_id(n)], "{key:?}");
    }
    Ok(())
}

#[tokio::test]
async fn messages_whose_ids_hold_a_nul_are_taken_in_and_kept_once() -> Result<(), StoreError> {
    let world = OnFile::empty().await;
    world.create_room(room(1)).await?;
    world.create(new_meeting(meeting(1, &room(1)))).await?;
    for (n, id) in (1..).zip(KEYS) {
        let provider = ProviderName::from(id);
        let key = DeliveryKey { provider: provider.clone(), id: id.to_owned() };
        let delivery = Some(TakenDelivery { key: key.clone(), ..taken(n, 5) });
        for answer in [Committed::Stored, Committed::Duplicate] {
            let loaded = world.load(meeting_id(1)).await?.expect("the meeting is there");
            let commit = Commit { delivery: delivery.clone(), ..commit(&loaded) };
            assert_eq!(world.commit(commit).await?, answer, "{id:?}");
        }
        assert!(world.hearing(&provider, taken(n, 5).endpoint).await?.verified_at.is_some(), "{id:?}");

        let address = RoomAddress { external_id: None, name: Some(id.to_owned()) };
        let key = DeliveryKey { id: format!("{id}\0kept"), ..key };
        let kept = KeptDelivery { key: key.clone(), room: address.clone(), ..kept_delivery(n, 5) };
        assert_eq!(world.keep(kept.clone()).await?, Kept::Stored, "{id:?}");
        assert_eq!(world.keep(kept.clone()).await?, Kept::Duplicate, "{id:?}");
        assert_eq!(world.kept_for(&provider, &address).await?, [kept], "{id:?}");
        world.forget(&key).await?;
        assert_eq!(world.kept_for(&provider, &address).await?, [], "{id:?}");
    }
    Ok(())
}

#[tokio::test]
async fn rooms_of_ours_whose_names_hold_a_nul_are_listed_by_every_byte() -> Result<(), StoreError> {
    let world = OnFile::empty().await;
    for name in KEYS {
        ConnectionStore::open(&*world.store, name, at(0)).await?;
    }
    let mut sorted = KEYS.to_vec();
    sorted.sort_unstable();
    assert_eq!(world.rooms("", None, 10).await?, sorted);
    assert_eq!(world.rooms("key\0", None, 10).await?, ["key\0one", "key\0two"]);
    assert_eq!(world.rooms("key", Some("key\0one"), 10).await?, ["key\0two"]);
    Ok(())
}

#[tokio::test]
async fn recordings_of_objects_whose_names_hold_a_nul_are_told_apart() -> Result<(), StoreError> {
    let world = OnFile::empty().await;
    let mut batch = Vec::new();
    for key in KEYS {
        let of = |bucket: &str, key: &str, version| {
            let (bucket, key) = (bucket.to_owned(), key.to_owned());
            ObjectVersion { bucket, key, version }
        };
        let text = key.to_owned();
        for object in [
            of(key, "key", Version::Tag("tag".to_owned())),
            of("bucket", key, Version::Tag("tag".to_owned())),
            of("bucket", "of ids", Version::Id(text.clone())),
            of("bucket", "of tags", Version::Tag(text.clone())),
            of("bucket", "of ids", Version::Tag(text.clone())),
        ] {
            let n = u32::try_from(batch.len()).expect("they are few");
            batch.push(Recording { object, error: Some(text.clone()), ..recording(n, 1) });
        }
    }
    let answers = world.take_in(batch.clone()).await?;
    assert!(answers.iter().all(|answer| matches!(answer, TakenIn::Stored { .. })), "{answers:?}");
    for kept in &batch {
        let loaded = world.load_recording(kept.id).await?.expect("it was taken in");
        let revision = loaded.recording.revision;
        assert_eq!(loaded.recording, Recording { revision, ..kept.clone() });
    }
    let known = batch.iter().map(|kept| TakenIn::Known { id: kept.id, status: Some(kept.status) });
    assert_eq!(world.take_in(batch.clone()).await?, known.collect::<Vec<_>>());

    let with = |n, sequencer: &str| {
        let version = Version::Tag(sequencer.to_owned());
        let object = ObjectVersion { version, ..object(1) };
        Recording { object, sequencer: Some(sequencer.to_owned()), ..recording(n, 1) }
    };
    assert_eq!(world.take_in(vec![with(1_001, "\0b")]).await?, [TakenIn::Stored { revision: 1 }]);
    assert_eq!(world.take_in(vec![with(1_002, "\0a")]).await?, [TakenIn::Outdated], "a NUL is a digit");
    Ok(())
}

#[tokio::test]
async fn recordings_of_owners_and_messages_with_a_nul_are_listed() -> Result<(), StoreError> {
    let world = OnFile::empty().await;
    let whole = Paging { offset: 0, limit: 100 };
    let mut letters = Vec::new();
    for (n, key) in (1..).zip(KEYS) {
        let owner = UserId::from(key);
        world.create_room(Room { owner: owner.clone(), ..room(n) }).await?;
        let belongs_to = Some(Belongs { meeting: meeting_id(n), room: room(n).id });
        world.take_in(vec![Recording { belongs_to, ..recording(n, 1) }]).await?;
        let which = WhichRecordings { viewer: Viewer::User(owner), status: None, room: None };
        let page = world.list_recordings(&which, whole).await?;
        let ids: Vec<_> = page.items.iter().map(|item| item.id).collect();
        assert_eq!((ids, page.total), (vec![recording_id(n)], 1), "{key:?}");

        let (id, body, error) = (key.to_owned(), key.to_owned(), key.to_owned());
        let letter = DeadLetter { id, body, error, at: at(u64::from(n)) };
        assert!(world.set_aside(letter.clone()).await?);
        assert!(!world.set_aside(letter.clone()).await?);
        letters.insert(0, letter);
    }
    assert_eq!(world.dead_letters(whole).await?.items, letters);
    Ok(())
}

#[tokio::test]
async fn what_stages_made_and_notices_with_a_nul_come_back_as_they_were() -> Result<(), StoreError> {
    let world = OnFile::empty().await;
    world.take_in(vec![pending_recording(1, 1)]).await?;
    world.create_room(listening_room(1)).await?;
    let recording = world.load_recording(recording_id(1)).await?.expect("it was taken in");
    assert_eq!(world.begin(&recording, &transcript(1, 1), None).await?, Committed::Stored);
    let mut made = BTreeMap::new();
    for (n, key) in (1..).zip(KEYS) {
        let loaded = world.load_transcript(transcript_id(1)).await?.expect("its run began");
        let mut transcript = loaded.transcript.clone();
        transcript.run.stages[0].name = key.to_owned();
        let (id, event, body) = (key.to_owned(), key.to_owned(), key.to_owned());
        let notice = OwedNotice { id, room: room(1).id, event, body, owed_at: at(n) };
        let commit = RunCommit {
            transcript: transcript.clone(),
            made: Some((key.to_owned(), key.to_owned())),
            notices: vec![notice.clone(), notice.clone()],
            ..unchanged(&loaded)
        };
        assert_eq!(world.commit_run(commit).await?, Committed::Stored, "{key:?}");
        made.insert(key.to_owned(), key.to_owned());
        assert_eq!(world.made(transcript_id(1)).await?, made, "{key:?}");
        let loaded = world.load_transcript(transcript_id(1)).await?.expect("it is there");
        assert_eq!(loaded.transcript, transcript);

        let claimed = world.claim_notices(at(n), at(n + 1), 10).await?;
        assert_eq!(claimed.iter().map(|claimed| &claimed.notice).collect::<Vec<_>>(), [&notice]);
        let retry = Settlement::Retry { at: at(n), error: key.to_owned() };
        assert_eq!(world.settle_notice(&claimed[0], retry, at(n)).await?, Settled::Settled);
        let again = world.claim_notices(at(n), at(900), 10).await?;
        assert_eq!((again.len(), again[0].last_error.as_deref()), (1, Some(key)));
    }
    let loaded = world.load_transcript(transcript_id(1)).await?.expect("it is there");
    let dropped = KEYS.map(str::to_owned).to_vec();
    assert_eq!(world.commit_run(RunCommit { dropped, ..unchanged(&loaded) }).await?, Committed::Stored);
    assert_eq!(world.made(transcript_id(1)).await?, BTreeMap::new());
    Ok(())
}

/// A commit that changes nothing.
fn unchanged(loaded: &LoadedTranscript) -> RunCommit {
    RunCommit {
        expected: loaded.version,
        transcript: loaded.transcript.clone(),
        claimed_until: None,
        made: None,
        dropped: Vec::new(),
        recording: None,
        notices: Vec::new(),
    }
}
