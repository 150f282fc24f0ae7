//! Through the whole router, with time moved by hand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, StatusCode, header};
use axum::middleware::from_fn;
use axum::routing::get;
use jsonwebtoken::{EncodingKey, Header};
use reflector_core::Timestamp;
use reflector_whereby::signature;
use secrecy::SecretString;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::app::Server;
use crate::config::{Config, Sources};
use crate::database::Migrate;

const SECRET: &str = "a secret that has thirty-two characters";
const OURS: &str = "192.0.2.7:40000";
const ANOTHERS: &str = "198.51.100.9:40000";
const BEGIN: i64 = 1_790_000_000_000_000;

/// A server whose workers don't run, so that nobody makes a room: whoever opens a meeting is told after ten seconds, which
/// pass at once, that its provider has not answered.
struct Town {
    server: Server,
    now: Arc<AtomicI64>,
}

impl Town {
    async fn new() -> Self {
        let set = [
            ("DATABASE_URL", "memory:"),
            ("REFLECTOR_AUTH", "jwt"),
            ("REFLECTOR_JWT_SECRET", SECRET),
            ("REFLECTOR_ADMINS", "root"),
            ("REFLECTOR_GUEST_CALLS_PER_MINUTE", "3"),
            ("REFLECTOR_MEETINGS_PER_MINUTE", "2"),
            ("WHEREBY_API_KEY", "key"),
            ("WHEREBY_WEBHOOK_SECRET", "signs"),
        ];
        let environment = set.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let config = Config::read(&Sources { environment, ..Sources::default() }).unwrap();
        let now = Arc::new(AtomicI64::new(BEGIN));
        let told = Arc::clone(&now);
        let clock: Clock = Arc::new(move || Timestamp::from_micros(told.load(Ordering::SeqCst)));
        Self { server: Server::new(&config, Migrate::Yes, clock).await.unwrap(), now }
    }

