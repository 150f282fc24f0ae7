//! Text from outside may hold what PostgreSQL does not take as text or in an index.

use std::collections::BTreeMap;

use reflector_core::lifecycle::Effect;
use reflector_core::provider::RoomAddress;
use reflector_core::recording::{Belongs, ObjectVersion, Recording, RecordingStatus, SoughtRoom, Version};
use reflector_core::store::{
    Attach, Attached, ClaimEffects, Commit, Committed, ConnectionStore, Created, DeadLetter, DeliveryKey,
    DeliveryStore, EffectStore, HearingStore, Kept, KeptDelivery, LoadedRecording, MeetingStore, NewMeeting,
    NoticeStore, OwedNotice, Paging, RecordingStore, RoomStore, RunCommit, Settled, Settlement, StoreError,
    TakenDelivery, TakenIn, TokenHash, TranscriptStore, Viewer, WhichRecordings, WhichTranscripts,
};
use reflector_core::testing::sample::{
    self, ENDPOINT, at, meeting_id, new_meeting, recording_id, transcript_id,
};
use reflector_core::{Claim, Meeting, ProviderName, Room, UserId};
use reflector_store_postgres::{PostgresOptions, PostgresStore};
use reflector_test_postgres::{Schema, schema};
use uuid::Uuid;

async fn store() -> (PostgresStore, Schema) {
    let schema = schema();
    let url = schema.url().to_owned().into();
    let store = PostgresStore::connect(&url, PostgresOptions::default()).await.expect("the cluster is up");
    store.migrate().await.expect("an empty schema can be migrated");
    (store, schema)
}

/// Texts that differ only where a store could lose it: NUL, what could stand for it, and ten thousand characters.
fn odd_texts() -> Vec<String> {
    let long = "ü".repeat(10_000);
    ["a\0b", "a\u{1}b", "a\u{1}\u{1}b", "ab", "a\\0b", "a\\u0000b", "\0"]
        .into_iter()
        .map(str::to_owned)
        .chain([format!("{long}1"), format!("{long}2"), format!("{long}\0")])
        .collect()
}

#[tokio::test]
async fn meetings_and_messages_with_odd_names_are_told_apart() -> Result<(), StoreError> {
    let (store, _schema) = store().await;
    let room = sample::room(1);
    store.create_room(room.clone()).await?;
    for (n, text) in (1..).zip(odd_texts()) {
        let (provider, id) = (ProviderName(text.clone()), meeting_id(n));
        let mut place = sample::provider_room(n);
        place.external_id.clone_from(&text);
        place.name.clone_from(&text);
        let meeting = Meeting {
            claim: Some(Claim::Occurrence(text.clone())),
            calendar_event_id: Some(text.clone()),
            provider: provider.clone(),
            room: Some(place),
            ..sample::meeting(n, &room)
        };
        assert_eq!(store.create(new_meeting(meeting.clone())).await?, Created::Stored, "{text:.20?}");
        let rival = Meeting { id: meeting_id(1_000 + n), ..meeting.clone() };
        assert_eq!(store.create(new_meeting(rival)).await?, Created::ClaimTaken(id), "{text:.20?}");
        let loaded = store.load(id).await?.expect("it was kept");
        assert_eq!(loaded.meeting, meeting);

        let by_id = RoomAddress { external_id: Some(text.clone()), name: None };
        let by_name = RoomAddress { external_id: None, name: Some(text.clone()) };
        for address in [&by_id, &by_name] {
            assert_eq!(store.find(&provider, address).await?, Some(loaded.clone()), "{text:.20?}");
        }

        let sought = SoughtRoom { provider: provider.clone(), name: text.clone(), meeting: None };
        let candidates = store.candidates(&[sought]).await?;
        let candidates: Vec<_> = candidates[0].iter().map(|candidate| candidate.belongs.meeting).collect();
        assert_eq!(candidates, [id], "{text:.20?}");

        let key = DeliveryKey { provider: provider.clone(), id: text.clone() };
        let waiting = KeptDelivery {
            key: key.clone(),
            room: RoomAddress { external_id: Some(text.clone()), name: Some(text.clone()) },
            ..sample::kept_delivery(n, 5)
        };
        assert_eq!(store.keep(waiting.clone()).await?, Kept::Stored);
        assert_eq!(store.keep(waiting.clone()).await?, Kept::Duplicate);
        assert_eq!(store.kept_for(&provider, &by_name).await?, [waiting]);

        let delivery = TakenDelivery { key: key.clone(), received_at: at(u64::from(n)), endpoint: ENDPOINT };
        let commit = Commit { delivery: Some(delivery), ..sample::commit(&loaded) };
        assert_eq!(store.commit(commit.clone()).await?, Committed::Stored);
        assert_eq!(store.commit(commit).await?, Committed::Duplicate);
        assert_eq!(store.hearing(&provider, ENDPOINT).await?.verified_at, Some(at(u64::from(n))));
        store.heard(&provider, ENDPOINT, at(100)).await?;
        assert_eq!(store.hearing(&provider, ENDPOINT).await?.verified_at, Some(at(100)));
        store.forget(&key).await?;
        assert_eq!(store.kept_for(&provider, &by_id).await?, []);
    }
    Ok(())
}

