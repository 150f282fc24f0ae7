//! The index of routes: every address the server answers, and who it is for.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use tracing::{Span, info_span};

use crate::auth;
use crate::builtin::{self, Meet};
use crate::error::Problem;
use crate::forwarded;
use crate::identity;
use crate::limits;
use crate::metrics;
use crate::pages;
use crate::routes::{
    audio, consent, events, health, meetings, progress, recordings, rooms, session, transcripts, webhooks,
};
use crate::state::App;

/// For how long a browser remembers what pages of another origin may do.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(60 * 60);

/// Every route of a process that answers requests.
pub(crate) fn router(app: App, meet: Arc<Meet>, metrics_too: bool) -> Router {
    let api = api(&app)
        .layer(from_fn_with_state(app.clone(), identity::identify))
        .layer(from_fn_with_state(app.clone(), auth::from_no_foreign_page));
    let router = Router::<App>::new()
        // For people: the pages, and the built-in provider's rooms.
        .merge(pages::router())
        .merge(builtin::router(meet).with_state(()))
        // For programs: documented under /v1, and the same without.
        .nest("/v1", api.clone())
        .merge(api)
        // For providers.
        .route("/whereby", post(webhooks::whereby))
        .route("/webhooks/{provider}", post(webhooks::of_provider))
        .merge(operation(metrics_too));
    finished(router, app)
}

/// The routes of a process that does other work: those for whoever operates it.
pub(crate) fn of_operation(app: App, metrics_too: bool) -> Router {
    finished(operation(metrics_too), app)
}

/// Metrics alone, for an address of their own, whatever a request calls it.
pub(crate) fn of_metrics(app: App) -> Router {
    Router::new().route("/metrics", get(health::metrics)).fallback(no_such_address).with_state(app)
}

fn operation(metrics_too: bool) -> Router<App> {
    let router = Router::new().route("/healthz", get(health::lives)).route("/readyz", get(health::ready));
    if metrics_too { router.route("/metrics", get(health::metrics)) } else { router }
}

fn finished(router: Router<App>, app: App) -> Router {
    let router = router.fallback(no_such_address).method_not_allowed_fallback(no_such_method);
    // Around all of it: a browser asks by a method that no address has.
    let router = if app.cors_origins.is_empty() { router } else { router.layer(cors(&app.cors_origins)) };
    router
        .layer(from_fn(limits::in_time))
        .layer(from_fn_with_state(app.clone(), auth::names_us))
        .layer(from_fn_with_state(app.clone(), forwarded::note_client))
        .layer(map_response(hardened))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong here; see the log")
                .into_response()
        }))
        .layer(from_fn_with_state(app.clone(), metrics::count))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(SetRequestIdLayer::x_request_id(NewRequestId))
        .with_state(app)
}

/// Lets pages of these origins call. What they send says who calls: a session is for our own pages, so no cookie is let
/// through.
fn cors(origins: &[HeaderValue]) -> CorsLayer {
    let asked = [header::AUTHORIZATION, header::CONTENT_TYPE, header::RANGE, identity::API_KEY];
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(asked)
        .expose_headers([header::RETRY_AFTER, HeaderName::from_static("x-request-id")])
        .max_age(ASKED_AGAIN_AFTER)
}

/// The id of a request that came without one: in the header `x-request-id` of the answer, and in every line of the log.
#[derive(Clone, Copy)]
struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        crate::clock::new_id().to_string().parse().ok().map(RequestId::new)
    }
}

/// What every line of the log about a request says of it: not what is asked for behind its path, which may be a secret.
fn span<B>(request: &Request<B>) -> Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    info_span!("request", method = %request.method(), path = request.uri().path(), id)
}

fn api(app: &App) -> Router<App> {
    // What those may call, too, who do not say who they are.
    let for_guests = Router::new()
        .route("/rooms/{room}/meetings/active", get(meetings::active))
        .route("/rooms/{room}/meetings/{meeting}/join", post(meetings::join))
        .route("/meetings/{meeting}/consent", post(consent::answer))
        .route_layer(from_fn_with_state(app.clone(), limits::guests));
    Router::new()
        .merge(for_guests)
        .route("/session", post(session::begin).get(session::show).delete(session::end))
        .route("/rooms", get(rooms::list).post(rooms::create))
        .route("/rooms/{room}", get(rooms::show).patch(rooms::change).delete(rooms::delete))
        .route("/rooms/{room}/meeting", post(meetings::current))
        .route("/rooms/{room}/meetings", post(meetings::schedule))
        .route("/meetings/{meeting}", get(meetings::show).patch(meetings::change).delete(meetings::cancel))
        .route("/meetings/{meeting}/extend", post(meetings::extend))
        .route("/meetings/{meeting}/end", post(meetings::end))
        .route("/meetings/{meeting}/history", get(meetings::history))
        .route("/recordings", get(recordings::list))
        .route("/recordings/{recording}", get(recordings::show).delete(recordings::delete))
        .route("/recordings/{recording}/requeue", post(recordings::requeue))
        .route("/recordings/{recording}/attach", post(recordings::attach))
        .route("/transcripts", get(transcripts::list))
        .route("/transcripts/{transcript}", get(transcripts::show).delete(transcripts::delete))
        .route("/transcripts/{transcript}/webvtt", get(transcripts::webvtt))
        .route("/transcripts/{transcript}/audio", get(audio::play))
        .route("/transcripts/{transcript}/process", post(transcripts::process))
        .route("/transcripts/{transcript}/events", get(progress::watch))
        .route("/events", get(events::listen))
}

async fn no_such_address(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("nothing is at {}", uri.path()))
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} cannot be done with {method}", uri.path()))
}

/// What no answer should be without.
async fn hardened(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    headers
        .entry("content-security-policy")
        .or_insert(HeaderValue::from_static("default-src 'self'; frame-ancestors 'none'"));
    response
}
