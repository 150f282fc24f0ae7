//! Who is let in, and what the page shows.

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use tower::ServiceExt;

use super::*;

const POLICY: Option<u16> = Some(1008);

#[tokio::test]
async fn a_token_is_spent_once() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let token = world.token(&meeting).await;
    let mut first = world.knock(&meeting, None).await.unwrap();
    first.say(&json!({ "token": token })).await;
    assert_eq!(first.hear().await.unwrap()["humans"], 1);
    let mut second = world.knock(&meeting, None).await.unwrap();
    second.say(&json!({ "token": token })).await;
    assert_eq!(second.hear().await, Err(POLICY));
    assert_eq!(world.load(meeting.id).await.life.phase.humans(), 1);
}

#[tokio::test]
async fn a_token_of_two_minutes_ago_lets_nobody_in() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let token = world.token(&meeting).await;
    world.clock.pass(Duration::from_secs(2 * 60));
    let mut late = world.knock(&meeting, None).await.unwrap();
    late.say(&json!({ "token": token })).await;
    assert_eq!(late.hear().await, Err(POLICY));
}

#[tokio::test]
async fn whoever_does_not_begin_with_a_token_is_sent_away() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let mut silent = world.knock(&meeting, None).await.unwrap();
    let mut confused = world.knock(&meeting, None).await.unwrap();
    confused.say(&json!({ "hello": "there" })).await;
    assert_eq!(confused.hear().await, Err(POLICY));
    assert_eq!(silent.hear().await, Err(POLICY));
}

#[tokio::test]
async fn a_page_of_a_foreign_origin_is_turned_away() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let itself = format!("http://{}", world.address);
    for welcome in ["https://meet.example", &itself] {
        assert!(world.knock(&meeting, Some(welcome)).await.is_ok(), "{welcome}");
    }
    let foreign = [
        "https://evil.example",
        "http://meet.example",
        "http://127.0.0.1:1",
        "https://meet.example:8443",
        "null",
    ];
    for foreign in foreign {
        let answer = world.knock(&meeting, Some(foreign)).await.err();
        assert!(
            matches!(&answer, Some(Error::Http(answer)) if answer.status() == 403),
            "{foreign}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn the_twenty_first_socket_of_an_address_is_turned_away() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(world.join(&meeting).await);
    }
    let answer = world.knock(&meeting, None).await.err();
    assert!(matches!(&answer, Some(Error::Http(answer)) if answer.status() == 429), "{answer:?}");
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_socket() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let (mut ada, ..) = world.join(&meeting).await;
    ada.say(&json!("x".repeat(1000))).await;
    ada.hear_pings(2).await;
    ada.say(&json!("x".repeat(1100))).await;
    assert_eq!(ada.hear().await, Err(POLICY));
}

async fn asked(world: &World, path: &str) -> Response<Body> {
    router(world.meet.clone()).oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
}

async fn body(answer: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_page_names_the_room_and_runs_only_its_own_script() {
    let world = World::new().await;
    let meeting = world.meeting().await;
    let answer = asked(&world, &format!("/meet/{}", name(&meeting))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let page = body(answer).await;
    assert!(page.contains(r#"data-room="room-1""#) && page.contains(&meeting.id.to_string()), "{page}");
    for file in ["meet.js", "meet.css", "meet.svg"] {
        assert!(page.contains(&format!(r#""assets/{file}""#)), "{file}");
        assert_eq!(asked(&world, &format!("/meet/assets/{file}")).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_meeting_that_is_over_or_never_was_has_a_page_that_says_so() {
    use reflector_core::engine::Input;
    use reflector_core::lifecycle::Event;
    use reflector_core::store::Source;

    let world = World::new().await;
    let meeting = world.meeting().await;
    let never_was = world.engine.settings().deployment.room(MeetingId(Uuid::new_v4()), 0);
    let end = Input::of(Event::EndRequested, Source::Api);
    world.engine.apply(meeting.id, &end, world.clock.now()).await.unwrap();
    for room in [name(&meeting), never_was.trim_end_matches('-'), "standup"] {
        let answer = asked(&world, &format!("/meet/{room}")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{room}");
        assert!(body(answer).await.contains("This meeting is over"), "{room}");
    }
}
