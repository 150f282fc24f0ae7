//! What the adapter is configured with.

use std::fmt;

use reflector_core::recording::SourceError;
use secrecy::SecretString;
use url::Url;

/// What the adapter is configured with. What is not said here is as the environment says, in the way of all programs
/// that use AWS: `AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, `AWS_PROFILE`, the role of the machine and so on.
#[derive(Clone, Debug, Default)]
pub struct AwsSettings {
    /// The queue that buckets notify, by its URL. A deployment that only compares buckets with what is known has none:
    /// receiving is refused then.
    pub queue_url: Option<String>,
    /// The buckets that are listed, in this order. Without any, listing is refused; receiving needs none.
    pub buckets: Vec<String>,
    /// The region of the buckets, and of a queue whose URL names none. Unless it or the environment says otherwise, it
    /// is the queue's.
    pub region: Option<String>,
    /// Where S3 and SQS are, if something stands in for AWS.
    pub endpoint: Option<String>,
    /// The key that calls are signed with.
    pub access_key: Option<AccessKey>,
}

/// A key of AWS that does not expire. `Debug` does not show its secret.
#[derive(Clone)]
pub struct AccessKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl AwsSettings {
    /// Whether they can be used, as far as that can be told without asking anybody.
    pub(crate) fn check(&self) -> Result<(), SourceError> {
        if let Some(url) = &self.queue_url {
            let parsed = Url::parse(url).ok().filter(|url| is_address(url) && url.path().len() > 1);
            if parsed.is_none() {
                return Err(SourceError::refused(
                    "the queue's URL is none; copy it from SQS, it looks like \
                     https://sqs.eu-central-1.amazonaws.com/123456789012/recordings",
                ));
            }
        }
        if let Some(endpoint) = &self.endpoint
            && !Url::parse(endpoint).is_ok_and(|url| is_address(&url))
        {
            return Err(SourceError::refused(
                "the endpoint that stands in for AWS is no address; it looks like https://localhost:9000",
            ));
        }
        if self.buckets.iter().any(|bucket| bucket.is_empty() || bucket.contains('/')) {
            return Err(SourceError::refused(
                "a bucket's name is empty or has a folder in it: name the bucket alone",
            ));
        }
        Ok(())
    }

    /// The region that the queue's URL names, if it does. SQS answers only there, whatever the environment says.
    pub(crate) fn region_of_queue(&self) -> Option<String> {
        let url = Url::parse(self.queue_url.as_deref()?).ok()?;
        let host = url.host_str()?;
        let of_aws =
            [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().any(|end| host.ends_with(end));
        let labels: Vec<_> = host.split('.').filter(|_| of_aws).collect();
        let region = labels.windows(2).find_map(|two| match two {
            ["sqs" | "sqs-fips", region] => Some(*region),
            // How URLs looked before there was a host for each region.
            [region, "queue"] => Some(*region),
            _ => None,
        });
        region.filter(|region| region.contains('-')).map(str::to_owned)
    }
}

/// What can be called, and tells no secret when it is shown.
fn is_address(url: &Url) -> bool {
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    plain && url.has_host() && matches!(url.scheme(), "https" | "http")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_queue(url: &str) -> AwsSettings {
        AwsSettings { queue_url: Some(url.to_owned()), ..AwsSettings::default() }
    }

    #[test]
    fn settings_show_no_secret() {
        let access_key = AccessKey { id: "the-id".to_owned(), secret: "the-secret".into() };
        let shown = format!("{:?}", AwsSettings { access_key: Some(access_key), ..AwsSettings::default() });
        assert!(shown.contains("the-id") && !shown.contains("the-secret"), "{shown}");
    }

    #[test]
    fn a_url_of_a_queue_tells_its_region() {
        for (url, region) in [
            ("https://sqs.eu-central-1.amazonaws.com/123456789012/q", Some("eu-central-1")),
            ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q", Some("cn-north-1")),
            ("https://sqs-fips.us-east-1.amazonaws.com/123456789012/q", Some("us-east-1")),
            ("https://vpce-1-2.sqs.us-west-2.vpce.amazonaws.com/123456789012/q", Some("us-west-2")),
            ("https://eu-west-1.queue.amazonaws.com/123456789012/q", Some("eu-west-1")),
            ("https://sqs.eu-north-1.api.aws/123456789012/q", Some("eu-north-1")),
            ("https://queue.amazonaws.com/123456789012/q", None),
            ("https://sqs.amazonaws.com/123456789012/q", None),
            ("http://sqs.localhost.localstack.cloud:4566/000000000000/q", None),
            ("http://127.0.0.1:5000/123456789012/q", None),
        ] {
            assert_eq!(of_queue(url).region_of_queue().as_deref(), region, "{url}");
        }
    }

    #[test]
    fn settings_that_lead_nowhere_are_refused_in_a_line_that_repeats_none_of_them() {
        let bucket = |name: &str| AwsSettings { buckets: vec![name.to_owned()], ..AwsSettings::default() };
        let endpoint = |url: &str| AwsSettings { endpoint: Some(url.to_owned()), ..AwsSettings::default() };
        for settings in [
            of_queue(""),
            of_queue("hunter2"),
            of_queue("arn:aws:sqs:eu-central-1:123456789012:hunter2"),
            of_queue("https://sqs.eu-central-1.amazonaws.com"),
            of_queue("https://ada:hunter2@sqs.eu-central-1.amazonaws.com/123456789012/q"),
            endpoint("hunter2:9000"),
            endpoint("ftp://hunter2"),
            bucket(""),
            bucket("hunter2/folder"),
        ] {
            let refusal = settings.check().unwrap_err().to_string();
            assert!(!refusal.contains("hunter2") && !refusal.contains('\n'), "{settings:?}: {refusal}");
        }
        for settings in [
            AwsSettings::default(),
            of_queue("https://sqs.eu-central-1.amazonaws.com/123456789012/q"),
            endpoint("http://127.0.0.1:5000"),
            bucket("recordings.of-ours"),
        ] {
            assert!(settings.check().is_ok(), "{settings:?}");
        }
    }
}
