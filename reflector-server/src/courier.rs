//! Brings notices to the rooms' owners: signed like our providers' own messages, `t=…,v1=…` with HMAC-SHA256 over
//! `t.body`.

use std::time::Duration;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use reflector_core::engine::{Courier, Undelivered};
use reflector_core::store::OwedNotice;
use reflector_core::{RoomWebhook, Timestamp};
use reqwest::{StatusCode, header};
use sha2::Sha256;
use url::Url;

use crate::outgoing::Reach;

/// The header that holds the signature.
const SIGNATURE: &str = "Reflector-Signature";
/// The header that holds the notice's id: the same however often it is sent.
const ID: &str = "Reflector-Notice-Id";

/// Sends notices over HTTP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpCourier {
    pub(crate) reach: Reach,
}

#[async_trait]
impl Courier for HttpCourier {
    async fn bring(&self, to: &RoomWebhook, notice: &OwedNotice, now: Timestamp) -> Result<(), Undelivered> {
        let refused = |reason: String| Undelivered { reason, after: None };
        let url: Url = to.url.parse().map_err(|_| refused("its webhook_url is no address".to_owned()))?;
        let client = self.reach.client(&url).await.map_err(|error| refused(error.to_string()))?;
        let answer = client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(SIGNATURE, sign(to.secret.expose(), now, notice.body.as_bytes()))
            .header(ID, &notice.id)
            .body(notice.body.clone())
            .send()
            .await
            // Its text would show the address, which may have a secret in it.
            .map_err(|error| refused(in_words(&error).to_owned()))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(Undelivered {
                reason: format!("the receiver answered {}", status.as_u16()),
                after: asked_for(status, answer.headers()),
            }),
        }
    }
}

fn in_words(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "the receiver took too long"
    } else if error.is_connect() {
        "the receiver cannot be connected"
    } else {
        "the receiver did not answer"
    }
}

/// How long the receiver wants to be left alone, in whole seconds.
fn asked_for(status: StatusCode, headers: &header::HeaderMap) -> Option<Duration> {
    let waits = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    waits.then(|| Duration::from_secs(seconds))
}

/// What proves that a body is ours and of now.
fn sign(secret: &str, now: Timestamp, body: &[u8]) -> String {
    let seconds = now.as_micros().div_euclid(1_000_000);
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_providers_sign_theirs() {
        // The vector is one of Whereby's: the form is the same.
        let at = Timestamp::from_micros(1_665_405_536_999_999);
        let body = r#"{"id":"evt-1","type":"room.client.joined","data":{"displayName":"José"}}"#;
        let signed = sign("test-secret", at, body.as_bytes());
        assert_eq!(
            signed,
            "t=1665405536,v1=668cd820ae9518fa2df9a4f9d33e0b786b54ad756300e308bf5f79dd734f998f"
        );
    }
}
