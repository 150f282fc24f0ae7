//! Whereby's HTTP interface: one function a call, within the budget, to the last page.

use std::time::Duration;

use reflector_core::provider::{Known, ProviderError};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use crate::budget::{Budget, Purpose};
use crate::news::may_hold_news;
use crate::settings::{NotUsable, WherebySettings};
use crate::wire::{self, Attendance, Complaint, HOST_ROOM_URL, Meeting, MeetingOrder, Page, Session};

/// What calls cost, in Whereby's points a minute.
mod points {
    pub(super) const READ: u32 = 1;
    /// A listing reads several things at once, which costs what a write does.
    pub(super) const LIST: u32 = 3;
    pub(super) const WRITE: u32 = 3;
    pub(super) const INSIGHTS: u32 = 5;
}

/// The longest page there is: every page costs a call.
const PAGE: &str = "100";
/// How long Whereby is left alone if it says "too many" and not for how long: its limits are by the minute.
const PAUSE: Duration = Duration::from_secs(60);
/// How much of what Whereby says goes into an error.
const SAID: usize = 200;

/// The calls. `Debug` shows no key.
#[derive(Debug)]
pub(crate) struct Api {
    client: Client,
    base: Url,
    key: SecretString,
    /// What must not be repeated, should Whereby's answer do so.
    secrets: Vec<SecretString>,
    budget: Budget,
}

