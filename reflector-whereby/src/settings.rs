//! What the adapter is configured with.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Where Whereby's API is.
const API_URL: &str = "https://api.whereby.dev/v1";
/// The points a minute of Whereby's smallest plan.
const POINTS_PER_MINUTE: u32 = 100;

/// What the adapter is configured with. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct WherebySettings {
    /// Where the API is: `https://api.whereby.dev/v1`, unless a test or a proxy stands in for it.
    pub api_url: String,
    /// The API key, sent with every call and shown nowhere.
    pub api_key: SecretString,
    /// The signing secrets of the webhook endpoint: one, or several while it is changed for another.
    pub webhook_secrets: Vec<SecretString>,
    /// How many points a minute the adapter may spend: 100 on the Build plan, 1000 on the larger ones. The limit
    /// is the organisation's, so servers that share it should share the number between them.
    pub points_per_minute: u32,
    /// The organisation's subdomain. If it is set, messages of other organisations are foreign.
    pub subdomain: Option<String>,
    /// Where cloud recordings go. If it is not set, where the organisation's own settings say.
    pub recording_destination: Option<RecordingDestination>,
}

/// The S3 bucket that Whereby uploads cloud recordings to.
#[derive(Clone)]
pub struct RecordingDestination {
    /// The bucket, with a folder behind a slash if there is one.
    pub bucket: String,
    /// The id of the key that Whereby is given. It should be able to write there and do nothing else.
    pub access_key_id: String,
    /// The secret of that key.
    pub access_key_secret: SecretString,
}

impl WherebySettings {
    /// The settings with Whereby's own address, the smallest plan's limit and nothing optional.
    pub fn new(api_key: impl Into<SecretString>, webhook_secrets: Vec<SecretString>) -> Self {
        Self {
            api_url: API_URL.to_owned(),
            api_key: api_key.into(),
            webhook_secrets,
            points_per_minute: POINTS_PER_MINUTE,
            subdomain: None,
            recording_destination: None,
        }
    }

    /// The API's address, if it can be one.
    pub(crate) fn base(&self) -> Result<Url, NotUsable> {
        let unusable = || NotUsable::ApiUrl(self.api_url.clone());
        let url = Url::parse(self.api_url.trim()).map_err(|_| unusable())?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.password().is_none();
        if plain && url.has_host() && matches!(url.scheme(), "https" | "http") {
            Ok(url)
        } else {
            Err(unusable())
        }
    }

    /// Every secret of ours that a text from outside could repeat.
    pub(crate) fn secrets(&self) -> Vec<SecretString> {
        let destination = self.recording_destination.iter().map(|to| to.access_key_secret.clone());
        let all = std::iter::once(self.api_key.clone())
            .chain(self.webhook_secrets.iter().cloned())
            .chain(destination);
        all.filter(|secret| !secret.expose_secret().is_empty()).collect()
    }
}

impl fmt::Debug for RecordingDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingDestination").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

/// The adapter cannot be made from these settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotUsable {
    /// The API's address is none.
    #[error("WHEREBY_API_URL is `{0}`; it should be an address such as https://api.whereby.dev/v1")]
    ApiUrl(String),
    /// The API key is empty, or has characters that no key has.
    #[error("WHEREBY_API_KEY is empty or has characters that no key has; copy it from Whereby's dashboard")]
    ApiKey,
    /// There is no webhook secret, or one of them is empty: anybody could sign with that.
    #[error(
        "WHEREBY_WEBHOOK_SECRET is missing, or one of its secrets is empty; \
         copy the endpoint's secret from Whereby's dashboard, and put commas only between two"
    )]
    WebhookSecret,
    /// This machine cannot make secure connections.
    #[error("no secure connection can be made from here; check the certificates of this machine")]
    Http(#[source] reqwest::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_show_no_secret() {
        let mut settings = WherebySettings::new("the-key", vec!["the-hook".into()]);
        settings.recording_destination = Some(RecordingDestination {
            bucket: "bucket".to_owned(),
            access_key_id: "the-id".to_owned(),
            access_key_secret: "the-upload".into(),
        });
        let shown = format!("{settings:?}");
        for secret in ["the-key", "the-hook", "the-upload", "the-id"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_by_its_key() {
        for bad in ["", "api.whereby.dev", "ftp://api.whereby.dev", "mailto:a@b", "https://h/v1?x=1"] {
            let mut settings = WherebySettings::new("key", vec![]);
            settings.api_url = bad.to_owned();
            let refusal = settings.base().unwrap_err().to_string();
            assert!(refusal.starts_with("WHEREBY_API_URL"), "{bad}: {refusal}");
        }
    }
}
