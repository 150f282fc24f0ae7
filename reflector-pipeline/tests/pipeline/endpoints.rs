//! Endpoints that answer as OpenAI's do.

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const TRANSCRIPTIONS: &str = "/v1/audio/transcriptions";
pub(crate) const COMPLETIONS: &str = "/v1/chat/completions";

/// Lets an endpoint of a server answer like this.
pub(crate) async fn answers(server: &MockServer, at: &str, answer: impl Respond + 'static) {
    Mock::given(method("POST")).and(path(at)).respond_with(answer).mount(server).await;
}

/// Lets an endpoint answer so many times like this, before it answers as it does else.
pub(crate) async fn first_answers(server: &MockServer, at: &str, times: u64, answer: ResponseTemplate) {
    let mock = Mock::given(method("POST")).and(path(at)).respond_with(answer).up_to_n_times(times);
    mock.with_priority(1).mount(server).await;
}

/// A server that hears the words of the recordings of speech, and answers questions about them.
pub(crate) async fn both() -> MockServer {
    let server = MockServer::start().await;
    answers(&server, TRANSCRIPTIONS, hears(&spoken())).await;
    answers(&server, COMPLETIONS, Asked).await;
    server
}

/// What is heard in the recordings of speech.
pub(crate) fn spoken() -> Value {
    json!({
        "task": "transcribe", "language": "english", "duration": 5.4, "text": "…",
        "segments": [
            { "id": 0, "start": 0.0, "end": 1.4, "text": " The meeting begins now.", "avg_logprob": -0.2 },
            { "id": 1, "start": 1.5, "end": 5.2, "text": " Ada sends the report on Friday, and Bob calls <us>." },
        ],
    })
}

pub(crate) fn hears(heard: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(heard)
}

/// The requests that an endpoint got.
pub(crate) async fn requests(server: &MockServer, at: &str) -> Vec<Request> {
    let all = server.received_requests().await.unwrap();
    all.into_iter().filter(|request| request.url.path() == at).collect()
}

/// Hears tones: a segment for each, with its frequency.
pub(crate) struct Tones;

impl Respond for Tones {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let segments: Vec<_> = tones_in(&samples(request))
            .into_iter()
            .map(|(from, to, hertz)| json!({ "start": from, "end": to, "text": format!(" tone{hertz}") }))
            .collect();
        hears(&json!({ "language": "tones", "text": "…", "segments": segments }))
    }
}

/// The sound in a request: a WAV of 16 kHz, one channel and 16 bits, as long as its header says.
pub(crate) fn samples(request: &Request) -> Vec<i16> {
    let body = &request.body;
    let riff = body.windows(4).position(|four| four == b"RIFF").expect("there is a WAV in it");
    let wav = &body[riff..];
    let number = |at: usize| u32::from_le_bytes(wav[at..at + 4].try_into().unwrap());
    assert_eq!((&wav[8..16], &wav[36..40]), (&b"WAVEfmt "[..], &b"data"[..]));
    assert_eq!(u16::from_le_bytes([wav[22], wav[23]]), 1, "channels");
    assert_eq!((number(24), u16::from_le_bytes([wav[34], wav[35]])), (16_000, 16));
    let sound = &wav[44..44 + number(40) as usize];
    assert_eq!(number(4), number(40) + 36);
    sound.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// Where tones are, in seconds, and how high each is, to ten hertz.
fn tones_in(samples: &[i16]) -> Vec<(f64, f64, u32)> {
    // A hundredth of a second at a time.
    let loud: Vec<bool> =
        samples.chunks(160).map(|some| some.iter().any(|sample| sample.unsigned_abs() > 3_000)).collect();
    let mut tones = Vec::new();
    let mut from = 0;
    while let Some(begin) = loud[from..].iter().position(|loud| *loud).map(|at| at + from) {
        let end = loud[begin..].iter().position(|loud| !*loud).map_or(loud.len(), |at| at + begin);
        // Its edges are not quite tones.
        let inside = &samples[(begin + 1) * 160..((end - 1).max(begin + 1) * 160).min(samples.len())];
        let crossings = inside.windows(2).filter(|two| (two[0] < 0) != (two[1] < 0)).count() as f64;
        let hertz = crossings / 2.0 / (inside.len().max(1) as f64 / 16_000.0);
        // A tenth of a second and less is a click.
        if end - begin > 10 {
            tones.push((begin as f64 / 100.0, end as f64 / 100.0, (hertz / 10.0).round() as u32 * 10));
        }
        from = end;
    }
    tones
}

/// Answers questions as they want to be answered.
pub(crate) struct Asked;

impl Respond for Asked {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        said(&answer(&kind(request), &material(request)).to_string())
    }
}

/// A chat completion that says this.
pub(crate) fn said(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "id": "chatcmpl-1", "object": "chat.completion",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": { "total_tokens": 1 },
    }))
}

/// What is asked for: the first property of the answer.
pub(crate) fn kind(request: &Request) -> String {
    let system = message(request, 0);
    let (_, schema) = system.split_once("and with nothing else: ").expect("the question shows the schema");
    let schema: Value = serde_json::from_str(schema).unwrap();
    schema["properties"].as_object().unwrap().keys().next().unwrap().clone()
}

/// The text that is asked about.
pub(crate) fn material(request: &Request) -> String {
    message(request, 1)
}

/// The message of a question at this place.
pub(crate) fn message(request: &Request, place: usize) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["messages"][place]["content"].as_str().unwrap().to_owned()
}

fn answer(kind: &str, material: &str) -> Value {
    match kind {
        "topics" => {
            let start: f64 = material[1..material.find(']').unwrap()].parse().unwrap();
            let (title, summary) = (format!("Topic from {start}"), "What is said of it.");
            json!({ "topics": [{ "title": title, "summary": summary, "start": start }] })
        }
        "title" => json!({ "title": "Report and customer" }),
        "participants" => json!({ "participants": ["Ada", "Bob"] }),
        "notes" => json!({ "notes": format!("Notes of {} characters.", material.chars().count()) }),
        "action_items" => json!({
            "short_summary": "Short.", "long_summary": "Long.",
            "action_items": [{ "task": "Send the report", "owner": "Ada" }, { "task": "Call", "owner": null }],
        }),
        other => panic!("nobody asks for {other}"),
    }
}
