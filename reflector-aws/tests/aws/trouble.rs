//! What goes wrong is told in one line that says what to do.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use reflector_aws::AwsSource;
use reflector_core::recording::{ObjectVersion, Objects, Receipt, RecordingSource, SourceError, Version};
use reflector_test_aws::moto;
use wiremock::matchers::{any, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::world::{Then, settings, source, that_says};

/// Everything that can be asked of a source, with the permission that it takes and on what.
async fn asked(source: &AwsSource) -> Vec<(&'static str, &'static str, Result<(), SourceError>)> {
    let receipts = [Receipt("r-1".to_owned())];
    let object = ObjectVersion {
        bucket: "recordings".to_owned(),
        key: "a.mp4".to_owned(),
        version: Version::Tag("t".to_owned()),
    };
    let queue = "/123456789012/nobodys";
    vec![
        ("sqs:ReceiveMessage", queue, source.receive().await.map(drop)),
        ("sqs:DeleteMessage", queue, source.acknowledge(&receipts).await.map(drop)),
        ("sqs:ChangeMessageVisibility", queue, source.give_back(&receipts).await),
        ("sqs:ChangeMessageVisibility", queue, source.extend(&receipts).await),
        ("sqs:GetQueueAttributes", queue, source.sets_dead_letters_aside().await.map(drop)),
        ("s3:ListBucketVersions", "bucket recordings", source.list(None).await.map(drop)),
        ("s3:GetObject", "bucket recordings", read(source, &object).await),
        ("sqs:DeleteMessage", queue, source.may_settle().await),
        ("s3:DeleteObjectVersion", "bucket recordings", source.may_erase("").await),
        ("s3:GetBucketNotification", "bucket recordings", source.tells().await.map(drop)),
        ("s3:ListBucketVersions", "bucket recordings", source.erase(&object).await),
    ]
}

async fn read(source: &AwsSource, object: &ObjectVersion) -> Result<(), SourceError> {
    if let Some(mut opened) = source.open(object, 0).await? {
        opened.next().await?;
    }
    Ok(())
}

/// A source of a queue and a bucket that are not there.
async fn source_at(endpoint: &str) -> AwsSource {
    let queue = format!("{endpoint}/123456789012/nobodys");
    source(settings(endpoint, Some(&queue), &["recordings"])).await
}

fn is_a_line(error: &SourceError) -> String {
    let line = error.to_string();
    assert!(!line.contains(['\n', '\r']) && !line.contains("hunter2"), "{line}");
    line
}

#[track_caller]
fn refusal(answer: Result<(), SourceError>) -> String {
    let error = answer.expect_err("it was done");
    assert!(matches!(error, SourceError::Refused { .. }), "{error} is to be tried again");
    is_a_line(&error)
}

#[track_caller]
fn outage(answer: Result<(), SourceError>) -> String {
    let error = answer.expect_err("it was done");
    assert!(matches!(error, SourceError::Unavailable { .. }), "{error} is refused");
    is_a_line(&error)
}

/// A server that answers SQS's calls and S3's like this, whatever they are.
async fn that_answers(status: u16, of_sqs: &str, of_s3: &str) -> MockServer {
    let server = MockServer::start().await;
    let of_sqs = ResponseTemplate::new(status).set_body_raw(of_sqs, "application/x-amz-json-1.0");
    let of_s3 = ResponseTemplate::new(status).set_body_raw(of_s3, "application/xml");
    Mock::given(method("POST")).respond_with(of_sqs).mount(&server).await;
    Mock::given(any()).respond_with(of_s3).mount(&server).await;
    server
}

#[tokio::test]
async fn a_queue_and_a_bucket_that_are_not_there_are_named() {
    for (permission, on, answer) in asked(&source_at(moto().endpoint()).await).await {
        let line = refusal(answer);
        assert!(line.contains(on) && line.contains("does not exist"), "{permission}: {line}");
    }
}

#[tokio::test]
async fn a_permission_that_is_missing_is_named() {
    let of_sqs = r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"hunter2"}"#;
    let of_s3 = "<Error><Code>AccessDenied</Code><Message>hunter2</Message></Error>";
    let server = that_answers(403, of_sqs, of_s3).await;
    for (permission, on, answer) in asked(&source_at(&server.uri()).await).await {
        let line = refusal(answer);
        assert!(line.contains(permission) && line.contains(on) && line.contains("policy"), "{line}");
    }
}

