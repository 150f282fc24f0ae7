//! What is asked of the queue, and what becomes of messages in hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reflector_aws::AwsSource;
use reflector_core::recording::{Receipt, RecordingSource, SourceError};
use reflector_test_aws::{Counts, moto};
use serde_json::{Value, json};
use wiremock::matchers::header;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::world::{received, settings, source, source_of};

const URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/recordings";

async fn source_at(server: &MockServer) -> AwsSource {
    source(settings(&server.uri(), Some(URL), &[])).await
}

/// Lets calls of one kind be answered, by what they say.
async fn answers(
    server: &MockServer,
    call: &str,
    answer: impl Fn(&Value) -> (u16, Value) + Send + Sync + 'static,
) {
    let answer = move |request: &Request| {
        let (status, body) = answer(&request.body_json().expect("calls are JSON"));
        ResponseTemplate::new(status).set_body_raw(body.to_string(), "application/x-amz-json-1.0")
    };
    let target = format!("AmazonSQS.{call}");
    Mock::given(header("x-amz-target", target.as_str())).respond_with(answer).mount(server).await;
}

/// What was asked, call by call.
async fn asked(server: &MockServer) -> Vec<(String, Value)> {
    let requests = server.received_requests().await.expect("they are recorded");
    let told = |request: &Request| {
        let target = request.headers["x-amz-target"].to_str().expect("it is text");
        let call = target.rsplit('.').next().unwrap_or_default().to_owned();
        (call, request.body_json().expect("calls are JSON"))
    };
    requests.iter().map(told).collect()
}

fn receipts(count: usize) -> Vec<Receipt> {
    (0..count).map(|number| Receipt(format!("r-{number}"))).collect()
}

/// All entries of a batch are done.
fn all_done(batch: &Value) -> (u16, Value) {
    let ids = batch["Entries"].as_array().unwrap().iter().map(|entry| json!({"Id": entry["Id"]}));
    (200, json!({"Successful": ids.collect::<Vec<_>>(), "Failed": []}))
}

/// What SQS does to a batch because of one of its receipts, as some that look like it do to all of it.
fn rejected(_: &Value) -> (u16, Value) {
    (400, json!({"__type": "com.amazonaws.sqs#InvalidParameterValue", "message": "Value for ReceiptHandle"}))
}

fn one_is_bad(call: &Value) -> (u16, Value) {
    if call["ReceiptHandle"] == "r-1" {
        (400, json!({"__type": "com.amazonaws.sqs#ReceiptHandleIsInvalid", "message": "it is invalid"}))
    } else {
        (200, json!({}))
    }
}

#[tokio::test]
async fn ten_messages_are_waited_for_as_long_as_sqs_can_and_held_for_two_minutes() {
    let server = MockServer::start().await;
    answers(&server, "ReceiveMessage", |_| (200, json!({}))).await;
    let source = AwsSource::connect(settings(&server.uri(), Some(URL), &[])).await.unwrap();
    assert_eq!(source.receive().await.unwrap(), []);
    let source = source.with_wait(Duration::from_millis(1_900));
    assert_eq!(source.receive().await.unwrap(), []);
    for longer in [Duration::from_secs(21), Duration::MAX] {
        let source = AwsSource::connect(settings(&server.uri(), Some(URL), &[])).await.unwrap();
        assert_eq!(source.with_wait(longer).receive().await.unwrap(), []);
    }
    assert_eq!(source.in_hand(), Duration::from_secs(120));
    let call = |wait: u32| {
        let names = ["ApproximateReceiveCount", "SentTimestamp"];
        let call = json!({
            "QueueUrl": URL, "MaxNumberOfMessages": 10, "WaitTimeSeconds": wait, "VisibilityTimeout": 120,
            "MessageSystemAttributeNames": names
        });
        ("ReceiveMessage".to_owned(), call)
    };
    assert_eq!(asked(&server).await, [call(20), call(1), call(20), call(20)]);
}

