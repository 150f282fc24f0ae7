//! Speech to text: pieces, what goes wrong on the way, and what is made of the answers.

use std::time::Duration;

use reflector_core::pipeline::{StageError, StageStatus, Transcript};
use reflector_core::testing::sample;
use reflector_pipeline::{Endpoint, NotUsable, PipelineSettings, ReferencePipeline, Transcription};
use serde_json::json;
use wiremock::{MockServer, ResponseTemplate};

use crate::endpoints::{TRANSCRIPTIONS, Tones, answers, first_answers, hears, requests, spoken};
use crate::media;
use crate::world::{KEY, World, again, endpoint, failed, output, reason_of, transcript, work};

fn listening(world: &World, server: &MockServer) -> PipelineSettings {
    PipelineSettings { stt: Some(endpoint(server)), ..world.settings() }
}

/// A world with a recording from a file, and its transcript.
fn with(file: &std::path::Path) -> (World, Transcript) {
    let world = World::new();
    let bytes = std::fs::read(file).unwrap();
    let transcript = transcript(bytes.len() as u64);
    world.bucket.put(&transcript.object, bytes);
    (world, transcript)
}

async fn transcribed(pipeline: &ReferencePipeline, transcript: &Transcript) -> Transcription {
    let made = work(pipeline, "transcribe", transcript, &Default::default()).await;
    serde_json::from_value(output(made)).unwrap()
}

#[tokio::test]
async fn of_long_audio_every_word_is_told_once_and_where_it_was_said() {
    let server = MockServer::start().await;
    answers(&server, TRANSCRIPTIONS, Tones).await;
    // 13 tones; the seams go through silence, through a tone, and by the edge of one.
    for (name, codec, piece, overlap) in [
        ("long.m4a", "aac", 20, 5),
        ("long.ogg", "libopus", 16, 3),
        ("long.flac", "flac", 12, 5),
        ("long.wav", "pcm_s16le", 60, 0),
    ] {
        let (world, transcript) = with(&media::tones(name, 90, &["-c:a", codec]));
        let (piece, overlap) = (Duration::from_secs(piece), Duration::from_secs(overlap));
        let pipeline = world.pipeline(PipelineSettings { piece, overlap, ..listening(&world, &server) });
        let heard = transcribed(&pipeline, &transcript).await;
        let words: Vec<_> = heard.segments.iter().map(|segment| segment.text.as_str()).collect();
        let said: Vec<_> = (0..13).map(|n| format!("tone{}", 200 + 10 * n)).collect();
        assert_eq!(words, said, "{name}");
        for (segment, n) in heard.segments.iter().zip(0_u64..) {
            assert!(segment.start.millis().abs_diff(n * 7_000) < 300, "{name}: {segment:?}");
            assert!(segment.end.millis().abs_diff(n * 7_000 + 1_000) < 300, "{name}: {segment:?}");
        }
        assert_eq!(heard.language.as_deref(), Some("tones"));
    }
}

#[tokio::test]
async fn half_an_hour_goes_in_pieces_of_ten_minutes() {
    let server = MockServer::builder().disable_request_recording().start().await;
    answers(&server, TRANSCRIPTIONS, Tones).await;
    // 70 seconds over and over: the codec's delay moves each a little further.
    let minute = media::tones("minute.m4a", 70, &["-ar", "8000", "-c:a", "aac", "-b:a", "16k"]);
    let (world, transcript) = with(&media::repeated("hour.m4a", &minute, 26));
    let heard = transcribed(&world.pipeline(listening(&world, &server)), &transcript).await;
    let end = heard.segments.last().unwrap().end.seconds();
    assert!((1_800.0..1_830.0).contains(&end), "{end}");
    let words: Vec<_> = heard.segments.iter().map(|segment| segment.text.clone()).collect();
    let said: Vec<_> = (0..260).map(|n| format!("tone{}", 200 + 10 * (n % 10))).collect();
    assert_eq!(words, said);
}

