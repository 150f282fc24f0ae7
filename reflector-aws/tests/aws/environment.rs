//! What the settings leave open comes from the environment. Each test carries itself out once more, in a process whose
//! environment is what it says and nothing else.

use std::env;
use std::process::Command;

use reflector_aws::{AwsSettings, AwsSource};
use reflector_core::recording::{RecordingSource, SourceError};
use reflector_test_aws::moto;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// The variable that tells a test that it is the one which was started, and where.
const STARTED: &str = "REFLECTOR_TEST_STARTED_WITH";

/// Carries out a test of this module, with these variables.
fn carry_out(test: &str, with: &str, variables: &[(&str, &str)]) {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let mut again = Command::new(env::current_exe().expect("a test has a program"));
    again.env_clear().env("HOME", home.path()).env(STARTED, with).envs(variables.iter().copied());
    // What gives out roles to machines is not asked: it would take seconds to find out that there is nothing.
    again.env("AWS_EC2_METADATA_DISABLED", "true");
    let output = again.args(["--exact", &format!("environment::{test}"), "--nocapture"]).output();
    let output = output.expect("a test can be started");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn buckets(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A server without objects and messages.
async fn with_nothing_in_it() -> MockServer {
    let server = MockServer::start().await;
    let listing = ResponseTemplate::new(200).set_body_raw("<ListVersionsResult/>", "application/xml");
    Mock::given(method("GET")).and(path("/recordings/")).respond_with(listing).mount(&server).await;
    let messages = ResponseTemplate::new(200).set_body_raw("{}", "application/x-amz-json-1.0");
    Mock::given(method("POST")).respond_with(messages).mount(&server).await;
    server
}

/// For which region and service a call was signed.
fn signed_for(request: &Request) -> String {
    let signature = request.headers["authorization"].to_str().expect("it is text");
    let scope: Vec<_> = signature.split(['/', ',']).collect();
    scope[2..4].join(" ")
}

#[tokio::test]
async fn endpoint_region_and_credentials_come_from_the_environment() {
    if let Ok(queue_url) = env::var(STARTED) {
        let bucket = queue_url.rsplit('/').next().unwrap();
        let settings = AwsSettings {
            queue_url: Some(queue_url.clone()),
            buckets: buckets(&[bucket]),
            ..AwsSettings::default()
        };
        let source = AwsSource::connect(settings).await.unwrap();
        assert_eq!(source.receive().await.unwrap().len(), 2);
        assert_eq!(source.list(None).await.unwrap().notices.len(), 1);
        return;
    }
    let uploads = moto().bucket_with_queue(false, ".mp4", None).await;
    uploads.put("a.mp4", b"1").await;
    let test = "endpoint_region_and_credentials_come_from_the_environment";
    carry_out(test, uploads.queue_url(), &moto().environment());
}

#[tokio::test]
async fn without_credentials_it_says_what_to_set() {
    if env::var_os(STARTED).is_some() {
        let settings = AwsSettings {
            queue_url: Some("https://sqs.eu-central-1.amazonaws.com/123456789012/recordings".to_owned()),
            buckets: buckets(&["recordings"]),
            ..AwsSettings::default()
        };
        let source = AwsSource::connect(settings).await.unwrap();
        for refused in [source.receive().await.map(drop), source.list(None).await.map(drop)] {
            let error = refused.unwrap_err();
            let told = matches!(&error, SourceError::Refused { detail }
                if detail.contains("no credentials") && detail.contains("AWS_ACCESS_KEY_ID"));
            assert!(told && !error.to_string().contains('\n'), "{error}");
        }
        return;
    }
    carry_out("without_credentials_it_says_what_to_set", "", &[]);
}

#[tokio::test]
async fn without_a_region_it_says_what_to_set() {
    if env::var_os(STARTED).is_some() {
        let settings = AwsSettings { buckets: buckets(&["recordings"]), ..AwsSettings::default() };
        let error = AwsSource::connect(settings).await.unwrap_err();
        let told = matches!(&error, SourceError::Refused { detail } if detail.contains("set AWS_REGION"));
        assert!(told && !error.to_string().contains('\n'), "{error}");
        return;
    }
    let key = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
    carry_out("without_a_region_it_says_what_to_set", "", &key);
}

#[tokio::test]
async fn a_queue_is_asked_in_its_own_region_and_buckets_too_unless_another_is_set() {
    if let Ok(expected) = env::var(STARTED) {
        let settings = AwsSettings {
            queue_url: Some("https://sqs.eu-central-1.amazonaws.com/123456789012/recordings".to_owned()),
            buckets: buckets(&["recordings"]),
            ..AwsSettings::default()
        };
        let source = AwsSource::connect(settings).await.unwrap();
        source.receive().await.unwrap();
        source.list(None).await.unwrap_or_else(|error| panic!("{expected}: {error}"));
        return;
    }
    for (set, of_buckets) in [(None, "eu-central-1"), (Some("us-west-2"), "us-west-2")] {
        let server = with_nothing_in_it().await;
        let endpoint = server.uri();
        let mut variables = vec![
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        variables.extend(set.map(|region| ("AWS_REGION", region)));
        let test = "a_queue_is_asked_in_its_own_region_and_buckets_too_unless_another_is_set";
        carry_out(test, of_buckets, &variables);
        let calls = server.received_requests().await.unwrap();
        let regions: Vec<_> = calls.iter().map(signed_for).collect();
        assert_eq!(regions, ["eu-central-1 sqs".to_owned(), format!("{of_buckets} s3")]);
    }
}

#[tokio::test]
async fn what_stands_in_for_s3_alone_is_asked_for_buckets_by_their_path() {
    if env::var_os(STARTED).is_some() {
        let settings = AwsSettings { buckets: buckets(&["recordings"]), ..AwsSettings::default() };
        let source = AwsSource::connect(settings).await.unwrap();
        assert_eq!(source.list(None).await.unwrap().notices, []);
        return;
    }
    let server = with_nothing_in_it().await;
    let endpoint = format!("http://localhost:{}", server.address().port());
    let variables = [
        ("AWS_ENDPOINT_URL_S3", endpoint.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    carry_out("what_stands_in_for_s3_alone_is_asked_for_buckets_by_their_path", "", &variables);
}
