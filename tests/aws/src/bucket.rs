//! A bucket and its queue for one test.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::types::{
    BucketVersioningStatus, CompletedMultipartUpload, CompletedPart, Event, FilterRule, FilterRuleName,
    NotificationConfiguration, NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter,
    VersioningConfiguration,
};
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;

use crate::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY};

/// How large the first part of an upload in parts is: no part but the last may be smaller.
const PART: usize = 5 << 20;

/// A bucket that tells a queue of its new objects. Both are of one test, and go with the server.
#[derive(Debug)]
pub struct BucketWithQueue {
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    bucket: String,
    queue_url: String,
    dead_letters_url: Option<String>,
}

/// An object that was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Which version it is, in a bucket that keeps them.
    pub version_id: Option<String>,
    /// The tag of what is in it, without quotes.
    pub tag: String,
}

/// How many messages there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// In the queue, to be received.
    pub waiting: u32,
    /// Received, and neither deleted nor come back yet.
    pub in_hand: u32,
    /// In the queue of dead letters.
    pub dead: u32,
}

/// What was done, or a panic with all that the server said: it has no reason to refuse anything.
trait Done<T> {
    fn done(self) -> T;
}

impl<T, E: std::error::Error> Done<T> for Result<T, E> {
    fn done(self) -> T {
        self.unwrap_or_else(|error| panic!("{}", DisplayErrorContext(error)))
    }
}

impl BucketWithQueue {
    pub(crate) async fn make(endpoint: &str, versioned: bool, suffix: &str, redrive: Option<u32>) -> Self {
        let (s3, sqs) = clients(endpoint);
        let name = format!("t{:016x}", RandomState::new().build_hasher().finish());
        let mut queue = sqs.create_queue().queue_name(&name);
        let mut dead_letters_url = None;
        if let Some(most) = redrive {
            let dead = sqs.create_queue().queue_name(format!("{name}-dead")).send().await.done().queue_url;
            let dead = dead.expect("a queue has a URL");
            let arn = arn(&sqs, &dead).await;
            let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"{most}"}}"#);
            queue = queue.attributes(QueueAttributeName::RedrivePolicy, policy);
            dead_letters_url = Some(dead);
        }
        let queue_url = queue.send().await.done().queue_url.expect("a queue has a URL");
        s3.create_bucket().bucket(&name).send().await.done();
        let made = Self { s3, sqs, bucket: name, queue_url, dead_letters_url };
        if versioned {
            made.keep_versions().await;
        }
        made.notify(suffix).await;
        made
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The queue's URL.
    pub fn queue_url(&self) -> &str {
        &self.queue_url
    }

    /// Puts an object there in one piece.
    ///
    /// # Panics
    ///
    /// If the server is away; so do all others.
    pub async fn put(&self, key: &str, bytes: &[u8]) -> Put {
        let put = self.s3.put_object().bucket(&self.bucket).key(key).body(bytes.to_vec().into());
        let put = put.send().await.done();
        Put::of(put.version_id, put.e_tag)
    }

    /// Puts an object there in two parts: five mebibytes, and these bytes.
    pub async fn put_in_parts(&self, key: &str, bytes: &[u8]) -> Put {
        let begin = self.s3.create_multipart_upload().bucket(&self.bucket).key(key).send().await.done();
        let id = begin.upload_id.expect("an upload has an id");
        let mut completed = CompletedMultipartUpload::builder();
        for (number, body) in (1..).zip([vec![0; PART], bytes.to_vec()]) {
            let part = self.s3.upload_part().bucket(&self.bucket).key(key).upload_id(&id);
            let part = part.part_number(number).body(body.into()).send().await.done();
            let part = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag);
            completed = completed.parts(part.build());
        }
        let end = self.s3.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(&id);
        let end = end.multipart_upload(completed.build()).send().await.done();
        Put::of(end.version_id, end.e_tag)
    }

    /// Copies an object to another key. The first one must have a plain key.
    pub async fn copy(&self, from: &str, to: &str) -> Put {
        let copy = self.s3.copy_object().bucket(&self.bucket).key(to);
        let copy = copy.copy_source(format!("{}/{from}", self.bucket)).send().await.done();
        Put::of(copy.version_id, copy.copy_object_result.and_then(|result| result.e_tag))
    }

    /// Deletes what stands now under a key. A bucket that keeps versions keeps it, with a mark above it.
    pub async fn delete(&self, key: &str) {
        self.s3.delete_object().bucket(&self.bucket).key(key).send().await.done();
    }

    /// How many versions and marks there are of keys that begin like this.
    pub async fn versions(&self, prefix: &str) -> usize {
        let all = self.s3.list_object_versions().bucket(&self.bucket).prefix(prefix).send().await.done();
        all.versions().len() + all.delete_markers().len()
    }

    /// Sends a message to the queue, as it is.
    pub async fn send(&self, body: &str) {
        self.sqs.send_message().queue_url(&self.queue_url).message_body(body).send().await.done();
    }

    /// Takes a message out of the queue as if it had been lost, and gives its body. Messages by which a bucket tries
    /// the queue are lost on the way.
    pub async fn lose_one(&self) -> Option<String> {
        loop {
            let received = self.sqs.receive_message().queue_url(&self.queue_url).send().await.done();
            let message = received.messages.unwrap_or_default().pop()?;
            let delete = self.sqs.delete_message().queue_url(&self.queue_url);
            delete.set_receipt_handle(message.receipt_handle).send().await.done();
            let body = message.body.expect("a message has a body");
            if !body.contains("s3:TestEvent") {
                return Some(body);
            }
        }
    }

    /// Takes so many messages out of the queue that are to be lost, whichever come first. Those that are seen on the way
    /// come again after a moment.
    pub async fn lose(&self, mut many: usize, is_to_be_lost: impl Fn(&str) -> bool) {
        while many > 0 {
            let receive = self.sqs.receive_message().queue_url(&self.queue_url).max_number_of_messages(10);
            let received = receive.visibility_timeout(2).send().await.done();
            for message in received.messages.unwrap_or_default() {
                if many > 0 && message.body.as_deref().is_some_and(&is_to_be_lost) {
                    let delete = self.sqs.delete_message().queue_url(&self.queue_url);
                    delete.set_receipt_handle(message.receipt_handle).send().await.done();
                    many -= 1;
                }
            }
        }
    }

    /// How many messages there are.
    pub async fn counts(&self) -> Counts {
        let (waiting, in_hand) = counts(&self.sqs, &self.queue_url).await;
        let dead = match &self.dead_letters_url {
            Some(url) => counts(&self.sqs, url).await.0,
            None => 0,
        };
        Counts { waiting, in_hand, dead }
    }

    async fn keep_versions(&self) {
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let put = self.s3.put_bucket_versioning().bucket(&self.bucket).versioning_configuration(enabled);
        put.send().await.done();
    }

    async fn notify(&self, suffix: &str) {
        let rule = FilterRule::builder().name(FilterRuleName::Suffix).value(suffix).build();
        let filter = S3KeyFilter::builder().filter_rules(rule).build();
        let queue = QueueConfiguration::builder()
            .queue_arn(arn(&self.sqs, &self.queue_url).await)
            .events(Event::S3ObjectCreated)
            .filter(NotificationConfigurationFilter::builder().key(filter).build())
            .build()
            .done();
        let notify = NotificationConfiguration::builder().queue_configurations(queue).build();
        let put = self.s3.put_bucket_notification_configuration().bucket(&self.bucket);
        put.notification_configuration(notify).send().await.done();
    }
}