#[tokio::test]
async fn what_was_heard_of_a_piece_is_not_asked_again() {
    let server = MockServer::start().await;
    answers(&server, TRANSCRIPTIONS, Tones).await;
    let (world, transcript) = with(&media::tones("pieces.wav", 60, &[]));
    let (piece, overlap) = (Duration::from_secs(20), Duration::from_secs(5));
    let settings = PipelineSettings { piece, overlap, ..listening(&world, &server) };
    let pipeline = world.pipeline(settings.clone());
    let undisturbed = transcribed(&pipeline, &transcript).await;
    assert_eq!(requests(&server, TRANSCRIPTIONS).await.len(), 4);

    assert_eq!(transcribed(&pipeline, &transcript).await, undisturbed);
    assert_eq!(requests(&server, TRANSCRIPTIONS).await.len(), 4, "it was sent again");
    // Another model hears anew.
    let other = Endpoint { model: "another".to_owned(), ..endpoint(&server) };
    let pipeline = world.pipeline(PipelineSettings { stt: Some(other), ..settings });
    assert_eq!(transcribed(&pipeline, &transcript).await, undisturbed);
    assert_eq!(requests(&server, TRANSCRIPTIONS).await.len(), 8);
}

#[tokio::test]
async fn an_endpoint_that_is_away_is_asked_again_by_the_run() {
    let server = MockServer::start().await;
    first_answers(
        &server,
        TRANSCRIPTIONS,
        1,
        ResponseTemplate::new(429).insert_header("retry-after", "3600"),
    )
    .await;
    first_answers(&server, TRANSCRIPTIONS, 2, ResponseTemplate::new(503).set_body_string("<html>")).await;
    answers(&server, TRANSCRIPTIONS, hears(&spoken())).await;
    let world = World::with_file(&media::mp4()).await;
    let transcript = world.to_the_end(&world.runs(listening(&world, &server))).await;
    let stage = &transcript.run.stages[4];
    assert_eq!((stage.name.as_str(), stage.status, stage.attempts), ("transcribe", StageStatus::Done, 4));
    let waited = world.now().since(sample::at(0));
    assert!(waited >= Duration::from_secs(3_600), "it did not wait as long as it was asked to: {waited:?}");
}

#[tokio::test]
async fn an_endpoint_that_stays_away_fails_the_run_with_its_last_words() {
    let server = MockServer::start().await;
    let overloaded =
        ResponseTemplate::new(503).set_body_json(json!({ "error": { "message": "overloaded" } }));
    answers(&server, TRANSCRIPTIONS, overloaded).await;
    let world = World::with_file(&media::mp4()).await;
    let transcript = world.to_the_end(&world.runs(listening(&world, &server))).await;
    let reason = reason_of(&transcript, "transcribe");
    assert_eq!(reason, "the speech-to-text endpoint answers 503 Service Unavailable (\"overloaded\")");
    assert_eq!(transcript.run.stages[4].attempts, 8);
}

#[tokio::test]
async fn a_refusal_fails_at_once_and_names_the_setting_but_no_key() {
    let (world, transcript) = with(&media::spoken());
    for (status, setting) in [
        (401, "check REFLECTOR_STT_KEY"),
        (403, "check REFLECTOR_STT_KEY"),
        (404, "check REFLECTOR_STT_URL and REFLECTOR_STT_MODEL"),
        (400, "check REFLECTOR_STT_MODEL and REFLECTOR_STT_URL"),
        (413, "check REFLECTOR_STT_MODEL and REFLECTOR_STT_URL"),
        (307, "check REFLECTOR_STT_URL"),
    ] {
        let server = MockServer::start().await;
        let said = format!("no:\nkey {KEY}");
        let answer = ResponseTemplate::new(status).set_body_json(json!({ "error": { "message": said } }));
        answers(&server, TRANSCRIPTIONS, answer.insert_header("location", "http://127.0.0.1:9/")).await;
        let pipeline = world.pipeline(listening(&world, &server));
        let reason = failed(work(&pipeline, "transcribe", &transcript, &Default::default()).await);
        assert!(reason.contains(setting), "{status}: {reason}");
        assert!(reason.contains("(\"no: key [key]\")") && !reason.contains(KEY), "{reason}");
        assert!(!format!("{pipeline:?}").contains(KEY));
    }
}

#[tokio::test]
async fn what_takes_too_long_or_is_not_there_is_tried_again() {
    let (world, transcript) = with(&media::spoken());
    let server = MockServer::start().await;
    answers(&server, TRANSCRIPTIONS, hears(&spoken()).set_delay(Duration::from_secs(3_600))).await;
    let stt_timeout = Duration::from_millis(300);
    let pipeline = world.pipeline(PipelineSettings { stt_timeout, ..listening(&world, &server) });
    let reason = again(work(&pipeline, "transcribe", &transcript, &Default::default()).await);
    assert_eq!(reason, "the speech-to-text endpoint took too long to answer");

    let nobody = Endpoint { url: "http://127.0.0.1:9/v1".to_owned(), ..endpoint(&server) };
    let pipeline = world.pipeline(PipelineSettings { stt: Some(nobody), ..world.settings() });
    let reason = again(work(&pipeline, "transcribe", &transcript, &Default::default()).await);
    assert_eq!(reason, "the speech-to-text endpoint cannot be reached: check REFLECTOR_STT_URL");
}

