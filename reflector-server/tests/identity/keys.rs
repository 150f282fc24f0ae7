//! What identities are proved with: tokens, their keys that change, and keys of ours.

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::http::Request;
use crate::issuer::{Issuer, claims, hs256};
use crate::program::{Program, run};
use crate::town::{Says, Town};

const SECRET: &str = "a secret of thirty-two characters";

fn status(program: &Program, who: &Says) -> u16 {
    who.ask(program, "GET", "/rooms", &json!({})).status
}

#[test]
fn tokens_of_both_kinds_of_keys_are_believed_within_a_minute_of_their_time() {
    let town = Town::new();
    let program = town.start();
    for seconds in [600, -50] {
        let claims = claims("ada", seconds);
        assert_eq!(status(&program, &Says::Token(town.issuer.rs256(&claims))), 200, "{seconds}");
        assert_eq!(status(&program, &Says::Token(town.issuer.es256(&claims))), 200, "{seconds}");
    }
}

#[test]
fn tokens_are_believed_by_a_secret_that_is_shared() {
    let town = Town::new();
    let settings = [("REFLECTOR_JWT_JWKS", ""), ("REFLECTOR_JWT_SECRET", SECRET)];
    let program = town.start_with(&settings);
    assert_eq!(status(&program, &Says::Token(hs256(SECRET.as_bytes(), &claims("ada", 600)))), 200);
    assert_eq!(status(&program, &Says::Token(hs256(b"another secret", &claims("ada", 600)))), 401);
    assert_eq!(
        status(&program, &Says::Token(town.issuer.rs256(&claims("ada", 600)))),
        401,
        "the key fixes it"
    );
    assert!(!program.logged().contains(SECRET));
}

#[test]
fn keys_that_are_published_later_are_asked_for_and_the_known_ones_are_used_while_nobody_answers() {
    let town = Town::new();
    let runtime = tokio::runtime::Runtime::new().expect("it can be made");
    let publisher = runtime.block_on(MockServer::start());
    let publishes = |jwks: &Value, times: u64| {
        let answer = Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(jwks));
        runtime.block_on(answer.up_to_n_times(times).mount(&publisher));
    };
    publishes(&town.issuer.jwks(), 1);
    let program = town.start_with(&[("REFLECTOR_JWT_JWKS", &format!("{}/keys", publisher.uri()))]);
    let asked = || runtime.block_on(publisher.received_requests()).expect("they are kept").len();
    assert_eq!((status(&program, &town.user("ada")), asked()), (200, 1));

    let second = Issuer::new("second");
    let all = [town.issuer.public(), second.public()].concat();
    let both = json!({ "keys": all });
    publishes(&both, 1);
    let token = Says::Token(second.rs256(&claims("ada", 600)));
    assert_eq!((status(&program, &token), asked()), (200, 2), "it is asked for at once");
    // From now on nobody answers.
    let third = Says::Token(Issuer::new("third").rs256(&claims("ada", 600)));
    for _ in 0..20 {
        assert_eq!(status(&program, &third), 401);
    }
    assert_eq!(asked(), 2, "whoever makes up names of keys makes nobody ask");
    assert_eq!((status(&program, &token), status(&program, &town.user("ada"))), (200, 200));
}

#[test]
fn while_no_key_was_ever_had_callers_are_asked_to_come_again() {
    let town = Town::new();
    let program = town.start_with(&[("REFLECTOR_JWT_JWKS", "http://127.0.0.1:9/keys")]);
    let answer = town.user("ada").ask(&program, "GET", "/rooms", &json!({}));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
    let (key, _) = town.key("ada", &[]);
    assert_eq!(status(&program, &key), 200, "our own keys need nobody");
}

