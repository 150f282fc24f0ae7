//! The source: a queue and some buckets.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::Credentials;
use aws_types::service_config::ServiceConfigKey;
use reflector_core::recording::{
    Listing, Message, ObjectBytes, ObjectVersion, Objects, Receipt, RecordingSource, SourceError,
    Unacknowledged,
};
use secrecy::ExposeSecret;

use crate::objects::Buckets;
use crate::queue::{IN_HAND, Queue};
use crate::settings::AwsSettings;
use crate::time_outs::TimeOuts;

/// How long SQS waits for a message before it says that there is none, in seconds: as long as it can.
const WAIT: i32 = 20;
/// How long to wait at most before a call that failed is tried again, and twice that the second time. Whoever calls
/// tries again as well, and takes longer.
const RETRY: Duration = Duration::from_millis(100);

/// The longest that a message can be in hand, in seconds. SQS counts from when it was received, and refuses all of twelve
/// hours a moment later.
const LONGEST_IN_HAND: i32 = 12 * 60 * 60 - 5;

/// Recordings in S3 that are announced through SQS. See the [crate] for what it does of its ports in which way.
pub struct AwsSource {
    pub(crate) queue: Option<Queue>,
    pub(crate) objects: Buckets,
}

impl AwsSource {
    /// A source with these settings, and what they leave open from the environment. Nobody is asked for anything yet,
    /// but AWS's machine for its region if nothing else names one.
    ///
    /// # Errors
    ///
    /// [`SourceError::Refused`] for settings that lead nowhere, and if no region is named.
    pub async fn connect(settings: AwsSettings) -> Result<Self, SourceError> {
        settings.check()?;
        let sdk = environment(&settings).await;
        if sdk.region().is_none() {
            return Err(SourceError::refused(
                "no region of AWS is named: set AWS_REGION to that of the buckets",
            ));
        }
        let time_outs = TimeOuts::default();
        let s3 = aws_sdk_s3::config::Builder::from(&sdk).timeout_config(time_outs.of_a_call());
        // What stands in for S3 has no name of its own for each bucket.
        let s3 = aws_sdk_s3::Client::from_conf(s3.force_path_style(has_endpoint(&sdk)).build());
        let sqs = aws_sdk_sqs::config::Builder::from(&sdk);
        let sqs = match settings.region_of_queue() {
            Some(region) => sqs.region(Region::new(region)),
            None => sqs,
        };
        let client = aws_sdk_sqs::Client::from_conf(sqs.build());
        let queue = settings.queue_url.map(|url| Queue::new(client, url, WAIT, time_outs));
        Ok(Self { queue, objects: Buckets::new(s3, settings.buckets, time_outs) })
    }

    /// The same, with another time that SQS waits for a message before it says that there is none: whole seconds, 20
    /// at most, which is what it is if nothing is said. With none at all SQS looks at some of its machines only and
    /// may miss what is there.
    #[must_use]
    pub fn with_wait(self, wait: Duration) -> Self {
        let wait = i32::try_from(wait.as_secs()).map_or(WAIT, |wait| wait.min(WAIT));
        self.with_queue(|queue| Queue { wait, ..queue })
    }

    /// The same, with another time that a message is in hand: whole seconds, from one to twelve hours, which is as long
    /// as SQS lets anybody have one; two minutes if nothing is said. SQS waits for a quarter of it at most.
    #[must_use]
    pub fn with_in_hand(self, in_hand: Duration) -> Self {
        let in_hand = i32::try_from(in_hand.as_secs()).unwrap_or(LONGEST_IN_HAND).clamp(1, LONGEST_IN_HAND);
        self.with_queue(|queue| Queue { in_hand, ..queue })
    }