#[tokio::test]
async fn the_permission_to_delete_versions_is_told_from_the_one_to_list_them() {
    let server = MockServer::start().await;
    let versions = "<ListVersionsResult><Version><Key>a.mp4</Key><VersionId>v</VersionId></Version>\
                    </ListVersionsResult>";
    let listing = ResponseTemplate::new(200).set_body_raw(versions, "application/xml");
    Mock::given(method("GET")).respond_with(listing).mount(&server).await;
    let denied = "<Error><Code>AccessDenied</Code></Error>";
    let denied = ResponseTemplate::new(403).set_body_raw(denied, "application/xml");
    Mock::given(method("DELETE")).respond_with(denied).mount(&server).await;
    let (_, _, erased) = asked(&source_at(&server.uri()).await).await.pop().unwrap();
    let line = refusal(erased);
    assert!(line.contains("s3:DeleteObjectVersion on the objects of the bucket recordings"), "{line}");
}

#[tokio::test]
async fn a_key_that_is_not_believed_is_not_repeated() {
    let of_sqs = r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","Message":"hunter2"}"#;
    let of_s3 = "<Error><Code>SignatureDoesNotMatch</Code><Message>hunter2</Message></Error>";
    let server = that_answers(403, of_sqs, of_s3).await;
    for (_, _, answer) in asked(&source_at(&server.uri()).await).await {
        let line = refusal(answer);
        assert!(line.contains("does not believe the credentials") && line.contains("clock"), "{line}");
    }
}

#[tokio::test]
async fn a_page_for_people_is_not_taken_for_aws() {
    let page = "<!DOCTYPE html><html><body>It works, hunter2!</body></html>";
    for status in [200, 404] {
        let server = that_answers(status, page, page).await;
        for (permission, _, answer) in asked(&source_at(&server.uri()).await).await {
            let line = refusal(answer);
            let told = line.contains("what answers is not S") && line.contains("AWS_ENDPOINT_URL");
            assert!(told, "{status} {permission}: {line}");
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    is_given_up(&format!("http://{}", silent.local_addr().unwrap())).await;
}

#[tokio::test]
async fn an_endpoint_that_hangs_in_the_middle_of_an_answer_is_given_up() {
    let begun = "HTTP/1.1 200 OK\r\nETag: \"t\"\r\nContent-Length: 100\r\n\r\n";
    is_given_up(&that_says(begun, Then::Hangs)).await;
}

async fn is_given_up(endpoint: &str) {
    let source = source_at(endpoint).await.with_answers_within(Duration::from_millis(50));
    let begun = Instant::now();
    for (permission, _, answer) in asked(&source).await {
        let line = outage(answer);
        assert!(line.contains("does not answer in time"), "{permission}: {line}");
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "it was waited for");
}

#[tokio::test]
async fn an_answer_may_take_as_long_as_sqs_waits_and_longer() {
    let server = MockServer::start().await;
    let late = ResponseTemplate::new(200).set_body_raw("{}", "application/x-amz-json-1.0");
    Mock::given(any()).respond_with(late.set_delay(Duration::from_millis(300))).mount(&server).await;
    let source = source_at(&server.uri()).await.with_answers_within(Duration::from_millis(100));
    let line = outage(source.receive().await.map(drop));
    assert!(line.contains("does not answer in time"), "{line}");
    assert_eq!(source.with_wait(Duration::from_secs(5)).receive().await.unwrap(), []);
}

#[tokio::test]
async fn an_endpoint_where_nobody_is_cannot_be_reached() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let source = source_at(&format!("http://127.0.0.1:{port}")).await;
    for (permission, _, answer) in asked(&source.with_answers_within(Duration::from_secs(5))).await {
        let line = outage(answer);
        assert!(
            line.contains("cannot be reached") && line.contains("AWS_ENDPOINT_URL"),
            "{permission}: {line}"
        );
    }
}

#[tokio::test]
async fn settings_that_lead_nowhere_make_no_source() {
    for (queue, buckets) in [(Some("recordings"), &[][..]), (None, &[""])] {
        let refused = AwsSource::connect(settings("http://127.0.0.1:1", queue, buckets)).await;
        refusal(refused.map(drop));
    }
    let source = source(settings("http://127.0.0.1:1", None, &[])).await;
    assert!(refusal(source.list(None).await.map(drop)).contains("no bucket is named"));
}

#[tokio::test]
async fn a_source_shows_no_secret() {
    let mut settings = settings("http://127.0.0.1:1", None, &["recordings"]);
    let key = settings.access_key.as_mut().unwrap();
    key.secret = "hunter2".into();
    let shown = format!("{:?}", source(settings).await);
    assert!(shown.contains("recordings") && !shown.contains("hunter2"), "{shown}");
}
