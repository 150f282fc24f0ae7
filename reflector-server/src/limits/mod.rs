//! How often, and for how long: what those may do who are not known, or want too much.

mod rate;
mod unsigned;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use reflector_core::UserId;

use crate::builtin::{ClientAddress, household};
use crate::clock::Clock;
use crate::error::Problem;
use crate::identity::Caller;
use crate::state::App;
use rate::Rate;
pub(crate) use unsigned::{LATE, Standing, Unsigned};

/// How long a request may take until its answer begins: the longest that any of ours waits for, and what reading it may
/// take. What an answer streams may take as long as it likes.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// In how many rooms an address may do all that it may do in one.
const ROOMS: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// How much is too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// How often a minute those who do not say who they are may call from one address, in one room.
    pub guest_calls: NonZeroU32,
    /// How many meetings a minute a user may open.
    pub meetings: NonZeroU32,
}

/// What is counted of callers.
#[derive(Debug)]
pub(crate) struct Limits {
    guests: Rate<(IpAddr, u64)>,
    addresses: Rate<IpAddr>,
    openers: Rate<UserId>,
    /// Who sends messages that prove nothing.
    pub(crate) unsigned: Unsigned,
    hasher: RandomState,
}

impl Limits {
    /// Nobody has done anything yet.
    pub(crate) fn new(settings: &LimitSettings, clock: &Clock) -> Self {
        Self {
            guests: Rate::per_minute(settings.guest_calls, clock.clone()),
            addresses: Rate::per_minute(settings.guest_calls.saturating_mul(ROOMS), clock.clone()),
            openers: Rate::per_minute(settings.meetings, clock.clone()),
            unsigned: Unsigned::new(clock),
            hasher: RandomState::new(),
        }
    }

    /// Counts a call of a guest. What it names need not be there: then the limit of the address holds alone.
    fn guest_calls(&self, from: IpAddr, named: &str) -> Result<(), Problem> {
        let from = household(from);
        let counted = self.addresses.take(&from);
        counted.and_then(|()| self.guests.take(&(from, self.hasher.hash_one(named)))).map_err(|after| {
            too_many(after, "too many calls from this address; try again later, or say who you are")
        })
    }

    /// Counts a meeting that somebody opens. Whoever runs the deployment may open as many as they like.
    pub(crate) fn opens(&self, caller: &Caller) -> Result<(), Problem> {
        match caller {
            Caller::User { id, is_operator: false } => self.openers.take(id).map_err(|after| {
                too_many(after, "you have opened too many meetings in the last minute; try again later")
            }),
            _ => Ok(()),
        }
    }
}

fn too_many(after: Duration, detail: &str) -> Problem {
    // Not a moment too early.
    Problem::too_many(after.as_secs() + 1, detail)
}

/// Counts what guests call. Whoever said who they are is not one.
pub(crate) async fn guests(
    State(app): State<App>,
    named: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let is_guest = !matches!(request.extensions().get(), Some(Caller::User { .. }));
    if is_guest && let Some(ClientAddress(from)) = request.extensions().get() {
        // Bytes that are no text name nothing.
        let named = named.iter().flatten().next().map(|(_, value)| value).unwrap_or_default();
        if let Err(problem) = app.limits.guest_calls(*from, named) {
            return problem.into_response();
        }
    }
    next.run(request).await
}

/// Ends what takes too long. What was half done then is found by whoever tries again.
pub(crate) async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWERED_WITHIN, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => Problem::later(5, "this takes too long; try again").into_response(),
    }
}

#[cfg(test)]
mod tests;
