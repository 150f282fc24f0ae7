//! Questions about a text: what is asked, and what is done about answers that do not fit.

use std::collections::BTreeMap;

use reflector_core::pipeline::{Made, StageError, Transcript};
use reflector_pipeline::{
    Offset, PipelineSettings, ReferencePipeline, Segment, Summaries, Topics, Transcription,
};
use serde_json::{Value, json};
use wiremock::{MockServer, Request, Respond, ResponseTemplate};

use crate::endpoints::{Asked, COMPLETIONS, answers, first_answers, kind, material, message, requests, said};
use crate::world::{KEY, World, again, endpoint, failed, output, transcript, work};

/// A text with so many segments, a minute apart.
fn text(segments: u64) -> BTreeMap<String, Value> {
    let segment = |n: u64| Segment {
        start: Offset::from_millis(n * 60_000),
        end: Offset::from_millis(n * 60_000 + 30_000),
        text: format!("In minute {n} Ada tells Bob about plan number {n}."),
    };
    let segments = (0..segments).map(segment).collect();
    let transcription = Transcription { language: None, segments };
    BTreeMap::from([("transcribe".to_owned(), serde_json::to_value(transcription).unwrap())])
}

struct Asking {
    server: MockServer,
    pipeline: ReferencePipeline,
    transcript: Transcript,
    _world: World,
}

/// A pipeline whose chat endpoint answers nothing yet.
async fn asking(part_chars: usize) -> Asking {
    let (server, world) = (MockServer::start().await, World::new());
    let settings = PipelineSettings { llm: Some(endpoint(&server)), part_chars, ..world.settings() };
    Asking { pipeline: world.pipeline(settings), transcript: transcript(1), server, _world: world }
}

impl Asking {
    async fn does(&self, stage: &str, made: &BTreeMap<String, Value>) -> Result<Made, StageError> {
        work(&self.pipeline, stage, &self.transcript, made).await
    }

