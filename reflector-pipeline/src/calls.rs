//! Calls of endpoints that speak OpenAI's HTTP interface.

use std::time::Duration;

use reflector_core::pipeline::StageError;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::settings::{Endpoint, NotUsable};

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long an endpoint may ask to be left alone at the most.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3_600);
/// How many bytes an answer may have.
const LONGEST_ANSWER: usize = 32 * 1024 * 1024;
/// How much of what an endpoint says goes into an error.
const SAID: usize = 200;

/// What an endpoint is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    name: &'static str,
    url: &'static str,
    key: &'static str,
    model: &'static str,
    path: &'static str,
}

/// Speech to text.
pub(crate) const SPEECH: Service = Service {
    name: "speech-to-text",
    url: "REFLECTOR_STT_URL",
    key: "REFLECTOR_STT_KEY",
    model: "REFLECTOR_STT_MODEL",
    path: "/audio/transcriptions",
};

/// Questions and answers.
pub(crate) const CHAT: Service = Service {
    name: "chat",
    url: "REFLECTOR_LLM_URL",
    key: "REFLECTOR_LLM_KEY",
    model: "REFLECTOR_LLM_MODEL",
    path: "/chat/completions",
};

/// An endpoint that is called. `Debug` shows no key.
#[derive(Debug)]
pub(crate) struct Calls {
    client: Client,
    service: Service,
    url: Url,
    key: Option<SecretString>,
    model: String,
}

/// A call was not answered as it was wanted.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The endpoint does not take what it was sent (400 or 422), and why.
    NotTaken(StageError),
    /// Nothing of this kind is at its address (404 or 405), and what to check.
    NotThere(StageError),
    /// Anything else.
    Other(StageError),
}

impl From<CallError> for StageError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotTaken(error) | CallError::NotThere(error) | CallError::Other(error) => error,
        }
    }
}

impl Calls {
    /// A client of its own, which gives up a call after `timeout`.
    pub(crate) fn new(endpoint: &Endpoint, service: Service, timeout: Duration) -> Result<Self, NotUsable> {
        let key = endpoint.key.as_ref().map(ExposeSecret::expose_secret);
        if key.is_some_and(|key| key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(NotUsable::Key { setting: service.key });
        }
        if endpoint.model.trim().is_empty() {
            return Err(NotUsable::Model { setting: service.model });
        }
        // The key goes nowhere but to the address it was given for.
        let client = Client::builder().redirect(Policy::none()).timeout(timeout).connect_timeout(CONNECTING);
        Ok(Self {
            client: client.build().map_err(NotUsable::Http)?,
            service,
            url: address(&endpoint.url, service)?,
            key: endpoint.key.clone(),
            model: endpoint.model.trim().to_owned(),
        })
    }

    /// The model to ask for.
    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    /// The address and the model, by which answers are told apart.
    pub(crate) fn asked(&self) -> String {
        format!("{} {}", self.url, self.model)
    }

    pub(crate) fn request(&self) -> RequestBuilder {
        self.with_key(self.client.post(self.url.clone()))
    }

