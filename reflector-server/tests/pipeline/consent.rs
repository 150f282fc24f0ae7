//! What follows when a participant does not agree to being recorded.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reflector_test_aws::{BucketWithQueue, moto};
use serde_json::{Value, json};

use crate::endpoints::TRANSCRIPTIONS;
use crate::media;
use crate::program::{Program, eventually};
use crate::studio::{Held, Studio, stage};

/// A bucket that keeps all versions, and a program that takes recordings from it.
fn with_bucket() -> (Studio, BucketWithQueue, Program) {
    let studio = Studio::new();
    let bucket = studio.runtime.block_on(moto().bucket_with_queue(true, ".mp4", None));
    let named = [
        ("AWS_PROCESS_RECORDING_QUEUE_URL", bucket.queue_url()),
        ("RECORDING_STORAGE_AWS_BUCKET_NAME", bucket.bucket()),
    ];
    let studio = studio.with(&[moto().environment().as_slice(), &named].concat());
    let program = studio.start();
    (studio, bucket, program)
}

fn upload(studio: &Studio, bucket: &BucketWithQueue, key: &str) {
    let film = std::fs::read(media::mp4()).expect("it was made");
    studio.runtime.block_on(bucket.put(key, &film));
}

/// Nothing of how it sounded is anywhere, and the transcript says so.
fn has_no_audio(studio: &Studio, bucket: &BucketWithQueue, program: &Program, id: &str) {
    assert_eq!(studio.runtime.block_on(bucket.versions("")), 0, "the bucket holds no version");
    assert!(studio.has_no_working_files());
    assert!(studio.made(id).iter().all(|(stage, _)| stage != "waveform"));
    assert_eq!(program.transcript(id)["audio_deleted"], true);
    assert_eq!(program.get(&format!("/transcripts/{id}/audio")).status, 404);
}

#[test]
fn audio_that_a_participant_denied_is_sent_nowhere_and_is_erased() {
    let (studio, bucket, program) = with_bucket();
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    let (ada, bob) = (meeting.token(&program), meeting.token(&program));
    assert_eq!(meeting.answers(&program, &ada, true).0, 200);
    let (status, said) = meeting.answers(&program, &bob, false);
    assert_eq!((status, &said["status"]), (200, &json!("success")));
    upload(&studio, &bucket, &meeting.key("mp4"));
    let id = program.transcript_of(&meeting.key("mp4"));
    let transcript = program.ended(&id);
    assert_eq!(transcript["status"], "ended");
    let transcribe = stage(&transcript, "transcribe");
    assert!(transcribe["reason"].as_str().is_some_and(|why| why.contains("denied consent")), "{transcribe}");
    assert_eq!((studio.calls(TRANSCRIPTIONS), transcript["segments"].clone()), (0, json!([])));
    has_no_audio(&studio, &bucket, &program, &id);
}

#[test]
fn a_denial_after_the_fact_takes_the_audio_and_the_text_if_the_room_says_so() {
    let (studio, bucket, program) = with_bucket();
    for (room, on_denied) in [("keeps", "delete_audio"), ("forgets", "delete_all")] {
        let meeting = Held::begin(&program, &studio, room, &json!({ "on_denied": on_denied }));
        let token = meeting.token(&program);
        upload(&studio, &bucket, &meeting.key("mp4"));
        let id = program.transcript_of(&meeting.key("mp4"));
        let before = program.ended(&id);
        assert_eq!(
            (&before["audio_deleted"], before["segments"].as_array().map(Vec::len)),
            (&json!(false), Some(2))
        );

        assert_eq!(meeting.answers(&program, &token, false).0, 200);
        let after = eventually("it is obeyed", || {
            let transcript = program.ended(&id);
            (transcript["audio_deleted"] == true).then_some(transcript)
        });
        has_no_audio(&studio, &bucket, &program, &id);
        let kept = if on_denied == "delete_audio" { before } else { Value::Null };
        for field in ["title", "long_summary", "webvtt"] {
            assert_eq!(after[field], kept[field], "{room}: {field}");
        }
        let texts = ["transcribe", "topics", "title", "final-summaries"];
        let of_text = studio.made(&id).into_iter().filter(|(stage, _)| texts.contains(&stage.as_str()));
        assert_eq!(of_text.count(), if on_denied == "delete_audio" { 4 } else { 0 });
    }
}

#[test]
fn the_newest_answer_of_a_participant_counts() {
    let studio = Studio::new();
    let program = studio.start();
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    let token = meeting.token(&program);
    let (_, denied) = meeting.answers(&program, &token, false);
    let (_, agreed) = meeting.answers(&program, &token, true);
    assert_eq!(denied["consent_id"], agreed["consent_id"], "it is the answer of the same participant");
    studio.put(&meeting.key("mp4"), &media::mp4());
    let transcript = program.ended(&program.transcript_of(&meeting.key("mp4")));
    assert_eq!((&transcript["audio_deleted"], studio.calls(TRANSCRIPTIONS)), (&json!(false), 1));
}

#[test]
fn only_whoever_joined_the_meeting_answers() {
    let studio = Studio::silent();
    let program = studio.start();
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    let another = Held::begin(&program, &studio, "another", &json!({}));
    let token = meeting.token(&program);
    for stranger in [another.token(&program), String::new(), "0".repeat(128), token[1..].to_owned()] {
        assert_eq!(meeting.answers(&program, &stranger, false).0, 403, "{stranger}");
    }
    // A server of the same database knows it as well.
    let second = studio.start();
    assert_eq!(meeting.answers(&second, &token, false).0, 200);
    assert!(!program.logged().contains(&token) && !second.logged().contains(&token));
}

#[test]
fn a_denial_whose_taker_died_is_obeyed_by_whoever_starts_next() {
    let studio = Studio::new();
    let program = studio.start();
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    studio.put(&meeting.key("mp4"), &media::mp4());
    let id = program.transcript_of(&meeting.key("mp4"));
    program.ended(&id);
    program.kill();
    // All that is kept when the taker dies right behind the first write.
    studio.schema.sql(&format!(
        "INSERT INTO consents (meeting, participant, given, at)
         VALUES ('{}', '\\x00', false, extract(epoch FROM now()) * 1000000)",
        meeting.id
    ));
    let program = studio.start();
    eventually("it is obeyed", || (program.ended(&id)["audio_deleted"] == true).then_some(()));
    assert!(!studio.shelf().join(meeting.key("mp4")).exists());
}

#[test]
fn an_answer_is_taken_until_a_day_after_the_meeting() {
    let studio = Studio::silent();
    let program = studio.start();
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    let token = meeting.token(&program);
    program.post(&format!("/meetings/{}/end", meeting.id), &json!({}));
    let closed_at = eventually("it is closed", || {
        let shown = program.read(&format!("/meetings/{}", meeting.id));
        shown["closed_at"].as_str().map(str::to_owned)
    });
    assert_eq!(meeting.answers(&program, &token, true).0, 200);
    let then: DateTime<Utc> = closed_at.parse().expect("it is a time");
    let earlier = (then - TimeDelta::hours(24)).to_rfc3339_opts(SecondsFormat::Micros, true);
    studio.schema.sql(&format!(
        "UPDATE meetings SET document = replace(document, '\"{closed_at}\"', '\"{earlier}\"')"
    ));
    let (status, said) = meeting.answers(&program, &token, false);
    assert_eq!(status, 409, "{said}");
}