    async fn asked(&self) -> Vec<Request> {
        requests(&self.server, COMPLETIONS).await
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_asked_again_with_the_complaint() {
    let asking = asking(24_000).await;
    for answer in [said("Gladly!"), said("{\"title\": \" \"}")] {
        first_answers(&asking.server, COMPLETIONS, 1, answer).await;
    }
    answers(&asking.server, COMPLETIONS, said("```json\n{\"title\": \" Plans \"}\n```")).await;
    assert_eq!(output(asking.does("title", &text(1)).await), json!({ "title": "Plans" }));
    let asked = asking.asked().await;
    assert_eq!(asked.len(), 3);
    assert_eq!(
        (message(&asked[1], 2).as_str(), message(&asked[2], 4).as_str()),
        ("Gladly!", "{\"title\": \" \"}")
    );
    assert!(message(&asked[1], 3).starts_with("That does not fit: there is no JSON object in it."));
    assert!(message(&asked[2], 5).starts_with("That does not fit: the title is empty."));
}

#[tokio::test]
async fn answers_that_never_fit_fail_after_three_with_the_last_complaint() {
    for (stage, answer, complaint) in [
        ("title", json!({ "name": "Plans" }), "missing field `title`"),
        ("title", json!({ "title": "x".repeat(121) }), "the title has 121 characters, and may have 120"),
        (
            "topics",
            json!({ "topics": [{ "title": "t", "summary": "s", "start": 61 }] }),
            "which are from 0 to 60",
        ),
        ("topics", json!({ "topics": [{ "title": "t", "summary": "s", "start": "soon" }] }), "invalid type"),
        ("topics", json!({ "topics": [{ "title": "t", "summary": "", "start": 0 }] }), "a summary is empty"),
        ("final-summaries", json!({ "participants": ["Eve"] }), "\"Eve\" is not said in the transcript"),
    ] {
        let asking = asking(24_000).await;
        answers(&asking.server, COMPLETIONS, said(&answer.to_string())).await;
        let reason = failed(asking.does(stage, &text(2)).await);
        assert!(reason.contains(complaint), "{stage}: {reason}");
        assert!(reason.contains("asked 3 times") && reason.contains("REFLECTOR_LLM_MODEL"), "{reason}");
        assert_eq!(asking.asked().await.len(), 3);
    }
}

#[tokio::test]
async fn an_endpoint_that_takes_no_schema_is_asked_without_from_then_on() {
    /// Refuses what it does not know.
    struct Old;
    impl Respond for Old {
        fn respond(&self, request: &Request) -> ResponseTemplate {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            match body.get("response_format") {
                Some(_) => {
                    ResponseTemplate::new(400).set_body_json(json!({ "error": "what is response_format?" }))
                }
                None => Asked.respond(request),
            }
        }
    }
    let asking = asking(24_000).await;
    answers(&asking.server, COMPLETIONS, Old).await;
    output(asking.does("title", &text(1)).await);
    output(asking.does("title", &text(1)).await);
    assert_eq!(asking.asked().await.len(), 3, "it was asked with a schema again");
}

#[tokio::test]
async fn a_refusal_fails_at_once_and_an_outage_is_tried_again() {
    for (status, setting) in [
        (401, "check REFLECTOR_LLM_KEY"),
        (404, "check REFLECTOR_LLM_URL and REFLECTOR_LLM_MODEL"),
        (400, "check REFLECTOR_LLM_MODEL and REFLECTOR_LLM_URL"),
    ] {
        let asking = asking(24_000).await;
        let answer = json!({ "error": { "message": format!("no, {KEY}") } });
        answers(&asking.server, COMPLETIONS, ResponseTemplate::new(status).set_body_json(answer)).await;
        let reason = failed(asking.does("topics", &text(1)).await);
        assert!(reason.contains(setting) && !reason.contains(KEY), "{reason}");
    }
    let asking = asking(24_000).await;
    answers(&asking.server, COMPLETIONS, ResponseTemplate::new(429)).await;
    assert_eq!(
        again(asking.does("topics", &text(1)).await),
        "the chat endpoint answers 429 Too Many Requests"
    );

    let html = self::asking(24_000).await;
    answers(&html.server, COMPLETIONS, ResponseTemplate::new(200).set_body_string("<html>")).await;
    let reason = failed(html.does("topics", &text(1)).await);
    assert_eq!(reason, "the answer of the chat endpoint is no chat completion: check REFLECTOR_LLM_URL");
}

#[tokio::test]
async fn a_long_text_is_asked_about_in_parts_that_fit_and_told_as_one() {
    let asking = asking(1_000).await;
    answers(&asking.server, COMPLETIONS, Asked).await;
    let mut made = text(120);
    let topics: Topics = serde_json::from_value(output(asking.does("topics", &made).await)).unwrap();
    let parts = asking.asked().await;
    assert!(parts.len() > 5 && topics.topics.len() == parts.len(), "{}", parts.len());
    assert!(
        topics.topics.is_sorted_by_key(|topic| topic.start) && topics.topics[1].start > Offset::default()
    );
    let all: String = parts.iter().map(material).collect();
    assert!((0..120).all(|n| all.matches(&format!("plan number {n}.")).count() == 1), "{all}");

    made.insert("topics".to_owned(), serde_json::to_value(&topics).unwrap());
    output(asking.does("title", &made).await);
    let summaries: Summaries =
        serde_json::from_value(output(asking.does("final-summaries", &made).await)).unwrap();
    assert_eq!(summaries.participants, ["Ada", "Bob"]);
    let asked = asking.asked().await;
    assert!(asked.iter().all(|request| material(request).chars().count() <= 1_000));
    let kinds: Vec<_> = asked.iter().skip(parts.len()).map(kind).collect();
    assert_eq!(kinds[0], "title");
    assert_eq!(kinds[1..=parts.len()], vec!["participants"; parts.len()]);
    assert_eq!(kinds[parts.len() + 1..=parts.len() * 2], vec!["notes"; parts.len()]);
    assert_eq!(kinds.last().unwrap(), "action_items");
    // The last question is about the notes, all of them.
    let notes = material(asked.last().unwrap());
    assert_eq!(notes.matches("Notes of").count(), parts.len());
}

#[tokio::test]
async fn notes_that_are_too_many_are_taken_notes_of() {
    /// Takes notes as long as they may be.
    struct Verbose;
    impl Respond for Verbose {
        fn respond(&self, request: &Request) -> ResponseTemplate {
            match kind(request).as_str() {
                "notes" => said(&json!({ "notes": "word ".repeat(50) }).to_string()),
                _ => Asked.respond(request),
            }
        }
    }
    let asking = asking(1_000).await;
    answers(&asking.server, COMPLETIONS, Verbose).await;
    output(asking.does("final-summaries", &text(200)).await);
    let asked = asking.asked().await;
    assert!(asked.iter().all(|request| material(request).chars().count() <= 1_000));
    let about_words = asked.iter().filter(|request| material(request).starts_with("word")).count();
    assert!(about_words > 2, "notes were not taken of notes");
    assert_eq!(kind(asked.last().unwrap()), "action_items");
}

#[tokio::test]
async fn names_are_told_once_however_often_they_are_found() {
    /// Finds other names each time.
    struct Names;
    impl Respond for Names {
        fn respond(&self, request: &Request) -> ResponseTemplate {
            let second = material(request).contains("In minute 100 ");
            match kind(request).as_str() {
                "participants" if second => said("{\"participants\": [\"bob \", \"Ada\"]}"),
                "participants" => said("{\"participants\": [\"Bob\"]}"),
                _ => Asked.respond(request),
            }
        }
    }
    let asking = asking(1_000).await;
    answers(&asking.server, COMPLETIONS, Names).await;
    let made = output(asking.does("final-summaries", &text(120)).await);
    assert_eq!(made["participants"], json!(["Bob", "Ada"]));
}

#[tokio::test]
async fn what_an_earlier_stage_left_unusable_is_said_with_where_to_go_on() {
    let asking = asking(24_000).await;
    let made = BTreeMap::from([("transcribe".to_owned(), json!("text"))]);
    let reason = failed(asking.does("topics", &made).await);
    assert!(reason.contains("what the stage transcribe made cannot be used"), "{reason}");
}