#[tokio::test]
async fn a_message_is_in_hand_for_as_long_as_was_said_and_as_sqs_allows() {
    let server = MockServer::start().await;
    answers(&server, "ReceiveMessage", |_| (200, json!({}))).await;
    let mut held = Vec::new();
    for said in [Duration::from_secs(3), Duration::ZERO, Duration::MAX] {
        let source = AwsSource::connect(settings(&server.uri(), Some(URL), &[])).await.unwrap();
        let source = source.with_in_hand(said);
        source.receive().await.unwrap();
        held.push(source.in_hand().as_secs());
    }
    assert_eq!(held, [3, 1, 43_195]);
    let asked: Vec<_> =
        asked(&server).await.into_iter().map(|(_, call)| call["VisibilityTimeout"].clone()).collect();
    assert_eq!(asked, [json!(3), json!(1), json!(43_195)]);
}

#[tokio::test]
async fn no_message_is_waited_for_longer_than_a_quarter_of_the_time_that_it_is_in_hand() {
    let server = MockServer::start().await;
    answers(&server, "ReceiveMessage", |_| (200, json!({}))).await;
    for in_hand in [80, 79, 12, 4, 1] {
        let source = AwsSource::connect(settings(&server.uri(), Some(URL), &[])).await.unwrap();
        source.with_in_hand(Duration::from_secs(in_hand)).receive().await.unwrap();
    }
    let waited: Vec<_> =
        asked(&server).await.into_iter().map(|(_, call)| call["WaitTimeSeconds"].clone()).collect();
    assert_eq!(
        waited,
        [json!(20), json!(19), json!(3), json!(1), json!(1)],
        "at least a second: else some is missed"
    );
}

#[tokio::test]
async fn where_ten_came_more_are_taken_in_hand_without_waiting_until_fewer_come_or_a_hundred_are() {
    for (there, taken, waited) in [
        (9, 9, vec![20]),
        (10, 10, vec![20, 0]),
        (34, 34, vec![20, 0, 0, 0]),
        (300, 100, [vec![20], vec![0; 9]].concat()),
    ] {
        let server = MockServer::start().await;
        let left = Arc::new(AtomicUsize::new(there));
        answers(&server, "ReceiveMessage", move |_| {
            let before = left.load(Ordering::SeqCst);
            let some = before.min(10);
            left.store(before - some, Ordering::SeqCst);
            let message =
                |n| json!({"MessageId": format!("{n}"), "ReceiptHandle": format!("r-{n}"), "Body": ""});
            (200, json!({"Messages": (before - some..before).map(message).collect::<Vec<_>>()}))
        })
        .await;
        let source = AwsSource::connect(settings(&server.uri(), Some(URL), &[])).await.unwrap();
        let mut messages = source.receive().await.unwrap();
        source.receive_more(&mut messages).await;
        assert_eq!(messages.len(), taken);
        let calls = asked(&server).await;
        let waits: Vec<_> = calls.iter().map(|(_, call)| call["WaitTimeSeconds"].as_i64().unwrap()).collect();
        assert_eq!(waits, waited, "of {there}");
    }
}

#[tokio::test]
async fn what_fails_when_more_is_asked_for_loses_nothing_that_came() {
    let server = MockServer::start().await;
    answers(&server, "ReceiveMessage", |call| match call["WaitTimeSeconds"].as_i64() {
        Some(0) => (403, json!({"__type": "AccessDeniedException"})),
        _ => {
            let message =
                |n| json!({"MessageId": format!("{n}"), "ReceiptHandle": format!("r-{n}"), "Body": ""});
            (200, json!({"Messages": (0..10).map(message).collect::<Vec<_>>()}))
        }
    })
    .await;
    let source = AwsSource::connect(settings(&server.uri(), Some(URL), &[])).await.unwrap();
    let mut messages = source.receive().await.unwrap();
    source.receive_more(&mut messages).await;
    assert_eq!(messages.len(), 10);
}

