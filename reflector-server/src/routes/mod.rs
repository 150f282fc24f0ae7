//! What each route does, a file for each kind of thing.

pub(crate) mod audio;
pub(crate) mod consent;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod meetings;
pub(crate) mod progress;
pub(crate) mod recordings;
pub(crate) mod rooms;
pub(crate) mod session;
pub(crate) mod transcripts;
pub(crate) mod webhooks;

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use reflector_core::RoomId;
use reflector_core::store::Paging;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use crate::api::MOST_ITEMS;
use crate::builtin::ClientAddress;
use crate::error::Problem;
use crate::identity::Caller;
use crate::identity::access::{self, Wants};
use crate::state::App;

/// Which page of a listing.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Which page, from 1.
    #[serde(default = "first")]
    #[param(default = 1, minimum = 1, format = "uint64")]
    pub(crate) page: u64,
    /// How many items it has at the most.
    #[serde(default = "usual")]
    #[param(default = 50, minimum = 1, maximum = 200, format = "uint64")]
    pub(crate) size: u64,
}

fn first() -> u64 {
    1
}

fn usual() -> u64 {
    50
}

impl PageQuery {
    pub(crate) fn paging(self) -> Result<Paging, Problem> {
        if self.page == 0 {
            return Err(Problem::invalid("page", "pages are counted from 1"));
        }
        if !(1..=MOST_ITEMS).contains(&self.size) {
            return Err(Problem::invalid("size", "a page has 1 to 200 items"));
        }
        Ok(Paging { offset: (self.page - 1).saturating_mul(self.size), limit: self.size })
    }
}

/// A query string, read in the same words as a body.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> axum::extract::FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::try_from_uri(&parts.uri);
        read.map(|axum::extract::Query(query)| Self(query)).map_err(|rejection| wrong_parameter(&rejection))
    }
}

/// Names the parameter that cannot be read: axum says it in words only.
fn wrong_parameter(rejection: &QueryRejection) -> Problem {
    type Located = serde_path_to_error::Error<serde::de::value::Error>;
    let mut cause: Option<&dyn std::error::Error> = Some(rejection);
    while let Some(error) = cause {
        if let Some(located) = error.downcast_ref::<Located>() {
            return Problem::invalid(located.path().to_string(), located.inner());
        }
        cause = error.source();
    }
    Problem::invalid("query", rejection.body_text())
}

/// What a path names. Bytes that are no text name nothing.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned + Send> axum::extract::FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Problem> {
        let axum::extract::Path(named) =
            axum::extract::Path::from_request_parts(parts, state).await.map_err(|_| {
                Problem::new(StatusCode::NOT_FOUND, format!("nothing is at {}", parts.uri.path()))
            })?;
        Ok(Self(named))
    }
}

/// Where a request came from; nothing if it came by no connection.
pub(crate) struct Client(pub(crate) Option<IpAddr>);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().map(|ClientAddress(address)| *address)))
    }
}

/// The room that a listing is asked for, if it is asked for one: by its id also one that was deleted. What a listing shows
/// of it is up to the caller.
pub(crate) async fn room_asked_for(
    app: &App,
    caller: &Caller,
    named: Option<&str>,
) -> Result<Option<RoomId>, Problem> {
    let Some(named) = named else { return Ok(None) };
    if let Ok(id) = named.parse() {
        return Ok(Some(id));
    }
    match access::room(app, caller, named, Wants::Share).await {
        Ok((room, _)) => Ok(Some(room.id)),
        Err(_) => Err(Problem::invalid("room", "there is no such room")),
    }
}

/// Tells a field that is `null` from one that is not there.
pub(crate) fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    input: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(input).map(Some)
}
