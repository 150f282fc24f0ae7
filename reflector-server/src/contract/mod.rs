//! The contract: an OpenAPI document that is made of the routes, so that neither knows of a path that the other does not.
//!
//! Each handler says beside itself what it takes and what it answers (`#[utoipa::path]`); a refusal needs its status and
//! a sentence. What stands around all of them is added here.

mod answers;
pub(crate) mod examples;
mod page;
pub(crate) mod parameters;
mod pieces;
mod schema;
pub(crate) mod words;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use utoipa::OpenApi as _;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, OpenApi, Ref, RefOr, Schema, SecurityRequirement};

use crate::identity::API_KEY;
use crate::router;
use answers::Place;

/// What every route of the API is below.
pub(crate) const VERSION: &str = "/v1";
const TOKEN: &str = "token";
const KEY: &str = "api_key";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Reflector", description = include_str!("about.md"), license(name = "MIT or Apache-2.0, as you like", identifier = "MIT OR Apache-2.0")),
    tags(
        (name = "rooms", description = "Rooms last. Meetings take place in them, one after the other or several at once."),
        (name = "meetings", description = "A meeting tells when it closes next, and why."),
        (name = "recordings", description = "What the video provider recorded, once it is uploaded."),
        (name = "transcripts", description = "What came of recordings."),
        (name = "sessions", description = "For browsers: a cookie instead of a token or a key."),
        (name = "webhooks", description = "For video providers. What is verified is taken in and answered with 200, so that nobody sends it again."),
        (name = "operation", description = "For whoever runs it."),
    ),
    components(schemas(crate::api::LiveBody, crate::error::ProblemBody, crate::routes::webhooks::TakenIn)),
)]
struct About;

/// The document, of the routes of the API and of those beside it.
pub(crate) fn document(api: OpenApi, beside: OpenApi) -> OpenApi {
    let mut document = About::openapi();
    document.merge(beside);
    document = document.nest(VERSION, api);
    let mut components = document.components.take().unwrap_or_else(|| ComponentsBuilder::new().build());
    for (path, item) in &mut document.paths.paths {
        let place = if path.starts_with(VERSION) { Place::Api } else { Place::Beside };
        for (method, operation) in operations(item) {
            answers::surround(place, &method, operation, &mut components);
            if place == Place::Beside {
                operation.security = Some(Vec::new());
            }
        }
    }
    name_items(&mut components.schemas);
    components.responses = answers::shared();
    components.add_security_scheme(TOKEN, bearer());
    components.add_security_scheme(KEY, key());
    document.components = Some(components);
    document.security = Some([TOKEN, KEY].map(|name| SecurityRequirement::new(name, NO_SCOPES)).into());
    document
}

/// Listings name what they are of, instead of describing it once more.
fn name_items(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    for (name, schema) in schemas {
        if let (Some(of), RefOr::T(Schema::Object(listing))) = (name.strip_prefix("Listing_"), schema) {
            let items = ArrayBuilder::new().items(Ref::from_schema_name(of));
            listing
                .properties
                .insert("items".to_owned(), items.description(Some("The items of this page.")).into());
        }
    }
}

const NO_SCOPES: [&str; 0] = [];
/// The methods that routes have, in the order in which a page shows them.
const METHODS: [&str; 4] = ["get", "post", "patch", "delete"];

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    let all = [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Patch, &mut item.patch),
        (HttpMethod::Delete, &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn bearer() -> SecurityScheme {
    let described = "A token of the issuer that the deployment trusts (`REFLECTOR_AUTH=jwt`).";
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    SecurityScheme::Http(scheme.description(Some(described)).build())
}

fn key() -> SecurityScheme {
    let described = "A key of `reflector keys create` (`REFLECTOR_AUTH=jwt`).";
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(API_KEY.as_str(), described)))
}

/// The document as text, which ends with a line.
pub(crate) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let text = router::document().to_pretty_json();
        text.map_or_else(
            |error| unreachable!("a document is made of text and numbers: {error}"),
            |text| text + "\n",
        )
    });
    &TEXT
}

/// The contract of this API, as an OpenAPI document
#[utoipa::path(get, path = "/openapi.json", tag = "operation", operation_id = "openapi",
    responses((status = 200, description = "this document", body = Object, content_type = "application/json")))]
pub(crate) async fn show() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text()).into_response()
}

/// How the page looks.
pub(crate) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css")], include_str!("../web/docs.css")).into_response()
}

/// The same for people, as a page that loads nothing from elsewhere
#[utoipa::path(get, path = "/docs", tag = "operation", operation_id = "docs",
    responses((status = 200, description = "the page", body = String, content_type = "text/html")))]
pub(crate) async fn page() -> Response {
    Html(page::html()).into_response()
}
