//! Traces by OpenTelemetry: what a request was, for whoever collects that, as OTLP over HTTP.
//!
//! A request has two spans: the router's for the log, and the one here, which alone is exported, so that nothing goes
//! out that is not named here.

use std::sync::Mutex;
use std::time::Duration;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use opentelemetry_sdk::{Resource, runtime};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Metadata, Span, Subscriber, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use crate::config::TraceSettings;
use crate::metrics::{named, route};

/// What spans that are exported are marked with.
const TARGET: &str = "reflector_server::traces";

/// How long a collector may take for what it is sent, tries that fail included.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often it is told at most that a collector takes nothing.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Traces that are exported until they are stopped.
pub(crate) struct Traces(SdkTracerProvider);

/// Traces cannot be exported with these settings.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be exported")]
pub(crate) enum NotUsable {
    /// No HTTP can be spoken.
    Http(#[from] reqwest::Error),
    /// One of the settings that the exporter reads itself is wrong.
    Exporter(#[from] ExporterBuildError),
}

impl Traces {
    /// Exports from here on what the layer hears, by a task of the runtime that this is called in. What cannot be sent
    /// as fast as it comes is dropped.
    pub(crate) fn start<S>(settings: &TraceSettings) -> Result<(Self, impl Layer<S> + use<S>), NotUsable>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client.build()?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(settings.endpoint.as_str())
            .with_timeout(PATIENCE)
            .build()?;
        let exporter = Exporter { inner: exporter, told: Mutex::new(None) };
        let resource = Resource::builder().with_service_name(settings.service.clone()).build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter, runtime::Tokio).build())
            .with_resource(resource)
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("reflector"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_level(false);
        let ours = filter_fn(is_exported).with_max_level_hint(LevelFilter::INFO);
        Ok((Self(provider), layer.with_filter(ours)))
    }

    /// Sends what has not been sent yet, as far as that is possible in a few seconds.
    pub(crate) async fn stop(self) {
        // It blocks until then.
        let stopped = tokio::task::spawn_blocking(move || self.0.shutdown());
        if tokio::time::timeout(PATIENCE, stopped).await.is_err() {
            tracing::warn!("the last traces were not taken in time, and are lost");
        }
    }
}

/// Whether something is a span that is exported, and no line of the log: that is for the log alone.
pub(crate) fn is_exported(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == TARGET
}

/// Tells of a request from when it is here until its answer begins. Whoever sent it may have begun the trace.
pub(crate) async fn request(request: Request, next: Next) -> Response {
    let span = span(&request);
    if span.is_disabled() {
        return next.run(request).await;
    }
    // Refused only where nothing is exported.
    let _ = span.set_parent(parent(request.headers()));
    let answer = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", i64::from(answer.status().as_u16()));
    if answer.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    answer
}

fn span(request: &Request) -> Span {
    let (method, route) = (named(request.method()), route(request));
    info_span!(
        target: TARGET,
        "request",
        otel.name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}")),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        request.id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()),
    )
}

/// The span that a request belongs to, as W3C Trace Context has it.
fn parent(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &Parent(headers))
}

/// Whose child a span is, and nothing else that a header says: `tracestate` is anybody's text, and would be exported.
struct Parent<'a>(&'a HeaderMap);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        if key == "traceparent" { self.0.get(key)?.to_str().ok() } else { None }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// Exports, and tells now and then that it is not possible.
#[derive(Debug)]
struct Exporter {
    inner: opentelemetry_otlp::SpanExporter,
    told: Mutex<Option<Instant>>,
}

impl SpanExporter for Exporter {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let exported = self.inner.export(spans).await;
        if let Err(error) = &exported
            && self.is_to_tell()
        {
            tracing::warn!(%error, "traces are not taken, and are lost: is the collector running?");
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl Exporter {
    fn is_to_tell(&self) -> bool {
        let now = Instant::now();
        let Ok(mut told) = self.told.lock() else { return false };
        let is_due = told.is_none_or(|told| now.duration_since(told) >= TOLD_AGAIN_AFTER);
        if is_due {
            *told = Some(now);
        }
        is_due
    }
}
