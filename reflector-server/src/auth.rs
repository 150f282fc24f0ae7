//! What keeps others out where nobody is asked who they are. With `REFLECTOR_AUTH=none` everybody is the user `local` and
//! an operator, so the server must not be reachable by anybody else: not from another machine, and not through a web page
//! in a browser on this one. Tokens and keys are nothing that a browser sends by itself; a session is, and counts for
//! changes only from pages of our own.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::{Host, Position, Url};

use crate::error::Problem;
use crate::json::says_json;
use crate::state::App;

/// Lets through only what names this server: another name leads here by a trick (DNS rebinding).
pub(crate) async fn names_us(State(app): State<App>, request: Request, next: Next) -> Response {
    let public = &app.public_url[Position::BeforeHost..Position::AfterPort];
    // What names it to the letter need not be taken apart.
    let to_the_letter = request.uri().authority().is_none() && one(request.headers()) == Some(public);
    if to_the_letter
        || !app.identity.asks_nobody()
        || named(&request).is_some_and(|host| is_ours(&host, &app.public_url))
    {
        return next.run(request).await;
    }
    let detail =
        format!("this server answers as {}; a request must name that or a loopback host", app.public_url);
    Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response()
}

/// Lets through only changes that no foreign page can make: a browser sends JSON across origins only after asking.
pub(crate) async fn from_no_foreign_page(State(app): State<App>, request: Request, next: Next) -> Response {
    if app.identity.asks_nobody()
        && let Some(origin) = request.headers().get(header::ORIGIN)
        && !app.cors_origins.contains(origin)
        && !from_own_page(&app, &request)
    {
        return Problem::new(StatusCode::FORBIDDEN, "pages of other origins may not call this server")
            .into_response();
    }
    if matches!(*request.method(), Method::POST | Method::PATCH | Method::PUT) && !says_json(&request) {
        let detail = "send the header Content-Type: application/json, also with an empty body";
        return Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).into_response();
    }
    next.run(request).await
}

/// Whether a page of ours sends this, as its browser says.
pub(crate) fn from_own_page(app: &App, request: &Request) -> bool {
    let headers = request.headers();
    match headers.get(header::ORIGIN) {
        Some(origin) => {
            origin.to_str().is_ok_and(|origin| same_origin(origin, one(headers), &app.public_url))
        }
        None => headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin"),
    }
}

fn same_origin(origin: &str, host: Option<&str>, public_url: &Url) -> bool {
    let Ok(origin) = Url::parse(origin) else { return false };
    let here = host.and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
    origin.origin() == public_url.origin() || here.is_some_and(|here| here.origin() == origin.origin())
}

/// The host that a request names.
fn named(request: &Request) -> Option<Host> {
    let authority = match request.uri().authority() {
        Some(authority) => authority.as_str().to_owned(),
        None => one(request.headers())?.to_owned(),
    };
    Url::parse(&format!("http://{authority}")).ok()?.host().map(|host| host.to_owned())
}

/// The only `Host` header; two would leave open which one counts.
fn one(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}

fn is_ours(host: &Host, public_url: &Url) -> bool {
    let loopback = match host {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    loopback || public_url.host().is_some_and(|public| public.to_owned() == *host)
}
