//! The index of routes: every address the server answers, and who it is for.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use tracing::{Span, info_span};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth;
use crate::builtin::{self, Meet};
use crate::contract;
use crate::error::Problem;
use crate::forwarded;
use crate::identity;
use crate::limits;
use crate::metrics;
use crate::pages;
use crate::routes::meetings::owned;
use crate::routes::{
    audio, consent, events, health, meetings, progress, recordings, rooms, session, transcripts, webhooks,
};
use crate::state::App;
use crate::traces;

/// For how long a browser remembers what pages of another origin may do.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(60 * 60);

/// Every route of a process that answers requests.
pub(crate) fn router(app: App, meet: Arc<Meet>, metrics_too: bool) -> Router {
    let for_guests = Router::from(for_guests()).route_layer(from_fn_with_state(app.clone(), limits::guests));
    let api = for_guests
        .merge(Router::from(api()))
        .layer(from_fn_with_state(app.clone(), identity::identify))
        .layer(from_fn_with_state(app.clone(), auth::from_no_foreign_page));
    let router = Router::<App>::new()
        // For people: the pages, and the built-in provider's rooms.
        .merge(pages::router())
        .route("/assets/docs.css", get(contract::style))
        .merge(builtin::router(meet).with_state(()))
        // For programs: documented under /v1, and the same without.
        .nest(contract::VERSION, api.clone())
        .merge(api)
        .merge(Router::from(beside()));
    finished(router.merge(operated(metrics_too)), app)
}

/// The routes of a process that does other work: those for whoever operates it.
pub(crate) fn of_operation(app: App, metrics_too: bool) -> Router {
    finished(operated(metrics_too), app)
}

/// Metrics alone, for an address of their own, whatever a request calls it.
pub(crate) fn of_metrics(app: App) -> Router {
    Router::from(metrics()).fallback(no_such_address).with_state(app)
}

fn operated(metrics_too: bool) -> Router<App> {
    let router = if metrics_too { operation().merge(metrics()) } else { operation() };
    Router::from(router)
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
        .layer(from_fn(traces::request))
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

/// The routes of the API, each at the path that it names beside itself.
fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(session::begin, session::show, session::end))
        .routes(routes!(rooms::list, rooms::create))
        .routes(routes!(rooms::show, rooms::change, rooms::delete))
        .routes(routes!(meetings::current))
        .routes(routes!(meetings::schedule))
        .routes(routes!(meetings::show, owned::change, owned::cancel))
        .routes(routes!(owned::extend))
        .routes(routes!(owned::end))
        .routes(routes!(owned::history))
        .routes(routes!(recordings::list))
        .routes(routes!(recordings::show, recordings::delete))
        .routes(routes!(recordings::requeue))
        .routes(routes!(recordings::attach))
        .routes(routes!(transcripts::list))
        .routes(routes!(transcripts::show, transcripts::delete))
        .routes(routes!(transcripts::webvtt))
        .routes(routes!(audio::play))
        .routes(routes!(transcripts::process))
        .routes(routes!(progress::watch))
        .routes(routes!(events::listen))
}

/// What those may call, too, who do not say who they are.
fn for_guests() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(meetings::active))
        .routes(routes!(meetings::join))
        .routes(routes!(consent::answer))
}

/// For providers, and for whoever writes a client.
fn beside() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(webhooks::whereby))
        .routes(routes!(webhooks::of_provider))
        .routes(routes!(contract::show))
        .routes(routes!(contract::page))
}

/// For whoever operates it.
fn operation() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health::lives)).routes(routes!(health::ready))
}

fn metrics() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health::metrics))
}

/// What all of these routes are, take and answer.
pub(crate) fn document() -> OpenApi {
    let beside = beside().merge(operation()).merge(metrics());
    contract::document(for_guests().merge(api()).into_openapi(), beside.into_openapi())
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