#[tokio::test]
async fn answers_of_other_endpoints_are_understood_or_refused() {
    let (world, transcript) = with(&media::spoken());
    for (answer, heard) in [
        // Without times, and without segments at all.
        (json!({ "text": " All of it. " }), Ok(vec![("All of it.", 0, u64::MAX)])),
        (json!({ "text": "All.", "segments": null }), Ok(vec![("All.", 0, u64::MAX)])),
        (json!({ "text": "All.", "segments": [] }), Ok(vec![("All.", 0, u64::MAX)])),
        (json!({ "text": "" }), Ok(vec![])),
        // Times that are none, and segments out of order.
        (
            json!({ "segments": [
                { "start": 2, "end": 1, "text": "second" }, { "start": -1.0, "end": 1e12, "text": "first" },
                { "start": 3, "end": 4, "text": "  " },
            ] }),
            Ok(vec![("first", 0, u64::MAX), ("second", 2_000, 2_000)]),
        ),
        (json!({ "detail": "hello" }), Err("has neither a text nor segments: check REFLECTOR_STT_URL")),
        (json!("hello"), Err("is no transcription in the form verbose_json: check REFLECTOR_STT_URL")),
    ] {
        let server = MockServer::start().await;
        answers(&server, TRANSCRIPTIONS, hears(&answer)).await;
        let pipeline = world.pipeline(listening(&world, &server));
        let made = work(&pipeline, "transcribe", &transcript, &Default::default()).await;
        match heard {
            Err(why) => {
                let reason = failed(made);
                assert!(reason.contains(why), "{answer}: {reason}");
            }
            Ok(heard) => {
                let made: Transcription = serde_json::from_value(output(made)).unwrap();
                let all = 5_000..7_000;
                let same = made.segments.len() == heard.len()
                    && made.segments.iter().zip(&heard).all(|(segment, (text, start, end))| {
                        let ends = segment.end.millis();
                        let ends = ends == *end || *end == u64::MAX && all.contains(&ends);
                        segment.text == *text && segment.start.millis() == *start && ends
                    });
                assert!(same, "{answer}: {made:?}");
            }
        }
        // The next one is asked anew.
        world.pipeline(world.settings()).discard(transcript.id).await.unwrap();
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_refused_by_name() {
    let world = World::new();
    let server = MockServer::start().await;
    let with = |endpoint: Endpoint| {
        let settings = PipelineSettings { stt: Some(endpoint), ..world.settings() };
        ReferencePipeline::new(settings, std::sync::Arc::clone(&world.bucket) as _).map(drop).unwrap_err()
    };
    let url = with(Endpoint { url: "api.openai.com".to_owned(), ..endpoint(&server) });
    assert!(matches!(url, NotUsable::Url { setting: "REFLECTOR_STT_URL", .. }), "{url}");
    for key in ["", "two words", "line\n"] {
        let key = with(Endpoint { key: Some(key.into()), ..endpoint(&server) });
        assert!(matches!(key, NotUsable::Key { setting: "REFLECTOR_STT_KEY" }), "{key}");
    }
    let model = with(Endpoint { model: " ".to_owned(), ..endpoint(&server) });
    assert!(matches!(model, NotUsable::Model { setting: "REFLECTOR_STT_MODEL" }), "{model}");
}

#[tokio::test]
async fn how_long_an_endpoint_wants_to_be_left_alone_is_passed_on() {
    let (world, transcript) = with(&media::spoken());
    for (header, after) in [
        ("7", Some(7)),
        ("99999999999", Some(86_400)),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
    ] {
        let server = MockServer::start().await;
        answers(&server, TRANSCRIPTIONS, ResponseTemplate::new(429).insert_header("retry-after", header))
            .await;
        let pipeline = world.pipeline(listening(&world, &server));
        match work(&pipeline, "transcribe", &transcript, &Default::default()).await {
            Err(StageError::Again { after: told, .. }) => {
                assert_eq!(told, after.map(Duration::from_secs), "{header}")
            }
            other => panic!("{header}: {other:?}"),
        }
    }
}