#[tokio::test]
async fn owners_and_errors_with_odd_texts_come_back_as_they_were() -> Result<(), StoreError> {
    let (store, _schema) = store().await;
    for (n, text) in (1..).zip(odd_texts()) {
        let owner = UserId(text.clone());
        let room = Room { owner: owner.clone(), ..sample::room(n) };
        store.create_room(room.clone()).await?;
        assert!(store.update_room(room.clone()).await?);
        let page = store.list_rooms(&Viewer::User(owner), Paging { offset: 0, limit: 10 }).await?;
        assert_eq!((page.items, page.total), (vec![room.clone()], 1), "{text:.20?}");

        let effects = sample::owed(meeting_id(n), 1, &[Effect::AskPresence], 1);
        store.create(NewMeeting { effects, ..new_meeting(sample::meeting(n, &room)) }).await?;
        let claim = ClaimEffects { now: at(2), until: at(9), limit: 1, meeting: Some(meeting_id(n)) };
        let claimed = store.claim(claim).await?.remove(0);
        let retry = Settlement::Retry { at: at(20), error: text.clone() };
        store.settle(&claimed, retry, at(3)).await?;
        assert_eq!(store.owed(meeting_id(n)).await?[0].last_error, Some(text));
    }
    Ok(())
}

#[tokio::test]
async fn recordings_of_odd_objects_are_told_apart_and_come_back_as_they_were() -> Result<(), StoreError> {
    let (store, _schema) = store().await;
    let mut batch = Vec::new();
    for text in odd_texts() {
        let plain = sample::object(1);
        let version = Version::Id(text.clone());
        for object in [
            ObjectVersion { bucket: text.clone(), ..plain.clone() },
            ObjectVersion { key: text.clone(), ..plain.clone() },
            ObjectVersion { version, ..plain },
            ObjectVersion { version: Version::Tag(text.clone()), ..sample::object(2) },
        ] {
            let n = u32::try_from(batch.len()).expect("they are few");
            batch.push(Recording { object, error: Some(text.clone()), ..sample::recording(n, 1) });
        }
    }
    let answers = store.take_in(batch.clone()).await?;
    assert!(answers.iter().all(|answer| matches!(answer, TakenIn::Stored { .. })), "{answers:?}");
    for kept in &batch {
        let loaded = store.load_recording(kept.id).await?.expect("it was taken in");
        let revision = loaded.recording.revision;
        assert_eq!(loaded.recording, Recording { revision, ..kept.clone() });
    }
    let known = batch.iter().map(|kept| TakenIn::Known { id: kept.id, status: Some(kept.status) });
    assert_eq!(store.take_in(batch.clone()).await?, known.collect::<Vec<_>>());

    let with = |n, version: &str, sequencer: &str| Recording {
        object: ObjectVersion { version: Version::Tag(version.to_owned()), ..sample::object(3) },
        sequencer: Some(sequencer.to_owned()),
        ..sample::recording(n, 1)
    };
    assert_eq!(store.take_in(vec![with(1_001, "a", "\0b")]).await?, [TakenIn::Stored { revision: 1 }]);
    assert_eq!(store.take_in(vec![with(1_002, "b", "\0a")]).await?, [TakenIn::Outdated], "a NUL is a digit");
    Ok(())
}

#[tokio::test]
async fn recordings_of_odd_owners_and_odd_messages_are_listed() -> Result<(), StoreError> {
    let (store, _schema) = store().await;
    let whole = Paging { offset: 0, limit: 100 };
    let mut letters = Vec::new();
    for (n, text) in (1..).zip(odd_texts()) {
        let owner = UserId(text.clone());
        let room = Room { owner: owner.clone(), ..sample::room(n) };
        store.create_room(room.clone()).await?;
        let belongs_to = Some(Belongs { meeting: meeting_id(n), room: room.id });
        store.take_in(vec![Recording { belongs_to, ..sample::recording(n, 1) }]).await?;
        let which = WhichRecordings { viewer: Viewer::User(owner), status: None, room: None };
        let page = store.list_recordings(&which, whole).await?;
        let ids: Vec<_> = page.items.iter().map(|item| item.id).collect();
        assert_eq!((ids, page.total), (vec![recording_id(n)], 1), "{text:.20?}");

        let (id, body, error) = (text.clone(), text.clone(), text);
        let letter = DeadLetter { id, body, error, at: at(u64::from(n)) };
        assert!(store.set_aside(letter.clone()).await?);
        assert!(!store.set_aside(letter.clone()).await?);
        letters.insert(0, letter);
    }
    assert_eq!(store.dead_letters(whole).await?.items, letters);
    Ok(())
}