#[tokio::test]
async fn receipts_go_in_batches_of_ten_with_ids_that_differ() {
    let server = MockServer::start().await;
    answers(&server, "DeleteMessageBatch", all_done).await;
    answers(&server, "ChangeMessageVisibilityBatch", all_done).await;
    let source = source_at(&server).await;
    let receipts = receipts(12);
    assert_eq!(source.acknowledge(&receipts).await.unwrap(), []);
    source.give_back(&receipts[..2]).await.unwrap();
    source.extend(&receipts[..1]).await.unwrap();
    source.extend(&[]).await.unwrap();

    let entries = |of: &[Receipt], timeout: Option<u32>| -> Value {
        let entry = |(index, receipt): (usize, &Receipt)| {
            let mut entry = json!({"Id": index.to_string(), "ReceiptHandle": receipt.0});
            if let Some(timeout) = timeout {
                entry["VisibilityTimeout"] = timeout.into();
            }
            entry
        };
        json!({"QueueUrl": URL, "Entries": of.iter().enumerate().map(entry).collect::<Vec<_>>()})
    };
    let (delete, change) = ("DeleteMessageBatch".to_owned(), "ChangeMessageVisibilityBatch".to_owned());
    let expected = [
        (delete.clone(), entries(&receipts[..10], None)),
        (delete, entries(&receipts[10..], None)),
        (change.clone(), entries(&receipts[..2], Some(0))),
        (change, entries(&receipts[..1], Some(120))),
    ];
    assert_eq!(asked(&server).await, expected);
}

#[tokio::test]
async fn what_sqs_does_not_call_deleted_is_not_taken_for_it() {
    let server = MockServer::start().await;
    answers(&server, "DeleteMessageBatch", |_| {
        let failed = json!({"Id": "1", "Code": "InternalError", "SenderFault": false, "Message": "later"});
        (200, json!({"Successful": [{"Id": "0"}, {"Id": "3"}], "Failed": [failed]}))
    })
    .await;
    let left = source_at(&server).await.acknowledge(&receipts(4)).await.unwrap();
    let told: Vec<_> = left.iter().map(|left| (left.receipt.0.as_str(), left.error.as_str())).collect();
    assert_eq!(
        told,
        [
            ("r-1", "SQS has not deleted it (InternalError)"),
            ("r-2", "SQS has not deleted it (it does not say why)"),
        ]
    );
}

#[tokio::test]
async fn a_batch_that_is_rejected_for_one_receipt_holds_up_no_other() {
    let server = MockServer::start().await;
    answers(&server, "DeleteMessageBatch", rejected).await;
    answers(&server, "DeleteMessage", one_is_bad).await;
    answers(&server, "ChangeMessageVisibilityBatch", rejected).await;
    answers(&server, "ChangeMessageVisibility", one_is_bad).await;
    let source = source_at(&server).await;
    let left = source.acknowledge(&receipts(3)).await.unwrap();
    assert_eq!(left.iter().map(|left| left.receipt.0.as_str()).collect::<Vec<_>>(), ["r-1"]);
    source.give_back(&receipts(3)).await.unwrap();
    let calls: Vec<_> = asked(&server).await.into_iter().map(|(call, _)| call).collect();
    let (delete, change) = (["DeleteMessage"; 3], ["ChangeMessageVisibility"; 3]);
    let expected =
        [&["DeleteMessageBatch"][..], &delete[..], &["ChangeMessageVisibilityBatch"][..], &change[..]];
    assert_eq!(calls, expected.concat());
}

