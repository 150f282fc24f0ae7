//! The whole way, from a bucket to a transcript.

use reflector_core::pipeline::{RestartAt, RunState, StageStatus, TranscriptStatus};
use reflector_core::recording::RecordingStatus;
use reflector_core::store::RecordingStore;
use reflector_core::testing::sample;
use reflector_pipeline::{PipelineSettings, Published, STAGES, Waveform};
use serde_json::json;
use wiremock::MockServer;

use crate::endpoints::{self, COMPLETIONS, TRANSCRIPTIONS, answers, both, hears, requests, samples};
use crate::media;
use crate::world::{KEY, World, endpoint, reason_of, stages};

#[tokio::test]
async fn a_recording_becomes_a_transcript() {
    let server = both().await;
    let world = World::with_file(&media::mp4()).await;
    let runs = world.runs(world.settings_at(&server));

    let transcript = world.to_the_end(&runs).await;
    let done: Vec<_> = STAGES.map(|stage| (stage, StageStatus::Done, "")).into();
    assert_eq!(stages(&transcript), done);
    assert_eq!(transcript.run.status(), TranscriptStatus::Ended);
    let recording = world.store.load_recording(sample::recording_id(1)).await.unwrap().unwrap().recording;
    assert_eq!(recording.status, RecordingStatus::Completed);
    assert!(world.has_no_working_files() && !world.bucket.holds_nothing());

    assert_eq!(
        world.made("publish").await.unwrap(),
        json!({
            "title": "Report and customer",
            "short_summary": "Short.",
            "long_summary": "Long.",
            "action_items": [{ "task": "Send the report", "owner": "Ada" }, { "task": "Call", "owner": null }],
            "topics": [{ "title": "Topic from 0", "summary": "What is said of it.", "start": 0.0 }],
            "participants": ["Ada", "Bob"],
            "segments": [
                { "start": 0.0, "end": 1.4, "text": "The meeting begins now." },
                { "start": 1.5, "end": 5.2, "text": "Ada sends the report on Friday, and Bob calls <us>." },
            ],
            "webvtt": "WEBVTT\n\n00:00:00.000 --> 00:00:01.400\nThe meeting begins now.\n\n\
                00:00:01.500 --> 00:00:05.200\nAda sends the report on Friday, and Bob calls &lt;us&gt;.\n",
            "duration": world.made("waveform").await.unwrap()["duration"],
            "language": "english",
            "audio_deleted": false,
        })
    );
}

#[tokio::test]
async fn endpoints_are_spoken_to_as_openais_are() {
    let server = both().await;
    let world = World::with_file(&media::mp4()).await;
    world.to_the_end(&world.runs(world.settings_at(&server))).await;

    let [sent] = requests(&server, TRANSCRIPTIONS).await.try_into().unwrap();
    assert_eq!(sent.headers["authorization"], format!("Bearer {KEY}"));
    let text = String::from_utf8_lossy(&sent.body).into_owned();
    for field in [
        "name=\"model\"\r\n\r\nmodel\r\n",
        "name=\"response_format\"\r\n\r\nverbose_json\r\n",
        "name=\"timestamp_granularities[]\"\r\n\r\nsegment\r\n",
        "filename=\"piece-0.wav\"",
        "audio/wav",
    ] {
        assert!(text.contains(field), "{field}");
    }
    let samples = samples(&sent);
    let waveform: Waveform = serde_json::from_value(world.made("waveform").await.unwrap()).unwrap();
    assert!((samples.len() as u64 / 16).abs_diff(waveform.duration.millis()) <= 1, "{}", samples.len());
    assert!(samples.iter().any(|sample| sample.unsigned_abs() > 3_000), "it is speech");

    let asked = requests(&server, COMPLETIONS).await;
    let kinds: Vec<_> = asked.iter().map(endpoints::kind).collect();
    assert_eq!(kinds, ["topics", "title", "participants", "action_items"]);
    for request in &asked {
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
        assert_eq!(
            (&body["model"], &body["response_format"]["type"]),
            (&json!("model"), &json!("json_schema"))
        );
        assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    }
    let text = endpoints::material(&asked[0]);
    assert_eq!(
        text,
        "[0] The meeting begins now.\n[1] Ada sends the report on Friday, and Bob calls <us>.\n"
    );
}

#[tokio::test]
async fn without_endpoints_their_stages_are_skipped_by_the_name_of_the_setting() {
    let world = World::with_file(&media::mp4()).await;
    let transcript = world.to_the_end(&world.runs(world.settings())).await;
    assert!(matches!(transcript.run.state, RunState::Done { .. }));
    for (stage, setting) in [
        ("transcribe", "REFLECTOR_STT_URL"),
        ("topics", "REFLECTOR_LLM_URL"),
        ("title", "REFLECTOR_LLM_URL"),
        ("final-summaries", "REFLECTOR_LLM_URL"),
    ] {
        assert!(
            reason_of(&transcript, stage).contains(setting),
            "{stage}: {}",
            reason_of(&transcript, stage)
        );
    }
    let skipped = stages(&transcript).iter().filter(|(_, status, _)| *status == StageStatus::Skipped).count();
    assert_eq!(skipped, 4);
    let published: Published = serde_json::from_value(world.made("publish").await.unwrap()).unwrap();
    let duration = published.duration;
    assert_eq!(published, Published { duration, ..Published::default() });
    assert!((5_000..7_000).contains(&duration.unwrap().millis()));
}

