//! Traces: the program beside a collector, and beside one that is away.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message as _;

use crate::http::Request;
use crate::program::{Program, eventually, run};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// How long spans wait for more before they are sent, in milliseconds.
const DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";
const SOON: (&str, &str) = (DELAY, "20");
/// What is sent is sent because the program stops.
const NEVER: (&str, &str) = (DELAY, "3600000");

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// What may take as long as a whole stop may.
const LONGEST: Duration = Duration::from_secs(29);

#[test]
fn a_request_is_a_span_of_its_callers_trace_with_its_route_and_nothing_secret_whatever_is_logged() {
    let collectors = [Collector::start(StatusCode::OK), Collector::start(StatusCode::OK)];
    let programs = ["error", "trace"].iter().zip(&collectors).map(|(log, collector)| {
        let name = ("OTEL_SERVICE_NAME", "office");
        Program::start_with(&[(ENDPOINT, &collector.url()), name, NEVER, ("REFLECTOR_LOG", log)])
    });
    let mut programs: Vec<_> = programs.collect();
    for program in &programs {
        program.make_room("standup");
        let request = Request::new("GET", "/v1/rooms/standup?token=hush-query")
            .header("authorization", "Bearer hush-token")
            .header("cookie", "session=hush-cookie")
            .header("traceparent", &format!("00-{TRACE}-{CALLER}-01"))
            .header("tracestate", "vendor=hush-state")
            .header("x-request-id", "known-7");
        assert_eq!(program.send(&request).status, 200);
        assert_eq!(program.get("/hush-path").status, 404);
        program.signal("TERM");
    }
    for (program, collector) in programs.iter_mut().zip(&collectors) {
        let ended = program.ended(LONGEST).expect("it ends by itself");
        assert_eq!(ended.code(), Some(0), "{}", program.logged());
        tell_both(&collector.taken(), program);
    }
}

/// The request with a caller, and the one without a route: each a span, and nothing behind them.
fn tell_both(taken: &[Bytes], program: &Program) {
    assert!(!taken.is_empty(), "{}", program.logged());
    for bytes in taken {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains("hush"), "{text:?}");
    }
    let all: Vec<_> = taken.iter().flat_map(resources).collect();
    for of_one in &all {
        let resource = of_one.resource.as_ref().expect("it says whose they are");
        assert_eq!(attributes(&resource.attributes)["service.name"], "office");
    }
    let spans: Vec<_> = all.iter().flat_map(spans).collect();
    assert!(spans.iter().all(|span| span.kind == SpanKind::Server as i32), "{spans:?}");
    let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();

    let [seen] = named("GET /rooms/{room}")[..] else { panic!("{spans:?}") };
    assert_eq!((hex::encode(&seen.trace_id), hex::encode(&seen.parent_span_id)), caller());
    let expected = [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("http.route", "/rooms/{room}"),
        ("request.id", "known-7"),
    ];
    assert_eq!(attributes(&seen.attributes), expected.map(|(a, b)| (a.into(), b.into())).into());
    assert!(seen.events.is_empty() && seen.end_time_unix_nano >= seen.start_time_unix_nano, "{seen:?}");

    let [missed] = named("GET")[..] else { panic!("{spans:?}") };
    let told = attributes(&missed.attributes);
    assert_eq!((told["http.response.status_code"].as_str(), told.get("http.route")), ("404", None));
    assert_ne!(hex::encode(&missed.trace_id), TRACE);
}

#[test]
fn a_collector_that_refuses_is_told_of_in_one_line_and_requests_are_answered() {
    let collector = Collector::start(StatusCode::BAD_REQUEST);
    let program = Program::start_with(&[(ENDPOINT, &collector.url()), SOON]);
    eventually("it was refused again and again", || {
        assert_eq!(program.get("/rooms").status, 200);
        (collector.taken().len() >= 4).then_some(())
    });
    eventually("the log tells it", || program.logged().contains("traces are not taken").then_some(()));
    let logged = program.logged();
    assert_eq!(logged.matches("traces are not taken").count(), 1, "{logged}");
}

#[test]
fn a_collector_that_never_answers_holds_up_neither_requests_nor_the_end() {
    // Connections are made, and nobody takes them.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("http://{}/any/path", silent.local_addr().expect("it has an address"));
    let mut program = Program::start_with(&[(TRACES_ENDPOINT, &address), SOON]);
    let asked = Instant::now();
    for _ in 0..50 {
        assert_eq!(program.get("/rooms").status, 200);
    }
    assert!(asked.elapsed() < Duration::from_secs(20), "it took {:?}", asked.elapsed());
    program.signal("TERM");
    let ended = program.ended(LONGEST).expect("it ends by itself");
    assert_eq!(ended.code(), Some(0), "{}", program.logged());
    assert!(!program.logged().contains("panicked"), "{}", program.logged());
}

#[test]
fn a_collector_that_cannot_be_one_stops_the_start_and_its_password_is_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, value, shown) in [
        (ENDPOINT, "localhost:4318", "localhost:4318"),
        (ENDPOINT, "http://me:hush@localhost:4318", "http://me:…@localhost:4318/"),
        (TRACES_ENDPOINT, "http://localhost/?team=7", "http://localhost/?team=7"),
    ] {
        let output = run(folder.path(), &[(name, value)], &["serve"]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(
            told.contains(name) && told.contains(shown) && told.contains("http://localhost:4318"),
            "{told}"
        );
        assert!(told.lines().count() == 1 && !told.contains("hush"), "{told}");
    }
}

/// Takes traces, or refuses them, for as long as the tests run.
struct Collector {
    address: SocketAddr,
    taken: Taken,
}

/// The bodies of what it was sent.
type Taken = Arc<Mutex<Vec<Bytes>>>;

impl Collector {
    fn start(answer: StatusCode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        listener.set_nonblocking(true).expect("it is a socket");
        let taken = Taken::default();
        let take = async move |State(taken): State<Taken>, headers: HeaderMap, body: Bytes| {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            taken.lock().expect("nobody panics with it").push(body);
            answer
        };
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&taken));
        std::thread::spawn(move || serve(listener, router));
        Self { address, taken }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn taken(&self) -> Vec<Bytes> {
        self.taken.lock().expect("nobody panics with it").clone()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listener: TcpListener, router: Router) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("it is a socket");
    axum::serve(listener, router).await.expect("it serves as long as it is needed");
}

fn caller() -> (String, String) {
    (TRACE.to_owned(), CALLER.to_owned())
}

fn resources(bytes: &Bytes) -> Vec<ResourceSpans> {
    ExportTraceServiceRequest::decode(bytes.clone()).expect("it is OTLP").resource_spans
}

fn spans(of_one: &ResourceSpans) -> Vec<Span> {
    of_one.scope_spans.iter().flat_map(|scope| scope.spans.clone()).collect()
}

fn attributes(all: &[KeyValue]) -> BTreeMap<String, String> {
    let shown = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|any| any.value.clone()) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    all.iter().map(|attribute| (attribute.key.clone(), shown(attribute))).collect()
}
