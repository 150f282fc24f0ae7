//! The page of a room, and what belongs to it. Nothing is loaded from elsewhere, and no script stands in the page.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reflector_core::MeetingId;
use reflector_core::store::StoreError;

use super::Meet;

const ROOM: &str = include_str!("../web/meet.html");
const NOTICE: &str = include_str!("../web/notice.html");
const SCRIPT: &str = include_str!("../web/meet.js");
const STYLE: &str = include_str!("../web/meet.css");
const ICON: &str = include_str!("../web/meet.svg");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page of a room that can be joined.
pub(super) async fn room(State(meet): State<Arc<Meet>>, Path(name): Path<String>) -> Response {
    match joinable(&meet, &name).await {
        Ok(Some((room, id))) => html(StatusCode::OK, room_page(&room, id)),
        Ok(None) => html(
            StatusCode::NOT_FOUND,
            notice(
                "This meeting is over",
                "It has ended, or the link is not right. Ask for a new link, or start the meeting again.",
            ),
        ),
        Err(error) => {
            tracing::warn!(%error, "the page of a room cannot be shown");
            html(
                StatusCode::SERVICE_UNAVAILABLE,
                notice(
                    "Just a moment",
                    "The meeting cannot be reached right now. Try again in a few seconds.",
                ),
            )
        }
    }
}

/// The script, style and icon of the page.
pub(super) async fn asset(Path(file): Path<String>) -> Response {
    let (kind, body) = match file.as_str() {
        "meet.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "meet.css" => ("text/css; charset=utf-8", STYLE),
        "meet.svg" => ("image/svg+xml", ICON),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body).into_response()
}

/// The name of the room that people know and its meeting, while that can be joined.
async fn joinable(meet: &Meet, name: &str) -> Result<Option<(String, MeetingId)>, StoreError> {
    let Some(loaded) = meet.meeting_in(name).await? else { return Ok(None) };
    let meeting = loaded.meeting;
    if meeting.life.phase.is_closed() || meeting.life.phase.is_forced() {
        return Ok(None);
    }
    let room = meet.engine.store().load_room(meeting.room_id).await?;
    Ok(room.map(|room| (room.name.as_str().to_owned(), meeting.id)))
}

fn room_page(room: &str, meeting: MeetingId) -> String {
    ROOM.replace("{{room}}", &escaped(room)).replace("{{meeting}}", &escaped(&meeting.to_string()))
}

fn notice(title: &str, text: &str) -> String {
    NOTICE.replace("{{title}}", &escaped(title)).replace("{{text}}", &escaped(text))
}

fn html(status: StatusCode, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body).into_response()
}

/// Text as HTML has it.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_into_the_page_cannot_break_out_of_it() {
        assert_eq!(escaped(r#"<b a="'">&"#), "&lt;b a=&quot;&#39;&quot;&gt;&amp;");
    }

    #[test]
    fn nothing_is_left_to_be_filled_in_and_no_script_stands_in_a_page() {
        let pages = [room_page("standup", MeetingId(uuid::Uuid::nil())), notice("a", "b")];
        for page in pages {
            assert!(!page.contains("{{"), "{page}");
            assert!(
                !page.contains("<script>") && !page.contains("style=") && !page.contains("onclick"),
                "{page}"
            );
            assert!(!page.contains("//"), "something is loaded from elsewhere: {page}");
        }
    }
}
