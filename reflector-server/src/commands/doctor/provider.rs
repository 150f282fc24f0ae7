//! The provider's key, and what was heard of it.

use std::time::Duration;

use reflector_core::Timestamp;
use reflector_core::provider::VideoProvider;
use reflector_core::store::{Heard, LISTENING_GAP, Store};
use reflector_whereby::Whereby;

use super::Finding;
use crate::config::Config;
use crate::workers::Chain;

const PROVIDER: &str = "provider";
const WEBHOOKS: &str = "webhooks";
/// By how much clocks may differ.
const SKEW: Duration = Duration::from_secs(60);

/// Lists a page of the deployment's rooms, which takes the key and changes nothing.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let Some(settings) = &config.whereby else {
        let what = "the built-in one is part of the server: nothing to reach";
        return vec![Finding::ok(PROVIDER, what)];
    };
    let whereby = match Whereby::new(settings.clone()) {
        Ok(whereby) => whereby,
        Err(error) => return vec![Finding::fail(PROVIDER, Chain(&error).to_string())],
    };
    let prefix = config.deployment.prefix();
    vec![match whereby.rooms(&prefix, None).await {
        Ok(page) => {
            let (more, rooms) = (if page.next.is_some() { "more than " } else { "" }, page.rooms.len());
            Finding::ok(
                PROVIDER,
                format!("Whereby takes the key; {more}{rooms} of its rooms begin with {prefix}"),
            )
        }
        Err(error) => Finding::fail(PROVIDER, Chain(&error).to_string()),
    }]
}

/// Looks up when the newest verified message came, and whether a server listens. What tells nothing by messages is left
/// out.
pub(super) async fn check_hearing(
    config: &Config,
    store: Option<&dyn Store>,
    now: Timestamp,
) -> Vec<Finding> {
    let Some(settings) = &config.whereby else { return Vec::new() };
    let Some(store) = store else {
        return vec![Finding::warn(WEBHOOKS, "not looked up: see the store")];
    };
    // That it cannot be used is said of the provider.
    let Ok(whereby) = Whereby::new(settings.clone()) else { return Vec::new() };
    let Some(webhook) = whereby.webhook() else { return Vec::new() };
    vec![match store.hearing(&"whereby".into(), webhook.endpoint()).await {
        Ok(heard) => said(heard, now, config.public_url.as_str()),
        Err(error) => Finding::fail(WEBHOOKS, Chain(&error).to_string()),
    }]
}

/// What is to be said of our listening.
fn said(heard: Heard, now: Timestamp, public_url: &str) -> Finding {
    let Heard { listening_since, last_beat, verified_at } = heard;
    let newest = verified_at.max(last_beat);
    if let Some(at) = newest.filter(|at| at.since(now) > SKEW) {
        let what = format!("a server took something in at {at}, which is still to come here: set the clocks");
        return Finding::fail(WEBHOOKS, what);
    }
    let Some(verified_at) = verified_at else {
        let what = format!(
            "no verified message has come, so silence closes nothing: let Whereby send to {public_url}whereby, with the \
             secret in WHEREBY_WEBHOOK_SECRET"
        );
        return Finding::warn(WEBHOOKS, what);
    };
    let came =
        format!("the last verified message came at {verified_at}, {} ago", ago(now.since(verified_at)));
    match (listening_since, last_beat) {
        (Some(since), Some(beat)) if now.since(beat) <= LISTENING_GAP => {
            Finding::ok(WEBHOOKS, format!("{came}; servers have listened since {since}"))
        }
        _ => Finding::warn(WEBHOOKS, format!("{came}; no server with the role api listens now: start one")),
    }
}

/// A span in whole seconds.
fn ago(span: Duration) -> String {
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use reflector_core::testing::sample::at;

    use super::super::Outcome;
    use super::*;

    fn of(since: Option<u64>, beat: Option<u64>, verified: Option<u64>) -> Finding {
        let heard =
            Heard { listening_since: since.map(at), last_beat: beat.map(at), verified_at: verified.map(at) };
        said(heard, at(10_000), "https://meet.example.com/")
    }

    #[test]
    fn an_endpoint_is_heard_if_it_has_proven_itself_and_somebody_listens() {
        let heard = of(Some(1), Some(9_990), Some(9_400));
        assert_eq!(heard.outcome, Outcome::Ok);
        assert!(heard.detail.contains("10m ago"), "{}", heard.detail);
        let unproven = of(Some(1), Some(9_990), None);
        assert_eq!(unproven.outcome, Outcome::Warn);
        assert!(unproven.detail.contains("https://meet.example.com/whereby"), "{}", unproven.detail);
        for beat in [None, Some(9_939)] {
            let deaf = of(Some(1), beat, Some(9_400));
            assert_eq!(deaf.outcome, Outcome::Warn);
            assert!(deaf.detail.contains("no server"), "{}", deaf.detail);
        }
    }

    #[test]
    fn what_came_from_the_future_shows_that_clocks_differ() {
        for (beat, verified) in [(Some(10_061), Some(1)), (Some(9_999), Some(10_061)), (Some(10_061), None)] {
            let ahead = of(Some(1), beat, verified);
            assert_eq!(ahead.outcome, Outcome::Fail);
            assert!(ahead.detail.contains("clocks"), "{}", ahead.detail);
        }
        assert_eq!(of(Some(1), Some(10_060), Some(10_060)).outcome, Outcome::Ok);
    }
}