impl Put {
    fn of(version_id: Option<String>, tag: Option<String>) -> Self {
        let tag = tag.expect("what was put has a tag");
        Self { version_id, tag: tag.trim_matches('"').to_owned() }
    }
}

/// Clients of their own for each test: connections are of the runtime that made them.
fn clients(endpoint: &str) -> (aws_sdk_s3::Client, aws_sdk_sqs::Client) {
    let credentials = Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "test");
    let s3 = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(credentials.clone())
        .force_path_style(true);
    let sqs = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(credentials);
    (aws_sdk_s3::Client::from_conf(s3.build()), aws_sdk_sqs::Client::from_conf(sqs.build()))
}

async fn arn(sqs: &aws_sdk_sqs::Client, queue_url: &str) -> String {
    attributes(sqs, queue_url).await.remove(&QueueAttributeName::QueueArn).expect("a queue has a name")
}

async fn counts(sqs: &aws_sdk_sqs::Client, queue_url: &str) -> (u32, u32) {
    let attributes = attributes(sqs, queue_url).await;
    let count = |name| attributes.get(&name).and_then(|count| count.parse().ok()).expect("it is counted");
    let waiting = count(QueueAttributeName::ApproximateNumberOfMessages);
    (waiting, count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible))
}

async fn attributes(sqs: &aws_sdk_sqs::Client, queue_url: &str) -> HashMap<QueueAttributeName, String> {
    let all = sqs.get_queue_attributes().queue_url(queue_url).attribute_names(QueueAttributeName::All);
    all.send().await.done().attributes.expect("a queue has attributes")
}