#[tokio::test]
async fn what_odd_stages_made_and_odd_notices_come_back_as_they_were() -> Result<(), StoreError> {
    let (store, _schema) = store().await;
    store.take_in(vec![sample::pending_recording(1, 1)]).await?;
    let recording = store.load_recording(recording_id(1)).await?.expect("it was taken in");
    let owner = UserId(odd_texts().concat());
    store.create_room(Room { owner: owner.clone(), ..sample::listening_room(1) }).await?;
    assert_eq!(
        store.begin(&processing(recording), &sample::transcript(1, 1), None).await?,
        Committed::Stored
    );
    let mut made = BTreeMap::new();
    for (n, text) in (1..).zip(odd_texts()) {
        let loaded = store.load_transcript(transcript_id(1)).await?.expect("its run began");
        let mut transcript = loaded.transcript;
        transcript.run.stages[0].name.clone_from(&text);
        let (id, event, body) = (text.clone(), text.clone(), text.clone());
        let notice = OwedNotice { id, room: sample::room(1).id, event, body, owed_at: at(n) };
        let commit = RunCommit {
            expected: loaded.version,
            transcript: transcript.clone(),
            claimed_until: None,
            made: Some((text.clone(), text.clone())),
            dropped: Vec::new(),
            recording: Some((RecordingStatus::Failed, Some(text.clone()))),
            notices: vec![notice.clone(), notice.clone()],
        };
        assert_eq!(store.commit_run(commit).await?, Committed::Stored, "{text:.20?}");
        made.insert(text.clone(), text.clone());
        assert_eq!(store.made(transcript_id(1)).await?, made, "{text:.20?}");
        let loaded = store.load_transcript(transcript_id(1)).await?.expect("it is there");
        assert_eq!(loaded.transcript, transcript);
        let recording = store.load_recording(recording_id(1)).await?.expect("it is there");
        assert_eq!(recording.recording.error.as_ref(), Some(&text));

        let claimed = store.claim_notices(at(n), at(n + 1), 10).await?;
        assert_eq!(claimed.iter().map(|claimed| &claimed.notice).collect::<Vec<_>>(), [&notice]);
        let retry = Settlement::Retry { at: at(n), error: text.clone() };
        assert_eq!(store.settle_notice(&claimed[0], retry, at(n)).await?, Settled::Settled);
        let again = store.claim_notices(at(n), at(900), 10).await?;
        assert_eq!((again.len(), again[0].last_error.as_ref()), (1, Some(&text)));
    }
    let which = WhichTranscripts { viewer: Viewer::User(owner), room: None, unfinished: false };
    let page = store.list_transcripts(&which, Paging { offset: 0, limit: 10 }).await?;
    assert_eq!(page.total, 1);

    let loaded = store.load_transcript(transcript_id(1)).await?.expect("it is there");
    let commit = RunCommit {
        expected: loaded.version,
        transcript: loaded.transcript,
        claimed_until: None,
        made: None,
        dropped: odd_texts(),
        recording: None,
        notices: Vec::new(),
    };
    assert_eq!(store.commit_run(commit).await?, Committed::Stored);
    assert_eq!(store.made(transcript_id(1)).await?, BTreeMap::new());
    Ok(())
}

fn processing(loaded: LoadedRecording) -> LoadedRecording {
    let recording = Recording { status: RecordingStatus::Processing, ..loaded.recording };
    LoadedRecording { recording, version: loaded.version }
}

#[tokio::test]
async fn places_with_odd_names_are_told_apart_and_stand_in_the_order_of_their_bytes() -> Result<(), StoreError>
{
    let (store, _schema) = store().await;
    let mut names: Vec<_> = odd_texts().into_iter().filter(|text| text.len() < 100).collect();
    for (n, name) in (0..).zip(&names) {
        store.open(name, at(0)).await?;
        let token = TokenHash::new([n; 32]);
        assert!(store.admit(name, token, at(60), at(0)).await?);
        let fresh = Uuid::from_u128(7);
        let attach = Attach { room: name.clone(), token, before: None, fresh, until: at(60), limit: 1 };
        let attached = store.attach(attach, at(1)).await?;
        assert!(matches!(attached, Attached::Joined { .. }), "{name:?}: {attached:?}");
    }
    names.sort_unstable();
    assert_eq!(store.rooms("", None, 100).await?, names);
    let beginning: Vec<_> = names.iter().filter(|name| name.starts_with("a\0")).cloned().collect();
    assert_eq!(store.rooms("a\0", None, 100).await?, beginning);
    assert_eq!(store.rooms("", Some(&names[2]), 2).await?, names[3..5]);
    Ok(())
}
