//! What is set up and allowed, told without changing anything: for whoever looks after a deployment.

use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::types::{Event, NotificationConfiguration};
use reflector_core::recording::{Receipt, RecordingSource, SourceError};

use crate::source::AwsSource;
use crate::trouble::{Asked, Kind, On, Trouble};

/// What nobody calls an object, so that nothing is deleted by asking for it.
const NO_OBJECT: &str = "nothing: reflector asks whether it may delete";

/// Whom a bucket tells of new objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    /// The queue that is received from.
    TheQueue,
    /// Other queues, topics, functions or EventBridge: whether they lead to the queue, the bucket does not know.
    Others,
    /// Nobody.
    Nobody,
}

impl AwsSource {
    /// Whether messages of the queue may be deleted and extended: tried with a receipt that no message has.
    ///
    /// # Errors
    ///
    /// [`SourceError`], naming what is missing.
    pub async fn may_settle(&self) -> Result<(), SourceError> {
        let of_no_message = [Receipt(NO_OBJECT.to_owned())];
        self.acknowledge(&of_no_message).await?;
        self.extend(&of_no_message).await
    }

    /// Whether objects of the buckets may be deleted below this folder, which is empty or ends with a slash: tried with
    /// a version of an object that is not there, which S3 answers as if it had been.
    ///
    /// # Errors
    ///
    /// [`SourceError`], naming what is missing.
    pub async fn may_erase(&self, folder: &str) -> Result<(), SourceError> {
        for bucket in &self.objects.buckets {
            let asked = Asked { permission: "s3:DeleteObjectVersion", on: On::ObjectsOf(bucket) };
            let delete = self.objects.client.delete_object().bucket(bucket);
            // With a version it deletes that one or nothing, and never puts a mark above what is there.
            let delete = delete.key(format!("{folder}{NO_OBJECT}")).version_id("null");
            match delete.send().await.map_err(|error| Trouble::of(error, asked)) {
                // S3 answers with nothing but its headers, and so does many a web server.
                Ok(answer) if answer.request_id().is_none() => {
                    let what = "what answers is not S3: check AWS_ENDPOINT_URL if it is set";
                    return Err(SourceError::refused(what));
                }
                Ok(_) => {}
                Err(trouble) if matches!(trouble.kind, Kind::Gone) => {}
                Err(trouble) => return Err(trouble.into()),
            }
        }
        Ok(())
    }

    /// Whom each bucket tells of new objects.
    ///
    /// # Errors
    ///
    /// [`SourceError`], naming what is missing: `s3:GetBucketNotification` is needed for nothing else.
    pub async fn tells(&self) -> Result<Vec<(String, Tells)>, SourceError> {
        let mut all = Vec::new();
        for bucket in &self.objects.buckets {
            let asked = Asked { permission: "s3:GetBucketNotification", on: On::Bucket(bucket) };
            let told = self.objects.client.get_bucket_notification_configuration().bucket(bucket);
            let told = told.send().await.map_err(|error| Trouble::of(error, asked))?;
            let told = NotificationConfiguration::builder()
                .set_queue_configurations(told.queue_configurations)
                .set_topic_configurations(told.topic_configurations)
                .set_lambda_function_configurations(told.lambda_function_configurations)
                .set_event_bridge_configuration(told.event_bridge_configuration)
                .build();
            all.push((bucket.clone(), tells(&told, self.queue.as_ref().map(|queue| queue.url.as_str()))));
        }
        Ok(all)
    }
}

fn tells(told: &NotificationConfiguration, queue_url: Option<&str>) -> Tells {
    let of_new_objects = |events: &[Event]| {
        events.iter().any(|event| event.as_str().trim_start_matches("s3:").starts_with("ObjectCreated:"))
    };
    let queues = told.queue_configurations().iter().filter(|queue| of_new_objects(queue.events()));
    let queues: Vec<_> = queues.map(|queue| queue.queue_arn()).collect();
    let topics = told.topic_configurations().iter().any(|topic| of_new_objects(topic.events()));
    let functions =
        told.lambda_function_configurations().iter().any(|function| of_new_objects(function.events()));
    if queue_url.is_some_and(|url| queues.iter().any(|arn| is_of(arn, url))) {
        Tells::TheQueue
    } else if !queues.is_empty() || topics || functions || told.event_bridge_configuration().is_some() {
        Tells::Others
    } else {
        Tells::Nobody
    }
}

/// Whether a name of AWS's is that of the queue at this address: both end with the account and the queue.
fn is_of(arn: &str, url: &str) -> bool {
    let mut of_url = url.trim_end_matches('/').rsplit('/');
    let mut of_arn = arn.rsplit(':');
    (0..2).all(|_| matches!((of_url.next(), of_arn.next()), (Some(one), Some(other)) if one == other))
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{EventBridgeConfiguration, QueueConfiguration, TopicConfiguration};

    use super::*;

    const URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/recordings";

    fn queue(arn: &str, event: &str) -> QueueConfiguration {
        QueueConfiguration::builder().queue_arn(arn).events(Event::from(event)).build().unwrap()
    }

    #[test]
    fn the_queue_is_told_if_its_account_and_name_are_and_of_new_objects() {
        let arn = "arn:aws:sqs:eu-central-1:123456789012:recordings";
        for (queue, said) in [
            (queue(arn, "s3:ObjectCreated:*"), Tells::TheQueue),
            (queue(arn, "s3:ObjectCreated:Put"), Tells::TheQueue),
            (queue(arn, "s3:ObjectRemoved:*"), Tells::Nobody),
            (queue("arn:aws:sqs:eu-central-1:123456789012:others", "s3:ObjectCreated:*"), Tells::Others),
            (queue("arn:aws:sqs:eu-central-1:999999999999:recordings", "s3:ObjectCreated:*"), Tells::Others),
        ] {
            let told = NotificationConfiguration::builder().queue_configurations(queue.clone()).build();
            assert_eq!(tells(&told, Some(URL)), said, "{queue:?}");
        }
    }

    #[test]
    fn a_topic_and_event_bridge_may_lead_to_the_queue() {
        let topic = TopicConfiguration::builder().topic_arn("t").events(Event::S3ObjectCreated);
        let topic = NotificationConfiguration::builder().topic_configurations(topic.build().unwrap()).build();
        let bridge = EventBridgeConfiguration::builder().build();
        let bridge = NotificationConfiguration::builder().event_bridge_configuration(bridge).build();
        for told in [topic, bridge] {
            assert_eq!(tells(&told, Some(URL)), Tells::Others);
        }
        assert_eq!(tells(&NotificationConfiguration::builder().build(), Some(URL)), Tells::Nobody);
    }
}