#[test]
fn an_api_key_is_shown_once_kept_hashed_listed_and_revoked() {
    let town = Town::new();
    let program = town.start();
    let (key, id) = town.key("ada", &[]);
    key.post(&program, "/rooms", &json!({ "name": "adas" }));
    assert_eq!(key.get(&program, "/rooms/adas")["owner"], "ada");
    let Says::Key(text) = &key else { panic!("it is a key") };
    let said = |arguments: &[&str]| String::from_utf8(town.run(arguments).stdout).expect("it is text");
    let listed: Value = serde_json::from_str(&said(&["keys", "list", "--json"])).expect("it is JSON");
    assert_eq!(
        (&listed[0]["id"], &listed[0]["user"], &listed[0]["operator"]),
        (&json!(id), &json!("ada"), &json!(false))
    );
    let kept = std::fs::read(town.folder.path().join("reflector.db")).expect("it is there");
    let log = std::fs::read(town.folder.path().join("reflector.db-wal")).unwrap_or_default();
    let is_in = |bytes: &[u8]| bytes.windows(text.len()).any(|some| some == text.as_bytes());
    assert!(!is_in(&kept) && !is_in(&log) && !program.logged().contains(text.as_str()));

    assert_eq!(said(&["keys", "revoke", &id]), "revoked\n");
    assert_eq!(status(&program, &key), 401);
    assert!(said(&["keys", "list"]).contains("revoked 20"));
    let nobody = town.run(&["keys", "revoke", "0190a5c2-6e9c-7b7e-8d3e-0123456789ab"]);
    assert_eq!(nobody.status.code(), Some(1));
}

#[test]
fn a_caller_says_once_who_they_are() {
    let town = Town::new();
    let program = town.start();
    let (key, _) = town.key("ada", &[]);
    let (Says::Key(key), Says::Token(token)) = (&key, &town.user("ada")) else { panic!("they are") };
    let bearer = format!("Bearer {token}");
    for headers in [
        vec![("x-api-key", key.as_str()), ("authorization", &bearer)],
        vec![("authorization", &bearer), ("authorization", &bearer)],
        vec![("authorization", "Basic YWRhOmFkYQ==")],
        vec![("authorization", token)],
        vec![("x-api-key", "")],
    ] {
        let request = Request::new("GET", "/rooms");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        assert_eq!(program.send(&request).status, 401, "{headers:?}");
    }
}

#[test]
fn settings_that_let_in_the_wrong_people_stop_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("empty.json"), r#"{"keys":[]}"#).expect("it can be written");
    for (more, why) in [
        (vec![], "REFLECTOR_JWT_SECRET"),
        (vec![("REFLECTOR_JWT_SECRET", "short")], "32 characters"),
        (vec![("REFLECTOR_JWT_SECRET", SECRET), ("REFLECTOR_JWT_JWKS", "keys.json")], "not both"),
        (vec![("REFLECTOR_JWT_JWKS", "not-there.json")], "not-there.json"),
        (vec![("REFLECTOR_JWT_JWKS", "empty.json")], "no usable keys"),
        (vec![("REFLECTOR_JWT_JWKS", "ftp://example.org/keys")], "http"),
    ] {
        let settings =
            [vec![("REFLECTOR_AUTH", "jwt"), ("REFLECTOR_LISTEN", "127.0.0.1:0")], more.clone()].concat();
        let output = run(folder.path(), &settings, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            matches!(output.status.code(), Some(1 | 2)) && said.lines().count() == 1,
            "{more:?}: {output:?}"
        );
        assert!(said.contains(why) && !said.contains(SECRET), "{more:?}: {said}");
    }
}

#[test]
fn a_server_that_asks_everybody_may_be_reached_from_anywhere_and_by_any_name() {
    let town = Town::new();
    let settings = [("REFLECTOR_PUBLIC_URL", "https://meet.example")];
    let program = town.start_with(&settings);
    let ada = town.user("ada");
    let Says::Token(token) = &ada else { panic!("it is one") };
    let request = Request::new("GET", "/rooms").header("authorization", &format!("Bearer {token}"));
    assert_eq!(program.send(&request.header("host", "inside.example")).status, 200);
    let output =
        run(town.folder.path(), &[("REFLECTOR_LISTEN", "0.0.0.0:0"), ("DATABASE_URL", "memory:")], &[]);
    assert_eq!(output.status.code(), Some(2), "nobody is asked: {output:?}");
}
