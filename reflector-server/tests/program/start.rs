//! What the program says of settings that it cannot start with, and of those it starts with.

use std::process::Output;

use crate::http::Request;
use crate::program::{Program, eventually, run};

/// What is wrong, the settings, what is in `reflector.toml`, and what the line on standard error must say.
type Wrong<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a [&'a str]);

const API_KEY: (&str, &str) = ("WHEREBY_API_KEY", "key-of-ours");
const ENVIRONMENT: &str = "(from the environment): ";
const FILE: &str = "(from reflector.toml): ";

const WRONG: &[Wrong<'_>] = &[
    (
        "a grace",
        &[("REFLECTOR_GRACE", "15 apples")],
        "",
        &["REFLECTOR_GRACE is `15 apples`", ENVIRONMENT, "15m"],
    ),
    ("a grace without a unit", &[("REFLECTOR_GRACE", "15")], "", &["REFLECTOR_GRACE is `15`", "such as 15m"]),
    ("a negative grace", &[("REFLECTOR_GRACE", "-1s")], "", &["REFLECTOR_GRACE is `-1s`", "such as 15m"]),
    ("an overtime", &[("REFLECTOR_OVERTIME", "ever")], "", &["REFLECTOR_OVERTIME is `ever`", "or never"]),
    (
        "a sweep of nothing",
        &[("REFLECTOR_SWEEP", "0s")],
        "",
        &["REFLECTOR_SWEEP is `0s`", "more than nothing"],
    ),
    ("an address", &[("REFLECTOR_LISTEN", "here")], "", &["REFLECTOR_LISTEN is `here`", "127.0.0.1:1250"]),
    (
        "an address that others reach",
        &[("REFLECTOR_LISTEN", "0.0.0.0:0")],
        "",
        &["REFLECTOR_LISTEN is `0.0.0.0:0`", ENVIRONMENT, "REFLECTOR_AUTH=none", "loopback", "--insecure"],
    ),
    (
        "a way of signing in",
        &[("REFLECTOR_AUTH", "oauth")],
        "",
        &["REFLECTOR_AUTH is `oauth`", "use none or jwt"],
    ),
    (
        "a database",
        &[("DATABASE_URL", "mysql://x")],
        "",
        &["DATABASE_URL is `mysql://x`", "sqlite://", "memory:"],
    ),
    (
        "a database with a password",
        &[("DATABASE_URL", "mysql://ada:password-of-ours@db/x")],
        "",
        &["DATABASE_URL is `mysql://ada:…@db/x`"],
    ),
    (
        "a database that is no address",
        &[("DATABASE_URL", "ada:password-of-ours@db")],
        "",
        &["DATABASE_URL is `…`", "sqlite://"],
    ),
    (
        "a time in hand that is over before anybody has it",
        &[("REFLECTOR_RECORDINGS_IN_HAND", "3s")],
        "",
        &["REFLECTOR_RECORDINGS_IN_HAND is `3s`", "between 4s and 12h"],
    ),
    (
        "a retention of nothing",
        &[("REFLECTOR_RETENTION", "0s")],
        "",
        &["REFLECTOR_RETENTION is `0s`", "such as 15m"],
    ),
    (
        "a deployment",
        &[("REFLECTOR_DEPLOYMENT", "My Own")],
        "",
        &["REFLECTOR_DEPLOYMENT is `My Own`", "lower-case"],
    ),
    (
        "a provider",
        &[("REFLECTOR_PROVIDER", "zoom")],
        "",
        &["REFLECTOR_PROVIDER is `zoom`", "builtin or whereby"],
    ),
    (
        "a provider without its key",
        &[("REFLECTOR_PROVIDER", "whereby")],
        "",
        &["REFLECTOR_PROVIDER is `whereby`", "WHEREBY_API_KEY"],
    ),
    (
        "a way of closing",
        &[("REFLECTOR_CLOSE", "maybe")],
        "",
        &["REFLECTOR_CLOSE is `maybe`", "act or observe"],
    ),
    (
        "a public address",
        &[("REFLECTOR_PUBLIC_URL", "meet")],
        "",
        &["REFLECTOR_PUBLIC_URL is `meet`", "https://"],
    ),
    (
        "a log format",
        &[("REFLECTOR_LOG_FORMAT", "xml")],
        "",
        &["REFLECTOR_LOG_FORMAT is `xml`", "text or json"],
    ),
    ("a log filter", &[("REFLECTOR_LOG", "a=b=c")], "", &["REFLECTOR_LOG is `a=b=c`", "reflector=debug"]),
    ("a key without a secret", &[API_KEY], "", &["WHEREBY_WEBHOOK_SECRET is ``", "signing secret"]),
    (
        "a key with an empty secret",
        &[API_KEY, ("WHEREBY_WEBHOOK_SECRET", "")],
        "",
        &["WHEREBY_WEBHOOK_SECRET is ``", ENVIRONMENT, "empty"],
    ),
    (
        "an empty secret among others",
        &[API_KEY, ("WHEREBY_WEBHOOK_SECRET", "first-of-ours,,second-of-ours")],
        "",
        &["WHEREBY_WEBHOOK_SECRET is `…`", ENVIRONMENT, "empty"],
    ),
    (
        "an empty secret without a key",
        &[("WHEREBY_WEBHOOK_SECRET", "first-of-ours,")],
        "",
        &["WHEREBY_WEBHOOK_SECRET is `…`", "empty"],
    ),
    (
        "points",
        &[API_KEY, ("WHEREBY_WEBHOOK_SECRET", "first-of-ours"), ("WHEREBY_POINTS_PER_MINUTE", "0")],
        "",
        &["WHEREBY_POINTS_PER_MINUTE is `0`", "above 0"],
    ),
    (
        "half a key for recordings",
        &[
            API_KEY,
            ("WHEREBY_WEBHOOK_SECRET", "first-of-ours"),
            ("AWS_WHEREBY_ACCESS_KEY_SECRET", "third-of-ours"),
        ],
        "",
        &["AWS_WHEREBY_ACCESS_KEY_ID is ``", "set both or neither"],
    ),
    (
        "a key for recordings without a bucket",
        &[
            API_KEY,
            ("WHEREBY_WEBHOOK_SECRET", "first-of-ours"),
            ("AWS_WHEREBY_ACCESS_KEY_ID", "second-of-ours"),
            ("AWS_WHEREBY_ACCESS_KEY_SECRET", "third-of-ours"),
        ],
        "",
        &["RECORDING_STORAGE_AWS_BUCKET_NAME is ``", "Whereby uploads to"],
    ),
    (
        "a bucket that is an address",
        &[("RECORDING_STORAGE_AWS_BUCKET_NAME", "s3://bucket")],
        "",
        &["RECORDING_STORAGE_AWS_BUCKET_NAME is `s3://bucket`", "a bucket's name"],
    ),
    (
        "a folder without its bucket",
        &[("RECORDING_STORAGE_AWS_BUCKET_NAME", "/recordings")],
        "",
        &["RECORDING_STORAGE_AWS_BUCKET_NAME is `/recordings`", "a bucket's name"],
    ),
    (
        "a queue by its name",
        &[("AWS_PROCESS_RECORDING_QUEUE_URL", "recordings")],
        "",
        &["AWS_PROCESS_RECORDING_QUEUE_URL is `recordings`", "https://sqs."],
    ),
    (
        "a queue by its ARN",
        &[("AWS_PROCESS_RECORDING_QUEUE_URL", "arn:aws:sqs:eu-central-1:1:recordings")],
        "",
        &["AWS_PROCESS_RECORDING_QUEUE_URL is `arn:", "https://sqs."],
    ),
    (
        "a folder without a name",
        &[("REFLECTOR_RECORDINGS_DIR", "/")],
        "",
        &["REFLECTOR_RECORDINGS_DIR is `/`", "such as ./recordings"],
    ),
    (
        "a suffix without a point",
        &[("REFLECTOR_RECORDING_SUFFIXES", ".mp4, mkv")],
        "",
        &["REFLECTOR_RECORDING_SUFFIXES is `.mp4, mkv`", "such as .mp4,.mkv"],
    ),
    (
        "no suffix",
        &[("REFLECTOR_RECORDING_SUFFIXES", "")],
        "",
        &["REFLECTOR_RECORDING_SUFFIXES is ``", "such as .mp4,.mkv"],
    ),
    (
        "recordings that are always compared",
        &[("REFLECTOR_RECONCILE_RECORDINGS", "0s")],
        "",
        &["REFLECTOR_RECONCILE_RECORDINGS is `0s`", "more than nothing"],
    ),
    (
        "a role",
        &[("REFLECTOR_ROLES", "api,kitchen")],
        "",
        &["REFLECTOR_ROLES is `api,kitchen`", ENVIRONMENT, "api,lifecycle,recordings,pipeline"],
    ),
    (
        "no role",
        &[("REFLECTOR_ROLES", "")],
        "",
        &["REFLECTOR_ROLES is ``", "api,lifecycle,recordings,pipeline"],
    ),
    (
        "an address of metrics",
        &[("REFLECTOR_METRICS_LISTEN", "9464")],
        "",
        &["REFLECTOR_METRICS_LISTEN is `9464`", "127.0.0.1:9464"],
    ),
    ("a key in the file", &[], "grase = \"5m\"", &["reflector.toml has the key `grase`", "not known"]),
    ("a value in the file", &[], "grace = 15", &["grace is `15`", FILE, "such as 15m"]),
    ("a truth in the file", &[], "listen = true", &["listen is `true`", FILE, "127.0.0.1:1250"]),
    (
        "a list in the file",
        &[],
        "grace = [\"5m\"]",
        &["reflector.toml cannot be used", "`grace` must be a text"],
    ),
    (
        "a table in the file",
        &[],
        "[grace]\nminutes = 5",
        &["reflector.toml cannot be used", "`grace` must be a text"],
    ),
    (
        "a secret in the file",
        &[],
        "whereby_webhook_secret = \"of-ours,\"",
        &["whereby_webhook_secret is `…`", FILE],
    ),
    (
        "a proxy",
        &[("REFLECTOR_TRUSTED_PROXIES", "10.0.0.0/8, proxy.internal")],
        "",
        &["REFLECTOR_TRUSTED_PROXIES is `10.0.0.0/8, proxy.internal`", "127.0.0.1,10.0.0.0/8"],
    ),
    (
        "an origin",
        &[("REFLECTOR_CORS_ORIGINS", "https://app.example/path")],
        "",
        &["REFLECTOR_CORS_ORIGINS is `https://app.example/path`", "https://app.example.org"],
    ),
    (
        "an endpoint",
        &[("REFLECTOR_STT_URL", "nowhere"), ("REFLECTOR_STT_MODEL", "m")],
        "",
        &["REFLECTOR_STT_URL is `nowhere`", "https://api.openai.com/v1"],
    ),
    (
        "an endpoint without a model",
        &[("REFLECTOR_LLM_URL", "http://127.0.0.1:9/v1")],
        "",
        &["REFLECTOR_LLM_MODEL is ``", "name a model"],
    ),
    (
        "a key without an endpoint",
        &[("REFLECTOR_LLM_KEY", "of-ours")],
        "",
        &["REFLECTOR_LLM_KEY is `…`", "set REFLECTOR_LLM_URL too"],
    ),
    (
        "whom to trust with addresses",
        &[("REFLECTOR_ALLOW_PRIVATE_URLS", "maybe")],
        "",
        &["REFLECTOR_ALLOW_PRIVATE_URLS is `maybe`", "use no or yes"],
    ),
    ("a file that is no TOML", &[], "grace = = 5", &["reflector.toml cannot be used", "line 1"]),
];

#[test]
fn a_setting_that_is_wrong_stops_the_start_with_one_line_that_names_it_and_what_it_should_be() {
    for (what, environment, file, expected) in WRONG {
        let folder = tempfile::tempdir().expect("a folder");
        if !file.is_empty() {
            std::fs::write(folder.path().join("reflector.toml"), file).expect("it can be written");
        }
        // The first free port: should it start after all, it disturbs nobody.
        let mut all = vec![("REFLECTOR_LISTEN", "127.0.0.1:0")];
        if file.contains("listen") {
            all.clear();
        }
        all.extend_from_slice(environment);
        let output = run(folder.path(), &all, &[]);
        let said = refusal(&output, 2);
        for words in *expected {
            assert!(said.contains(words), "{what}: `{words}` is not in: {said}");
        }
        assert!(!said.contains("of-ours"), "{what}: a secret is in: {said}");
    }
}

#[test]
fn a_file_that_is_asked_for_and_not_there_stops_the_start() {
    let said = refusal(&run_anywhere(&[], &["--config", "nowhere.toml"]), 2);
    assert!(said.contains("nowhere.toml cannot be used"), "{said}");
}

#[test]
fn a_word_that_is_no_command_is_wrong_usage() {
    let output = run_anywhere(&[], &["meet"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("'meet'"), "{output:?}");
}

#[test]
fn a_role_that_is_none_is_wrong_usage_also_as_a_flag() {
    let said = refusal(&run_anywhere(&[], &["serve", "--roles", "api,dishes"]), 2);
    assert!(said.contains("REFLECTOR_ROLES is `api,dishes` (from a flag)"), "{said}");
}

#[test]
fn an_address_in_use_is_said_in_one_line_and_fails_the_start() {
    let first = Program::start();
    let address = first.address.to_string();
    let output = run_anywhere(&[("REFLECTOR_LISTEN", &address)], &[]);
    let said = refusal(&output, 1);
    assert!(
        said.contains(&format!("{address} cannot be listened on: is another server running there?")),
        "{said}"
    );
}

#[test]
fn config_shows_where_each_value_comes_from_and_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = "grace = \"5m\"\nsweep = \"7s\"\nwhereby_webhook_secret = \"of-ours\"\n";
    std::fs::write(folder.path().join("reflector.toml"), file).expect("it can be written");
    let environment = [
        ("REFLECTOR_GRACE", "2s"),
        ("REFLECTOR_LISTEN", "127.0.0.1:2"),
        ("WHEREBY_API_KEY", "of-ours-too"),
        ("DATABASE_URL", "postgres://ada:of-ours@db/meetings?password=of-ours"),
    ];
    let output = run(folder.path(), &environment, &["config", "--listen", "127.0.0.1:3"]);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    let shown = text(&output.stdout);
    for (key, value, origin) in [
        ("REFLECTOR_GRACE", "2s", "from the environment"),
        ("REFLECTOR_SWEEP", "7s", "from reflector.toml"),
        ("REFLECTOR_LISTEN", "127.0.0.1:3", "from a flag"),
        ("REFLECTOR_OVERTIME", "30m", "the default"),
        ("WHEREBY_API_KEY", "…", "from the environment"),
        ("DATABASE_URL", "postgres://ada:…@db/meetings", "from the environment"),
        ("WHEREBY_WEBHOOK_SECRET", "…", "from reflector.toml"),
    ] {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(key)).unwrap_or_default();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(
            words,
            [&[key, value], origin.split(' ').collect::<Vec<_>>().as_slice()].concat(),
            "{shown}"
        );
    }
    assert!(!shown.contains("of-ours"), "{shown}");
}

#[test]
fn the_first_lines_say_where_to_point_a_browser_and_how_to_replace_what_is_embedded() {
    let program = Program::start();
    let expected = [
        program.address.to_string().as_str(),
        "DATABASE_URL",
        "WHEREBY_API_KEY",
        "REFLECTOR_AUTH",
        "reflector config",
    ]
    .map(str::to_owned);
    for words in expected {
        eventually(&format!("{words} is said"), || program.said().contains(&words).then_some(()));
    }
}

#[test]
fn rooms_are_below_the_public_address_where_there_is_one() {
    let program = Program::start_with(&[("REFLECTOR_PUBLIC_URL", "https://meet.example.com")]);
    program.make_room("standup");
    let made = program.meet("standup");
    let url = made["room_url"].as_str().expect("an address");
    assert!(url.starts_with("https://meet.example.com/meet/"), "{url}");
    let named = Request::new("GET", "/rooms").header("host", "meet.example.com");
    assert_eq!(program.send(&named).status, 200, "a request may name it");
}

fn run_anywhere(environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), environment, arguments)
}

/// The one line with which it gave up.
fn refusal(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = text(&output.stderr);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("reflector: "), "{said}");
    said
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