    /// The same, with another time that an answer may take, beside what SQS waits for a message, and each next piece
    /// of an object that is read: 10 seconds if nothing is said. A call that fails sooner is tried again, within three
    /// times that long in all.
    #[must_use]
    pub fn with_answers_within(mut self, answer: Duration) -> Self {
        let time_outs = TimeOuts { answer };
        let s3 = self.objects.client.config().to_builder().timeout_config(time_outs.of_a_call());
        self.objects.client = aws_sdk_s3::Client::from_conf(s3.build());
        self.objects.time_outs = time_outs;
        self.with_queue(|queue| Queue { time_outs, ..queue })
    }

    fn with_queue(self, change: impl FnOnce(Queue) -> Queue) -> Self {
        Self { queue: self.queue.map(|queue| change(queue).fitted()), ..self }
    }

    /// The same, with pages of at most so many versions: a thousand if nothing is said, and S3 gives no more.
    #[must_use]
    pub fn with_page(mut self, versions: u16) -> Self {
        self.objects.page = i32::from(versions.max(1));
        self
    }

    fn queue(&self) -> Result<&Queue, SourceError> {
        self.queue.as_ref().ok_or_else(|| {
            SourceError::refused("no queue is named: give the URL of the one that the buckets notify")
        })
    }
}

/// What the settings say, and else the environment.
async fn environment(settings: &AwsSettings) -> SdkConfig {
    // The machine is asked last: where it is not one of AWS, that takes seconds.
    let region = RegionProviderChain::first_try(settings.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else(settings.region_of_queue().map(Region::new))
        .or_default_provider();
    let retry = RetryConfig::standard().with_initial_backoff(RETRY);
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).region(region).retry_config(retry);
    if let Some(endpoint) = &settings.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(key) = &settings.access_key {
        let secret = key.secret.expose_secret();
        loader = loader.credentials_provider(Credentials::new(&key.id, secret, None, None, "settings"));
    }
    loader.load().await
}

/// Whether something stands in for S3, by the settings or the environment.
fn has_endpoint(sdk: &SdkConfig) -> bool {
    let key =
        ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let of_s3 = key.ok().and_then(|key| sdk.service_config()?.load_config(key));
    of_s3.is_some() || sdk.endpoint_url().is_some()
}

#[async_trait]
impl RecordingSource for AwsSource {
    async fn receive(&self) -> Result<Vec<Message>, SourceError> {
        self.queue()?.receive().await
    }

    async fn receive_more(&self, received: &mut Vec<Message>) {
        if let Some(queue) = &self.queue {
            queue.receive_more(received).await;
        }
    }

    fn in_hand(&self) -> Duration {
        let in_hand = self.queue.as_ref().map_or(IN_HAND, |queue| queue.in_hand);
        Duration::from_secs(u64::try_from(in_hand).unwrap_or_default())
    }

    async fn acknowledge(&self, receipts: &[Receipt]) -> Result<Vec<Unacknowledged>, SourceError> {
        self.queue()?.acknowledge(receipts).await
    }

    async fn give_back(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        self.queue()?.give_back(receipts).await
    }

    async fn extend(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        self.queue()?.extend(receipts).await
    }

    async fn sets_dead_letters_aside(&self) -> Result<bool, SourceError> {
        self.queue()?.sets_dead_letters_aside().await
    }

    async fn list(&self, page: Option<&str>) -> Result<Listing, SourceError> {
        self.objects.list(page).await
    }

    async fn erase(&self, object: &ObjectVersion) -> Result<(), SourceError> {
        self.objects.erase(object).await
    }
}

#[async_trait]
impl Objects for AwsSource {
    async fn open(
        &self,
        object: &ObjectVersion,
        from: u64,
    ) -> Result<Option<Box<dyn ObjectBytes>>, SourceError> {
        self.objects.open(object, from).await
    }
}

impl fmt::Debug for AwsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.queue.as_ref().map(|queue| &queue.url);
        f.debug_struct("AwsSource")
            .field("queue_url", &url)
            .field("buckets", &self.objects.buckets)
            .finish_non_exhaustive()
    }
}