#[tokio::test]
async fn without_a_text_nothing_is_asked_about_it() {
    let server = both().await;
    let world = World::with_file(&media::mp4()).await;
    let settings = PipelineSettings { stt: None, ..world.settings_at(&server) };
    let transcript = world.to_the_end(&world.runs(settings)).await;
    for stage in ["topics", "title", "final-summaries"] {
        assert_eq!(reason_of(&transcript, stage), "there is no text: the recording was not transcribed");
    }
    assert!(requests(&server, COMPLETIONS).await.is_empty());
}

#[tokio::test]
async fn of_a_recording_in_which_nothing_is_said_nothing_is_made_up() {
    let server = MockServer::start().await;
    answers(&server, TRANSCRIPTIONS, hears(&json!({ "text": "", "language": "english", "segments": [] })))
        .await;
    let world = World::with_file(&media::mp4()).await;
    let transcript = world.to_the_end(&world.runs(world.settings_at(&server))).await;
    assert!(matches!(transcript.run.state, RunState::Done { .. }));
    assert_eq!(reason_of(&transcript, "topics"), "there is no text: nothing was said in the recording");
    let published: Published = serde_json::from_value(world.made("publish").await.unwrap()).unwrap();
    assert_eq!((published.webvtt.as_deref(), published.segments.len()), (Some("WEBVTT\n"), 0));
}

#[tokio::test]
async fn what_is_no_recording_fails_at_once_with_a_reason() {
    let junk: Vec<u8> = (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (bytes, reason) in [
        (std::fs::read(media::silent_film("silent.mp4", "libx264")).unwrap(), "no audio track"),
        (std::fs::read(media::silent_film("silent.webm", "libvpx")).unwrap(), "no audio track"),
        (Vec::new(), "empty"),
        (junk, "none of MP4"),
        (media::first_bytes(&media::mp4(), 5_000), "cut off"),
    ] {
        let world = World::with_recording(bytes).await;
        let transcript = world.to_the_end(&world.runs(world.settings())).await;
        assert!(reason_of(&transcript, "probe").contains(reason), "{}", reason_of(&transcript, "probe"));
        assert_eq!(transcript.run.stages[1].attempts, 1, "{reason}: it was tried again");
        let recording = world.store.load_recording(sample::recording_id(1)).await.unwrap().unwrap().recording;
        assert_eq!(recording.status, RecordingStatus::Failed);
        assert!(recording.error.unwrap().contains(reason));
    }
}

#[tokio::test]
async fn a_run_goes_on_on_another_machine_from_any_stage() {
    let server = both().await;
    let undisturbed = World::with_file(&media::mp4()).await;
    undisturbed.to_the_end(&undisturbed.runs(undisturbed.settings_at(&server))).await;
    for stage in &STAGES[1..] {
        let world = World::with_file(&media::mp4()).await;
        let one = world.runs(world.settings_at(&server));
        world.begin(&one).await;
        let stopped = world.until(&one, |next| next == *stage).await.unwrap();
        assert!(!stopped.run.is_over());
        // It dies there, and another one, which has none of its files, takes over.
        world.claims_run_out(&one);
        let data_dir = world.data_dir().join("another");
        let other = world.runs(PipelineSettings { data_dir, ..world.settings_at(&server) });
        let transcript = world.to_the_end(&other).await;
        assert!(matches!(transcript.run.state, RunState::Done { .. }), "{stage}");
        assert_eq!(world.made("publish").await, undisturbed.made("publish").await, "{stage}");
    }
}

#[tokio::test]
async fn continuing_from_the_summaries_keeps_what_was_made_before() {
    let server = both().await;
    let world = World::with_file(&media::mp4()).await;
    let runs = world.runs(world.settings_at(&server));
    let transcript = world.to_the_end(&runs).await;
    let published = world.made("publish").await;
    // Nothing but the text is needed any more.
    world.bucket.erase(&transcript.object);
    let (heard, asked) =
        (requests(&server, TRANSCRIPTIONS).await.len(), requests(&server, COMPLETIONS).await.len());

    runs.restart(transcript.id, RestartAt::Stage("final-summaries"), world.now()).await.unwrap();
    let transcript = world.to_the_end(&runs).await;
    assert!(matches!(transcript.run.state, RunState::Done { .. }));
    assert_eq!(world.made("publish").await, published);
    assert_eq!(requests(&server, TRANSCRIPTIONS).await.len(), heard);
    assert_eq!(requests(&server, COMPLETIONS).await.len(), asked + 2);
}

#[tokio::test]
async fn a_requeued_recording_is_transcribed_anew() {
    let server = both().await;
    let world = World::with_file(&media::mp4()).await;
    let settings = PipelineSettings { llm: Some(endpoint(&server)), ..world.settings_at(&server) };
    let runs = world.runs(settings);
    world.begin(&runs).await;
    let transcript = world.until(&runs, |next| next == "topics").await.unwrap();
    assert_eq!(requests(&server, TRANSCRIPTIONS).await.len(), 1);

    runs.restart(transcript.id, RestartAt::Beginning, world.now()).await.unwrap();
    world.to_the_end(&runs).await;
    assert_eq!(requests(&server, TRANSCRIPTIONS).await.len(), 2, "what was kept of the first run was used");
}