impl Api {
    /// A client of its own, which gives up a call after `timeout`.
    pub(crate) fn new(settings: &WherebySettings, timeout: Duration) -> Result<Self, NotUsable> {
        let key = settings.api_key.expose_secret();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NotUsable::ApiKey);
        }
        // The key goes nowhere but to the address it was given for.
        let client = Client::builder().redirect(Policy::none()).timeout(timeout).connect_timeout(timeout);
        Ok(Self {
            client: client.build().map_err(NotUsable::Http)?,
            base: settings.base()?,
            key: settings.api_key.clone(),
            secrets: settings.secrets(),
            budget: Budget::new(settings.points_per_minute, Instant::now()),
        })
    }

    /// Makes a room.
    pub(crate) async fn create(&self, order: &MeetingOrder<'_>) -> Result<Meeting, ProviderError> {
        let request = self.request(Method::POST, &["meetings"], &[]).json(order);
        let body = self.send(request, points::WRITE, Purpose::Open).await?.ok_or_else(wrong_path)?;
        read(&body)
    }

    /// A room by its id; nothing if Whereby does not know it.
    pub(crate) async fn meeting(&self, id: &str, purpose: Purpose) -> Result<Option<Meeting>, ProviderError> {
        let request = self.request(Method::GET, &["meetings", id], &[]);
        self.send(request, points::READ, purpose).await?.map(|body| read(&body)).transpose()
    }

    /// Every room whose name begins like this.
    pub(crate) async fn meetings(
        &self,
        prefix: &str,
        purpose: Purpose,
    ) -> Result<Vec<Meeting>, ProviderError> {
        let starts_with = format!("/{prefix}");
        let query = [("roomName[startsWith]", starts_with.as_str()), ("fields", HOST_ROOM_URL)];
        let list = List { path: &["meetings"], query: &query, points: points::LIST, purpose };
        let mut meetings: Vec<Meeting> = self.all(&list).await?.ok_or_else(wrong_path)?;
        meetings.retain(|meeting| meeting.name().starts_with(prefix));
        Ok(meetings)
    }

    /// One page of the rooms whose name begins like this.
    pub(crate) async fn meetings_page(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        purpose: Purpose,
    ) -> Result<Page<Meeting>, ProviderError> {
        let starts_with = format!("/{prefix}");
        let query = [("roomName[startsWith]", starts_with.as_str())];
        let list = List { path: &["meetings"], query: &query, points: points::LIST, purpose };
        let mut page: Page<Meeting> = self.page(&list, cursor).await?.ok_or_else(wrong_path)?;
        // Others' rooms are deleted by what is listed here, and the filter is not in Whereby's reference: look again.
        page.results.retain(|meeting| meeting.name().starts_with(prefix));
        Ok(page)
    }

    /// Deletes a room, which puts everybody out. One that is gone is gone.
    pub(crate) async fn delete(&self, id: &str) -> Result<(), ProviderError> {
        let request = self.request(Method::DELETE, &["meetings", id], &[]);
        self.send(request, points::WRITE, Purpose::Close).await.map(drop)
    }

    /// The participants of every session of a room that may hold news; nothing if the insights do not know the room.
    pub(crate) async fn attendances(
        &self,
        room_name: &str,
        known: &Known,
        purpose: Purpose,
    ) -> Result<Option<Vec<Attendance>>, ProviderError> {
        let room_name = format!("/{room_name}");
        let Some(sessions) =
            self.insights::<Session>("room-sessions", ("roomName", &room_name), purpose).await?
        else {
            return Ok(None);
        };
        let mut attendances = Vec::new();
        for session in sessions.iter().filter(|session| may_hold_news(session, known)) {
            let of_session = ("roomSessionId", session.room_session_id.as_str());
            match self.insights("participants", of_session, purpose).await? {
                Some(more) => attendances.extend::<Vec<Attendance>>(more),
                None => return Ok(None),
            }
        }
        Ok(Some(attendances))
    }

    async fn insights<T: DeserializeOwned>(
        &self,
        kind: &str,
        of: (&str, &str),
        purpose: Purpose,
    ) -> Result<Option<Vec<T>>, ProviderError> {
        let list = List { path: &["insights", kind], query: &[of], points: points::INSIGHTS, purpose };
        self.all(&list).await
    }

    /// Every page of a listing; nothing if what is listed is not known.
    async fn all<T: DeserializeOwned>(&self, list: &List<'_>) -> Result<Option<Vec<T>>, ProviderError> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let Some(page) = self.page(list, cursor.as_deref()).await? else { return Ok(None) };
            all.extend(page.results);
            match page.cursor {
                None => return Ok(Some(all)),
                same if same == cursor => {
                    return Err(ProviderError::unavailable("Whereby gives the same page again"));
                }
                next => cursor = next,
            }
        }
    }

    async fn page<T: DeserializeOwned>(
        &self,
        list: &List<'_>,
        cursor: Option<&str>,
    ) -> Result<Option<Page<T>>, ProviderError> {
        let mut query = list.query.to_vec();
        query.push(("limit", PAGE));
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let request = self.request(Method::GET, list.path, &query);
        self.send(request, list.points, list.purpose).await?.map(|body| read(&body)).transpose()
    }

    fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.client.request(method, url).bearer_auth(self.key.expose_secret())
    }

    /// Makes a call that the budget allows: the body of the answer, or nothing if what it is about is not found.
    async fn send(
        &self,
        request: RequestBuilder,
        points: u32,
        purpose: Purpose,
    ) -> Result<Option<Vec<u8>>, ProviderError> {
        self.budget.spend(points, purpose, Instant::now()).map_err(|wait| ProviderError::Unavailable {
            detail: "the calls that Whereby allows a minute are spent".to_owned(),
            retry_after: Some(wait),
            source: None,
        })?;
        let response = request.send().await.map_err(outage)?;
        let status = response.status();
        if status == StatusCode::NOT_FOUND && is_page(&response) {
            return Err(wrong_path());
        }
        let retry_after = retry_after(&response);
        let body = response.bytes().await.map_err(outage)?;
        match status {
            _ if status.is_success() => Ok(Some(body.into())),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.complaint(status, retry_after, &body)),
        }
    }

    /// What a caller can do about an answer that is not the one wanted.
    fn complaint(&self, status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> ProviderError {
        let complaint: Complaint = serde_json::from_slice(body).unwrap_or_default();
        let said = self.said(&complaint);
        let unavailable = |detail: &str, retry_after| ProviderError::Unavailable {
            detail: format!("{detail} ({status}{said})"),
            retry_after,
            source: None,
        };
        let advice = match status.as_u16() {
            429 => {
                let span = retry_after.or_else(|| complaint.wait()).unwrap_or(PAUSE);
                let span = self.budget.pause(span, Instant::now());
                return unavailable("Whereby allows no more calls for now", Some(span));
            }
            408 | 425 | 500.. => return unavailable("Whereby has a fault", retry_after),
            401 | 403 => "check WHEREBY_API_KEY and what its plan allows",
            400 | 409 | 422 => {
                "check the room's settings, WHEREBY_API_URL and the recording bucket and its key"
            }
            300..=399 => "it redirects, which is not followed: check WHEREBY_API_URL",
            _ => "check WHEREBY_API_URL",
        };
        ProviderError::Refused { detail: format!("Whereby answers {status}{said}: {advice}") }
    }

    /// What Whereby said, short and without our secrets.
    fn said(&self, complaint: &Complaint) -> String {
        let texts = [&complaint.error, &complaint.message];
        let Some(text) = texts.into_iter().flatten().find_map(|text| text.as_str()) else {
            return String::new();
        };
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.expose_secret(), "[secret]");
        }
        let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID).collect();
        format!(", \"{plain}\"")
    }
}

/// What is listed, and what it may cost.
struct List<'a> {
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    points: u32,
    purpose: Purpose,
}

impl Complaint {
    /// How long to wait, as the body of a refusal for too many calls says.
    fn wait(&self) -> Option<Duration> {
        self.data.as_ref()?.get("msLeft")?.as_u64().map(Duration::from_millis)
    }
}

/// How long to wait, as the header says in seconds.
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// A page for people comes from a web server that knows no such path, not from the API: it proves no room gone.
fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

fn wrong_path() -> ProviderError {
    let detail = "Whereby knows no such call at this address: check WHEREBY_API_URL";
    ProviderError::Refused { detail: detail.to_owned() }
}

/// The network failed, or the answer took too long. Addresses are left out.
fn outage(error: reqwest::Error) -> ProviderError {
    let detail =
        if error.is_timeout() { "Whereby took too long to answer" } else { "Whereby cannot be reached" };
    let source = Some(error.without_url().into());
    ProviderError::Unavailable { detail: detail.to_owned(), retry_after: None, source }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ProviderError> {
    serde_json::from_slice(body).map_err(|error| {
        let place = wire::place_of(&error);
        ProviderError::unavailable(format!(
            "Whereby's answer cannot be read: it is not as documented at {place}"
        ))
    })
}
