//! The source keeps every sentence of the port's contract: over a bucket that keeps only the newest, whose messages
//! come as the server makes them, and over one that keeps versions, whose messages come in each envelope there is.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use reflector_aws::AwsSource;
use reflector_core::recording::RecordingSource;
use reflector_core::testing::source_suite::SourceHarness;
use reflector_test_aws::{BucketWithQueue, moto};

use crate::world::source_of;

/// How what is put there is announced.
#[derive(Clone, Copy, Debug)]
enum Envelope {
    /// By the server itself.
    OfTheServer,
    /// As S3 does, which the server does not quite: with the version.
    S3,
    /// The same in an envelope of SNS.
    Sns,
    /// As EventBridge does.
    EventBridge,
}

#[derive(Debug)]
struct World {
    uploads: BucketWithQueue,
    source: AwsSource,
    envelope: Envelope,
    put: AtomicU64,
}

async fn world(versioned: bool, envelope: Envelope) -> World {
    // Otherwise the server announces nothing: it is told of another ending.
    let suffix = if matches!(envelope, Envelope::OfTheServer) { ".mp4" } else { ".nothing" };
    let uploads = moto().bucket_with_queue(versioned, suffix, None).await;
    let source = source_of(&uploads).await;
    World { uploads, source, envelope, put: AtomicU64::new(0) }
}

#[async_trait]
impl SourceHarness for World {
    fn source(&self) -> &dyn RecordingSource {
        &self.source
    }

    async fn put(&self, key: &str) {
        let number = self.put.fetch_add(1, Ordering::Relaxed);
        let body = format!("object {number}");
        let put = self.uploads.put(key, body.as_bytes()).await;
        let announced = Announced {
            bucket: self.uploads.bucket(),
            key,
            size: body.len(),
            tag: &put.tag,
            version: put.version_id.as_deref(),
        };
        match self.envelope {
            Envelope::OfTheServer => {}
            Envelope::S3 => self.uploads.send(&announced.by_s3()).await,
            Envelope::Sns => self.uploads.send(&in_sns(&announced.by_s3())).await,
            Envelope::EventBridge => self.uploads.send(&announced.by_event_bridge()).await,
        }
    }

    async fn send_garbage(&self, body: &str) -> bool {
        self.uploads.send(body).await;
        true
    }
}

/// An object as AWS announces it.
struct Announced<'a> {
    bucket: &'a str,
    key: &'a str,
    size: usize,
    tag: &'a str,
    version: Option<&'a str>,
}

impl Announced<'_> {
    fn by_s3(&self) -> String {
        let mut object = serde_json::json!({
            "key": form_encoded(self.key), "size": self.size, "eTag": self.tag, "sequencer": "0055AED6DCD90281E5"
        });
        if let Some(version) = self.version {
            object["versionId"] = version.into();
        }
        serde_json::json!({"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
            "eventTime": "2026-11-22T09:30:00.000Z", "eventName": "ObjectCreated:Put",
            "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": self.bucket}, "object": object}
        }]})
        .to_string()
    }

    fn by_event_bridge(&self) -> String {
        let mut object = serde_json::json!({
            "key": self.key, "size": self.size, "etag": self.tag, "sequencer": "617f08299329d189"
        });
        if let Some(version) = self.version {
            object["version-id"] = version.into();
        }
        serde_json::json!({
            "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": "Object Created",
            "source": "aws.s3", "account": "111122223333", "time": "2021-11-12T00:00:00Z",
            "detail": {"version": "0", "bucket": {"name": self.bucket}, "object": object, "reason": "PutObject"}
        })
        .to_string()
    }
}

fn in_sns(message: &str) -> String {
    serde_json::json!({
        "Type": "Notification", "MessageId": "m-1", "TopicArn": "arn:aws:sns:us-east-1:111122223333:t",
        "Subject": "Amazon S3 Notification", "Message": message, "Timestamp": "2012-03-29T05:12:16.901Z"
    })
    .to_string()
}

/// As S3 encodes keys: a space is a plus.
fn form_encoded(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._*/".contains(&byte);
    let encoded = key.bytes().map(|byte| match byte {
        b' ' => "+".to_owned(),
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}

mod newest_only {
    use super::{Envelope, World, world};

    async fn empty() -> World {
        world(false, Envelope::OfTheServer).await
    }

    reflector_core::source_suite!(empty);
}

mod with_versions_by_s3 {
    use super::{Envelope, World, world};

    async fn empty() -> World {
        world(true, Envelope::S3).await
    }

    reflector_core::source_suite!(empty);
}

mod with_versions_through_sns {
    use super::{Envelope, World, world};

    async fn empty() -> World {
        world(true, Envelope::Sns).await
    }

    reflector_core::source_suite!(empty);
}

mod newest_only_through_event_bridge {
    use super::{Envelope, World, world};

    async fn empty() -> World {
        world(false, Envelope::EventBridge).await
    }

    reflector_core::source_suite!(empty);
}