#[tokio::test]
async fn a_message_that_is_in_nobodys_hand_is_not_missed_but_one_that_sqs_failed_at_is() {
    for (code, is_error) in [
        ("ReceiptHandleIsInvalid", false),
        ("AWS.SimpleQueueService.MessageNotInflight", false),
        ("InvalidParameterValue", false),
        ("InternalError", true),
    ] {
        let server = MockServer::start().await;
        answers(&server, "ChangeMessageVisibilityBatch", move |_| {
            let failed = json!({"Id": "0", "Code": code, "SenderFault": !is_error, "Message": "no"});
            (200, json!({"Successful": [{"Id": "1"}], "Failed": [failed]}))
        })
        .await;
        let source = source_at(&server).await;
        for answer in [source.give_back(&receipts(2)).await, source.extend(&receipts(2)).await] {
            match answer {
                Ok(()) => assert!(!is_error, "{code} is an error"),
                Err(SourceError::Unavailable { detail, .. }) if is_error => {
                    assert!(detail.contains(code) && detail.contains("1 message"), "{detail}");
                }
                Err(error) => panic!("{code}: {error}"),
            }
        }
    }
}

#[tokio::test]
async fn a_receipt_that_is_named_twice_is_acknowledged() {
    let uploads = moto().bucket_with_queue(false, ".mp4", None).await;
    let source = source_of(&uploads).await;
    let receipt = received(&source).await[0].receipt.clone();
    assert_eq!(source.acknowledge(&[receipt.clone(), receipt]).await.unwrap(), []);
    assert_eq!(uploads.counts().await, Counts::default());
}

#[tokio::test]
async fn a_queue_says_whether_it_sets_dead_letters_aside_and_does() {
    let alone = moto().bucket_with_queue(false, ".mp4", None).await;
    assert!(!source_of(&alone).await.sets_dead_letters_aside().await.unwrap());

    let uploads = moto().bucket_with_queue(false, ".mp4", Some(2)).await;
    let source = source_of(&uploads).await;
    assert!(source.sets_dead_letters_aside().await.unwrap());
    let tried = received(&source).await;
    source.acknowledge(&[tried[0].receipt.clone()]).await.unwrap();
    uploads.send("nobody can read this").await;
    for receives in 1..=2 {
        let messages = received(&source).await;
        assert_eq!((messages.len(), messages[0].receives), (1, receives));
        source.give_back(&[messages[0].receipt.clone()]).await.unwrap();
    }
    assert_eq!(received(&source).await, []);
    assert_eq!(uploads.counts().await, Counts { dead: 1, ..Counts::default() });
}

#[tokio::test]
async fn a_policy_without_a_queue_of_dead_letters_sets_nothing_aside() {
    for (policy, sets_aside) in [
        (json!({}), false),
        (json!({"Attributes": {}}), false),
        (json!({"Attributes": {"RedrivePolicy": ""}}), false),
        (json!({"Attributes": {"RedrivePolicy": "{\"deadLetterTargetArn\":\"\"}"}}), false),
        (json!({"Attributes": {"RedrivePolicy": "{\"deadLetterTargetArn\":\"arn:aws:sqs:x:1:d\"}"}}), true),
    ] {
        let server = MockServer::start().await;
        let answer = policy.clone();
        answers(&server, "GetQueueAttributes", move |_| (200, answer.clone())).await;
        let said = source_at(&server).await.sets_dead_letters_aside().await.unwrap();
        assert_eq!(said, sets_aside, "{policy}");
    }
}

#[tokio::test]
async fn a_deployment_without_a_queue_lists_and_receives_nothing() {
    let uploads = moto().bucket_with_queue(false, ".mp4", None).await;
    uploads.put("a.mp4", b"1").await;
    let source = source(settings(moto().endpoint(), None, &[uploads.bucket()])).await;
    assert_eq!(source.list(None).await.unwrap().notices.len(), 1);
    let refused = [
        source.receive().await.map(drop),
        source.acknowledge(&[]).await.map(drop),
        source.give_back(&[]).await,
        source.extend(&[]).await,
        source.sets_dead_letters_aside().await.map(drop),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert!(matches!(&error, SourceError::Refused { detail } if detail.contains("no queue")), "{error}");
    }
}