    /// The question which models the endpoint has.
    pub(crate) fn models(&self) -> RequestBuilder {
        let mut url = self.url.clone();
        let base = url.path().strip_suffix(self.service.path).unwrap_or_default();
        let path = format!("{base}/models");
        url.set_path(&path);
        self.with_key(self.client.get(url))
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key.expose_secret()),
            None => request,
        }
    }

    /// Makes a call: the body of the answer.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Vec<u8>, CallError> {
        let mut response = request.send().await.map_err(|error| self.outage(&error))?;
        let (status, after) = (response.status(), retry_after(&response));
        let mut body = Vec::new();
        while let Some(more) = response.chunk().await.map_err(|error| self.outage(&error))? {
            body.extend_from_slice(&more);
            if body.len() > LONGEST_ANSWER {
                return Err(CallError::Other(self.not_understood("is longer than 32 MB")));
            }
        }
        if status.is_success() { Ok(body) } else { Err(self.complaint(status, after, &body)) }
    }

    /// An answer of the endpoint is none.
    pub(crate) fn not_understood(&self, why: &str) -> StageError {
        let Service { name, url, .. } = self.service;
        StageError::failed(format!("the answer of the {name} endpoint {why}: check {url}"))
    }

    /// What can be done about an answer that is not the one wanted.
    fn complaint(&self, status: StatusCode, after: Option<Duration>, body: &[u8]) -> CallError {
        let Service { name, url, key, model, .. } = self.service;
        let answers = format!("the {name} endpoint answers {status}{}", self.said(body));
        let advice = match status.as_u16() {
            408 | 425 | 429 | 500.. => return CallError::Other(StageError::Again { reason: answers, after }),
            401 | 403 => format!("check {key}"),
            404 | 405 => format!("check {url} and {model}"),
            300..=399 => format!("it redirects, which is not followed: check {url}"),
            _ => format!("it does not take what it was sent: check {model} and {url}"),
        };
        let failed = StageError::failed(format!("{answers}: {advice}"));
        match status.as_u16() {
            400 | 422 => CallError::NotTaken(failed),
            404 | 405 => CallError::NotThere(failed),
            _ => CallError::Other(failed),
        }
    }

    /// What the endpoint said, short and without our key.
    fn said(&self, body: &[u8]) -> String {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let places = [&body["error"]["message"], &body["error"], &body["message"], &body["detail"]];
        let Some(text) = places.into_iter().find_map(Value::as_str) else { return String::new() };
        let mut text = text.to_owned();
        if let Some(key) = &self.key {
            text = text.replace(key.expose_secret(), "[key]");
        }
        let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID).collect();
        format!(" (\"{plain}\")")
    }

    /// The network failed, or the answer took too long. Addresses are left out.
    fn outage(&self, error: &reqwest::Error) -> CallError {
        let name = self.service.name;
        CallError::Other(StageError::again(if error.is_timeout() {
            format!("the {name} endpoint took too long to answer")
        } else if error.is_body() || error.is_decode() {
            format!("the connection to the {name} endpoint ended in the middle")
        } else {
            format!("the {name} endpoint cannot be reached: check {}", self.service.url)
        }))
    }
}

/// Where calls of a service go, by the address that was given.
fn address(given: &str, service: Service) -> Result<Url, NotUsable> {
    // What stands before an `@` may be a password.
    let shown = given.rsplit('@').next().unwrap_or_default();
    let unusable = || NotUsable::Url { setting: service.url, value: shown.to_owned() };
    let mut url = Url::parse(given.trim()).map_err(|_| unusable())?;
    let plain = url.fragment().is_none() && url.password().is_none() && url.username().is_empty();
    if !plain || !url.has_host() || !matches!(url.scheme(), "https" | "http") {
        return Err(unusable());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    let path = match path.as_str() {
        whole if whole.ends_with(service.path) => whole.to_owned(),
        "" => format!("/v1{}", service.path),
        base => format!("{base}{}", service.path),
    };
    url.set_path(&path);
    Ok(url)
}

/// How long to wait, as the header says in seconds.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.trim().parse().ok().map(Duration::from_secs)?;
    Some(seconds.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_base_or_the_whole() {
        for (given, whole) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1/audio/transcriptions"),
            ("https://api.openai.com/v1/", "https://api.openai.com/v1/audio/transcriptions"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1/audio/transcriptions"),
            (" http://h/openai/v1 ", "http://h/openai/v1/audio/transcriptions"),
            ("http://h/audio/transcriptions?api-version=1", "http://h/audio/transcriptions?api-version=1"),
        ] {
            assert_eq!(address(given, SPEECH).unwrap().as_str(), whole, "{given}");
        }
        assert_eq!(address("http://h/v1", CHAT).unwrap().as_str(), "http://h/v1/chat/completions");
    }

    #[test]
    fn an_address_that_is_none_is_refused_by_its_setting() {
        for bad in ["", "api.openai.com/v1", "ftp://h/v1", "http://user:word@h/v1", "http://h/v1#x"] {
            let refusal = address(bad, CHAT).unwrap_err().to_string();
            assert!(refusal.starts_with("REFLECTOR_LLM_URL"), "{bad}: {refusal}");
            assert!(!refusal.contains("word"), "{refusal}");
        }
    }
}
