//! The pages for people, as they are: what is in them they ask of the API, and nothing is loaded from elsewhere. They work
//! below any path that a proxy may add.

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Nothing but our own files, and no script or style in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

macro_rules! files {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!("web/", $name)))),*] };
}

/// What pages are made of.
const ASSETS: &[(&str, &str)] = files! {
    "page.css" "start.css" "lobby.css" "board.css"
    "server.js" "words.js" "start.js" "sign-in.js" "lobby.js" "meeting.js"
    "board.js" "row.js" "day.js" "work.js"
};

/// Every page, and what they are made of. Whoever may not see what is asked for is told so by the page.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", page(include_str!("web/start.html")))
        .route("/sign-in", page(include_str!("web/sign-in.html")))
        .route("/lobby/{room}", page(include_str!("web/lobby.html")))
        .route("/board", page(include_str!("web/board.html")))
        .route("/board/meetings/{meeting}", page(include_str!("web/meeting.html")))
        .route("/assets/{file}", get(asset))
}

fn page<S: Clone + Send + Sync + 'static>(html: &'static str) -> axum::routing::MethodRouter<S> {
    get(move || async move {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
        ];
        (headers, html).into_response()
    })
}

async fn asset(Path(file): Path<String>) -> Response {
    let Some((name, text)) = ASSETS.iter().find(|(name, _)| *name == file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind =
        if name.ends_with(".css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], *text).into_response()
}