    fn passes(&self, time: Duration) {
        self.now.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    async fn asked(
        &self,
        from: &str,
        who: Option<&str>,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Response {
        let claims = |who: &str| json!({ "sub": who, "exp": BEGIN / 1_000_000 + 36_000 });
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let mut request = axum::http::Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .extension(ConnectInfo(from.parse::<SocketAddr>().unwrap()));
        if let Some(who) = who {
            let token = jsonwebtoken::encode(&Header::default(), &claims(who), &key).unwrap();
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.server.router().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap()
    }

    async fn status(&self, from: &str, who: Option<&str>, path: &str) -> StatusCode {
        self.asked(from, who, Method::GET, path, &json!({})).await.status()
    }

    async fn post(&self, who: &str, path: &str, body: &Value) -> Response {
        self.asked(OURS, Some(who), Method::POST, path, body).await
    }

    async fn room(&self, name: &str) {
        let made = self.post("ada", "/rooms", &json!({ "name": name, "guests": true })).await;
        assert_eq!(made.status(), StatusCode::CREATED);
    }
}

/// What somebody is told who has done too much: when to come again.
fn wait_of(answer: &Response) -> u64 {
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
    answer.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn guests_call_so_often_from_one_address_in_one_room_and_users_as_often_as_they_like() {
    const STANDUP: &str = "/v1/rooms/standup/meetings/active";
    let town = Town::new().await;
    town.room("standup").await;
    town.room("retro").await;
    for _ in 0..3 {
        assert_eq!(town.status(OURS, None, STANDUP).await, StatusCode::OK);
    }
    let refused = town.asked(OURS, None, Method::GET, STANDUP, &json!({})).await;
    let after = wait_of(&refused);
    assert!((20..=21).contains(&after), "{after}");
    assert_eq!(
        town.status(OURS, None, "/rooms/standup/meetings/active").await,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(town.status(OURS, None, "/v1/rooms/retro/meetings/active").await, StatusCode::OK);
    assert_eq!(town.status(ANOTHERS, None, STANDUP).await, StatusCode::OK);
    assert_eq!(town.status(OURS, Some("ben"), STANDUP).await, StatusCode::OK);
    town.passes(Duration::from_secs(after));
    assert_eq!(town.status(OURS, None, STANDUP).await, StatusCode::OK);
}

#[tokio::test]
async fn joining_and_answering_for_consent_are_limited_like_looking() {
    let town = Town::new().await;
    town.room("standup").await;
    let of_nobody = "01890000-0000-7000-8000-000000000000";
    for path in
        [format!("/rooms/standup/meetings/{of_nobody}/join"), format!("/meetings/{of_nobody}/consent")]
    {
        let body = json!({ "consent_given": true, "participant_token": "x" });
        for _ in 0..3 {
            let answer = town.asked(ANOTHERS, None, Method::POST, &path, &body).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        }
        wait_of(&town.asked(ANOTHERS, None, Method::POST, &path, &body).await);
    }
}

#[tokio::test]
async fn an_address_that_tries_names_of_rooms_is_stopped_after_ten_rooms_worth() {
    let town = Town::new().await;
    for n in 0..30 {
        let status = town.status(OURS, None, &format!("/rooms/guess-{n}/meetings/active")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{n}");
    }
    assert_eq!(town.status(OURS, None, "/rooms/guess/meetings/active").await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(start_paused = true)]
async fn a_user_opens_so_many_meetings_a_minute_and_operators_as_many_as_they_like() {
    let town = Town::new().await;
    town.room("standup").await;
    let at = |micros: i64| Timestamp::from_micros(BEGIN + micros).to_string();
    let scheduled =
        json!({ "start_date": at(0), "end_date": at(3_600_000_000), "calendar_event_id": "tuesday" });
    let unanswered = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(town.post("ada", "/rooms/standup/meeting", &json!({})).await.status(), unanswered);
    assert_eq!(town.post("ada", "/rooms/standup/meetings", &scheduled).await.status(), unanswered);
    // What is there is not made: neither the room's current meeting, nor that of a date that has one.
    assert_eq!(town.post("ada", "/rooms/standup/meeting", &json!({})).await.status(), unanswered);
    assert_eq!(town.post("ada", "/rooms/standup/meetings", &scheduled).await.status(), unanswered);

    let another = json!({ "start_date": at(0), "end_date": at(3_600_000_000) });
    let after = wait_of(&town.post("ada", "/rooms/standup/meetings", &another).await);
    town.room("retro").await;
    wait_of(&town.post("ada", "/rooms/retro/meeting", &json!({})).await);
    for _ in 0..5 {
        assert_eq!(town.post("root", "/rooms/standup/meetings", &another).await.status(), unanswered);
    }
    town.passes(Duration::from_secs(after));
    assert_eq!(town.post("ada", "/rooms/retro/meeting", &json!({})).await.status(), unanswered);
}

#[tokio::test(start_paused = true)]
async fn whoever_floods_with_messages_that_prove_nothing_waits_and_signed_ones_of_their_address_do_not() {
    let town = Town::new().await;
    let body =
        json!({ "id": "1", "type": "room.client.joined", "createdAt": "2026-09-21T14:13:20Z", "data": {} });
    for n in 0..30 {
        let path = if n % 2 == 0 { "/whereby" } else { "/webhooks/nobody" };
        let answer = town.asked(OURS, None, Method::POST, path, &body).await;
        assert!(matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND), "{answer:?}");
    }
    let begun = tokio::time::Instant::now();
    wait_of(&town.asked(OURS, None, Method::POST, "/whereby", &body).await);
    assert_eq!(begun.elapsed(), LATE);

    let begun = tokio::time::Instant::now();
    let signed = signature::sign(
        &SecretString::from("signs"),
        Timestamp::from_micros(BEGIN),
        body.to_string().as_bytes(),
    );
    let request = axum::http::Request::post("/whereby")
        .header(signature::HEADER, signed)
        .extension(ConnectInfo(OURS.parse::<SocketAddr>().unwrap()))
        .body(Body::from(body.to_string()))
        .unwrap();
    let answer = town.server.router().oneshot(request).await.unwrap();
    assert_ne!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.status().is_success(), "{answer:?}");
    assert!(begun.elapsed().is_zero());
    let elsewhere = town.asked(ANOTHERS, None, Method::POST, "/whereby", &body).await;
    assert_eq!(elsewhere.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_message_that_proves_nothing_by_its_headers_is_not_read_and_a_large_one_is_refused() {
    let town = Town::new().await;
    let large = || Body::from(vec![b' '; 1024 * 1024 + 1]);
    let well_formed = format!("t=1,v1={}", "0".repeat(64));
    for (signature, status) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some("nonsense"), StatusCode::UNAUTHORIZED),
        (Some(well_formed.as_str()), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let mut request = axum::http::Request::post("/whereby");
        if let Some(signature) = signature {
            request = request.header(signature::HEADER, signature);
        }
        let answer = town.server.router().oneshot(request.body(large()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), status, "{signature:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_answered_with_when_to_try_again() {
    let router = Router::new()
        .route("/forever", get(async || std::future::pending::<()>().await))
        .layer(from_fn(in_time));
    let request = axum::http::Request::get("/forever").body(Body::empty()).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[header::RETRY_AFTER], "5");
}
