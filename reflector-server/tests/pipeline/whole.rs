//! The whole way, with everything there is to it.

use reflector_test_aws::moto;
use serde_json::{Value, json};

use crate::endpoints::TRANSCRIPTIONS;
use crate::http::Request;
use crate::media;
use crate::program::eventually;
use crate::studio::{Held, Studio, stage, stages, was_signed};

#[test]
fn what_is_said_in_a_recording_uploaded_to_s3_is_read_in_its_transcript_and_the_rooms_owner_is_told() {
    let studio = Studio::new();
    let bucket = studio.runtime.block_on(moto().bucket_with_queue(false, ".mp4", None));
    let named = [
        ("AWS_PROCESS_RECORDING_QUEUE_URL", bucket.queue_url()),
        ("RECORDING_STORAGE_AWS_BUCKET_NAME", bucket.bucket()),
    ];
    let program = studio.start_with(&[moto().environment().as_slice(), &named].concat());
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    let key = format!("a folder/{}", meeting.key("mp4"));
    let film = std::fs::read(media::mp4()).expect("it was made");
    studio.runtime.block_on(bucket.put(&key, &film));

    let id = program.transcript_of(&key);
    let transcript = program.ended(&id);
    for (name, status, reason) in stages(&transcript) {
        assert_eq!((status.as_str(), reason.as_str()), ("done", ""), "{name}");
    }
    assert_eq!((&transcript["status"], &transcript["meeting_id"]), (&json!("ended"), &json!(meeting.id)));
    assert_eq!(
        (&transcript["title"], &transcript["short_summary"]),
        (&json!("Report and customer"), &json!("Short."))
    );
    assert_eq!(
        (&transcript["participants"], &transcript["language"]),
        (&json!(["Ada", "Bob"]), &json!("english"))
    );
    assert_eq!(
        transcript["segments"][0],
        json!({ "start": 0.0, "end": 1.4, "text": "The meeting begins now." })
    );
    assert_eq!(transcript["action_items"][0], json!({ "task": "Send the report", "owner": "Ada" }));
    assert!(transcript["duration"].as_f64().is_some_and(|seconds| seconds > 4.0), "{transcript}");
    assert_eq!(studio.calls(TRANSCRIPTIONS), 1);

    let captions = program.get(&format!("/transcripts/{id}/webvtt"));
    assert_eq!(captions.header("content-type"), Some("text/vtt; charset=utf-8"));
    assert!(captions.text().starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:01.400\n"), "{}", captions.text());
    let recording = program.read("/recordings")["items"][0].clone();
    assert_eq!((&recording["status"], &recording["transcript_id"]), (&json!("completed"), &json!(id)));
    let listed = program.read("/transcripts?room=standup");
    assert_eq!((&listed["total"], &listed["items"][0]["id"]), (&json!(1), &json!(id)));
    assert_eq!(listed["items"][0].get("segments"), None, "a listing is short");
    plays(&program, &id, &film);
    was_told(&studio, &id, &meeting);
    assert!(studio.has_no_working_files());
}

/// The audio is there as it was uploaded, all of it or a part.
fn plays(program: &crate::program::Program, id: &str, film: &[u8]) {
    let path = format!("/transcripts/{id}/audio");
    let whole = program.get(&path);
    assert_eq!((whole.status, whole.body.as_slice()), (200, film));
    let asked = |range: &str| program.send(&Request::new("GET", path.clone()).header("range", range));
    let part = asked("bytes=10-19");
    assert_eq!((part.status, part.body.as_slice()), (206, &film[10..20]));
    assert_eq!(part.header("content-range"), Some(format!("bytes 10-19/{}", film.len()).as_str()));
    let none = asked("bytes=99999999-");
    assert_eq!((none.status, none.header("content-type")), (416, Some("application/problem+json")));
    assert_eq!(none.header("content-range"), Some(format!("bytes */{}", film.len()).as_str()));
}

fn was_told(studio: &Studio, id: &str, meeting: &Held) {
    let told = eventually("the owner is told", || Some(studio.told()).filter(|told| !told.is_empty()));
    assert_eq!(told.len(), 1, "once");
    let body: Value = serde_json::from_slice(&told[0].body).expect("it is JSON");
    assert_eq!((&body["event"], &body["transcript_id"]), (&json!("transcript.completed"), &json!(id)));
    assert_eq!((&body["meeting_id"], &body["status"]), (&json!(meeting.id), &json!("ended")));
    was_signed(&told[0]);
}

#[test]
fn without_endpoints_what_needs_them_is_skipped_and_names_the_missing_setting() {
    let studio = Studio::silent();
    let program = studio.start();
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    studio.put(&meeting.key("mp4"), &media::mp4());
    let id = program.transcript_of(&meeting.key("mp4"));
    let transcript = program.ended(&id);
    assert_eq!(transcript["status"], "ended");
    for (name, setting) in [
        ("transcribe", "REFLECTOR_STT_URL"),
        ("topics", "REFLECTOR_LLM_URL"),
        ("title", "REFLECTOR_LLM_URL"),
        ("final-summaries", "REFLECTOR_LLM_URL"),
    ] {
        let stage = stage(&transcript, name);
        assert_eq!(stage["status"], "skipped");
        assert!(stage["reason"].as_str().is_some_and(|reason| reason.contains(setting)), "{stage}");
    }
    let text = [&transcript["title"], &transcript["short_summary"], &transcript["webvtt"]];
    assert_eq!(text, [&Value::Null; 3], "nothing is made up");
    assert_eq!(transcript["segments"], json!([]));
    assert_eq!(program.get(&format!("/transcripts/{id}/webvtt")).status, 404);
}

#[test]
fn a_recording_without_sound_fails_at_once_and_says_so() {
    let studio = Studio::new();
    let program = studio.start();
    let meeting = Held::begin(&program, &studio, "standup", &json!({}));
    studio.put(&meeting.key("mp4"), &media::silent_film("silent.mp4", "libx264"));
    let id = program.transcript_of(&meeting.key("mp4"));
    let transcript = program.ended(&id);
    assert_eq!(transcript["status"], "error");
    let probe = stage(&transcript, "probe");
    assert_eq!((&probe["status"], &probe["attempts"]), (&json!("failed"), &json!(1)));
    assert!(probe["reason"].as_str().is_some_and(|reason| reason.contains("no audio track")), "{probe}");
    let recording = program.read("/recordings?status=failed")["items"][0].clone();
    assert!(recording["error"].as_str().is_some_and(|error| error.contains("no audio track")), "{recording}");
    assert_eq!(studio.calls(TRANSCRIPTIONS), 0);
    let told = eventually("the owner is told", || studio.told().pop());
    let body: Value = serde_json::from_slice(&told.body).expect("it is JSON");
    assert_eq!(body["event"], "transcript.failed");
}
