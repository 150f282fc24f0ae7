//! The audio of a transcript: its recording, as it was uploaded, from where a player wants it.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::{self, Stream};
use reflector_core::recording::{ObjectBytes, Objects, SourceError};
use tracing::warn;

use super::Path;
use super::transcripts::owned;
use crate::contract::parameters::TranscriptPath;
use crate::error::Problem;
use crate::identity::Caller;
use crate::state::App;
use crate::workers::Chain;

/// The recording that a transcript was made of, or a part of it
#[utoipa::path(get, path = "/transcripts/{transcript}/audio", tag = "transcripts", operation_id = "audio",
    params(TranscriptPath, ("range" = Option<String>, Header, nullable = false, example = "bytes=0-1023",
        description = "One part in bytes (RFC 9110); asking for several, or in another unit, gives all of it.")),
    responses(
    (status = 200, description = "all of it", content(
        ("video/mp4"), ("video/x-matroska"), ("video/webm"), ("audio/mpeg"), ("audio/wav"), ("audio/flac"),
        ("audio/ogg"), ("application/octet-stream"))),
    (status = 206, description = "the part that was asked for",
        headers(("Content-Range" = String, description = "Which bytes of how many.")), content(
        ("video/mp4"), ("video/x-matroska"), ("video/webm"), ("audio/mpeg"), ("audio/wav"), ("audio/flac"),
        ("audio/ogg"), ("application/octet-stream"))),
    (status = 404, description = "there is no such transcript, or its audio is there no more"),
    (status = 416, description = "there is no such part",
        headers(("Content-Range" = String, description = "How many bytes there are."))),
    (status = 502, description = "where the recordings are refused to give it")))]
pub(crate) async fn play(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let transcript = owned(&app, &caller, &id).await?.transcript;
    let size = transcript.size;
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok()).and_then(Range::read);
    let Some((first, last)) = asked.unwrap_or(Range::From(0)).within(size) else {
        let whole = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
        let detail = format!("there is no such part: the audio has {size} bytes");
        return Ok((whole, Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, detail)).into_response());
    };
    let opened = app.line.objects.open(&transcript.object, first).await.map_err(|error| away(&error))?;
    let Some(opened) = opened else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "the audio of this transcript is there no more"));
    };
    let status = if asked.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let headers = [
        (header::CONTENT_TYPE, media_type(&transcript.object.key).to_owned()),
        (header::CONTENT_LENGTH, (last + 1 - first).to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
    ];
    let body = Body::from_stream(bytes_of(opened, last + 1 - first));
    let mut response = (status, headers, body).into_response();
    if asked.is_some()
        && let Ok(range) = format!("bytes {first}-{last}/{size}").parse()
    {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

fn away(error: &SourceError) -> Problem {
    warn!(error = %Chain(error), "the audio of a transcript cannot be read");
    match error {
        SourceError::Refused { detail } => Problem::new(StatusCode::BAD_GATEWAY, detail.clone()),
        _ => Problem::later(5, "where the recordings are does not answer; try again"),
    }
}

/// So many bytes of an object, as they come. A connection that is not read from reads nothing either.
fn bytes_of(opened: Box<dyn ObjectBytes>, left: u64) -> impl Stream<Item = Result<Bytes, SourceError>> {
    stream::try_unfold((opened, left), |(mut opened, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let Some(mut some) = opened.next().await? else {
            return Err(SourceError::unavailable("the object is shorter than it was"));
        };
        some.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - some.len() as u64;
        Ok(Some((Bytes::from(some), (opened, left))))
    })
}

/// A part of an object that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// From this byte on.
    From(u64),
    /// From the first to the second byte, both included.
    Between(u64, u64),
    /// So many at its end.
    Last(u64),
}

impl Range {
    /// Reads the header. Nothing if it asks for several parts, or for what is no bytes: then all of it is sent, as
    /// [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-14.2) allows.
    fn read(header: &str) -> Option<Self> {
        match header.strip_prefix("bytes=")?.trim().split_once('-')? {
            ("", last) => last.parse().ok().map(Self::Last),
            (first, "") => first.parse().ok().map(Self::From),
            (first, last) => {
                let (first, last) = (first.parse().ok()?, last.parse().ok()?);
                (first <= last).then_some(Self::Between(first, last))
            }
        }
    }

    /// The first and the last byte of so many. Nothing if there is none in it.
    fn within(self, size: u64) -> Option<(u64, u64)> {
        let end = size.checked_sub(1)?;
        let (first, last) = match self {
            Self::From(first) => (first, end),
            Self::Between(first, last) => (first, last.min(end)),
            Self::Last(0) => return None,
            Self::Last(count) => (size.saturating_sub(count), end),
        };
        (first <= end).then_some((first, last))
    }
}

fn media_type(key: &str) -> &'static str {
    match key.rsplit('.').next().map(str::to_ascii_lowercase).as_deref() {
        Some("mp4" | "m4a") => "video/mp4",
        Some("mkv") => "video/x-matroska",
        Some("webm") => "video/webm",
        Some("mp3") => "audio/mpeg",
        Some("wav") => "audio/wav",
        Some("flac") => "audio/flac",
        Some("ogg" | "opus") => "audio/ogg",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_as_a_player_means_it() {
        for (header, bytes) in [
            ("bytes=0-", Some((0, 99))),
            ("bytes=90-", Some((90, 99))),
            ("bytes=10-19", Some((10, 19))),
            ("bytes=90-1000", Some((90, 99))),
            ("bytes=-10", Some((90, 99))),
            ("bytes=-1000", Some((0, 99))),
            ("bytes=100-", None),
            ("bytes=-0", None),
        ] {
            assert_eq!(Range::read(header).unwrap().within(100), bytes, "{header}");
        }
        assert_eq!(Range::From(0).within(0), None);
    }

    #[test]
    fn what_is_no_range_of_bytes_asks_for_everything() {
        for header in
            ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=9-1", "bytes=0-1,5-6", "lines=1-2"]
        {
            assert_eq!(Range::read(header), None, "{header}");
        }
    }
}
